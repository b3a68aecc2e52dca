"""A node's agreements: files in its folders, read anew as soon as one changes, so that a revocation acts on the next request.

The same agreement may lie in several folders, and often does: the lab's own, which is kept with its history, and the node's data
folder, where pages and commands put what is signed. Its copies count as one, with the signatures of all, so that what ended it
cannot be undone by removing it from one of them. Whatever cannot be read or does not hold is out, and so is any other copy of it.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ruimte.clock import SECOND_US
from ruimte.errors import RuimteError
from ruimte.jobs.agreement_files import SUFFIX, file_name, only_writer, read_bytes, write_agreement
from ruimte.keys.signature import KeyPair
from ruimte.lab.lab import Lab
from ruimte.share.agreement import Agreement, Signatures, Status
from ruimte.share.asking import Granted
from ruimte.share.contract import (
    Action,
    Statement,
    check,
    content_hash,
    granted_by,
    next_change,
    party_of,
    sign,
    statements,
    status_by,
    unite,
)
from ruimte.share.document import read_document
from ruimte.share.terms import check_content

_SETTLED_NS = 100_000_000
"""A file that changed so shortly before it was read may change once more within the same stamp: it is read again."""
_MOMENT_S = 0.05
"""No look at the files counts for longer."""
_BY_HASH = re.compile(r"[\w-]{86}", re.ASCII)
_Stamp = tuple[int, int, int, int]
_NO_STAMP = (0, 0, 0, 0)


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """An agreement, or a file that holds none: ``trouble`` says in a line why it gives nothing; "" where there is none.

    ``path``: the file, of several copies the first; ``hash``: of the content, "" where that is not known.
    """

    path: Path
    agreement: Agreement | None
    hash: str
    status: Status | None
    trouble: str = ""


@dataclass(slots=True)
class _File:
    """A file as it was read last. ``hash`` stays known when it can no longer be read."""

    stamp: _Stamp
    settled: bool
    hash: str
    digest: bytes = b""
    agreement: Agreement | None = None
    said: tuple[Statement, ...] = ()
    trouble: str = ""


@dataclass(slots=True)
class _Agreed:
    """The copies of one agreement as one."""

    path: Path
    agreement: Agreement
    said: tuple[Statement, ...]
    trouble: str = ""


@dataclass(slots=True)
class _Told:
    """What was granted last, and until when time alone does not change it (seconds since 1970)."""

    granted: tuple[Granted, ...] = ()
    from_s: int = 0
    until_s: int = -1


class Book:
    """The agreements in some folders; a folder that is not there is empty. Signatures are written into the last of them.

    ``now_us``: the wall's clock. Where that is set back, the book goes on by the latest time that it has seen, so that nothing
    that has expired comes back while the process runs. Thread-safe.
    """

    def __init__(self, folders: Sequence[Path], now_us: Callable[[], int]) -> None:
        self._folders = tuple(folders)
        self._now_us = now_us
        self._latest_s = 0
        self._lock = threading.RLock()
        self._seen: dict[str, _Stamp] = {}
        self._looked_s = -math.inf
        self._unsettled = False
        self._files: dict[str, _File] = {}
        self._agreed: dict[str, _Agreed] = {}
        self._ended: dict[str, Agreement] = {}
        self._blocked = ""
        self._told = _Told()
        self._recalled: frozenset[str] = frozenset()
        self._since: dict[str, int] = {}
        self._once: dict[str, tuple[Granted, ...]] = {}

    def recall(self, ended: Iterable[str], since: Mapping[str, int], latest_s: int) -> None:
        """What the node's log knows from before it was started again: hashes of agreements that were taken back or refused, from
        when on others were in force here, and the latest time that was (seconds since 1970).

        So neither a file that was put back nor a clock that was set back brings back what was over.
        """
        with self._lock:
            self._recalled = frozenset(ended)
            self._since = dict(since)
            self._latest_s = max(self._latest_s, latest_s)
            self._seen, self._told = {}, _Told()
            self._unite()

    def now_us(self) -> int:
        """The time by which it tells how agreements stand, in whole seconds: it never goes back."""
        with self._lock:
            return self._now_s() * SECOND_US

    def lost(self) -> tuple[Granted, ...]:
        """Grants that were in force while this process ran, and whose file is gone or can no longer be read.

        They give nothing more; but what they gave cannot be taken back.
        """
        with self._lock:
            known = {hashed for hashed, each in self._agreed.items() if not each.trouble}
            return tuple(one for hashed, granted in self._once.items() if hashed not in known for one in granted)

    def since(self) -> dict[str, int]:
        """Since when each agreement is known to be in force here, by its hash (seconds since 1970)."""
        with self._lock:
            return dict(self._since)

    def granted(self, since_s: float = math.inf) -> tuple[Granted, ...]:
        """Every grant of every agreement that holds, and how it stands now. Looks at the files' stamps on each call.

        ``since_s`` (``time.monotonic``): a look that was begun since then, a moment ago, will do. So all that is asked in one
        request, or told of one piece of news, rests on one look, and what changed before that counts.

        As long as nothing changed it is the same object, so that what was made of it can be kept beside it.
        """
        with self._lock:
            now_s = time.monotonic()
            if self._looked_s < max(since_s, now_s - _MOMENT_S):
                self._refresh()
                self._looked_s = now_s
            now_s = self._now_s()
            if not self._told.from_s <= now_s < self._told.until_s:
                self._told = self._tell(now_s)
            return self._told.granted

    def all(self) -> list[Known]:
        """Every agreement, and every file that holds none, with what is wrong with it."""
        with self._lock:
            self._refresh()
            now_s = self._now_s()
            found = [_known(hashed, each, self._blocked, now_s) for hashed, each in self._agreed.items()]
            lost = [
                Known(path=Path(name), agreement=None, hash=file.hash, status=None, trouble=file.trouble)
                for name, file in sorted(self._files.items(), key=self._place)
                if file.agreement is None and file.hash not in self._agreed
            ]
            return [*found, *lost, *self._unlisted()]

    def find(self, hashed: str) -> Known | None:
        """The agreement with this hash; None where there is none."""
        return next((each for each in self.all() if each.hash == hashed), None)

    def keep(self, agreement: Agreement) -> Known:
        """Put an agreement, or a copy with more signatures, into the last folder. Raises ``RuimteError`` where it is wrong."""
        check(agreement)
        hashed = content_hash(agreement.content)
        with self._lock, only_writer(self._folders[-1]):
            known = self.find(hashed)
            if known is not None:
                agreement = unite(_sound(known), agreement)
                check(agreement)
            self._write(agreement)
            found = self.find(hashed)
        assert found is not None  # it was just written
        return found

    def sign(self, hashed: str, action: Action, pair: KeyPair) -> Known:
        """Accept, reject or revoke an agreement with a party's key (the party is known by it), and keep that.

        Raises ``RuimteError`` where there is no such agreement, where it is in trouble, or where signing makes no sense.
        """
        with self._lock:
            known = self.find(hashed)
            if known is None:
                raise RuimteError("there is no such agreement", hashed[:86], "put its file into the lab's folder agreements")
            now_s = self._now_s()
            agreement = _sound(known)
            party = party_of(agreement, pair.public, now_s)
            return self.keep(sign(agreement, party.id, pair.private, action, now_s))

    # --- files ----------------------------------------------------------------------------------------------------------

    def _write(self, agreement: Agreement) -> None:
        """Into the last folder, and into every other copy that can be written: then no single file holds what ended it."""
        target = self._folders[-1] / file_name(agreement)
        write_agreement(target, agreement)
        hashed = content_hash(agreement.content)
        for name, file in self._files.items():
            if file.hash == hashed and file.agreement is not None and Path(name) != target and os.access(name, os.W_OK):
                try:
                    write_agreement(Path(name), agreement)
                except RuimteError:  # a folder that only others may write: the copy that was written counts for all
                    continue

    def _refresh(self) -> None:
        """Read what changed; then what was told last does not count any more."""
        try:
            stamps = self._stamps()
        except OSError as error:
            self._block(f"{error.filename}: cannot be listed ({error.strerror}), so nothing is given")
            return
        self._block("")
        if stamps == self._seen and not self._unsettled:
            return
        changed = False
        self._seen, self._unsettled = stamps, False
        for name in self._files.keys() - stamps.keys():
            del self._files[name]
            changed = True
        for name, stamp in stamps.items():
            file = self._files.get(name)
            if file is None or file.stamp != stamp or not file.settled:
                changed |= self._read(name, stamp, file)
        if changed:
            self._unite()
            self._told = _Told()

    def _unlisted(self) -> list[Known]:
        """The folder that cannot be listed, where no agreement is known that could tell of it."""
        if not self._blocked or self._agreed:
            return []
        return [Known(path=self._folders[-1], agreement=None, hash="", status=None, trouble=self._blocked)]

    def _block(self, trouble: str) -> None:
        """Whether an agreement was revoked in a folder that cannot be listed is not known: then nothing is granted."""
        if self._blocked != trouble:
            self._blocked, self._told = trouble, _Told()

    def _stamps(self) -> dict[str, _Stamp]:
        """What tells that a file has changed, by its path. This runs on every request: plain strings, one look at each file."""
        found = {}
        for folder in self._folders:
            try:
                entries = os.scandir(folder)
            except FileNotFoundError:
                continue
            with entries:
                for entry in entries:
                    if entry.name.endswith(SUFFIX):
                        try:
                            seen = entry.stat()
                            found[entry.path] = (seen.st_mtime_ns, seen.st_ctime_ns, seen.st_size, seen.st_ino)
                        except OSError:
                            found[entry.path] = _NO_STAMP
        return found

    def _read(self, name: str, stamp: _Stamp, before: _File | None) -> bool:
        """Read one file; whether it holds something else than before."""
        path = Path(name)
        settled = time.time_ns() - max(stamp[:2]) > _SETTLED_NS
        self._unsettled |= not settled
        hashed = path.stem if _BY_HASH.fullmatch(path.stem) else before.hash if before is not None else ""
        file = _File(stamp, settled, hash=hashed)
        try:
            octets = read_bytes(path)
            file.digest = hashlib.sha256(octets).digest()
            if before is not None and before.digest == file.digest:
                before.stamp, before.settled = stamp, settled
                return False
            agreement = read_document(octets, name)
            file.hash = content_hash(agreement.content)
            if _BY_HASH.fullmatch(path.stem) and path.stem != file.hash:
                file.hash = path.stem
                raise RuimteError("holds another agreement than its name says", name, "put the right one back, or rename it")
            check_content(agreement.content)
            file.said = statements(agreement)
            file.agreement = agreement
        except RuimteError as error:
            file.trouble = str(error) if name in error.where else f"{name}: {error}"
        self._files[name] = file
        return True

    def _unite(self) -> None:
        """Copies become one agreement, and what ended one before still ends it."""
        self._agreed = {}
        files = [(Path(name), file) for name, file in sorted(self._files.items(), key=self._place)]
        for path, file in files:
            if file.agreement is not None:
                self._add(file.hash, path, file.agreement, file.said)
        for hashed, ended in self._ended.items():
            if hashed in self._agreed:
                self._add(hashed, self._agreed[hashed].path, ended, ())
        for hashed, known in self._agreed.items():
            signatures = known.agreement.signatures
            if not known.trouble and (signatures.reject or signatures.revoke):
                only = Signatures(reject=signatures.reject, revoke=signatures.revoke)
                self._ended[hashed] = msgspec.structs.replace(known.agreement, signatures=only)
        for hashed in self._recalled & self._agreed.keys():
            known = self._agreed[hashed]
            if not (known.agreement.signatures.reject or known.agreement.signatures.revoke):
                known.trouble = known.trouble or f"{known.path}: it had ended before, and this copy is from before that"
        for _, file in files:
            if file.agreement is None and file.hash in self._agreed:
                known = self._agreed[file.hash]
                known.trouble = known.trouble or f"a copy of it is wrong: {file.trouble}"

    def _add(self, hashed: str, path: Path, agreement: Agreement, said: tuple[Statement, ...]) -> None:
        """One more copy; what stands in it alone still has to fit what stands in the others."""
        known = self._agreed.setdefault(hashed, _Agreed(path, agreement, said))
        if known.agreement == agreement or known.trouble:
            return
        try:
            known.agreement = unite(known.agreement, agreement)
            known.said = statements(known.agreement)
        except RuimteError as error:
            known.trouble = f"{known.path}: its copies do not fit each other: {error}"

    def _place(self, item: tuple[str, _File]) -> tuple[int, str]:
        """Files of the first folder first, by name."""
        path = Path(item[0])
        return self._folders.index(path.parent), path.name

    # --- time -----------------------------------------------------------------------------------------------------------

    def _now_s(self) -> int:
        self._latest_s = max(self._latest_s, self._now_us() // SECOND_US)
        return self._latest_s

    def _tell(self, now_s: int) -> _Told:
        if self._blocked:
            return _Told()
        found, until_s = _Told(from_s=now_s), now_s + 3600
        for hashed, each in self._agreed.items():
            if each.trouble:
                continue
            granted = granted_by(each.agreement, hashed, each.said, now_s)
            if any(one.status == "valid" for one in granted):
                self._since.setdefault(hashed, now_s)
            if hashed in self._since:  # signatures tell when they were made, not when they came to be known here
                since_us = self._since[hashed] * SECOND_US
                granted = [msgspec.structs.replace(one, signed_us=max(one.signed_us, since_us)) for one in granted]
            if hashed in self._since:
                self._once[hashed] = tuple(granted)
            found.granted += tuple(granted)
            until_s = min(until_s, next_change(each.agreement, each.said, now_s) or until_s)
        found.until_s = until_s
        return found


def _sound(known: Known) -> Agreement:
    """The agreement, where it is in no trouble: what stands in a file that cannot be read must not be written over."""
    if known.agreement is None or known.trouble:
        raise RuimteError(known.trouble, "", "mend that first; until then it gives nothing")
    return known.agreement


def _known(hashed: str, each: _Agreed, blocked: str, now_s: int) -> Known:
    trouble = each.trouble or blocked
    stands = None if trouble else status_by(each.agreement, each.said, now_s)
    return Known(path=each.path, agreement=each.agreement, hash=hashed, status=stands, trouble=trouble)


def agreement_folders(lab: Lab, data: Path) -> tuple[Path, Path]:
    """Where a node looks for the agreements of its lab: the lab's folder, and its own data folder."""
    return lab.folder / "agreements", data / f"{lab.key}.agreements"
