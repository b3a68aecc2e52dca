"""A grant as an ODRL 2.2 policy (W3C, 2018) in JSON-LD: what it allows and asks for, for programs that know no Ruimte.

ODRL has words for purpose, time, place, interval and resolution. How exact figures are, the least number of people that they rest
on and the privacy budget are words of Ruimte's own, in the profile that ``profile`` names.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ruimte.clock import SECOND_US, iso
from ruimte.share.agreement import ALL, Content, Grant
from ruimte.text import duration_us

CONTEXT = "http://www.w3.org/ns/odrl.jsonld"
PROFILE = "urn:ruimte:odrl:1"

_UNITS_S = (("D", 86_400), ("H", 3_600), ("M", 60), ("S", 1))


def policy(content: Content, index: int) -> dict[str, Any]:
    """The policy of grant number ``index``. The same content always gives the same policy."""
    grant = content.grants[index]
    terms = grant.properties
    told: dict[str, Any] = {
        "@context": [CONTEXT, {"ruimte": f"{PROFILE}:"}],
        "uid": f"urn:uuid:{content.iv}#grant-{index}",
        "type": "Agreement",
        "profile": PROFILE,
        "assigner": grant.provider,
        "assignee": grant.consumer,
    }
    limits = [
        _constraint("purpose", "eq", terms.purpose),
        _constraint("dateTime", "gteq", _moment(content.validity.not_before)),
        _constraint("dateTime", "lt", _moment(content.validity.not_after)),
    ]
    permissions = []
    if terms.what.kinds:
        assets = [_asset(grant, kind) for kind in terms.what.kinds]
        constraint = [*limits, *_form(grant)]
        permissions.append({"target": assets, "action": "read", "constraint": constraint, "duty": _duties(grant)})
    if terms.what.contributions:
        assets = [_asset(grant, kind) for kind in terms.what.contributions]
        permissions.append({"target": assets, "action": "ruimte:contribute", "constraint": [*limits, *_spatial(grant)]})
    told["permission"] = permissions
    if terms.what.kinds and not terms.duties.onward_sharing:
        told["prohibition"] = [{"target": [_asset(grant, kind) for kind in terms.what.kinds], "action": "distribute"}]
    return told


def with_policies(content: Content) -> Content:
    """The content with the policy of each grant written into it, whatever stood there; its terms hold (``check_terms``)."""
    grants = []
    for index, grant in enumerate(content.grants):
        terms = msgspec.structs.replace(grant.properties, policy=policy(content, index))
        grants.append(msgspec.structs.replace(grant, properties=terms))
    return msgspec.structs.replace(content, grants=tuple(grants))


def _form(grant: Grant) -> list[dict[str, Any]]:
    """Of which places, in which steps, how exact."""
    terms = grant.properties
    form = terms.form
    told = [
        *_spatial(grant),
        _constraint("timeInterval", "eq", _typed("xsd:duration", _duration(form.step))),
        _constraint("resolution", "eq", form.round_to),
        _constraint("ruimte:exactness", "eq", form.exactness),
    ]
    if terms.what.quantities:
        told.append(_constraint("ruimte:quantity", "isAnyOf", list(terms.what.quantities)))
    if form.minimum:
        told.append(_constraint("ruimte:minimum", "gteq", form.minimum))
    if form.privacy is not None:
        told.append(_constraint("ruimte:epsilonPerDay", "lteq", form.privacy.epsilon_per_day))
        told.append(_constraint("ruimte:intervals", "eq", form.privacy.intervals))
    return told


def _spatial(grant: Grant) -> list[dict[str, Any]]:
    terms = grant.properties
    places = [*(sorted(terms.form.areas) or terms.what.zones), *terms.what.gates]
    if not places:
        return []
    return [_constraint("spatial", "isAnyOf", [_urn(grant.lab, "place", "all" if key == ALL else key) for key in places])]


def _duties(grant: Grant) -> list[dict[str, Any]]:
    duties = grant.properties.duties
    after = _constraint("delayPeriod", "eq", _typed("xsd:duration", _duration(duties.delete_after)))
    return [
        {"action": "delete", "constraint": [after]},
        {"action": "attribute", "attributedParty": grant.provider, "ruimte:source": duties.name_source},
    ]


def _asset(grant: Grant, kind: str) -> str:
    return _urn(grant.lab, "data", kind)


def _urn(lab: str, *parts: str) -> str:
    return ":".join(("urn:ruimte:lab", lab, *parts))


def _constraint(left: str, operator: str, right: Any) -> dict[str, Any]:
    return {"leftOperand": left, "operator": operator, "rightOperand": right}


def _moment(at_s: int) -> dict[str, str]:
    return _typed("xsd:dateTime", iso(at_s * SECOND_US))


def _typed(kind: str, value: str) -> dict[str, str]:
    return {"@value": value, "@type": kind}


def _duration(text: str) -> str:
    """``90m`` as ISO 8601 has it: ``PT1H30M``."""
    left = duration_us(text) // SECOND_US
    told = {}
    for unit, unit_s in _UNITS_S:
        told[unit], left = divmod(left, unit_s)
    days = f"{told['D']}D" if told["D"] else ""
    time = "".join(f"{told[unit]}{unit}" for unit in "HMS" if told[unit])
    return f"P{days}" + (f"T{time}" if time else "")
