"""Peers for the forecast: mlforecast's LightGBM and statsforecast's MSTL, each set up as a careful user would have it.

Values are persons an hour, shape (n sensors, T hours), NaN where missing, on a grid without gaps of the hours that a wall clock
shows. ``first_hour`` numbers the first of them, counted from 1970-01-01 00:00 on that clock, so that weekday and hour follow by
arithmetic. An origin is the index of the newest hour that is known. Zeros of a dead sensor have to be missing already.

The settings were chosen on Auckland's July–December 2024, trained on the hours before. Tried for mlforecast: the target as it is,
its square root or logarithm (the root was best, by a little), differences of 168 hours (worse), the direct strategy at 8
of the horizons, calendar lined up with each: 3–12 % worse within the day, 2–3 % better at 48 and 168 h, and 168 fits
instead of one. For statsforecast: 8 or 12 weeks, the count, its root or logarithm, trends with and without slope.
``pip install "ruimte[peers]"``.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import lightgbm
import numpy as np
import pandas as pd
from mlforecast import MLForecast
from mlforecast.lag_transforms import RollingMean, SeasonalRollingMean
from mlforecast.target_transforms import GlobalSklearnTransformer
from numpy.typing import NDArray
from sklearn.preprocessing import FunctionTransformer
from statsforecast.models import MSTL, AutoETS

from ruimte.forecast.comparison import Method
from ruimte.model.calendar import EPOCH
from ruimte.model.forecast import LEVELS
from ruimte.model.place import Model

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

HORIZONS = 168
_DAY, _WEEK, _YEAR = 24, 168, 8766
_YEARS = 3
"""Trained on."""
_HISTORY = 5 * _WEEK
"""Hours that a forecast is made from: the oldest lag is four weeks."""
_CALIBRATED = 26
"""Weeks before the end of training whose errors make mlforecast's quantiles."""
_MSTL_WEEKS = 12
_LAGS = [1, 2, 3, 24, 48, 72, 96, 120, 144, 168, 336, 504, 672]
_EPOCH = np.datetime64(0, "ns")
_HOUR = np.timedelta64(1, "h")


def method(name: str, model: Model) -> Callable[[Array, float, Ints, int], Method]:
    """One of these as a method of a backtest: fitted once, on what was known at its first origin."""
    holidays = np.array(sorted((day - EPOCH).days for day in model.calendar.holidays), dtype=np.int64)

    def said(values: Array, first_h: float, origins: Ints, count: int) -> Method:
        if name == "mlforecast":
            found = mlforecast_lightgbm(values, round(first_h), origins, int(origins[0]) + 1, holidays=holidays)
        else:
            found = statsforecast_mstl(values, round(first_h), origins)
        assert found.quantiles is not None
        return Method(found.point[..., :count], found.quantiles[..., :count, :])

    return said


def mlforecast_lightgbm(values: Array, first_hour: int, origins: Ints, train_until: int, *, holidays: Ints) -> Method:
    """One LightGBM for all sensors on lags, rolling means and the calendar, made one hour after the other; fitted once.

    The quantiles are conformal, as the library's own are: the point, give or take the errors of the same model, fitted on what
    was known 26 weeks before the end of training, in those weeks. The library begins all its windows at one hour of the day,
    so that by its own intervals a night would get the errors of an afternoon; here they are lined up. Errors are those of the
    square root.

    Args:
        values: persons an hour, shape (n, T), NaN missing.
        first_hour: number of the first hour on the wall clock.
        origins: indices of the newest hours known, none before ``train_until`` − 1.
        train_until: index of the first hour not trained on.
        holidays: numbers of the days that are public holidays, counted from 1970-01-01.
    """
    known = _filled(values)
    model = _fitted(values, known, first_hour, train_until, holidays)
    point = _forecasts(model, known, first_hour, origins)
    earlier = train_until - (_CALIBRATED + 1) * _WEEK
    model = _fitted(values, known, first_hour, earlier, holidays)
    quantiles = np.empty((*point.shape, len(LEVELS)))
    hours = (origins + first_hour) % _DAY
    for hour in np.unique(hours):
        first = earlier + (hour - first_hour - earlier) % _DAY
        windows = first + _WEEK * np.arange(_CALIBRATED)
        errors = np.sqrt(_truth(values, windows)) - np.sqrt(_forecasts(model, known, first_hour, windows))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a sensor that was dead all the while has no errors
            offsets = np.nanquantile(np.concatenate([errors, -errors]), LEVELS, axis=0)
        spread = np.sqrt(point[hours == hour])[..., None] + np.moveaxis(offsets, 0, -1)
        quantiles[hours == hour] = np.maximum(spread, 0.0) ** 2
    return Method(point, quantiles)


