"""Why a message was not taken."""

from __future__ import annotations

Figure = str | int | float


class Undelivered(Exception):  # noqa: N818 - it says what happened
    """A receiver did not take a message. ``kind`` and ``figures`` say why (words come later: ``trouble.KIND``).

    ``again``: whether to try again; ``after_s``: not sooner than that, where the receiver says so.
    """

    def __init__(self, kind: str, *, again: bool, after_s: float | None = None, **figures: Figure) -> None:
        super().__init__(kind, figures)
        self.kind = kind
        self.figures: dict[str, Figure] = figures
        self.again = again
        self.after_s = after_s
