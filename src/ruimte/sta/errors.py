"""What can be wrong with a SensorThings request, with the HTTP status that the standard gives it."""

from __future__ import annotations

from ruimte.errors import RuimteError


class StaError(RuimteError):
    """400 malformed, 403 not allowed here, 404 no such entity, 405 not done to it, 409 in conflict, 501 not supported."""

    def __init__(self, what: str, where: str = "", mend: str = "", status: int = 400) -> None:
        super().__init__(what, where, mend)
        self.status = status
