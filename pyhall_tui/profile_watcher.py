"""The program that watches a profile without a screen, if there is one: we read beside it instead of polling twice.

It is never trusted more than our own engine. It must be seen to live, by our own clock; verdicts keep their ages; and
once nothing moves any more although it should, this program polls by itself.
"""

import logging
import sqlite3
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final, NamedTuple, Protocol

from pyhall_tui.alarms.alarm import Change
from pyhall_tui.clock import Clock, Moment
from pyhall_tui.connection import Connection
from pyhall_tui.fleet.fleet import Fleet
from pyhall_tui.journal.journal import Journal
from pyhall_tui.journal.last_verdict import LastVerdict
from pyhall_tui.journal.watchers import BEAT, STALE, Holder, Look, has_ended
from pyhall_tui.monitor.connection_state import BanListState, ConnectionState, Reachability
from pyhall_tui.monitor.published_state import PublishedState, read_published
from pyhall_tui.profile_alarms import ProfileAlarms
from pyhall_tui.threads.off_loop import off_loop
from pyhall_tui.threads.slices import slices

_LOOK: Final = 0.5
"""Seconds between two looks."""
_PATIENCE: Final = 2 * BEAT
"""Seconds for which a program that holds the profile may take to show that it lives, and what it knows."""
_AT_LEAST: Final = 20.0
"""Seconds for which nothing may move, or one and a half intervals of the sweep if that is longer."""
_INTERVALS: Final = 1.5
_AGAIN: Final = 300.0
"""Seconds after which a watcher whose verdicts did not move, although it said that all is well, is believed again."""
_ASKED_BY_HAND: Final = 5.0
"""Seconds that the watcher has for a worker that was put on the watch list here."""
_SETTLED: Final = 3.0
"""Seconds after a verdict in which the watcher has recorded what follows from it."""
_SAME_CLOCK: Final = 4.0
"""Seconds by which the times of two programs on one clock may seem to differ."""
_AHEAD: Final = 1.0
"""Seconds by which a verdict may seem to be younger than the watcher's time."""
_AT_A_TIME: Final = 200
_NOT_WATCHED: Final = (Reachability.NO_KEY, Reachability.NOT_ASKED, Reachability.KEY_REJECTED)
"""The watcher can't watch; we may have another key, or other settings."""

_log = logging.getLogger(__name__)


class FleetListener(Protocol):
    """Is notified of what was taken over."""

    def alarms_changed(self, changes: list[Change]) -> None: ...
    def fleet_changed(self) -> None: ...


class Journaled(NamedTuple):
    """What takes what the watcher learns, and where that comes from."""

    fleet: Fleet
    alarms: ProfileAlarms
    journal: Journal
    attested_is: Callable[[str, str | None], None]
    """Takes each worker that has a verdict, and its attested hash."""


