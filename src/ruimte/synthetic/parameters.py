"""How visitors behave and how well sensors see: every number of the invented world that another evening may have otherwise."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, slots=True)
class Parameters:
    """The invented world's numbers; the defaults are those of the lab's own history.

    ``visitors``: who come on an ordinary Saturday in July, without a festival. ``attendance``: of the festival's expected
    visitors that many come. ``by_tram``: share of visitors (of the festival's, ``festival_by_tram``) who come and go by tram. A
    tram comes every ``tram_every_s``, in the evening and night of a festival every ``festival_tram_every_s``, holds
    ``tram_seats`` people and comes last at ``last_tram_h`` (hours after midnight). ``stay``: how long people stay, as a
    multiple of the usual. ``speed_m_s``: walking speed, mean and standard deviation between people. ``tolerance_per_m2``: at
    which density half of the people no longer go where they wanted to. ``patience_s``: how long a queue for the tram may take
    before half of the people walk to another way out. ``linger_s``: mean time after the last song until somebody leaves.
    ``rain_flight``: how readily rain sends people home (0.5: 39 % at a millimetre an hour). ``gate_per_m_s``: persons/s that
    pass a metre of a gate (Fruin 1971: at most 82 a minute). ``detection_spread``, ``detection_drift``: how far a counter's
    share of people seen is off from the registered one (standard deviation), and how much that wanders from hour to hour.
    ``crowd_blindness``: which share more is missed at a gate that is full. ``drop_out``: share of intervals that never arrive,
    most in runs of half an hour. ``camera_noise``: error of an area camera, as a multiple of the registered accuracy.
    """

    visitors: float = 11_000.0
    attendance: float = 1.0
    by_tram: float = 0.42
    festival_by_tram: float = 0.55
    tram_every_s: float = 600.0
    festival_tram_every_s: float = 240.0
    tram_seats: int = 260
    last_tram_h: float = 25.75
    stay: float = 1.0
    speed_m_s: tuple[float, float] = (1.3, 0.2)
    tolerance_per_m2: float = 3.2
    patience_s: float = 3_000.0
    linger_s: float = 900.0
    rain_flight: float = 0.5
    gate_per_m_s: float = 1.25
    detection_spread: float = 0.03
    detection_drift: float = 0.01
    crowd_blindness: float = 0.08
    drop_out: float = 0.004
    camera_noise: float = 1.0

    @staticmethod
    def drawn(seed: int) -> Parameters:
        """Another world of the same kind, for tests of robustness: each number is drawn around its default, within what is
        believable.

        >>> Parameters.drawn(1) == Parameters.drawn(1)
        True
        """
        random = np.random.default_rng([seed, 0x6D])
        usual = Parameters()

        def about(value: float, spread: float) -> float:
            return float(value * np.exp(spread * np.clip(random.normal(), -2, 2)))

        def share(value: float, spread: float) -> float:
            return float(np.clip(value + spread * np.clip(random.normal(), -2, 2), 0.0, 1.0))

        return replace(
            usual,
            visitors=about(usual.visitors, 0.25),
            attendance=about(usual.attendance, 0.2),
            by_tram=share(usual.by_tram, 0.08),
            festival_by_tram=share(usual.festival_by_tram, 0.1),
            tram_every_s=float(random.choice([450.0, 600.0, 720.0])),
            festival_tram_every_s=float(random.choice([180.0, 240.0, 300.0, 400.0])),
            tram_seats=int(random.integers(200, 321)),
            stay=about(usual.stay, 0.15),
            speed_m_s=(about(1.3, 0.08), about(0.2, 0.2)),
            tolerance_per_m2=about(usual.tolerance_per_m2, 0.2),
            patience_s=about(usual.patience_s, 0.3),
            linger_s=about(usual.linger_s, 0.4),
            rain_flight=share(usual.rain_flight, 0.15),
            gate_per_m_s=about(usual.gate_per_m_s, 0.08),
            detection_spread=about(usual.detection_spread, 0.5),
            detection_drift=about(usual.detection_drift, 0.5),
            crowd_blindness=about(usual.crowd_blindness, 0.5),
            drop_out=about(usual.drop_out, 0.7),
            camera_noise=about(usual.camera_noise, 0.3),
        )
