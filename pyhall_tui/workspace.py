"""What one open profile needs, opened and closed together: fleet, watch list, journal, alarms, connection.

The app, the commands and the tests all use it. Each profile has its own workspace. It belongs to the thread that opened
it (the UI's); `connection` asks on its own thread and delivers what it learns.
"""

import asyncio
import logging
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self

from pyhall_tui.clock import Clock, Moment
from pyhall_tui.connection import Connection, Takers
from pyhall_tui.files.notes import Notes
from pyhall_tui.fleet.entry import Entry
from pyhall_tui.fleet.events import Event
from pyhall_tui.fleet.fleet import Fleet
from pyhall_tui.journal.alarms import OpenAlarms
from pyhall_tui.journal.journal import Journal
from pyhall_tui.journal.rows import LastVerdict, ban_of, last_verdict
from pyhall_tui.monitor.connection_state import ConnectionState, Reachability
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.watch_list import WatchedWorker, WatchList, id_mistake
from pyhall_tui.registry.models import BanList, Verdict

if TYPE_CHECKING:
    from pyhall_tui.dispatch.lab import Lab
    from pyhall_tui.dispatch.live import LiveRun
    from pyhall_tui.packages.drift import Drift
    from pyhall_tui.packages.watch import PackageWatch
    from pyhall_tui.profiles.keys import KeyAnswer
    from pyhall_tui.registry.errors import RegistryError

_log = logging.getLogger(__name__)

FIRST_ROWS = 100
"""Workers that are loaded before the first frame; the rest follow after it."""
_ROWS_AT_A_TIME = 500
_PATIENCE = 0.5
"""At most so many seconds that closing waits, so that quitting is immediate."""


class Listener(Protocol):
    """Is notified of changes on the thread that opened the workspace, and pulls what changed from the fleet."""

    def fleet_changed(self) -> None: ...
    def connection_changed(self) -> None: ...
    def events_happened(self, events: list[Event]) -> None: ...


