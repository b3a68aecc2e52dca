"""The lab's own rules of sharing, ``policies.cedar`` in its folder: they can only forbid."""

from __future__ import annotations

from pathlib import Path

from ruimte.errors import RuimteError
from ruimte.lab.mistakes import Mistake

FILE = "policies.cedar"
_MEND = "write policies that forbid, as docs/lab.md shows"


def lab_policies(folder: Path) -> str:
    """The lab's own policies as Cedar text; empty where it has none. Raises ``RuimteError`` where they cannot be read."""
    try:
        return (folder / FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        what = "is no text in UTF-8" if isinstance(error, UnicodeDecodeError) else str(error.strerror or error)
        raise RuimteError(f"cannot be read: {what}", FILE, "put a text file there, or nothing") from None


def policy_file_mistakes(folder: Path) -> list[Mistake]:
    """What is wrong with a lab's ``policies.cedar``; nothing is given to partners while there is anything."""
    try:
        text = lab_policies(folder)
    except RuimteError as error:
        return [Mistake(FILE, "", error.what, error.mend)]
    if not text.strip():
        return []
    try:
        from ruimte.share.decide import policy_mistakes
    except ImportError:
        return [Mistake(FILE, "", "cannot be checked without the extra for sharing", "install ruimte[share]")]
    return [Mistake(FILE, "", what, _MEND) for what in policy_mistakes(text)]
