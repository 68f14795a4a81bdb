"""What the journal keeps beside events: dispatches, enrollments, last verdicts. Plain values, no SQL."""

from enum import StrEnum
from typing import NamedTuple

import msgspec

from pyhall_tui.fleet.entry import Ban, Entry
from pyhall_tui.fleet.events import Event
from pyhall_tui.registry.models import KEPT, BanListEntry, Verdict

RAW_LIMIT = KEPT
"""Bytes of one raw request or answer that are kept; what is beyond is cut."""


class DispatchRow(msgspec.Struct, frozen=True, kw_only=True):
    """One dispatch that was sent: what was asked, and what came of it."""

    at: float
    """Wall time of the send, seconds since the epoch."""
    namespace: str
    capability: str
    worker_id: str
    context: str = "{}"
    """The context sent, as JSON text."""
    outcome: str = ""
    """The outcome's word as it came; empty where no answer came."""
    result: str = ""
    """What was understood of it: a `dispatch.result.Result`. Empty in a row of an earlier version."""
    deny_code: str | None = None
    reason: str | None = None
    decision_id: str | None = None
    correlation_id: str = ""
    """As sent."""
    correlation_back: str | None = None
    """As it came back; compare the two."""
    status: int | None = None
    """HTTP status; None where no answer came."""
    elapsed_ms: float | None = None
    error: str = ""
    """The sentence that was shown where it could not be asked."""
    may_have_reached: bool = False
    """True where there is an error, yet the registry may have recorded the dispatch."""
    request_raw: bytes = b""
    """The request's body, the first `RAW_LIMIT` bytes; empty again once retention has dropped it."""
    response_raw: bytes = b""
    """The answer's body, likewise."""
    id: int = 0
    """The journal's row; 0 until it is recorded."""


class EnrollmentState(StrEnum):
    """How far one row of a batch got. `SENDING` found at start means: sent, and no answer is known."""

    CHECKED = "checked"
    SENDING = "sending"
    ANSWERED = "answered"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class EnrollmentRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a batch. One row is kept for each (profile, batch, row_key): the last one recorded."""

    batch: str
    row_key: str
    """A stable digest of the row, so that a resumed batch finds it again."""
    state: EnrollmentState
    at: float
    """Wall time of this state."""
    worker_id: str | None = None
    request: str = "{}"
    """The request as JSON text."""
    answer: str | None = None
    """The answer as JSON text."""
    error: str = ""
    correlation_id: str = ""
    began_at: float = 0.0
    """Wall time at which this row was first recorded; set by the journal."""


class BatchSummary(NamedTuple):
    """One batch that the journal knows of."""

    batch: str
    began_at: float
    last_at: float
    states: dict[EnrollmentState, int]
    """How many rows are in each state that occurs."""


class LastVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """All that is needed to paint a worker at start, before the registry is asked."""

    worker_id: str
    verdict: Verdict
    """As read back its `raw` is empty: the fleet is painted without it, and `Journal.raw_answer` has it."""
    at: float
    """Wall time of the verdict, for its age."""
    rank: int
    """Of its state, the lowest is the loudest (`fleet.entry`)."""
    banned_by: BanListEntry | None = None
    """The ban list's entry that matched, where one did."""
    changed_at: float = 0.0
    """Wall time of its last transition."""


class Recorded(NamedTuple):
    """An event as it is kept."""

    event: Event
    """With its id, and with a `count` above 1 where it was folded into an earlier one."""
    replaced_id: int | None
    """The row that is gone since it was folded into this one; None where the event is a row of its own."""


class Touched(NamedTuple):
    """All that one correlation id touched, oldest first."""

    events: list[Event]
    dispatches: list[DispatchRow]
    enrollments: list[EnrollmentRow]
    verdicts: list[LastVerdict]


class NotKept(Exception):
    """What had to be on disk before going on is not there. The text is a sentence for the operator."""


def last_verdict(entry: Entry, verdict: Verdict) -> LastVerdict:
    """Return what is kept of a worker, of whom that is the last verdict."""
    return LastVerdict(
        worker_id=entry.worker_id,
        verdict=verdict,
        at=entry.asked_wall,
        rank=entry.last_state(),
        banned_by=entry.listed if entry.ban else None,
        changed_at=entry.changed_wall,
    )


def ban_of(row: LastVerdict, seen: float) -> Ban | None:
    """Return the ban in force by what was kept, seen at that moment of the monotonic clock."""
    if row.banned_by is not None:
        return Ban("ban list", seen, row.banned_by.reason)
    return Ban("verify", seen, row.verdict.ban_reason) if row.verdict.banned else None
