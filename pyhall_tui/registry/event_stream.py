"""A registry's stream of changes, `GET /api/v1/events`, on its own connection. It says hints, not verdicts."""

from collections.abc import Callable
from functools import partial
from typing import Final

import httpx
import msgspec

from pyhall_tui.registry.decode import Unreadable
from pyhall_tui.registry.errors import NotARegistrysAnswer, Redirected
from pyhall_tui.registry.models import StreamEvent
from pyhall_tui.registry.server_sent_events import EventReader, ServerSentEvent
from pyhall_tui.registry.trip import Answer, Call
from pyhall_tui.registry.wire import Wire

CHANGES: Final = "/api/v1/events"
"""Our halls' stream."""
DISPATCHES: Final = "/events"
"""What the published desktop monitor streams: only dispatches, in events without a name."""
MEDIA_TYPE: Final = "text/event-stream"

_UNNAMED: Final = "message"
"""The type of an event without one."""
_NOT_OFFERED: Final = (400, 404, 405, 406, 410, 501)
"""How a registry without such a stream may answer."""
_ENDLESS: Final = 2**60
"""Bytes that may come in all: a stream is limited by the second instead, and in each line and event."""
_LONGEST_ID: Final = 1_000
"""Characters of a worker's id in an event."""


class _Said(msgspec.Struct, frozen=True):
    """What is used of an event's data."""

    revision: int | None = None
    heartbeat_s: float | None = None
    worker_id: str | None = None
    type: str | None = None
    decision: str | None = None


class EventStream:
    """Follows the stream of one registry. Belongs to the loop that uses it."""

    def __init__(self, wire: Wire, new_id: Callable[[], str]) -> None:
        """Connect to nothing yet. `wire` is only for this: it asks for `MEDIA_TYPE` over its one connection."""
        self._wire, self._new_id = wire, new_id
        self.retry = 0.0
        """Seconds that the registry asks us to wait before we connect again."""

    async def follow(
        self, take: Callable[[StreamEvent], None], last_id: int | None = None, *, path: str = CHANGES
    ) -> bool:
        """Connect, and pass on each event until the stream ends; return False if the registry has no such stream.

        Args:
            last_id: the id of the last event that came before, to go on after it.

        Raises:
            RegistryError: it can't be followed now, or broke off.
        """
        is_stream = True

        def read(headers: httpx.Headers) -> Callable[[bytes], None]:
            nonlocal is_stream
            kind = headers.get("content-type", "").partition(";")[0].strip().lower()
            is_stream = kind == MEDIA_TYPE
            if not is_stream:
                raise Unreadable("it is not a stream of events")
            return partial(self._read, EventReader(lambda event: take(_read_event(event))))

        call = Call(
            method="GET",
            path=path,
            correlation_id=self._new_id(),
            headers=() if last_id is None else (("Last-Event-ID", str(last_id)),),
            limit=_ENDLESS,
            accepts=_NOT_OFFERED,
            follow=read,
        )
        try:
            status = await self._wire.ask(call, _status)
        except NotARegistrysAnswer:
            if is_stream:
                raise
            return False
        except Redirected:
            return False
        return status not in _NOT_OFFERED

    def _read(self, reader: EventReader, data: bytes) -> None:
        reader.feed(data)
        self.retry = reader.retry

    async def aclose(self) -> None:
        """Close the connection. May be called repeatedly."""
        await self._wire.aclose()


def _status(answer: Answer) -> int:
    return answer.status


def _read_event(event: ServerSentEvent) -> StreamEvent:
    """Return what is used of an event. If its data is unreadable, only its type and id are."""
    said = _decoded(event.data)
    worker_id = said.worker_id if said.worker_id and len(said.worker_id) <= _LONGEST_ID else None
    return StreamEvent(
        type=said.type or event.type if event.type == _UNNAMED else event.type,
        id=event.id,
        revision=said.revision,
        heartbeat=said.heartbeat_s,
        worker_id=worker_id,
        decision=said.decision,
    )


def _decoded(data: bytes) -> _Said:
    try:
        return msgspec.json.decode(data, type=_Said)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return _Said()
