"""What the journal stores besides events and last verdicts: dispatches, enrollments. Plain values, no SQL."""

from enum import StrEnum
from typing import NamedTuple

import msgspec

from pyhall_tui.fleet.events import Event
from pyhall_tui.journal.last_verdict import LastVerdict
from pyhall_tui.registry.models import KEPT

RAW_LIMIT = KEPT
"""Bytes of one raw request or answer that are stored; the rest is cut off."""


class DispatchRow(msgspec.Struct, frozen=True, kw_only=True):
    """One dispatch that was sent: the request and its result."""

    at: float
    """Wall time of the send, seconds since the epoch."""
    namespace: str
    capability: str
    worker_id: str
    context: str = "{}"
    """The context sent, as JSON text."""
    outcome: str = ""
    """The outcome's word as received; empty if no answer came."""
    result: str = ""
    """How it was understood: a `dispatch.result.Result`. Empty in a row from an earlier version."""
    deny_code: str | None = None
    reason: str | None = None
    decision_id: str | None = None
    correlation_id: str = ""
    """As sent."""
    correlation_back: str | None = None
    """As received; compare the two."""
    status: int | None = None
    """HTTP status; None if no answer came."""
    elapsed_ms: float | None = None
    error: str = ""
    """The sentence that was shown if there was no usable answer."""
    may_have_reached: bool = False
    """True if there is an error, but the registry may have recorded the dispatch."""
    request_raw: bytes = b""
    """The request's body, the first `RAW_LIMIT` bytes; empty again once retention has dropped it."""
    response_raw: bytes = b""
    """The answer's body, likewise."""
    id: int = 0
    """The journal's row; 0 until it is recorded."""


class EnrollmentState(StrEnum):
    """How far one row of a batch got. `SENDING` at the start means that it was sent and no answer is known."""

    CHECKED = "checked"
    SENDING = "sending"
    ANSWERED = "answered"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class EnrollmentRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a batch. Only the last one recorded for each (profile, batch, row_key) is stored."""

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
    """One batch that the journal knows."""

    batch: str
    began_at: float
    last_at: float
    states: dict[EnrollmentState, int]
    """How many rows are in each state that occurs."""


class Recorded(NamedTuple):
    """An event as it is stored."""

    event: Event
    """With its id, and with a `count` above 1 if it was folded into an earlier one."""
    replaced_id: int | None
    """The row that is gone because it was folded into this one; None if the event has its own row."""


class Seen(NamedTuple):
    """One acknowledgement."""

    at: float
    """Wall time."""
    by: str
    note: str
    act: int
    """Its number, so that it can be undone, and nothing else with it."""


class Touched(NamedTuple):
    """Everything that one correlation id touched, oldest first."""

    events: list[Event]
    dispatches: list[DispatchRow]
    enrollments: list[EnrollmentRow]
    verdicts: list[LastVerdict]


class NotKept(Exception):
    """Something that had to be on disk first is not. The text is a sentence for the operator."""
