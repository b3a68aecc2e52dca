"""One error for everything a user can mend."""

from __future__ import annotations


class RuimteError(Exception):
    """A mistake that somebody can mend: what is wrong, where, and how to mend it.

    It becomes one line on the command line, a problem document over HTTP; never a traceback.

    >>> print(RuimteError("file not found", "counts.csv", "check the path"))
    counts.csv: file not found; check the path
    """

    def __init__(self, what: str, where: str = "", mend: str = "") -> None:
        self.what = what
        self.where = where
        self.mend = mend
        super().__init__(str(self))

    def __str__(self) -> str:
        line = f"{self.where}: {self.what}" if self.where else self.what
        return f"{line}; {self.mend}" if self.mend else line


class StorageError(RuimteError):
    """The node's own files cannot be read or written: for its operator to mend, and no fault of who asks over HTTP."""
