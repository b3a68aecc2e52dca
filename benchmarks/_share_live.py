"""What sharing costs a node: a release of 200 zones, and a hundred partners who follow, each under an agreement of its own."""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path

import httpx

from benchmarks._node import Node
from benchmarks._report import Row, row
from benchmarks._share_node import PURPOSE, ZONES, party
from ruimte.jobs.partner import Partner

PARTNERS = 100


@contextmanager
def _node(parties: int) -> Iterator[tuple[Node, Path]]:
    with tempfile.TemporaryDirectory(prefix="ruimte-bench-") as name:
        command = [sys.executable, "-m", "benchmarks._share_node", name, str(parties)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            yield Node(f"http://127.0.0.1:{port}", process.pid), Path(name)
        finally:
            process.terminate()
            process.wait(30)


def _partner(node: Node, number: int) -> Partner:
    name, keys = party(number)
    # a hundred partners ask from a hundred addresses, not from one: else the node takes them for one that guesses
    transport = httpx.AsyncHTTPTransport(local_address=f"127.0.0.{number + 1}")
    http = httpx.AsyncClient(transport=transport, timeout=httpx.Timeout(60.0), trust_env=False)
    return Partner(node.url, name, keys, PURPOSE, allow_private=True, http=http)


def bench_release(quick: bool = False) -> list[Row]:
    """Server CPU of one answer: token and proof checked, decided by Cedar, put into form, logged on the disk, sent as JSON."""
    repeats, rounds = (100, 3) if quick else (300, 5)

    async def measure(node: Node) -> tuple[list[float], list[float]]:
        ours, plain = [], []
        async with _partner(node, 1) as first, _partner(node, 2) as second, httpx.AsyncClient() as client:
            for partner in (first, second):
                (await partner.get("/share/v1/state")).raise_for_status()
            for turn in range(rounds):
                before = node.cpu_s()
                for number in range(repeats):
                    await (first, second)[number % 2].get("/share/v1/state")
                between = node.cpu_s()
                for _ in range(repeats):
                    (await client.get(f"{node.url}/plain")).raise_for_status()
                ours.append((between - before) / repeats * 1000)
                plain.append((node.cpu_s() - between) / repeats * 1000)
                await asyncio.sleep(60 if repeats * (turn + 1) // 2 % 600 > 450 else 0)  # a party may ask 600 times a minute
        return ours, plain

    rows = []
    for agreements in (10, PARTNERS):
        with _node(agreements) as (node, _):
            ours, plain = asyncio.run(measure(node))
        figure = f"decide and release a state of {ZONES} zones, server CPU, {agreements} agreements"
        peer = "as many rows as JSON, nothing else"
        rows.append(row(figure, statistics.median(ours), "ms", most=5, peer=peer, peer_value=statistics.median(plain)))
    return rows


def bench_live(quick: bool = False) -> list[Row]:
    """From the moment at which there is something new until each follower has it, checked and decoded by a client of its own."""
    seconds = 20 if quick else 60

    async def follow(node: Node, number: int, came: list[tuple[str, float]], going: asyncio.Event) -> None:
        async with _partner(node, number) as partner, aclosing(partner.stream("/share/v1/live")) as events:
            async for event in events:
                if event.id:
                    came.append((event.id, time.time()))
                    going.set()

    async def measure(node: Node) -> tuple[list[list[tuple[str, float]]], float]:
        came: list[list[tuple[str, float]]] = [[] for _ in range(PARTNERS)]
        tasks = []
        for number in range(PARTNERS):
            going = asyncio.Event()
            tasks.append(asyncio.create_task(follow(node, number + 1, came[number], going)))
            await going.wait()  # one after another: a hundred handshakes at once are not what is measured
        for each in came:
            each.clear()
        gc.freeze()  # followers are not to wait for this process
        before = node.cpu_s()
        await asyncio.sleep(seconds)
        cpu = (node.cpu_s() - before) / seconds
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return came, cpu

    with _node(PARTNERS) as (node, folder):
        came, cpu = asyncio.run(measure(node))
        told = dict(line.split() for line in (folder / "updates.txt").read_text().splitlines())
    late = sorted(1000 * (at - float(told[id_])) for each in came for id_, at in each if id_ in told)
    most = PARTNERS * seconds
    figure = f"{PARTNERS} followers on one core, one update a second"
    return [
        row(f"{figure}: 99 % have it within", late[int(0.99 * len(late))], "ms", most=250),
        row(f"{figure}: half have it within", statistics.median(late), "ms"),
        row(f"{figure}: share of all updates that came", len(late) / most, "", least=0.98),
        row(f"{figure}: share of the core that is used", cpu, ""),
    ]


if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
