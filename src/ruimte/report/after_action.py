"""The after-action report as one page of HTML: what happened, what was warned of and decided, and how good that was."""

from __future__ import annotations

from collections import Counter

from ruimte.report.evening import Evening, Judged
from ruimte.report.look import require_matplotlib
from ruimte.report.pages import page
from ruimte.report.timeline import course, small_multiple
from ruimte.report.words import Words

_SILENT = 0.1
_MOST_PICTURES = 60


def after_action(evening: Evening, words: Words) -> str:
    """The report as HTML that needs nothing else: its figures are SVG inside it.

    Raises ``RuimteError`` where matplotlib is not installed.
    """
    require_matplotlib()
    known = [place for place in evening.places if place.worst is not None]
    drawn = sorted(known, key=lambda place: -int(place.rank.max()))[:_MOST_PICTURES]
    return page(
        "after_action.html",
        words,
        e=evening,
        names={place.key: place.name for place in evening.places},
        short=in_short(evening, words),
        course=course(evening, words) if evening.known else "",
        pictures=[small_multiple(evening, place, words, number) for number, place in enumerate(drawn)],
        became=lambda judged: _became(judged, words),
    )


def in_short(e: Evening, words: Words) -> list[tuple[str, str, str]]:
    """What fits on one screen: a name, the figure, and what it says."""
    return [
        _busiest(e, words),
        _warned(e, words),
        (
            "Acknowledged after",
            "–" if e.acknowledged_after_us is None else words.lasts(e.acknowledged_after_us),
            words("none acknowledged") if e.acknowledged_after_us is None else words("median"),
        ),
        _lead(e, words),
        _false(e, words),
        ("Missed", words.number(len(e.misses)), words("times busy without a warning")),
        _silence(e, words),
        _forecast(e, words),
    ]


def _busiest(e: Evening, words: Words) -> tuple[str, str, str]:
    moments = [(int(p.rank[p.worst]), p.colours[int(p.rank[p.worst])], p) for p in e.places if p.worst is not None]
    if not moments:
        return "Busiest", "–", words("not known")
    place = max(moments, key=lambda each: (each[1], each[0]))[2]
    worst = place.worst
    assert worst is not None
    level = words.level(place.names[int(place.rank[worst])])
    figure = f"{words.number(float(place.mean[worst]))} {words.unit(place.unit)}"
    return "Busiest", level, f"{place.name}, {words.moment(int(place.ends_us[worst]))}: {figure}"


def _warned(e: Evening, words: Words) -> tuple[str, str, str]:
    if not e.warnings:
        return "Warnings", "0", words("no warnings")
    by = Counter(judged.warning.priority for judged in e.warnings)
    told = ", ".join(f"{count}× {words('priority')} {priority}" for priority, count in sorted(by.items()))
    answered = sum(judged.warning.answer is not None for judged in e.warnings)
    measures = sum(judged.warning.measure for judged in e.warnings)
    return (
        "Warnings",
        words.number(len(e.warnings)),
        f"{told}; {answered} {words('answered')}, {measures} {words('with a measure')}",
    )


def _lead(e: Evening, words: Words) -> tuple[str, str, str]:
    ahead = sum(judged.verdict == "ahead" for judged in e.warnings)
    passed = ahead + sum(judged.verdict == "already" for judged in e.warnings)
    if not ahead:
        return "Lead time", "–", words("none came ahead")
    told = words("%(ahead)s of %(total)s ahead", ahead=ahead, total=passed)
    return "Lead time", words.lasts(e.median_lead_us), f"{words('median')}; {told}"


def _false(e: Evening, words: Words) -> tuple[str, str, str]:
    false = [judged for judged in e.warnings if judged.verdict == "not"]
    after = sum(judged.warning.measure for judged in false)
    told = words("of %(total)s; %(measure)s after a measure", total=len(e.warnings), measure=after)
    return "False alarms", words.number(len(false) - after), told


def _silence(e: Evening, words: Words) -> tuple[str, str, str]:
    shares = [e.silent_share(place) for place in e.places]
    silent = sum(share > _SILENT for share in shares)
    mean = sum(shares) / len(shares) if shares else 1.0
    return (
        "Not heard",
        words.share(mean),
        words("silent for over a tenth of the time: %(count)s of %(total)s places", count=silent, total=len(shares)),
    )


def _forecast(e: Evening, words: Words) -> tuple[str, str, str]:
    if not e.skill:
        return "Forecast", "–", words("not known")
    first_us = min(each.ahead_us for each in e.skill)
    near = [each for each in e.skill if each.ahead_us == first_us]
    error = sum(each.error for each in near) / len(near)
    pairs = sum(each.pairs for each in near)
    within = sum(each.within * each.pairs for each in near) / pairs
    told = words(
        "off, %(ahead)s ahead; %(within)s in the 90%% band",
        ahead=words.lasts(first_us),
        within=words.share(within),
    )
    return "Forecast", words.share(error), told


def _became(judged: Judged, words: Words) -> str:
    if judged.verdict == "ahead" and judged.passed_us is not None:
        told = words("passed %(time)s later, at %(at)s", time=words.lasts(judged.lead_us), at=words.clock(judged.passed_us))
        return told if judged.level == judged.warning.level else f"{words.level(judged.level)}: {told}"
    if judged.verdict == "already":
        return words("had been passed already")
    if judged.verdict == "running":
        return words("not known yet: still open")
    return words("not passed; a measure was taken" if judged.warning.measure else "not passed")
