"""Which passwords are taken: long ones that are hard to guess. No rules of which characters (NIST SP 800-63B)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

MIN_PASSWORD, MAX_PASSWORD = 12, 256
_MOST_JUDGED = 72
"""zxcvbn takes longer the longer a password is; one this long that is hard to guess does not get easier."""
_HARD = 4
"""Its highest score: more than 10^10 guesses."""


def complaint(password: str, known: Iterable[str]) -> Literal["short", "long", "easy"] | None:
    """What is wrong with a new password. ``known``: words that anybody would try here, such as the names of lab and account.

    zxcvbn (Wheeler, USENIX Security 2016) guesses as one would who knows the usual passwords, names, keyboards and dates.

    >>> complaint("password1234", ()), complaint("auckland crowd", ["Auckland"]), complaint("kraan beschuit tafel", ["Auckland"])
    ('easy', 'easy', None)
    """
    if len(password) < MIN_PASSWORD:
        return "short"
    if len(password) > MAX_PASSWORD:
        return "long"
    from zxcvbn import zxcvbn  # its word lists are only read when somebody chooses a password

    words = [part for word in known for part in (word, *word.split())]
    return "easy" if zxcvbn(password[:_MOST_JUDGED], user_inputs=words)["score"] < _HARD else None
