"""Accounts of a lab's node: where they are kept, and how they are told."""

from __future__ import annotations

import re
from pathlib import Path

from ruimte.clock import iso
from ruimte.errors import RuimteError
from ruimte.lab.lab import Lab
from ruimte.model.role import ROLES, Role
from ruimte.store.accounts import StoredAccounts

_FIRST = "admin"


def accounts_path(lab: Lab, data: Path) -> Path:
    """Where the accounts of a lab are kept."""
    return data / f"{lab.key}.accounts.db"


def first_link(accounts: StoredAccounts) -> str:
    """A one-time token for the administrator of a node without passwords; makes the account where it is missing."""
    admins = [account.name for account in accounts.all() if account.role == "admin"]
    if not admins:
        accounts.add(_FIRST, "admin")
    return accounts.one_time_token(admins[0] if admins else _FIRST)


def require_name(name: str) -> None:
    """Raise ``RuimteError`` where this cannot be the name of an account: up to 64 letters, digits, blanks and ``. _ @ ' -``."""
    if re.fullmatch(r"[^\W_](?:[\w .@'’-]{0,62}[\w.])?", name) is None:
        raise RuimteError(f"{name!r} is no name for an account", "NAME", 'write letters and digits, as in "j.jansen"')


def require_role(role: str) -> Role:
    """The role of this name. Raises ``RuimteError`` where there is none."""
    for known in ROLES:
        if role == known:
            return known
    raise RuimteError(f"{role!r} is no role", "--role", f"one of: {', '.join(ROLES)}")


def account_rows(accounts: StoredAccounts) -> list[dict[str, object]]:
    """Every account, for a table or JSON."""
    return [
        {"name": each.name, "role": each.role, "password": each.has_password, "made": iso(each.made_us)}
        for each in accounts.all()
    ]
