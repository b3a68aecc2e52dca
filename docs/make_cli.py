"""Writes ``docs/cli.md`` from the commands themselves: ``python docs/make_cli.py``. A test tells when that was forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from ruimte.cli import main

PAGE = Path(__file__).with_name("cli.md")

_HEAD = """# Command line

<!-- written by docs/make_cli.py: change the commands, not this page -->

Exit codes: 0 in order; 1 something is wrong, told in one line that names the thing and the mend; 2 wrong usage.
`ruimte --version` tells the version, `-h` or `--help` after any command tells its options.

A LAB is the folder of a lab, or the name of one that comes along (`auckland`, `boulevard`, `hardbruecke`). Databases live in
`--data`, else in the folder that the environment variable `RUIMTE_DATA` names, else where the system keeps such things (on Linux
`~/.local/share/ruimte`).
"""


def page() -> str:
    """The page as it should be."""
    parts = [_HEAD]
    for name, command in _commands(main):
        arguments = [p for p in command.params if isinstance(p, click.Argument)]
        options = [p for p in command.params if isinstance(p, click.Option)]
        usage = " ".join(["ruimte", name, *(a.metavar or (a.name or "").upper() for a in arguments), "[OPTIONS]"])
        parts.append(f"## ruimte {name}\n\n```text\n{usage}\n```\n\n{_text(command)}\n")
        if options:
            rows = "\n".join(_row(option) for option in options)
            parts.append(f"| option | what it does |\n|---|---|\n{rows}\n")
    return "\n".join(parts)


def _commands(group: click.Group, within: str = "") -> Iterator[tuple[str, click.Command]]:
    """The commands of a group and of the groups in it, by name."""
    for name, command in sorted(group.commands.items()):
        if isinstance(command, click.Group):
            yield from _commands(command, f"{within}{name} ")
        else:
            yield within + name, command


def _text(command: click.Command) -> str:
    return " ".join((command.help or "").split())


def _row(option: click.Option) -> str:
    value = "" if option.is_flag else f" {option.type.name.upper().replace(' RANGE', '')}"
    said = [option.help or ""]
    if option.required:
        said.append("Required.")
    if option.show_default:
        said.append(f"Default: `{option.default}`.")
    return f"| `{', '.join(option.opts)}{value}` | {' '.join(said)} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
