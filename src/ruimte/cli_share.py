"""``ruimte share``: agreements with other organisations, as files. Works without a node and without a network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ruimte.cli_parts import now_us, read, tell
from ruimte.settings import data_dir

if TYPE_CHECKING:
    from collections.abc import Callable

    from ruimte.jobs.agreement_acts import Signer
    from ruimte.share.agreement import Agreement
    from ruimte.share.contract import Action


@click.group()
def share() -> None:
    """Agreements with other organisations: who gets what, for what, in which form, until when."""


_agreement = click.argument("agreement", type=click.Path(path_type=Path))
_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
_lab = click.option("--lab", help="Sign with the key of the node of this lab, and keep what is signed in its data folder too.")
_data = click.option("--data", type=click.Path(path_type=Path), help="Folder of the databases (else RUIMTE_DATA).")
_key = click.option("--key", type=click.Path(path_type=Path), help="File of the party's private key.")
_party = click.option("--party", metavar="ID", help="Whose key it must be. Default: the party whose key it is.")


def _signer_options(function: Callable[..., None]) -> Callable[..., None]:
    for option in (_json, _data, _lab, _party, _key, _agreement):
        function = option(function)
    return function


@share.command()
@click.option("--out", required=True, type=click.Path(path_type=Path), help="File to write the private key into.")
@_json
def keygen(out: Path, as_json: bool) -> None:
    """Make a party's key pair. The private key stays here; the others get the public one, which is put into OUT.pub as well.

    A node has a key of its own already: `ruimte notify LAB --key` prints it.
    """
    from ruimte.jobs.agreement_files import write_key_file, write_whole
    from ruimte.keys.signature import generate, key_id

    pair = generate()
    write_key_file(out, pair)
    public_file = out.with_name(f"{out.name}.pub")
    write_whole(public_file, f"{pair.public}\n".encode(), 0o644)
    told = {"private_file": str(out), "public_file": str(public_file), "public": pair.public, "kid": key_id(pair.public)}
    tell(told, as_json, [f"{name:14}{value}" for name, value in told.items()])


@share.command()
@click.argument("terms", required=False, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="File to write the agreement into; must not be there yet.")
@click.option("--example", is_flag=True, help="Print a commented file of terms, to be changed into your own.")
@_json
def propose(terms: Path | None, out: Path | None, example: bool, as_json: bool) -> None:
    """Make the agreement that a file of TERMS (TOML) describes, for all parties to sign."""
    from ruimte.jobs.agreement_files import write_whole
    from ruimte.jobs.agreement_terms import example as example_terms
    from ruimte.jobs.agreement_terms import propose as run
    from ruimte.share.document import write_document

    if example:
        if terms is not None or out is not None:
            raise click.UsageError("--example goes without TERMS and --out")
        click.echo(example_terms(), nl=False)
        return
    if terms is None or out is None:
        raise click.UsageError("give TERMS and --out, or --example")
    agreement = run(terms, now_us() // 1_000_000)
    write_whole(out, write_document(agreement), 0o644, new=True)
    _tell_stand(out, agreement, as_json)


@share.command()
@_signer_options
def sign(agreement: Path, key: Path | None, party: str | None, lab: str | None, data: Path | None, as_json: bool) -> None:
    """Accept the terms in the file AGREEMENT. Read them first: ruimte share show AGREEMENT."""
    _act("accept", agreement, key, party, lab, data, as_json)


@share.command()
@_signer_options
def reject(agreement: Path, key: Path | None, party: str | None, lab: str | None, data: Path | None, as_json: bool) -> None:
    """Refuse the terms in the file AGREEMENT, for good. Whoever wants others proposes anew."""
    _act("reject", agreement, key, party, lab, data, as_json)


@share.command()
@_signer_options
def revoke(agreement: Path, key: Path | None, party: str | None, lab: str | None, data: Path | None, as_json: bool) -> None:
    """Take back what was accepted in the file AGREEMENT, for good.

    With --lab the lab's node refuses the next request. Other nodes do so once they have the file.
    """
    _act("revoke", agreement, key, party, lab, data, as_json)


@share.command()
@_signer_options
@click.option(
    "--new-key", required=True, type=click.Path(path_type=Path), help="File of the new private key, or of the public one."
)
def rotate(
    agreement: Path, key: Path | None, party: str | None, lab: str | None, data: Path | None, new_key: Path, as_json: bool
) -> None:
    """Give a party's key over to a new one, in the file AGREEMENT. From then on only the new one signs for it."""
    from ruimte.jobs.agreement_acts import give_over
    from ruimte.jobs.agreement_files import read_public_key

    rotated = give_over(agreement, _signer(key, lab, data), read_public_key(new_key), party, now_us())
    _tell_stand(agreement, rotated, as_json)