class Workspace:
    """One opened profile. An async context manager; `connect` starts talking to the registry."""

    def __init__(
        self,
        profile: Profile,
        *,
        clock: Clock,
        journal: Journal,
        watch_list: WatchList,
        listener: Listener,
        state: Path | None = None,
        connect_by: type[Connection] = Connection,
    ) -> None:
        """Open nothing yet. `state` is the folder for notes between runs; without it, there are none."""
        self.profile = profile
        self.clock = clock
        self.journal = journal
        self.watch_list = watch_list
        self.fleet = Fleet(profile.poll_interval)
        self.notes = Notes(state, profile.name)
        self._draft_trouble: str | None = None
        self.alarms = OpenAlarms(journal, profile.name, listener.events_happened, counted=listener.connection_changed)
        self.connection = connect_by(
            profile,
            clock,
            Takers(self._take_verdict, self._take_failure, self._take_ban_list, self._take_event, self._take_state),
            notes=self.notes,
            watched=lambda: [worker.id for worker in watch_list.workers],
            known=lambda: [entry.worker_id for entry in self.fleet if entry.verdict and entry.verdict.known],
        )
        self.key_answer: KeyAnswer | None = None
        """The result of asking for the profile's key, for the band; whoever connects sets it."""
        self._listener = listener
        self._lab: Lab | None = None
        self._packages: PackageWatch | None = None
        self._closed = False

    async def __aenter__(self) -> Self:
        """Load what was last known. If that is a lot, load only the most urgent; `restore_rest` completes the fleet."""
        self.connection.open()
        watched = [worker.id for worker in self.watch_list.load()]
        first = self.journal.first_verdicts(self.profile.name, FIRST_ROWS)
        if len(watched) > FIRST_ROWS and len(first) == FIRST_ROWS:
            known = set(watched)
            watched = [row.worker_id for row in first if row.worker_id in known]
        self.fleet.watch(watched)
        self._restore(first)
        self.alarms.restore()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def lab(self) -> "Lab":
        """The dispatch lab of this profile; made at its first use, which is after the first frame."""
        if self._lab is None:
            from pyhall_tui.dispatch.lab import Lab

            self._lab = Lab(
                self.profile,
                self.clock,
                self.journal,
                send=lambda request: self.connection.ask(lambda client: client.dispatch(request)),
                send_in_turn=lambda request: self.connection.ask_in_turn(lambda client: client.dispatch(request)),
                take_events=self.take_events,
            )
        return self._lab

    @property
    def live_run(self) -> "LiveRun | None":
        """The live dispatch that is running, whatever the screen."""
        return self._lab.live if self._lab else None

    @property
    def packages(self) -> "PackageWatch":
        """The packages of the workers that have a folder; made at its first use."""
        if self._packages is None:
            from pyhall_tui.packages.watch import PackageWatch

            self._packages = PackageWatch(
                self.notes, wall=lambda: self.now().wall, hand_over=self.connection.hand_over, take=self._take_drift
            )
        return self._packages

    def now(self) -> Moment:
        """Return this instant on the workspace's clock."""
        return self.clock.now()

    async def restore_rest(self) -> None:
        """Load the remaining workers, a few at a time, and start watching packages."""
        workers = self.watch_list.workers
        if len(workers) > FIRST_ROWS:
            self.fleet.watch(worker.id for worker in workers)
            rows = await asyncio.to_thread(self.journal.all_verdicts, self.profile.name)
            for start in range(0, len(rows), _ROWS_AT_A_TIME):
                if self._closed:
                    return
                self._restore(rows[start : start + _ROWS_AT_A_TIME])
                await asyncio.sleep(0)  # lets a pressed key through
            self._listener.fleet_changed()
        self._follow_packages(workers)

    def set_folder(self, worker_id: str, folder: Path | None) -> None:
        """Set the folder of a watched worker's package, and hash it; None: stop comparing it."""
        self.watch_list.set_folder(worker_id, str(folder) if folder else None)
        self.packages.forget(worker_id)
        self.fleet.restore_drift(worker_id, None, "")
        if folder is not None:
            self._follow_packages([WatchedWorker(worker_id, str(folder))])
        self._listener.fleet_changed()

    def adopt(self, profile: Profile, key: ApiKey | None) -> None:
        """Use other settings for the same registry and name: fleet and screens stay, the client is replaced."""
        self.profile = self.connection.profile = profile
        if self._lab is not None:
            self._lab.profile = profile
        self.fleet.stale_after = Fleet(profile.poll_interval).stale_after
        self.connection.connect(key)

    async def close(self) -> None:
        """Stop asking, and write what is left to the journal; each takes at most half a second."""
        self._closed = True
        if self._lab is not None:
            self._lab.close()
        if self._packages is not None:
            self._packages.close()
        self.connection.close()
        if await asyncio.to_thread(self.journal.flush, _PATIENCE):
            self.connection.forget_keys()  # otherwise they stay masked, because masking happens when writing
        if self._packages is not None:
            await asyncio.to_thread(self._packages.wait_closed, _PATIENCE / 2)

    def watch(self, worker_ids: Iterable[str]) -> list[str]:
        """Put workers on the watch list and ask about them; return those that are new.

        An id that can't be on the list doesn't keep others off it: see `cannot_be_watched`, which names it.
        """
        new = self.fleet.watch(worker_id for worker_id in worker_ids if not id_mistake(worker_id))
        self.watch_list.add(new)
        self.connection.watch(new)
        self._listener.fleet_changed()
        return new

    def unwatch(self, worker_ids: Iterable[str]) -> "Unwatched":
        """Take workers off the watch list; the return value undoes it."""
        ids = list(worker_ids)
        removed = Unwatched(self.watch_list.remove(ids), tuple(self.fleet.unwatch(ids)))
        self.packages.drop(ids)
        for worker_id in ids:
            self.journal.forget_worker(self.profile.name, worker_id)
        self.connection.unwatch(ids)
        self._listener.fleet_changed()
        return removed

    def put_back(self, removed: "Unwatched") -> None:
        """Undo an `unwatch`."""
        self.watch_list.restore(removed.watched)
        self.fleet.put_back(removed.entries)
        self._follow_packages(removed.watched)
        self.connection.watch([entry.worker_id for entry in removed.entries])
        self._listener.fleet_changed()

    def recent_events(self, worker_id: str, limit: int = 200) -> list[Event]:
        """Return what changed with one worker, newest first."""
        found = self.journal.events(self.profile.name, worker=worker_id, limit=limit)
        return [event for event in found if event.worker_id == worker_id]  # an id may contain a `*`

    def take_events(self, events: list[Event]) -> None:
        """Store events and notify the listener; also for events from elsewhere (drift, a live dispatch)."""
        self.alarms.record(events)

    def keep_what_was_not(self) -> None:
        """Try again to save what could not be saved; call it every few seconds."""
        from pyhall_tui.files.drafts import keep_drafts_that_were_not  # not before the first frame

        self.watch_list.keep_what_was_not()
        self._draft_trouble = keep_drafts_that_were_not()

    @property
    def troubles(self) -> tuple[str, ...]:
        """What can't be saved at the moment, in sentences."""
        return (*self.journal.troubles, *filter(None, [self.watch_list.trouble, self._draft_trouble]))

    @property
    def set_aside(self) -> tuple[str, ...]:
        """Which drafts and notes could not be read and were set aside, in sentences."""
        from pyhall_tui.files.drafts import drafts_set_aside  # not before the first frame

        return (*self.notes.set_aside, *drafts_set_aside())

    def _follow_packages(self, workers: Iterable[WatchedWorker]) -> None:
        for worker in workers:
            entry = self.fleet.get(worker.id)
            if worker.folder is None or entry is None:
                continue
            known = entry.verdict is not None
            standing = self.packages.follow(worker.id, Path(worker.folder), entry.sha256, known=known)
            if standing is not None:
                self.fleet.restore_drift(worker.id, standing.drift.state, standing.drift.detail)

    def _take_drift(self, worker_id: str, drift: "Drift") -> None:
        if self._closed:
            return
        self.take_events(self.fleet.set_drift(worker_id, drift.state, drift.summary, self.now()))
        self._listener.fleet_changed()

    def _restore(self, rows: Iterable[LastVerdict]) -> None:
        now = self.now()
        for row in rows:
            heard = Moment(now.mono - max(0.0, now.wall - row.at), row.at)
            self.fleet.restore(row.verdict, ban_of(row, heard.mono), row.changed_at, heard)

    def _take_verdict(self, verdict: Verdict, asked: Moment) -> None:
        if self._closed:
            return
        news = self.fleet.news
        events = self.fleet.apply(verdict, asked, self.now())
        entry = self.fleet.get(verdict.worker_id)
        if entry is None:
            return
        self.journal.save_verdict(self.profile.name, last_verdict(entry, verdict))
        self.packages.attested_is(verdict.worker_id, entry.sha256)
        self.connection.changed([verdict.worker_id] if events else [])
        self.take_events(events)
        self._tell_of_news(news)

    def _take_failure(self, worker_id: str, error: "RegistryError") -> None:
        news = self.fleet.news
        self.fleet.failed(worker_id, str(error))
        self._tell_of_news(news)

    def _tell_of_news(self, before: int) -> None:
        """Tell the listener what changed. For an age there is nothing to paint: ages are drawn by the clock."""
        if self.fleet.news != before:
            self._listener.fleet_changed()

    def _take_ban_list(self, answer: BanList, asked: Moment) -> None:
        if self._closed:
            return
        events = self.fleet.apply_ban_list(answer, asked, self.now())
        self.connection.verify_now([event.worker_id for event in events if event.worker_id])
        for event in events:
            entry = self.fleet.get(event.worker_id or "")
            if entry is not None and entry.verdict is not None:
                self.journal.save_verdict(self.profile.name, last_verdict(entry, entry.verdict))
        self.take_events(events)
        self._listener.fleet_changed()

    def _take_state(self, state: ConnectionState) -> None:
        self.alarms.most_vanish(most=state.reach is Reachability.VERIFY_FAILING and state.fault == "404")
        self._listener.connection_changed()

    def _take_event(self, event: Event) -> None:
        self.take_events([event])


class Unwatched(NamedTuple):
    """What an `unwatch` removed, so that it can be put back."""

    watched: tuple[WatchedWorker, ...]
    entries: tuple[Entry, ...]
