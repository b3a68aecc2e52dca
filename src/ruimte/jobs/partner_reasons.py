"""What a partner's node, or the check of its log, says of itself in English, as a Dutch page tells it.

Such a reason comes as text from another node, so not all of them can be known: one that is not is quoted as it came.
"""

from __future__ import annotations

import re

_PATTERNS = tuple(
    (re.compile(english), dutch)
    for english, dutch in (
        (r"the agreement was (?:taken back|revoked)(?: by .+)?", "de overeenkomst is ingetrokken"),
        (r"the agreement (?:has expired|ended at .+)", "de overeenkomst is verlopen"),
        (r"the agreement does not give (.+); it gives nothing", "de overeenkomst geeft {0} niet, en niets anders"),
        (r"the agreement does not give (.+); it gives (.+)", "de overeenkomst geeft {0} niet, wel {1}"),
        (r"the agreement does not give (.+)", "de overeenkomst geeft {0} niet"),
        (r"the agreement gives no places", "de overeenkomst geeft geen plekken"),
        (r"the agreement gives no quantities", "de overeenkomst geeft geen cijfers"),
        (r"the agreement gives steps of (.+), not (.+)", "de overeenkomst geeft stappen van {0}, niet van {1}"),
        (r"this could not be decided, so nothing is given", "er kon niet over worden beslist, dus er wordt niets gegeven"),
        (r"the key it was given for is in no agreement in force", "de sleutel staat in geen overeenkomst die van kracht is"),
        (r"the node cannot read or write what it keeps", "de node kan niet lezen of schrijven wat hij bewaart"),
        (r"cannot be reached(?: \(\w+\))?", "de node is niet te bereiken"),
        (r"does not answer in time", "de node antwoordt niet op tijd"),
        (r"is in a private network", "de node ligt in een besloten netwerk"),
        (r"has no address", "de node heeft geen adres"),
        (r"answers with no token", "de node antwoordt zonder token"),
        (r"gives a token of another kind", "de node geeft een ander soort token"),
        (r"answers in a coding that was not asked for", "de node antwoordt in een codering waar niet om gevraagd is"),
        (r"its answer is larger than (\d+) bytes", "het antwoord is groter dan {0} bytes"),
        (r"answers (\d+) where its (?:places|log) should be", "de node antwoordt {0}"),
        (r"refuses \((\d+)\): (.+)", "de node weigert ({0}): {1}"),
        (r"(.+) showed (\d+) entries before, and (\d+) now", "{0} toonde eerder {1} regels, en nu {2}"),
        (r"(.+) shows two different logs of (\d+) entries", "{0} toont twee verschillende logboeken van {1} regels"),
        (
            r"the (\d+) entries(?: of (.+))? do not begin with the (\d+) that it showed before",
            "de {0} regels beginnen niet met de {2} die het eerder toonde",
        ),
        (r"the log was (.+), and now calls itself (.+)", "het logboek heette {0}, en noemt zich nu {1}"),
        (
            r"does not hold entry (\d+), which it gave a receipt for",
            "regel {0}, waarvoor een ontvangstbewijs is gegeven, staat er niet in",
        ),
        (r"entry (\d+) is not what was sent under that number", "regel {0} is niet wat onder dat nummer is gestuurd"),
    )
)


def reason_in(reason: str, language: str) -> str:
    """The reason in a language.

    >>> reason_in("refuses (401): the agreement was taken back", "nl")
    'de node weigert (401): de overeenkomst is ingetrokken'
    >>> reason_in("something else", "nl")
    '“something else”'
    """
    if language == "en" or not reason:
        return reason
    for pattern, dutch in _PATTERNS:
        if (found := pattern.fullmatch(reason)) is not None:
            parts = [part or "" for part in found.groups()]
            if pattern.pattern.startswith("refuses"):
                parts[1] = reason_in(parts[1], language)
            return dutch.format(*parts)
    return f"“{reason}”"
