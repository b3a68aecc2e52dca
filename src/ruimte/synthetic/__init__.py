"""An invented world of single visitors whose truth is known, and what sensors tell of it: to measure everything else with.

It knows nothing of the estimate, the forecast, or any model of flows: no model is tested on itself.
"""

from ruimte.synthetic.parameters import Parameters
from ruimte.synthetic.sensing import observe
from ruimte.synthetic.visitors import Festival
from ruimte.synthetic.weather import Weather
from ruimte.synthetic.world import Day, day, history

__all__ = ["Day", "Festival", "Parameters", "Weather", "day", "history", "observe"]
