"""Sentences of partners: what they tell, how the links to them stand, and what is wrong with a log."""

from __future__ import annotations

CONDITIONS: dict[str, dict[str, str]] = {
    "open": {"en": "open", "nl": "open"},
    "busy": {"en": "busy", "nl": "druk"},
    "full": {"en": "full", "nl": "vol"},
    "closed": {"en": "closed", "nl": "dicht"},
}
TOLD: dict[str, dict[str, str]] = {
    "zone-status": {"en": "{status} until {until}", "nl": "{status} tot {until}"},
    "zone-status-now": {"en": "{status} until {until}", "nl": "{status} tot {until}"},
    "closures": {"en": "closed from {from} to {until}", "nl": "dicht van {from} tot {until}"},
    "closures-now": {"en": "closed until {until}", "nl": "dicht tot {until}"},
    "arrivals": {
        "en": "{expected} people expected from {from} to {until}",
        "nl": "{expected} mensen verwacht van {from} tot {until}",
    },
    "arrivals-now": {"en": "{expected} people expected until {until}", "nl": "{expected} mensen verwacht tot {until}"},
}

EXACTNESS: dict[str, dict[str, str]] = {
    "step": {"en": "every {step}", "nl": "elke {step}"},
    "exact": {"en": "exact", "nl": "exact"},
    "private": {"en": "with noise for privacy (ε {epsilon} a day)", "nl": "met ruis voor privacy (ε {epsilon} per dag)"},
    "rounded": {"en": "rounded to {round_to}", "nl": "afgerond op {round_to}"},
    "minimum": {"en": "at least {minimum} people", "nl": "ten minste {minimum} mensen"},
}

ENDED: dict[str, dict[str, str]] = {
    "proposed": {"en": "the agreement is not signed by all", "nl": "de overeenkomst is niet door allen ondertekend"},
    "rejected": {"en": "the agreement was rejected", "nl": "de overeenkomst is afgewezen"},
    "revoked": {"en": "the agreement was taken back", "nl": "de overeenkomst is ingetrokken"},
    "expired": {"en": "the agreement has expired", "nl": "de overeenkomst is verlopen"},
    "not-yet-valid": {"en": "the agreement does not hold yet", "nl": "de overeenkomst geldt nog niet"},
    "no-agreement": {
        "en": "the agreement is not there any more, or cannot be read",
        "nl": "de overeenkomst is er niet meer, of is niet te lezen",
    },
    "purpose": {"en": "the agreement gives nothing for this purpose", "nl": "de overeenkomst geeft niets voor dit doel"},
    "forbidden-by-lab": {"en": "the partner's own rules forbid it", "nl": "de eigen regels van de partner verbieden het"},
    "budget": {
        "en": "of the partner's privacy budget nothing is left today",
        "nl": "van het privacybudget van de partner is vandaag niets meer over",
    },
}
"""Why a partner shares no more, by the reason of a refusal or how the agreement stands."""

LINKS: dict[str, dict[str, str]] = {
    "link.unreachable": {"en": "the node does not answer", "nl": "de node antwoordt niet"},
    "link.unknown-host": {"en": "the name {host} is not known", "nl": "de naam {host} is niet bekend"},
    "link.private": {
        "en": "{host} is not on the public internet, and the subscription does not allow that",
        "nl": "{host} ligt niet op het openbare internet, en het abonnement staat dat niet toe",
    },
    "link.no-answer": {"en": "nothing is heard any more", "nl": "er wordt niets meer gehoord"},
    "link.broken-off": {"en": "the connection broke off", "nl": "de verbinding is verbroken"},
    "link.closed": {"en": "the partner closed the connection", "nl": "de partner sloot de verbinding"},
    "link.tls": {"en": "its certificate is not trusted: {reason}", "nl": "zijn certificaat wordt niet vertrouwd: {reason}"},
    "link.status": {"en": "the node answers {status}", "nl": "de node antwoordt {status}"},
    "link.refused": {"en": "{reason}", "nl": "{reason}"},
    "link.log": {"en": "{reason}", "nl": "{reason}"},
    "link.signature": {"en": "a message was not signed by the partner", "nl": "een bericht was niet door de partner ondertekend"},
    "link.source": {"en": "a message was of another party", "nl": "een bericht was van een andere partij"},
    "link.agreement": {
        "en": "a message was sent under another agreement",
        "nl": "een bericht viel onder een andere overeenkomst",
    },
    "link.future": {"en": "a message is dated in the future", "nl": "een bericht draagt een datum in de toekomst"},
    "link.stale": {"en": "a message was older than it may be", "nl": "een bericht was ouder dan het mag zijn"},
    "link.order": {"en": "a message came out of its order", "nl": "een bericht kwam buiten zijn volgorde"},
    "link.form": {"en": "a message could not be read", "nl": "een bericht was niet te lezen"},
    "link.kind": {
        "en": "a message told of what the agreement does not give",
        "nl": "een bericht vertelde wat de overeenkomst niet geeft",
    },
}

SENTENCES: dict[str, dict[str, str]] = {
    "log.contributed-zone-status": {
        "en": "{place}: {condition} until {until}. {note}",
        "nl": "{place}: {condition} tot {until}. {note}",
    },
    "log.contributed-closures": {
        "en": "{place}: closed from {start} to {until}. {note}",
        "nl": "{place}: dicht van {start} tot {until}. {note}",
    },
    "log.contributed-arrivals": {
        "en": "{place}: {expected} people expected from {start} to {until}. {note}",
        "nl": "{place}: {expected} mensen verwacht van {start} tot {until}. {note}",
    },
    "log.partner-followed": {
        "en": "Partner {partner} is followed, under agreement {agreement}.",
        "nl": "Partner {partner} wordt gevolgd, onder overeenkomst {agreement}.",
    },
    "log.partner-lost": {
        "en": "Partner {partner} is not heard: {why}. Its figures grow old.",
        "nl": "Partner {partner} wordt niet gehoord: {why}. Zijn cijfers verouderen.",
    },
    "log.partner-heard": {"en": "Partner {partner} is heard again.", "nl": "Partner {partner} wordt weer gehoord."},
    "log.partner-ended": {
        "en": "Partner {partner} shares no more: {why}.",
        "nl": "Partner {partner} deelt niet meer: {why}.",
    },
    "log.partner-refused": {
        "en": "A message of partner {partner} was refused, it could not be verified: {why}.",
        "nl": "Een bericht van partner {partner} is geweigerd, het was niet te verifiëren: {why}.",
    },
    "log.partner-distrusted": {
        "en": "THE LOG OF {partner} CONTRADICTS ITSELF: {why}. Nothing more is taken from it until somebody looks.",
        "nl": "HET LOGBOEK VAN {partner} SPREEKT ZICHZELF TEGEN: {why}. Niets wordt er nog van aangenomen tot iemand kijkt.",
    },
    "log.partner-trusted": {
        "en": "Partner {partner} is trusted again, by order of the node's operator.",
        "nl": "Partner {partner} wordt weer vertrouwd, op last van de beheerder.",
    },
    "log.partner-purged": {
        "en": "{lines} messages of partners were deleted: the agreement does not let them be kept longer.",
        "nl": "{lines} berichten van partners zijn gewist: de overeenkomst laat ze niet langer bewaren.",
    },
}
LINKS |= {f"link.{reason}": words for reason, words in ENDED.items()}
SENTENCES |= LINKS
