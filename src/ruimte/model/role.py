"""Who acts, and what each role may do: one small table."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

Role = Literal["viewer", "operator", "manager", "privacy-officer", "admin"]
Permission = Literal["look", "act", "manage", "names", "export", "retain", "administer"]
"""``look``: see the picture and the logbook. ``act``: acknowledge, decide, note, shelve, report from the field.
``manage``: change the rules of the day, end what others shelved, sign and take back agreements. ``names``: read who did what, as
long as that is kept. ``export``: take the logbook along. ``retain``: delete what is past its time. ``administer``: accounts,
channels."""

ROLES: tuple[Role, ...] = get_args(Role)
MAY: dict[Role, frozenset[Permission]] = {
    "viewer": frozenset({"look"}),
    "operator": frozenset({"look", "act", "names"}),
    "manager": frozenset({"look", "act", "names", "manage", "export"}),
    "privacy-officer": frozenset({"look", "names", "export", "retain"}),
    "admin": frozenset(get_args(Permission)),
}
ROLE_NAMES: dict[str, dict[str, str]] = {
    "viewer": {"en": "viewer", "nl": "kijker"},
    "operator": {"en": "operator", "nl": "operator"},
    "manager": {"en": "crowd manager", "nl": "crowdmanager"},
    "privacy-officer": {"en": "privacy officer", "nl": "privacyfunctionaris"},
    "admin": {"en": "administrator", "nl": "beheerder"},
}
"""How a role is said."""


class Actor(msgspec.Struct, frozen=True):
    """Somebody who is signed in: a name that is kept for a while, and a role that stays in the logbook."""

    name: str
    role: Role

    def may(self, permission: Permission) -> bool:
        """Whether the role may do this.

        >>> Actor("Jo", "viewer").may("act")
        False
        """
        return permission in MAY[self.role]
