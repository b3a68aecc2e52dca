"""What became of a file: every row is kept, or refused and counted with the reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from ruimte.clock import iso

Unit = Literal["rows", "observations"]

_EXAMPLES = 3


@dataclass(slots=True)
class Refusal:
    """How many rows or observations were refused for one reason, up to three of them in words, and how to mend them."""

    count: int = 0
    examples: list[str] = field(default_factory=list)
    mend: str = ""

    def __str__(self) -> str:
        return "; ".join(part for part in (", ".join(self.examples), self.mend) if part)


@dataclass(slots=True)
class Report:
    """The account of one import.

    A row of the file can hold several observations (columns for in and out, a column a sensor), so both are counted, nothing
    twice: a row that cannot be read is refused as a row, and its cells are no ``observations``. Of the other rows every cell of
    a column of counts is one, and so ``observations`` = those refused + ``missing`` + ``kept`` − ``implied``.

    ``implied`` zeros (of which the file holds no cell), ``repaired`` and ``doubtful`` observations are among the ``kept``.
    ``added`` + ``known`` + ``revised`` = ``kept`` say what the store, in the file ``database``, did with them.
    """

    source: str
    format: str
    database: str = ""
    rows: int = 0
    observations: int = 0
    missing: int = 0
    kept: int = 0
    repaired: int = 0
    doubtful: int = 0
    implied: int = 0
    long_gaps: int = 0
    added: int = 0
    known: int = 0
    revised: int = 0
    first_us: int | None = None
    last_us: int | None = None
    seconds: float = 0.0
    refused: dict[tuple[Unit, str], Refusal] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def refuse(self, unit: Unit, reason: str, count: int, examples: Iterable[str] = (), mend: str = "") -> None:
        """Count a refusal; of the examples the first three of each reason are kept, and the first mend."""
        if count == 0:
            return
        refusal = self.refused.setdefault((unit, reason), Refusal())
        refusal.count += count
        refusal.mend = refusal.mend or mend
        room = _EXAMPLES - len(refusal.examples)
        refusal.examples += [example for example, _ in zip(examples, range(room), strict=False)]

    def refused_count(self, unit: Unit) -> int:
        """How many rows or observations were refused.

        >>> report = Report("counts.csv", "table")
        >>> report.refuse("rows", "unreadable time", 2, ["row 7 'soon'"])
        >>> report.refused_count("rows"), report.refused_count("observations")
        (2, 0)
        """
        return sum(refusal.count for (of, _), refusal in self.refused.items() if of == unit)

    def note(self, text: str) -> None:
        """Add a sentence on something that was found or mended."""
        self.notes.append(text)

    def saw(self, first_us: int, last_us: int) -> None:
        """Widen the time span to hold ``[first_us, last_us)``."""
        self.first_us = first_us if self.first_us is None else min(self.first_us, first_us)
        self.last_us = last_us if self.last_us is None else max(self.last_us, last_us)

    def lines(self) -> list[str]:
        """The report as lines of text."""
        lines = [f"{self.source} ({self.format})", _line("rows read", self.rows), *self._refused_lines("rows")]
        lines += [_line("observations read", self.observations), *self._refused_lines("observations")]
        lines += _lines(("empty cells (missing)", self.missing), ("gaps left missing", self.long_gaps))
        lines.append(_line("observations kept", self.kept))
        lines += _lines(
            ("  of these repaired", self.repaired),
            ("  of these doubtful", self.doubtful),
            ("  of these zeros implied", self.implied),
            ("added", self.added),
            ("known already", self.known),
            ("revised", self.revised),
        )
        if self.first_us is not None and self.last_us is not None:
            lines.append(f"from {iso(self.first_us)} until {iso(self.last_us)}")
        if self.database:
            lines.append(f"database {self.database}")
        lines += self.notes
        lines.append(f"{self.seconds:.1f} s")
        return lines

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON takes it; times are ISO 8601 UTC."""
        return {
            "source": self.source,
            "format": self.format,
            "database": self.database,
            "rows": self.rows,
            "observations": self.observations,
            "missing": self.missing,
            "kept": self.kept,
            "repaired": self.repaired,
            "doubtful": self.doubtful,
            "implied": self.implied,
            "long_gaps": self.long_gaps,
            "refused": [
                {"unit": unit, "reason": reason, "count": each.count, "examples": each.examples, "mend": each.mend}
                for (unit, reason), each in self.refused.items()
            ],
            "added": self.added,
            "known": self.known,
            "revised": self.revised,
            "from": None if self.first_us is None else iso(self.first_us),
            "until": None if self.last_us is None else iso(self.last_us),
            "notes": self.notes,
            "seconds": round(self.seconds, 3),
        }

    def _refused_lines(self, unit: Unit) -> list[str]:
        refused = ((reason, refusal) for (of, reason), refusal in self.refused.items() if of == unit)
        return [f"{_line(f'{unit} refused', refusal.count)}  {reason}: {refusal}".rstrip(": ") for reason, refusal in refused]


def _line(name: str, count: int) -> str:
    return f"{name:<24} {count:>10,}"


def _lines(*counts: tuple[str, int]) -> list[str]:
    """Lines of the counts that are not zero."""
    return [_line(name, count) for name, count in counts if count]
