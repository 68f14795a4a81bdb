"""Counts the requests to one registry by what they asked and how they ended, and how long they took."""

from collections import Counter
from typing import Final

from pyhall_tui.metrics.text_format import Histogram
from pyhall_tui.registry.models import RequestRecord

_OPERATIONS: Final = (
    ("/api/v1/verify/", "verify"),
    ("/api/v1/ban-list/report", "report"),
    ("/api/v1/ban-list", "ban_list"),
    ("/api/v1/dispatch", "dispatch"),
    ("/api/v1/hall/enroll", "enroll"),
    ("/api/v1/workers/", "attest"),
    ("/health", "health"),
)
"""The beginning of a path, and the operation; the first that fits counts."""
OTHER: Final = "other"
STATUSES: Final = frozenset(
    (200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 409, 413, 422, 429)
) | frozenset((500, 501, 502, 503, 504))
"""Statuses that are counted one by one; others as their class (`4xx`): no registry can make a thousand series."""
_FROM_THE_START: Final = (
    *("200", "401", "403", "404", "429", "500", "502", "503"),
    *("timed_out", "unreachable", "not_trusted", "not_a_registrys_answer"),
)
"""Codes of verify and ban list that are there with 0, so that a rate sees their first occurrence."""


class RequestCounts:
    """What one profile's requests came to since the start. Bounded: neither ids nor paths are kept."""

    def __init__(self) -> None:
        self.totals: Counter[tuple[str, str]] = Counter()
        """By operation and code."""
        self.durations = Histogram()
        """In seconds."""
        for operation in ("verify", "ban_list"):
            self.totals.update({(operation, code): 0 for code in _FROM_THE_START})

    def take(self, record: RequestRecord) -> None:
        """Count one finished request."""
        self.totals[(operation_of(record.path), code_of(record.status, record.error))] += 1
        self.durations.observe(record.elapsed)


def operation_of(path: str) -> str:
    """Return what a request for `path` asks: one of a few words."""
    return next((operation for start, operation in _OPERATIONS if path.startswith(start)), OTHER)


def code_of(status: int | None, error: str | None) -> str:
    """Return how a request ended: its status, or else the kind of error in one word; one of a few dozen."""
    if status is None:
        return (error or "error").replace("'", "").replace(" ", "_")
    if status in STATUSES:
        return str(status)
    return f"{status // 100}xx" if 100 <= status < 600 else OTHER
