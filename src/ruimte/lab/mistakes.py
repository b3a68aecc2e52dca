"""Mistakes in a lab's files: collected, not thrown, so that one run finds them all."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong, in which file, at which place in it, and how to mend it.

    >>> print(Mistake("lab.toml", "field levels (line 9)", "no table 'fruin'", "use 'fruin-walkway'"))
    lab.toml, field levels (line 9): no table 'fruin'; use 'fruin-walkway'
    """

    file: str
    place: str
    what: str
    mend: str

    @property
    def where(self) -> str:
        """File and place in one."""
        return f"{self.file}, {self.place}" if self.place else self.file

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.mend}"


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a file on which mistakes are reported: a whole file, a table in it, or a feature.

    ``lines`` are those of a TOML file; the spot's fields stand from line ``start`` (0-based) up to ``stop``.
    """

    found: list[Mistake]
    file: str
    name: str = ""
    lines: tuple[str, ...] = field(default=(), repr=False)
    start: int = 0
    stop: int = 0

    def mistake(self, what: str, mend: str, at: str = "") -> None:
        """Report a mistake here, or at a field of it."""
        line = self._line(at)
        place = " ".join(part for part in (self.name, f"field {at}" if at else "") if part)
        self.found.append(Mistake(self.file, f"{place} (line {line})" if line else place, what, mend))

    def _line(self, at: str) -> int | None:
        """Number (1-based) of the line that holds the field, else of the line where the spot starts."""
        wanted = at.split("[")[0].split(".")[-1]
        for number in range(self.start, self.stop):
            if at and self.lines[number].split("=")[0].strip() == wanted:
                return number + 1
        return self.start + 1 if self.name and self.lines else None
