"""Sign, reject, revoke, rotate: on the file of an agreement, with a key from a file or with that of a node."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ruimte.errors import RuimteError
from ruimte.jobs.agreement_files import read_agreement, read_key_file, write_agreement
from ruimte.jobs.agreement_lab import against_budget, against_lab, against_party
from ruimte.jobs.agreements import Book, agreement_folders
from ruimte.keys.signature import KeyPair
from ruimte.lab.lab import Lab
from ruimte.notify.keys import has_keys, known_node_keys
from ruimte.share.agreement import Agreement
from ruimte.share.contract import Action, check, current_key, party_of, rotate, sign


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs: a key pair; of a node also its lab and data folder, where what was signed is kept too."""

    pair: KeyPair
    lab: Lab | None = None
    data: Path | None = None

    @classmethod
    def of_file(cls, path: Path) -> Signer:
        return cls(read_key_file(path))

    @classmethod
    def of_node(cls, lab: Lab, data: Path) -> Signer:
        keys = known_node_keys(data, lab.key)
        return cls(KeyPair(keys.private, keys.public), lab, data)


def act(path: Path, action: Action, signer: Signer, party: str | None, now_us: int) -> Agreement:
    """Sign the agreement in a file, as the party whose key it is; ``party`` names it where that is to be made sure.

    Raises ``RuimteError`` where the file or the key is wrong, or signing makes no sense.
    """
    now_s = now_us // 1_000_000
    agreement = read_sound(path)
    own = _party(agreement, signer, party, now_s)
    if signer.lab is not None and action == "accept":
        against_lab(agreement, signer.lab)
        against_party(agreement, signer.lab, own)
        if signer.data is not None:
            standing = Book(agreement_folders(signer.lab, signer.data), lambda: now_us).granted()
            against_budget(agreement, signer.lab, standing, now_us)
    signed = sign(agreement, own, signer.pair.private, action, now_s)
    return _keep(path, signed, signer, now_us)


def give_over(path: Path, signer: Signer, new_public: str, party: str | None, now_us: int) -> Agreement:
    """Give a party's key over to a new one, in the file of an agreement."""
    now_s = now_us // 1_000_000
    agreement = read_sound(path)
    rotated = rotate(agreement, _party(agreement, signer, party, None), signer.pair.private, new_public, now_s)
    return _keep(path, rotated, signer, now_us)


def against_node(agreement: Agreement, lab: Lab, data: Path, now_us: int) -> None:
    """Raise ``RuimteError`` where the agreement does not fit a lab, or the part of its node's party, where the node has its key.

    Without that key it is not known which party the node is.
    """
    against_lab(agreement, lab)
    if not has_keys(data, lab.key):
        return
    public = known_node_keys(data, lab.key).public
    for party in agreement.content.parties:
        if current_key(agreement, party.id, now_us // 1_000_000) == public:
            against_party(agreement, lab, party.id)


def read_sound(path: Path) -> Agreement:
    """The agreement in a file, checked. Raises ``RuimteError`` with the file's name where anything is wrong with it."""
    agreement = read_agreement(path)
    try:
        check(agreement)
    except RuimteError as error:
        raise RuimteError(error.what, f"{path}, {error.where}", error.mend) from None
    return agreement


def _party(agreement: Agreement, signer: Signer, named: str | None, now_s: int | None) -> str:
    """A party that is named is tried, so that the error tells what is wrong with that one."""
    return named if named is not None else party_of(agreement, signer.pair.public, now_s).id


def _keep(path: Path, agreement: Agreement, signer: Signer, now_us: int) -> Agreement:
    """The node's own copy first: it is the one that acts."""
    if signer.lab is not None and signer.data is not None:
        book = Book(agreement_folders(signer.lab, signer.data), lambda: now_us)
        kept = book.keep(agreement).agreement
        agreement = kept if kept is not None else agreement
    write_agreement(path, agreement)
    return agreement