def statsforecast_mstl(values: Array, first_hour: int, origins: Ints) -> Method:
    """Day and week by LOESS, the rest by exponential smoothing without slope, of the square root of each sensor's last 12 weeks.

    The quantiles are the ends of the library's own intervals. ``first_hour`` is not used: it stands there for likeness.
    """
    known = np.sqrt(_filled(values))
    shape = (len(origins), len(values), HORIZONS)
    point, quantiles = np.zeros(shape), np.zeros((*shape, len(LEVELS)))
    below, above = LEVELS[:10], LEVELS[11:]
    intervals = [int(level) for level in np.rint(100 * (2 * above - 1))]
    for at, origin in enumerate(origins):
        for sensor, series in enumerate(known[:, origin + 1 - _MSTL_WEEKS * _WEEK : origin + 1]):
            if np.isnan(series).any():
                point[at, sensor], quantiles[at, sensor] = np.nan, np.nan
                continue
            model = MSTL(season_length=[_DAY, _WEEK], trend_forecaster=AutoETS(model="ANN"))
            found = model.forecast(series, HORIZONS, level=intervals)
            point[at, sensor] = found["mean"]
            quantiles[at, sensor, :, len(below)] = found["mean"]
            for place, interval in enumerate(intervals):
                quantiles[at, sensor, :, len(below) - 1 - place] = found[f"lo-{interval}"]
                quantiles[at, sensor, :, len(below) + 1 + place] = found[f"hi-{interval}"]
    return Method(np.maximum(point, 0.0) ** 2, np.maximum(quantiles, 0.0) ** 2)


def _filled(values: Array) -> Array:
    """A missing hour is what the same hour was a week before; NaN remains before the first that is known. Nothing looks ahead."""
    known = values.copy()
    for hour in range(_WEEK, known.shape[1]):
        missing = np.isnan(known[:, hour])
        known[missing, hour] = known[missing, hour - _WEEK]
    return known


def _fitted(values: Array, known: Array, first_hour: int, until: int, holidays: Ints) -> MLForecast:
    """The forecaster, fitted on the three years before ``until``; an hour that was filled in weighs nothing."""

    learner = lightgbm.LGBMRegressor(
        n_estimators=600,
        learning_rate=0.05,
        num_leaves=127,
        min_child_samples=100,
        subsample=0.8,
        subsample_freq=1,
        max_bin=127,
        num_threads=1,
        random_state=1,
        verbosity=-1,
    )
    forecaster = MLForecast(
        {"lightgbm": learner},
        freq="h",
        lags=_LAGS,
        lag_transforms={
            1: [RollingMean(_DAY), RollingMean(_WEEK)],
            _DAY: [RollingMean(_DAY), RollingMean(_WEEK), SeasonalRollingMean(season_length=_DAY, window_size=7)],
            _WEEK: [SeasonalRollingMean(season_length=_WEEK, window_size=4)],
        },
        date_features=["hour", "dayofweek", "month", *(_holiday(shift, holidays) for shift in (-7, -1, 0, 1))],
        target_transforms=[GlobalSklearnTransformer(FunctionTransformer(np.sqrt, np.square))],
        num_threads=1,
    )
    heard = [sensor for sensor in range(len(known)) if not np.isnan(known[sensor, until - 1])]
    # the library takes no gaps: a sensor begins after its last one that could not be filled
    starts = [
        max(until - _YEARS * _YEAR, 1 + int(np.flatnonzero(np.isnan(known[sensor, :until])).max(initial=-1))) for sensor in heard
    ]
    table = _table(known, first_hour, np.array(heard), np.array(starts), np.full(len(heard), until))
    table["weight"] = np.concatenate(
        [~np.isnan(values[sensor, start:until]) for sensor, start in zip(heard, starts, strict=True)]
    ).astype(float)
    return forecaster.fit(table, static_features=["sensor"], weight_col="weight")


def _holiday(shift: int, holidays: Ints) -> Callable[[pd.DatetimeIndex], Array]:
    """Says of dates whether the day ``shift`` days later is a holiday: the library knows it for every hour to come."""

    def holiday(dates: pd.DatetimeIndex) -> Array:
        return np.isin(dates.to_numpy().astype("datetime64[D]").astype(np.int64) + shift, holidays).astype(float)

    holiday.__name__ = f"holiday{shift:+d}"
    return holiday


def _forecasts(forecaster: MLForecast, known: Array, first_hour: int, origins: Ints) -> Array:
    """Shape (origins, n, 168). Each sensor at each origin goes in as a series of its own, with the five weeks known by then;
    NaN where those have a gap that could not be filled, for the library takes none."""
    n = len(known)
    sensors, ends = np.tile(np.arange(n), len(origins)), np.repeat(origins + 1, n)
    whole = np.array([not np.isnan(known[sensor, end - _HISTORY : end]).any() for sensor, end in zip(sensors, ends, strict=True)])
    told = np.full((len(sensors), HORIZONS), np.nan)
    if whole.any():
        table = _table(known, first_hour, sensors[whole], ends[whole] - _HISTORY, ends[whole])
        told[whole] = forecaster.predict(HORIZONS, new_df=table)["lightgbm"].to_numpy().reshape(-1, HORIZONS)
    return np.asarray(np.maximum(told, 0.0).reshape(len(origins), n, HORIZONS))


def _table(known: Array, first_hour: int, sensors: Ints, starts: Ints, ends: Ints) -> pd.DataFrame:
    """The library's long table of series: hours ``starts`` to before ``ends`` of ``sensors``, all of shape (series,)."""
    sizes = ends - starts
    sensor = np.repeat(sensors, sizes)
    hour = np.concatenate([np.arange(start, end) for start, end in zip(starts, ends, strict=True)])
    return pd.DataFrame(
        {
            "unique_id": np.repeat(np.arange(len(sensors)), sizes),
            "ds": _EPOCH + (hour + first_hour) * _HOUR,
            "y": known[sensor, hour],
            "sensor": pd.Categorical(sensor, categories=range(len(known))),
        }
    )


def _truth(values: Array, origins: Ints) -> Array:
    """What came after each origin, shape (origins, n, 168)."""
    return np.stack([values[:, origin + 1 : origin + 1 + HORIZONS] for origin in origins])
