"""What people send: whether the registry refuses all of it, though the key is good enough to read."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pyhall_tui.registry.models import RequestRecord

_REFUSED: Final = (401, 403)
_LEAST: Final = 2
"""Refusals in a row from which on it is not only one request's fault."""


class OwnRequests:
    """Counts the changes and dispatches that were refused in a row.

    They make no alarm: whoever sends one sees how it ends, and no worker's state depends on them.
    """

    def __init__(self) -> None:
        self._status: int | None = None
        self._in_a_row = 0

    @property
    def refused(self) -> str:
        """What all of the last ones were refused with, and how many: `403 (3)`; empty unless several were."""
        return f"{self._status} ({self._in_a_row})" if self._in_a_row >= _LEAST else ""

    def record(self, record: "RequestRecord") -> None:
        """Note how a request ended; reads don't count, and neither does one without an answer."""
        if record.method == "GET" or record.status is None:
            return
        if record.status in _REFUSED:
            self._in_a_row = self._in_a_row + 1 if record.status == self._status else 1
            self._status = record.status
        elif record.error is None:
            self._in_a_row = 0
