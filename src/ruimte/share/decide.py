"""The decision: does an agreement give what is asked? Cedar decides; what it does not permit, or cannot decide, is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import cedarpy
import msgspec

from ruimte.share.asking import Asked, Decision, Granted, Reason
from ruimte.share.places import PlaceInfo
from ruimte.share.policies import SCHEMA, fill, moment, policies, step_s
from ruimte.share.refusal import FAILED, FORBIDDEN, why_refused


class Decider:
    """Decides on requests. ``lab_policies``: Cedar text of the lab's own, which may only forbid; ``places`` of the lab, for
    grants of all of them.

    Deny by default. It never raises: a failure of the engine, or policies that it cannot read, is a refusal. Decisions may be
    asked for in several threads.
    """

    def __init__(self, lab_policies: str = "", places: Mapping[str, PlaceInfo] | None = None) -> None:
        self._places = dict(places or {})
        self._lab_policies = lab_policies
        self._in_order = not policy_mistakes(lab_policies)
        self._nobody = cedarpy.Entities.from_json_str("[]")
        self._read: tuple[tuple[Granted, ...], dict[str, cedarpy.PolicySet]] | None = None

    def decide(self, asked: Asked, granted: Sequence[Granted]) -> Decision:
        """Whether one of the grants gives what is asked: the one that began first, where several do.

        ``asked`` of the decision is the request with what it left open filled in, where it is allowed.
        """
        try:
            return self._decide(asked, granted)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # a panic of the engine is no Exception; whatever goes wrong, nothing is given
            return _refused(asked, *FAILED)

    def _decide(self, asked: Asked, granted: Sequence[Granted]) -> Decision:
        if not self._in_order:
            return _refused(asked, *FAILED)
        own = [one for one in granted if one.grant.consumer == asked.party and one.grant.lab == asked.lab]
        own = [one for one in own if asked.agreement in ("", one.agreement)]
        own.sort(key=lambda one: (one.not_before_us, one.agreement, one.index))
        filled = [fill(asked, one, self._places) for one in own]
        requests = [_request(self._shown(asked, each), one.index) for each, one in zip(filled, own, strict=True)]
        policy_set = self._policy_set(granted, asked.party)
        results = cedarpy.is_authorized_batch(requests, policy_set, self._nobody) if requests else []
        if any(result.decision is cedarpy.Decision.NoDecision or result.diagnostics.errors for result in results):
            return _refused(asked, *FAILED)
        for each, one, result in zip(filled, own, results, strict=True):
            if result.decision is cedarpy.Decision.Allow:
                return Decision(allowed=True, reason="allowed", told="", asked=each, granted=one, policies=_names(result))
        reason = why_refused(asked, own, self._places)
        forbidding = tuple(dict.fromkeys(name for result in results for name in _names(result)))
        if reason is None:
            reason = FORBIDDEN if forbidding else FAILED
        return _refused(asked, *reason, policies=forbidding if reason is FORBIDDEN else ())

    def _shown(self, asked: Asked, filled: Asked) -> Asked:
        """The request as the engine sees it. Places that were left open are the grant's own, so they say nothing to its policy:
        they are told where there are rules of the lab, which may look at them. Reading a city's places takes most of the time.
        """
        return filled if asked.places or self._lab_policies.strip() else msgspec.structs.replace(filled, places=())

    def _policy_set(self, granted: Sequence[Granted], party: str) -> cedarpy.PolicySet:
        """The policies of a party's grants and of the lab, read once for as long as the grants stay the same.

        A policy of another party's grants never fits its requests: leaving it out changes no decision, and saves time.
        """
        read, now = self._read, tuple(granted)  # of a tuple that is the same object
        if read is None or (read[0] is not now and read[0] != now):
            self._read = read = now, {}
        if party not in read[1]:
            own = policies([one for one in now if one.grant.consumer == party], self._places)
            read[1][party] = cedarpy.PolicySet.from_str(f"{own}\n{self._lab_policies}")
        return read[1][party]


def policy_mistakes(text: str) -> list[str]:
    """What is wrong with policies of a lab's own, each in one line; empty where they are in order.

    They must be Cedar, speak only of what ``SCHEMA`` names, and forbid: who gets something is said by agreements alone.
    """
    try:
        parsed = json.loads(cedarpy.policies_to_json_str(text))
    except ValueError as error:
        return [_line(str(error))]
    if parsed["templates"]:
        return ["a template cannot be used here: name party, action and lab"]
    names = {key: policy.get("annotations", {}).get("id") or key for key, policy in parsed["staticPolicies"].items()}
    permits = [names[key] for key, policy in parsed["staticPolicies"].items() if policy["effect"] != "forbid"]
    found = [f"{name} permits; a lab's own policies can only forbid" for name in permits]
    result = cedarpy.validate_policies(text, SCHEMA)
    return found + [_line(error.error) for error in result.errors] if not result.validation_passed else found


def _line(text: str) -> str:
    return " ".join(text.split())


def _request(asked: Asked, grant: int) -> dict[str, Any]:
    return {
        "principal": {"type": "Party", "id": asked.party},
        "action": {"type": "Action", "id": asked.action},
        "resource": {"type": "Lab", "id": asked.lab},
        "context": {
            "purpose": asked.purpose,
            "now": {"__extn": {"fn": "datetime", "arg": moment(asked.at_us)}},
            "places": asked.places,
            "quantities": asked.quantities,
            "step": step_s(asked.step),
            "agreement": asked.agreement,
            "grant": grant,
        },
    }


def _names(result: cedarpy.AuthzResult) -> tuple[str, ...]:
    """The policies that decided, by the names that they were given."""
    named = result.diagnostics.id_annotations_by_reason
    return tuple(sorted(named.get(reason) or reason for reason in result.diagnostics.reasons))


def _refused(asked: Asked, reason: Reason, told: str, policies: tuple[str, ...] = ()) -> Decision:
    return Decision(allowed=False, reason=reason, told=told, asked=asked, policies=policies)