class ProfileWatcher:
    """Follows who watches the profile, and what that program learns. Belongs to the UI's thread."""

    def __init__(
        self,
        connection: Connection,
        parts: Journaled,
        listener: FleetListener,
        clock: Clock,
    ) -> None:
        """Read nothing yet."""
        self._connection, self._listener, self._clock = connection, listener, clock
        self._fleet, self._alarms, self._journal, self._attested_is = parts
        self._holder: Holder | None = None
        self._published: PublishedState | None = None
        self._began: float | None = None
        """When this time of holding was first seen."""
        self._changed: float | None = None
        """When its row was last seen to change."""
        self._offset = 0.0
        """Seconds by which our wall clock is ahead of the watcher's."""
        self._writes: int | None = None
        """The journal's number when it was last read."""
        self._after: int | None = None
        """Up to which write verdicts were taken over; None while they are not."""
        self._moved = 0.0
        """When a verdict last came."""
        self._newest_event = -1
        self._not_believed: tuple[str, float] = ("", 0.0)
        """A time of holding, and until when on the monotonic clock."""
        self._wanted: dict[str, float] = {}
        """Workers that were put on the watch list here, and until when the watcher may ask about them."""
        self._unsettled: list[tuple[float, str, Moment]] = []

    def wants(self, worker_ids: Iterable[str]) -> None:
        """Note workers that are newly watched: if the watcher doesn't ask about them soon, this program does."""
        due = self._clock.now().mono + _ASKED_BY_HAND
        self._wanted.update(dict.fromkeys(worker_ids, due))

    async def follow(self) -> None:
        """Decide who polls, and take over what the watcher learns, until cancelled."""
        while True:
            try:
                await self._look()
            except Exception as error:
                if not isinstance(error, sqlite3.Error):
                    _log.exception("the watcher of %s could not be followed", self._connection.profile.name)
                self._writes = None  # look again, whatever is written
                self._poll()
            await self._clock.sleep(_LOOK)

    @property
    def _is_beside(self) -> bool:
        return self._connection.watcher is not None

    def _poll(self) -> None:
        self._after = None
        self._connection.poll()

    async def _look(self) -> None:
        if self._journal.troubles or not self._journal.watchers.can_be_held:
            self._holder = self._writes = None
            return self._poll()
        writes = self._journal.others_writes()
        look = None
        if writes != self._writes:
            look = await self._read()
            self._writes = writes
            self._take_holder(look)
        now = self._clock.now()
        answer = self._may_read_beside(now)
        if answer is False:
            self._poll()
        elif answer is not None:
            if not self._is_beside:
                self._moved = now.mono
                look = await self._read(whole=True)
            self._connection.read_beside(self._holder, answer)  # type: ignore[arg-type]
            if look is not None:
                await self._take(look)
            self._ask_for_wanted()
            self._settle()
        return None

    async def _read(self, *, whole: bool = False) -> Look:
        since = self._clock.now().wall - self._offset - self._fleet.stale_after if whole else None
        look = partial(self._journal.watchers.look, self._connection.profile.name, self._after, since)
        return await off_loop(look, name="watcher")

    # -- whether it lives --------------------------------------------------------------------------------------

    def _take_holder(self, look: Look) -> None:
        holder, before, now = look.holder, self._holder, self._clock.now()
        if holder == before:
            return
        self._holder = holder
        if holder is None or before is None or holder.token != before.token:
            self._began, self._changed, self._published = now.mono, None, None
            if holder is None or before is None:
                return  # it may have been there for long
        self._changed = now.mono
        self._published = read_published(look.published, now.mono)
        if self._published is not None:
            offset = now.wall - self._published.wall
            self._offset = 0.0 if abs(offset) < _SAME_CLOCK else offset

    def _may_read_beside(self, now: Moment) -> ConnectionState | bool | None:
        """Return the watcher's state if it watches, False if this program has to poll, None while that is not known."""
        holder, published, began, profile = self._holder, self._published, self._began, self._connection.profile
        if holder is None or began is None or holder.pid <= 0 or has_ended(holder):
            return False
        if self._changed is None or published is None:
            return None if now.mono - began < _PATIENCE else False
        if now.mono - self._changed >= STALE or published.state.reach in _NOT_WATCHED:
            return False
        if (published.registry, published.namespace) != (profile.registry_url, profile.namespace):
            return False
        if self._is_beside:
            return published.state if self._moves(published.state, now) else False
        if self._not_believed[0] == holder.token and now.mono < self._not_believed[1]:
            return False
        if published.state.reach is Reachability.CONNECTING and now.mono - began < _PATIENCE:
            return None
        return published.state if published.state.reach is Reachability.LIVE else False

    def _moves(self, state: ConnectionState, now: Moment) -> bool:
        """Whether verdicts come, and the ban list is asked for when it is due."""
        profile = self._connection.profile
        most = max(_AT_LEAST, _INTERVALS * profile.poll_interval)
        is_due = state.ban_list_next is not None and now.mono - state.ban_list_next > _AT_LEAST + profile.timeout
        is_late = is_due and state.reach is Reachability.LIVE and state.ban_list is not BanListState.MISSING
        if not is_late and (not len(self._fleet) or now.mono - self._moved <= most):
            return True
        if state.reach is Reachability.LIVE and self._holder is not None:
            self._not_believed = (self._holder.token, now.mono + _AGAIN)
            _log.warning("the watcher of %s says that all is well, but nothing moves", profile.name)
        return False

    # -- what it learns ----------------------------------------------------------------------------------------

    async def _take(self, look: Look) -> None:
        is_first, self._after = self._after is None, look.write
        news = self._fleet.news
        async for rows in slices(look.verdicts, _AT_A_TIME):
            self._take_some(rows, is_first=is_first)
        if self._fleet.news != news:
            self._listener.fleet_changed()
        if look.newest_event != self._newest_event:
            self._newest_event = look.newest_event
            self._alarms.alarms.unseen += 1
            self._listener.alarms_changed([])

    def _take_some(self, rows: Iterable[LastVerdict], *, is_first: bool) -> None:
        published, now = self._published, self._clock.now()
        wall = now.wall - self._offset
        for row in rows:
            entry = self._fleet.get(row.worker_id)
            if entry is None or published is None:
                continue
            if is_first and not published.steady_since <= row.at <= wall + _AHEAD:
                continue  # how old it is can't be known
            asked = Moment(now.mono - max(0.0, wall - row.at), row.at)
            if self._fleet.hear(row.verdict, row.banned_by, row.changed_at, asked, now, is_banned=row.is_banned):
                self._moved = now.mono
            self._attested_is(row.worker_id, entry.sha256)
            self._unsettled.append((now.mono + _SETTLED, row.worker_id, asked))

    def _settle(self) -> None:
        """Correct alarms that the watcher has not recorded, though its verdicts call for them."""
        now, settled = self._clock.now().mono, 0
        for due, worker_id, asked in self._unsettled:
            if due > now:
                break
            settled += 1
            entry = self._fleet.get(worker_id)
            if entry is not None and not entry.restored:
                self._alarms.verified(entry, asked, self._connection.state)
        del self._unsettled[:settled]

    def _ask_for_wanted(self) -> None:
        now = self._clock.now().mono
        for worker_id in list(self._wanted):
            entry = self._fleet.get(worker_id)
            if entry is None or (entry.verdict is not None and not entry.restored):
                del self._wanted[worker_id]
        late = [worker_id for worker_id, due in self._wanted.items() if due <= now]
        for worker_id in late:
            del self._wanted[worker_id]
        if late:
            self._connection.verify_now(late)
