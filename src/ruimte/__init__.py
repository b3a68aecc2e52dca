"""Ruimte: open crowd-safety software for cities.

The public Python API; each name is loaded when it is first used.

>>> import ruimte
>>> from ruimte.labs import lab_folder
>>> lab = ruimte.open_lab(lab_folder("hardbruecke"))
>>> sorted(lab.zones)
['platform-ost', 'platform-west']
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

__version__ = version("ruimte")

if TYPE_CHECKING:
    from ruimte.errors import RuimteError
    from ruimte.estimate import advance
    from ruimte.estimate.health import health
    from ruimte.estimate.smooth import smooth
    from ruimte.forecast.forecaster import Forecaster
    from ruimte.forecast.learned_forecaster import LearnedForecaster
    from ruimte.jobs.backtesting import backtest
    from ruimte.jobs.evaluate import evaluate
    from ruimte.jobs.importing import import_file
    from ruimte.jobs.register import register_lab
    from ruimte.lab.check import check_lab
    from ruimte.lab.read import read_lab as open_lab
    from ruimte.store.sqlite import Store

_HOMES = {
    "RuimteError": "ruimte.errors:RuimteError",
    "advance": "ruimte.estimate:advance",
    "health": "ruimte.estimate.health:health",
    "smooth": "ruimte.estimate.smooth:smooth",
    "Forecaster": "ruimte.forecast.forecaster:Forecaster",
    "LearnedForecaster": "ruimte.forecast.learned_forecaster:LearnedForecaster",
    "backtest": "ruimte.jobs.backtesting:backtest",
    "evaluate": "ruimte.jobs.evaluate:evaluate",
    "import_file": "ruimte.jobs.importing:import_file",
    "register_lab": "ruimte.jobs.register:register_lab",
    "check_lab": "ruimte.lab.check:check_lab",
    "open_lab": "ruimte.lab.read:read_lab",
    "Store": "ruimte.store.sqlite:Store",
}

__all__ = [
    "Forecaster",
    "LearnedForecaster",
    "RuimteError",
    "Store",
    "__version__",
    "advance",
    "backtest",
    "check_lab",
    "evaluate",
    "health",
    "import_file",
    "open_lab",
    "register_lab",
    "smooth",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ruimte' has no attribute {name!r}")
    module, _, attribute = _HOMES[name].partition(":")
    return getattr(import_module(module), attribute)