@share.command()
@_agreement
@click.option("--lab", help="Check it against this lab too: that it has what is given, and that its node gives of it.")
@_data
@_json
def verify(agreement: Path, lab: str | None, data: Path | None, as_json: bool) -> None:
    """Check the file AGREEMENT: its terms, and every signature. Prints how it stands; one that is wrong is told in one line."""
    from ruimte.jobs.agreement_acts import against_node, read_sound

    if lab is None and data is not None:
        raise click.UsageError("--data goes with --lab")
    found = read_sound(agreement)
    if lab is not None:
        against_node(found, read(lab), data_dir(data), now_us())
    _tell_stand(agreement, found, as_json)


@share.command()
@click.argument("agreement", required=False, type=click.Path(path_type=Path))
@click.option("--odrl", is_flag=True, help="Print the ODRL policy of each grant (JSON-LD).")
@click.option("--lab", help="Without AGREEMENT: list all that the node of this lab has.")
@_data
@_json
def show(agreement: Path | None, odrl: bool, lab: str | None, data: Path | None, as_json: bool) -> None:
    """Print what the file AGREEMENT says and how it stands, in words; or, with --lab, list the agreements of a node."""
    from ruimte.jobs.agreement_acts import read_sound
    from ruimte.jobs.agreement_words import as_dict, known_dict, known_line, lines
    from ruimte.jobs.agreements import Book, agreement_folders

    if (agreement is None) == (lab is None):
        raise click.UsageError("give AGREEMENT, or --lab without one")
    if lab is not None:
        known = Book(agreement_folders(read(lab), data_dir(data)), now_us).all()
        told = [known_line(each, now_us() // 1_000_000) for each in known]
        tell({"agreements": [known_dict(each) for each in known]}, as_json, told or ["no agreements"])
        return
    assert agreement is not None  # or there is a lab
    found = read_sound(agreement)
    if odrl:
        policies = [grant.properties.policy for grant in found.content.grants]
        click.echo(json.dumps(policies, ensure_ascii=False, indent=2))
        return
    at_s = now_us() // 1_000_000
    tell(as_dict(found, at_s), as_json, lines(found, at_s))


def _act(
    action: Action, agreement: Path, key: Path | None, party: str | None, lab: str | None, data: Path | None, as_json: bool
) -> None:
    from ruimte.jobs.agreement_acts import act

    _tell_stand(agreement, act(agreement, action, _signer(key, lab, data), party, now_us()), as_json)


def _signer(key: Path | None, lab: str | None, data: Path | None) -> Signer:
    from ruimte.jobs.agreement_acts import Signer

    if (key is None) == (lab is None):
        raise click.UsageError("give --key FILE, or --lab LAB for the key of its node")
    if lab is not None:
        return Signer.of_node(read(lab), data_dir(data))
    if key is None or data is not None:
        raise click.UsageError("--data goes with --lab")
    return Signer.of_file(key)


def _tell_stand(path: Path, agreement: Agreement, as_json: bool) -> None:
    from ruimte.jobs.agreement_words import stands
    from ruimte.share.contract import content_hash, status

    at_s = now_us() // 1_000_000
    told: dict[str, Any] = {
        "file": str(path),
        "hash": content_hash(agreement.content),
        "status": status(agreement, at_s),
    }
    tell(told, as_json, [f"{path}: {stands(agreement, at_s)}"])
