"""Prints one profile's events from the journal: in order of writing, and after a restart from where it ended.

An event is printed once it is written, so its id stays the same. What this program recorded is printed as it comes.
What others recorded (the app: a silence, a dispatch) is looked up by id, a little before the last one too, because ids
are made before they are written. The last id that was written to standard output is a note beside the journal: after
a kill, what came after it is printed, perhaps again, with the same id.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Final, Protocol

import msgspec

from pyhall_tui.files.notes import Notes
from pyhall_tui.fleet.events import Event
from pyhall_tui.journal.journal import Journal
from pyhall_tui.threads.off_loop import off_loop
from pyhall_tui.watch.lines import Line, event_line

_KIND: Final = "output"
_LOOK: Final = 1.0
"""Seconds between two looks for what other programs have recorded."""
_WRITTEN_WITHIN: Final = 2.0
"""Seconds to wait for the journal: if it can't be written, what happened is printed anyway."""
_AT_ONCE: Final = 500
_MOST: Final = 20_000
"""Events of this program that wait to be printed, and ids that are remembered as printed."""
_WINDOW: Final = 60_000 << 12
"""A minute, as a difference of ids."""


class _Place(msgspec.Struct, frozen=True):
    """The greatest id of an event that was printed."""

    last: int


class Lines(Protocol):
    """Where lines go."""

    def put(self, line: Line) -> None: ...
    def lose(self, count: int) -> None: ...
    async def written(self) -> None: ...


class EventLines:
    """Prints the events of one profile."""

    def __init__(self, journal: Journal, profile: str, notes: Notes, lines: Lines) -> None:
        """Find the place to start from: where an earlier run ended; the first run starts now."""
        self._journal, self._profile, self._notes, self._lines = journal, profile, notes, lines
        self._own: deque[Event] = deque()
        self._printed: dict[int, None] = {}
        self._wake = asyncio.Event()
        self._others_writes = -1
        place = notes.load(_KIND, "", _Place)
        newest = next((event.id for event in journal.events(profile, limit=1)), 0)
        self.is_resumed = place is not None and place.last <= newest  # a greater one is of a journal that was lost
        self.start = place.last if place is not None and self.is_resumed else newest
        """The id after which events follow."""
        self._last = self.start

    def happened(self, events: Sequence[Event]) -> None:
        """Take what this program has recorded."""
        self._own.extend(events)
        if (surplus := len(self._own) - _MOST) > 0:
            for _ in range(surplus):
                self._printed[self._own.popleft().id] = None
            self._lines.lose(surplus)
        self._wake.set()

    async def follow(self) -> None:
        """Print until cancelled."""
        await self._note()
        while True:
            await self._print_news()
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK):
                    await self._wake.wait()

    def finish(self) -> None:
        """Print what this program has recorded and not printed yet; call `keep_place` once it is written."""
        self._put([*self._own])
        self._own.clear()

    def keep_place(self) -> None:
        """Note up to which event everything is printed."""
        if not self._journal.is_makeshift:  # its ids say nothing about those in the file
            self._notes.save(_KIND, "", _Place(self._last))

    async def _print_news(self) -> None:
        self._wake.clear()
        while self._own:
            await off_loop(partial(self._journal.flush, _WRITTEN_WITHIN), name="flush")
            await self._print([self._own.popleft() for _ in range(min(_AT_ONCE, len(self._own)))])
        before, self._others_writes = self._others_writes, self._journal.others_writes()
        if before != self._others_writes:
            await self._print_others()

    async def _print_others(self) -> None:
        after = max(self.start, self._last - _WINDOW)
        while found := self._journal.events_since(self._profile, after, _AT_ONCE):
            await self._print(found)
            after = found[-1].id

    async def _print(self, events: Sequence[Event]) -> None:
        if self._put(events):
            await self._lines.written()
            await self._note()

    def _put(self, events: Sequence[Event]) -> bool:
        new = [event for event in events if event.id not in self._printed]
        for event in new:
            self._lines.put(event_line(self._profile, event))
            self._printed[event.id] = None
            self._last = max(self._last, event.id)
        while len(self._printed) > _MOST:
            del self._printed[next(iter(self._printed))]
        return bool(new)

    async def _note(self) -> None:
        await off_loop(self.keep_place, name="notes")
