"""``ruimte subscribe`` and ``ruimte contribute``: follow a partner's node under an agreement, and tell it what is known here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ruimte.cli_parts import now_us, read, tell
from ruimte.settings import data_dir

if TYPE_CHECKING:
    from ruimte.jobs.agreements import Known
    from ruimte.jobs.subscriptions import Subscription

_lab = click.option("--lab", required=True, help="The lab whose node follows, or tells.")
_data = click.option("--data", type=click.Path(path_type=Path), help="Folder of the databases (else RUIMTE_DATA).")
_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


@click.command()
@click.argument("url", required=False)
@_lab
@click.option("--agreement", type=click.Path(path_type=Path), help="The file of the agreement, signed by all.")
@click.option("--party", metavar="ID", help="This node's party in it. Default: the one whose key the node has.")
@click.option("--allow-private", is_flag=True, help="The other node is in a network of one's own, perhaps without TLS.")
@click.option("--ca", type=click.Path(path_type=Path), help="PEM of an authority besides those that the system knows.")
@click.option("--list", "listed", is_flag=True, help="List whom the node follows, and how each agreement stands.")
@click.option("--remove", metavar="KEY", help="Follow no more: the key, or the address; what was received is deleted.")
@click.option("--trust", metavar="KEY", help="Somebody looked: trust a partner's log again, from now on.")
@_data
@_json
def subscribe(
    url: str | None,
    lab: str,
    agreement: Path | None,
    party: str | None,
    allow_private: bool,
    ca: Path | None,
    listed: bool,
    remove: str | None,
    trust: str | None,
    data: Path | None,
    as_json: bool,
) -> None:
    """Follow the partner's node at URL: its figures are shown on the page of LAB's own node, as the partner's.

    The connection is tried once, and what it will get is told. A node that runs takes it up within seconds.
    """
    import asyncio

    import msgspec

    from ruimte.jobs import subscriptions as file
    from ruimte.jobs.agreements import Book, agreement_folders
    from ruimte.jobs.meeting import meet, read_valid
    from ruimte.keys.signature import KeyPair
    from ruimte.notify.keys import known_node_keys

    if sum((url is not None, listed, remove is not None, trust is not None)) != 1:
        raise click.UsageError("give URL with --agreement, or one of --list, --remove and --trust")
    own, folder = read(lab), data_dir(data)
    path = file.subscriptions_path(folder, own.key)
    known = file.read_subscriptions(path)
    if listed:
        book, at_s = Book(agreement_folders(own, folder), now_us), now_us() // 1_000_000
        _tell_all(known, as_json, [_standing(book.find(each.agreement), at_s) for each in known])
        return
    if remove is not None:
        gone = file.find(known, remove)
        file.write_subscriptions(path, [each for each in known if each.key != gone.key])
        _tell_all([gone], as_json, ["not followed any more"])
        return
    if trust is not None:
        found = file.find(known, trust)
        trusted = msgspec.structs.replace(found, trusted_s=now_us() // 1_000_000 + 1)
        file.write_subscriptions(path, [trusted if each.key == found.key else each for each in known])
        _tell_all([trusted], as_json, ["trusted again"])
        return
    if url is None or agreement is None:
        raise click.UsageError("an agreement is needed: --agreement FILE")
    at_s = now_us() // 1_000_000
    agreed = read_valid(agreement, at_s, own.zone)
    keys = known_node_keys(folder, own.key)
    pair = KeyPair(keys.private, keys.public)
    met = asyncio.run(meet(url, agreed, pair, at_s, party=party, allow_private=allow_private, ca_file=ca))
    Book(agreement_folders(own, folder), now_us).keep(agreed)
    for each in met:
        known = file.with_subscription(known, each.subscription)
    file.write_subscriptions(path, known)
    told = {"subscriptions": [msgspec.to_builtins(each) | {"key": each.subscription.key} for each in met]}
    tell(told, as_json, [line for each in met for line in each.lines()])


@click.command()
@click.argument("partner", metavar="KEY")
@click.argument("kind", type=click.Choice(["zone-status", "closures", "arrivals"]))
@click.argument("place")
@_lab
@click.option("--status", type=click.Choice(["open", "busy", "full", "closed"]), help="With zone-status: how the zone is.")
@click.option("--expected", type=click.IntRange(0), help="With arrivals: how many people.")
@click.option("--from", "from_", help="With closures and arrivals: from when, local time. Default: now.")
@click.option("--until", required=True, help="Until when it holds, local time: 2026-07-04T23:00.")
@click.option("--note", default="", help="Why, in a few words; never about a person.")
@_data
@_json
def contribute(
    partner: str,
    kind: str,
    place: str,
    lab: str,
    status: str | None,
    expected: int | None,
    from_: str | None,
    until: str,
    note: str,
    data: Path | None,
    as_json: bool,
) -> None:
    """Tell the partner KEY (see ruimte subscribe --list) of its PLACE: how a zone is, what is closed, who is expected."""
    import asyncio

    from ruimte.jobs import subscriptions as file
    from ruimte.jobs.agreements import Book, agreement_folders
    from ruimte.jobs.telling import body_of, check_taken, send
    from ruimte.keys.signature import KeyPair
    from ruimte.notify.keys import known_node_keys

    if (kind == "zone-status") != (status is not None) or (kind == "arrivals") != (expected is not None):
        raise click.UsageError("zone-status needs --status, arrivals --expected, and neither goes with another")
    own, folder = read(lab), data_dir(data)
    subscription = file.find(file.read_subscriptions(file.subscriptions_path(folder, own.key)), partner)

    body = body_of(
        kind, place, from_=from_, until=until, zone=own.zone, now_us=now_us(), status=status, expected=expected, note=note
    )
    known = Book(agreement_folders(own, folder), now_us).find(subscription.agreement)
    if known is not None and known.agreement is not None:
        check_taken(known.agreement, subscription, kind)
    keys = known_node_keys(folder, own.key)
    receipt = asyncio.run(send(subscription, KeyPair(keys.private, keys.public), kind, body))
    tell(receipt, as_json, [f"{subscription.provider} has it, entry {receipt['log_index']} of its log"])


def _tell_all(known: list[Subscription], as_json: bool, told: list[str]) -> None:
    """The subscriptions, and of each what is ``told`` of it: how its agreement stands, or what was done."""
    import msgspec

    rows = [{"key": one.key, **msgspec.to_builtins(one), "told": said} for one, said in zip(known, told, strict=True)]
    lines = [
        f"{one.key}  {one.url}  {one.provider}  lab {one.lab}, for {one.purpose}: {said}"
        for one, said in zip(known, told, strict=True)
    ]
    tell({"subscriptions": rows}, as_json, lines or ["nobody is followed"])


def _standing(known: Known | None, at_s: int) -> str:
    """How the agreement of a subscription stands, as this node has it."""
    from ruimte.jobs.agreement_words import stands

    if known is None:
        return "its agreement is not here"
    return f"gives nothing: {known.trouble}" if known.agreement is None or known.trouble else stands(known.agreement, at_s)
