"""The what-if model beside one of single pedestrians: how many leave a room by a door (JuPedSim, extra ``micro``).

A cross-check, nothing that a node runs. In JuPedSim's collision-free speed model every person keeps a time gap to the one in
front (Tordeux, Chraibi & Seyfried 2016); in ours a door of a width has a capacity. They were made from different observations,
so where they agree both may be right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from shapely.geometry import box
from shapely.ops import unary_union

from ruimte.errors import RuimteError
from ruimte.lab.lab import Lab
from ruimte.lab.scenario import Scenario
from ruimte.whatif.diagram import WEIDMANN, Diagram
from ruimte.whatif.kernel import SLOT_S, Demand
from ruimte.whatif.network import network
from ruimte.whatif.simulate import plan_of, simulate

ROOM_M = 12.0
WIDEST_M = 4.0
"""A door that is wider has no queue before it in such a room."""
_STEP_S, _LOOK_EVERY, _LONGEST_S = 0.02, 5, 600.0
_MIDDLE = (0.2, 0.8)
"""The flow is that of the middle of the crowd: neither how it begins nor the last ones who trickle out."""


def single_flow(width_m: float, people: int = 120, seed: int = 1, diagram: Diagram = WEIDMANN) -> float:
    """Persons/s who leave a room of 12 m by 12 m by a door, each walking by themselves; JuPedSim's own parameters but the speed.

    Raises ``RuimteError`` where JuPedSim is not installed.
    """
    try:
        import jupedsim as jps
    except ImportError as error:
        raise RuimteError("JuPedSim is not installed", "extra micro", "pip install 'ruimte[micro]'") from error
    half = width_m / 2
    middle = ROOM_M / 2
    door_m = ROOM_M + 0.4
    ground = unary_union(
        [box(0, 0, ROOM_M, ROOM_M), box(ROOM_M, middle - half, door_m, middle + half), box(door_m, 0, door_m + 8, ROOM_M)]
    )
    world = jps.Simulation(model=jps.CollisionFreeSpeedModelV2(), geometry=ground, dt=_STEP_S)
    far = door_m + 6
    stage = world.add_exit_stage([(far, 1), (far + 1.5, 1), (far + 1.5, ROOM_M - 1), (far, ROOM_M - 1)])
    journey = world.add_journey(jps.JourneyDescription([stage]))
    begin = jps.distribute_by_number(
        polygon=box(0.3, 0.3, ROOM_M - 0.5, ROOM_M - 0.3),
        number_of_agents=people,
        distance_to_agents=0.42,
        distance_to_polygon=0.25,
        seed=seed,
    )
    for position in begin:
        world.add_agent(
            jps.CollisionFreeSpeedModelV2AgentParameters(
                journey_id=journey, stage_id=stage, position=position, desired_speed=diagram.free_m_s
            )
        )
    passed: dict[int, float] = {}
    steps = 0
    while len(passed) < people and steps * _STEP_S < _LONGEST_S:
        world.iterate()
        steps += 1
        if steps % _LOOK_EVERY == 0:
            for agent in world.agents():
                if agent.position[0] > door_m:
                    passed.setdefault(agent.id, steps * _STEP_S)
    moments = sorted(passed.values())
    first, last = (int(part * len(moments)) for part in _MIDDLE)
    return (last - first) / (moments[last] - moments[first])


def crowd_flow(width_m: float, diagram: Diagram = WEIDMANN) -> float:
    """Persons/s who leave the same room by the same door in the what-if model, in a minute in which there is a queue."""
    room = network([("room", ROOM_M**2)], [("door", "room", None, width_m, ROOM_M / 2, 0.0)])
    start, nobody = np.array([[0.0, 0.9 * diagram.jam * ROOM_M**2]]), np.zeros((1, 1))
    done = simulate(room, start, Demand(nobody, nobody, np.zeros((2, 2))), plan_of(room, 1, diagram), diagram=diagram)
    return float(start.sum() - done.people[0, 0]) / SLOT_S


@dataclass(frozen=True, slots=True)
class GateCheck:
    """How many pass a gate of a width in both models, persons/s."""

    gate: str
    width_m: float
    crowd: float
    single: float

    def as_dict(self) -> dict[str, str | float]:
        return {"gate": self.gate, "width_m": self.width_m, "whatif": round(self.crowd, 3), "jupedsim": round(self.single, 3)}

    def line(self) -> str:
        """One line, with how far the two are apart."""
        apart = f"{self.crowd / self.single - 1:+.0%}"
        told = f"what-if {self.crowd:.2f} persons/s, single pedestrians {self.single:.2f} ({apart})"
        return f"{self.gate}, {self.width_m:g} m: {told}"


def check_gates(lab: Lab, scenario: Scenario) -> list[GateCheck]:
    """Both models at the gates that a scenario is about, as wide as it makes them (up to ``WIDEST_M``).

    Raises ``RuimteError`` where JuPedSim is not installed, or the scenario is about no gate.
    """
    widths: dict[str, float] = {}
    for step in scenario.steps:
        for key in (step.action.gate, step.action.to_gate):
            gate = lab.gates.get(key or "")
            width = step.action.width_m if gate is not None and step.action.width_m else gate.width_m if gate else None
            if gate is not None and width is not None:
                widths[gate.key] = min(width, WIDEST_M)
    if not widths:
        raise RuimteError("is about no gate with a width", scenario.key, "leave --micro out, or give the gate a width_m")
    return [GateCheck(key, width, crowd_flow(width), single_flow(width)) for key, width in widths.items()]
