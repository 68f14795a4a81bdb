"""Follows a registry's stream of changes, if it has one, beside the polling. What it says hints at what to ask.

A stream that lies, hangs or breaks off makes nothing look clean and delays nothing: the engine polls as without it.
"""

import asyncio
import random
from collections.abc import Callable
from typing import Final, Protocol

from pyhall_tui.clock import Clock
from pyhall_tui.monitor.connection_state import ConnectionState, Reachability
from pyhall_tui.monitor.hints import Hints
from pyhall_tui.registry.backoff import Backoff
from pyhall_tui.registry.errors import RegistryError, StatusError
from pyhall_tui.registry.event_stream import CHANGES, DISPATCHES
from pyhall_tui.registry.models import StreamEvent

NOT_OFFERED_AGAIN: Final = 600.0
"""Seconds until a registry that has no stream is asked for one again."""
HEARTBEATS_MISSED: Final = 2.5
"""Heartbeats without any event after which a stream counts as dead."""

_HEARTBEAT: Final = 10.0
"""Seconds between two heartbeats if the stream doesn't say."""
_SHORTEST, _LONGEST = 1.0, 60.0
"""Seconds between two heartbeats that are believed."""
_BEGINS_WITHIN: Final = 15.0
"""Seconds until a stream has said that it is connected."""
_STEADY: Final = 60.0
"""Seconds that a stream has to last, so that the next attempt follows shortly after its end."""
_LOOK: Final = 0.25
"""Seconds between two looks at whether the registry is there."""
_ON_TIME: Final = 1.0
"""Seconds by which it must have been heard later before the engine is told."""
_ALLOWED: Final = ("allow", "allowed", "DISPATCH", "ALLOW")
"""What a dispatch that was allowed may be called."""
_KNOWN: Final = frozenset({"connected", "heartbeat", "ban", "unban", "worker", "policy", "decisions", "reset"})


class Stream(Protocol):
    """What is needed from the client."""

    @property
    def retry(self) -> float: ...

    async def follow(
        self, take: Callable[[StreamEvent], None], last_id: int | None = None, *, path: str = CHANGES
    ) -> bool: ...


class Hinted(Protocol):
    """What is needed from the engine."""

    @property
    def hints(self) -> Hints: ...

    @property
    def state(self) -> ConnectionState: ...

    def pushed_until(self, until: float | None) -> None: ...

    def wake(self) -> None: ...


class Pushed:
    """Follows one stream, again and again. Belongs to the engine's loop."""

    def __init__(self, stream: Stream, engine: Hinted, clock: Clock, rng: random.Random | None = None) -> None:
        """Connect to nothing yet."""
        self._stream, self._engine, self._clock = stream, engine, clock
        self._backoff = Backoff(rng or random.Random())
        self._last_id: int | None = None
        """The id of the newest event that came."""
        self._path = CHANGES
        self._is_connected = False
        self._heartbeat = _HEARTBEAT
        self._deadline = 0.0
        """When the stream counts as dead unless something comes, on the monotonic clock."""

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            while self._engine.state.reach is not Reachability.LIVE:
                await self._clock.sleep(_LOOK)
            pause = await self._follow(CHANGES)
            if pause is None:
                pause = await self._follow(DISPATCHES)
            await self._clock.sleep(NOT_OFFERED_AGAIN if pause is None else pause)

    async def _follow(self, path: str) -> float | None:
        """Connect, and follow to the end; return the seconds until the next attempt, or None if it is not offered."""
        began = self._clock.now().mono
        self._path = path
        self._is_connected, self._heartbeat, self._deadline = False, _HEARTBEAT, began + _BEGINS_WITHIN
        last_id = self._last_id if path == CHANGES else None
        following = asyncio.ensure_future(self._stream.follow(self._take, last_id, path=path))
        watching = asyncio.ensure_future(self._watch())
        asked_for, is_offered = 0.0, True
        try:
            await asyncio.wait((following, watching), return_when=asyncio.FIRST_COMPLETED)
            if following.done():
                is_offered = following.result()
        except RegistryError as error:
            asked_for = (error.retry_after or 0.0) if isinstance(error, StatusError) else 0.0
        finally:
            following.cancel()
            watching.cancel()
            self._engine.pushed_until(None)
            await asyncio.wait((following, watching))
            _ = following.cancelled() or following.exception()  # it may have failed meanwhile
        if not is_offered:
            return None
        if self._is_connected and self._clock.now().mono - began >= _STEADY:
            self._backoff.reset()
        return max(self._backoff.next(), self._stream.retry, asked_for)

    async def _watch(self) -> None:
        """Return when nothing has come for too long."""
        while (wait := self._deadline - self._clock.now().mono) > 0:
            await self._clock.sleep(wait)

    def _take(self, event: StreamEvent) -> None:
        if self._path == DISPATCHES:
            self._take_dispatch(event)
        elif event.type == "connected":
            self._connected(event)
            self._take_known(event)
        elif self._is_connected and event.type in _KNOWN:
            self._take_known(event)

    def _take_dispatch(self, event: StreamEvent) -> None:
        """A dispatch that is not allowed may be the first sign of a ban. Such a stream reports none by itself."""
        self._is_connected = True
        self._deadline = (
            self._clock.now().mono + HEARTBEATS_MISSED * _LONGEST
        )  # how often it is heard is not documented
        if event.type == "dispatch" and event.decision not in _ALLOWED:
            self._engine.hints.at_list()
            self._engine.wake()

    def _take_known(self, event: StreamEvent) -> None:
        self._heard()
        self._follow_ids(event)
        if event.type in ("ban", "unban"):
            self._engine.hints.at_list()
        elif event.type == "worker" and event.worker_id is not None:
            self._engine.hints.at_worker(event.worker_id)
        elif event.type == "reset":
            self._engine.hints.at_all()
        self._engine.wake()

    def _connected(self, event: StreamEvent) -> None:
        """Take the stream's word that it begins; what happened until now may have been missed."""
        self._is_connected = True
        self._heartbeat = min(_LONGEST, max(_SHORTEST, event.heartbeat or _HEARTBEAT))
        self._engine.hints.at_list()

    def _follow_ids(self, event: StreamEvent) -> None:
        """Ask about everything if the registry's revision has gone back, and about the bans if an event is missing."""
        number = event.id if event.id is not None else event.revision
        if number is None:
            return
        if self._last_id is not None and number < self._last_id:
            self._engine.hints.at_all()
        elif event.type == "heartbeat" and number != self._last_id:
            self._engine.hints.at_list()
        self._last_id = number

    def _heard(self) -> None:
        self._deadline = self._clock.now().mono + HEARTBEATS_MISSED * self._heartbeat
        until = self._engine.state.pushed_until
        if until is None or self._deadline - until >= _ON_TIME:
            self._engine.pushed_until(self._deadline)
