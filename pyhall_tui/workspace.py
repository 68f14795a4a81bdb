"""What one open profile needs, opened and closed together: fleet, watch list, journal, alarms, connection.

The app, the commands and the tests all use it. Each profile has its own workspace. It belongs to the thread that opened
it (the UI's); `connection` asks on its own thread and delivers what it learns.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from pyhall_tui.clock import Clock, Moment
from pyhall_tui.connection import Connection, Takers
from pyhall_tui.feeds.run_log import RunLog
from pyhall_tui.files.notes import Notes
from pyhall_tui.fleet.entry import Entry
from pyhall_tui.fleet.events import Event
from pyhall_tui.fleet.fleet import Fleet
from pyhall_tui.fleet.own_changes import OwnChanges
from pyhall_tui.journal.last_verdict import LastVerdict, ban_of, last_verdict
from pyhall_tui.journal.late_journal import LateJournal
from pyhall_tui.monitor.connection_state import ConnectionState
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.profile_store import ProfileStore
from pyhall_tui.profiles.watch_list import WatchedWorker, WatchList
from pyhall_tui.registry.models import BanList, Verdict
from pyhall_tui.threads.off_loop import off_loop
from pyhall_tui.threads.shared_loop import SharedLoop
from pyhall_tui.threads.slices import slices

if TYPE_CHECKING:
    from pyhall_tui.alarms.alarm import Change
    from pyhall_tui.dispatch.lab import Lab
    from pyhall_tui.dispatch.live import LiveRun
    from pyhall_tui.journal.alarms import Alarms
    from pyhall_tui.journal.journal import Journal
    from pyhall_tui.packages.watch import PackageWatch
    from pyhall_tui.profile_alarms import ProfileAlarms
    from pyhall_tui.profile_packages import ProfilePackages
    from pyhall_tui.profile_watcher import ProfileWatcher
    from pyhall_tui.profiles.api_key import ApiKey
    from pyhall_tui.profiles.keys import KeyAnswer
    from pyhall_tui.registry.errors import RegistryError
    from pyhall_tui.watched_workers import WatchedWorkers

_log = logging.getLogger(__name__)

_TICK = 1.0
"""Seconds between two looks at what time, or another program, has done to alarms."""
FIRST_ROWS = 100
"""Workers that are loaded before the first frame; the rest follow after it."""
_ROWS_AT_A_TIME = 500
_PACKAGES_AT_A_TIME = 50  # each has a note that is read
_ROWS_OF_A_PAGE = 10_000
"""Workers that are read from the journal at once: more would only take memory."""
_PATIENCE = 0.5
"""How many seconds closing waits at most, so that quitting is immediate."""
_WRITING = 5.0
"""The same for a change of the watch list that is under way: it takes half a second with 100,000 workers."""


class Listener(Protocol):
    """Is notified of changes on the thread that opened the workspace, and pulls what changed from the fleet."""

    def events_happened(self, events: list[Event]) -> None: ...
    def alarms_changed(self, changes: "list[Change]") -> None: ...
    def fleet_changed(self) -> None: ...
    def connection_changed(self) -> None: ...


class Workspace:
    """One opened profile. An async context manager; `connect` starts talking to the registry."""

    def __init__(
        self,
        profile: Profile,
        *,
        clock: Clock,
        journal: "LateJournal | Journal",
        watch_list: WatchList,
        listener: Listener,
        state: Path | None = None,
        connect_by: type[Connection] = Connection,
        rules_in: ProfileStore | None = None,
        wire: SharedLoop | None = None,
        run_log: RunLog | None = None,
        reads_beside: bool = False,
    ) -> None:
        """Open nothing yet.

        Args:
            state: the folder for notes between runs; without it, there are none.
            rules_in: has the profile's rules for alarms; without it, the defaults hold.
            wire: the thread that its connection shares with others; without it, it has its own.
            run_log: takes each request; without it, the workspace has its own.
            reads_beside: don't poll while another program watches the profile.
        """
        self.profile = profile
        self.clock = clock
        self._journal = journal if isinstance(journal, LateJournal) else LateJournal.of(journal)
        self.watch_list = watch_list
        self.own_changes = OwnChanges()
        self.fleet = Fleet(profile.poll_interval)
        self._watched: WatchedWorkers | None = None
        self.notes = Notes(state, profile.name)
        self.state_folder = state
        self._draft_trouble: str | None = None
        self._rules_in = rules_in
        self._alarms: ProfileAlarms | None = None
        self._set_aside: tuple[str, ...] = ()
        """Which files could not be read and were set aside, and are still there, in sentences."""
        self.list_asked: Moment | None = None
        """When the ban list's last answer was requested."""
        self._tasks: list[asyncio.Task[None]] = []
        self.connection = connect_by(
            profile,
            clock,
            Takers(self._take_verdict, self._take_failure, self._take_ban_list, self._take_event, self._take_state),
            notes=self.notes,
            watched=lambda: [worker.id for worker in watch_list.workers],
            known=lambda: [entry.worker_id for entry in self.fleet if entry.verdict and entry.verdict.known],
            wire=wire,
        )
        self.run_log = self.connection.run_log = run_log or RunLog()
        self._watcher: ProfileWatcher | None = None
        if reads_beside:
            self.connection.hold()
            self.connection.on_connect = self._find_watcher
        self.key_answer: KeyAnswer | None = None
        """The result of asking for the profile's key, for the band; whoever connects sets it."""
        self._listener = listener
        self._hall_trouble = ""
        self._lab: Lab | None = None
        self._packages: ProfilePackages | None = None
        self._closed = False
        self._has_more = False
        """Whether there are workers beside those of the first frame."""
        self._is_restored = False

    async def __aenter__(self) -> Self:
        """Load what was last known. If that is a lot, load only the most urgent; `restore_rest` completes the fleet."""
        self.connection.open()
        first = self._journal.first_verdicts(self.profile.name, FIRST_ROWS)
        watched = [row.worker_id for row in first]
        self._has_more = len(first) == FIRST_ROWS
        if not self._has_more or not self.watch_list.holds(watched):
            known = [worker.id for worker in self.watch_list.load()]
            self._has_more = len(known) > FIRST_ROWS
            watched = [each for each in watched if each in self.watch_list]
            watched += known[:FIRST_ROWS] if self._has_more else known
        self.fleet.watch(watched)
        self._restore(first)
        if self._journal.has_alarms(self.profile.name):
            self._load_alarms()  # otherwise there is nothing to show before the rest of the program is loaded
        self._tasks.append(asyncio.create_task(self._keep_time()))
        return self

    async def _keep_time(self) -> None:
        """Let silences end and workers calm down, and see what other programs do, a second later at most."""
        while True:
            await self.clock.sleep(_TICK)
            try:
                self._profile_alarms.tick()
            except Exception:
                _log.exception("the alarms could not be followed")

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def journal(self) -> "Journal":
        """What survives restarts; it is loaded with its first use, or after the first frame."""
        return self._journal.whole

    @property
    def alarms(self) -> "Alarms":
        """The profile's alarms; unless one fires already, they are loaded as `journal` is."""
        return self._profile_alarms.alarms

    @property
    def alarm_counts(self) -> tuple[int, int]:
        """How many alarms fire that nobody has acknowledged, and how many more are silenced."""
        return (self.alarms.firing, self.alarms.silenced) if self._alarms else (0, 0)

    @property
    def _profile_alarms(self) -> "ProfileAlarms":
        return self._alarms or self._load_alarms()

    def _load_alarms(self) -> "ProfileAlarms":
        from pyhall_tui.profile_alarms import ProfileAlarms

        self._alarms = ProfileAlarms(
            *(self.profile, self.fleet, self.journal, self._listener, self.clock),
            rules_in=self._rules_in,
            renamed=self._renamed,
        )
        self._alarms.alarms.undoable = self.own_changes.add
        return self._alarms

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
    def log_file(self) -> Path | None:
        """The program's own log, which requests' correlation ids are in."""
        return self.state_folder / "pyhall-tui.log" if self.state_folder else None

    @property
    def packages(self) -> "PackageWatch":
        """The packages of the workers that have a folder."""
        return self._profile_packages.watch

    @property
    def watched(self) -> "WatchedWorkers":
        """What changes who is watched, however many."""
        if self._watched is None:
            from pyhall_tui.watched_workers import WatchedWorkers  # not before the first frame

            self._watched = WatchedWorkers(self.watch_list, self.fleet, self.own_changes, self)
        return self._watched

    @property
    def _profile_packages(self) -> "ProfilePackages":
        if self._packages is None:
            from pyhall_tui.profile_packages import ProfilePackages

            self._packages = ProfilePackages(
                self.fleet,
                self.notes,
                self.clock,
                hand_over=self.connection.hand_over,
                drifted=self.take_events,
                compared=lambda entry: self._profile_alarms.compared(entry),
                fleet_changed=self._listener.fleet_changed,
            )
        return self._packages

    def _find_watcher(self) -> None:
        if self._watcher is None:
            from pyhall_tui.profile_watcher import Journaled, ProfileWatcher

            parts = Journaled(self.fleet, self._profile_alarms, self.journal, self.packages.attested_is)
            self._watcher = ProfileWatcher(self.connection, parts, self._listener, self.clock)
            self._tasks.append(asyncio.create_task(self._watcher.follow()))

    def now(self) -> Moment:
        """Return this instant on the workspace's clock."""
        return self.clock.now()

    async def restore_rest(self) -> None:
        """Load the remaining workers, a few at a time, and start watching packages; a second call does nothing."""
        if self._is_restored:
            return
        self._is_restored = True
        if self._has_more:
            (await asyncio.to_thread(self.watch_list.read_beside))()
            await self._watch_rest()
        self._end_alarms_of_unwatched()
        if self._has_more:
            await self._restore_all()
        with_folder = [worker for worker in self.watch_list.workers if worker.folder is not None]
        async for some in slices(with_folder, _PACKAGES_AT_A_TIME):
            if self._closed:
                return
            self._profile_packages.follow(some)
        if not self._closed:
            from pyhall_tui import hall_standing, log_witness  # after the first frame
            from pyhall_tui.profiles.followed_list import follow

            witness = log_witness.LogWitness(self.connection, self.journal.log_marks, self._profile_alarms, self.clock)
            following = follow(self.watch_list, self.clock, self._adopt_list, self._end_alarms_of_unwatched)
            standing = hall_standing.follow(self.connection, self.alarms, self.notes, self.clock)
            self._tasks += map(asyncio.create_task, (following, witness.follow(), standing))

    def _end_alarms_of_unwatched(self) -> None:
        if self.watch_list.is_whole:  # a lost list proves nothing
            self.alarms.only_watched(self.watch_list)

    async def _adopt_list(self) -> None:
        """Do as the watch list says now: another program has changed it."""
        await self._watch_rest()
        async for some in slices([entry.worker_id for entry in self.fleet], _ROWS_AT_A_TIME):
            if self.watch_list.is_whole and (gone := [each for each in some if each not in self.watch_list]):
                self.drop(gone, ends_alarms=False)
        async for workers in slices(self.watch_list.workers, _ROWS_AT_A_TIME):
            self._profile_packages.follow_as_listed(workers)
        self._listener.fleet_changed()

    async def _watch_rest(self) -> None:
        new: list[str] = []
        async for workers in slices(self.watch_list.workers, _ROWS_AT_A_TIME):
            new += self.fleet.watch(worker.id for worker in workers if worker.id in self.watch_list)
        async for some in slices(new[::-1], _ROWS_AT_A_TIME):  # the last that it hears of come first
            self.connection.watch([each for each in reversed(some) if each in self.fleet])  # still watched by now

    async def _restore_all(self) -> None:
        after: str | None = ""
        while after is not None and not self._closed:
            rows = await asyncio.to_thread(self.journal.verdicts_after, self.profile.name, after, _ROWS_OF_A_PAGE)
            async for some in slices(rows, _ROWS_AT_A_TIME):
                if self._closed:
                    return
                self._restore(some)
            after = rows[-1].worker_id if rows else None
            self._listener.fleet_changed()

    def set_folder(self, worker_id: str, folder: Path | None) -> None:
        """Set the folder of a watched worker's package, and hash it; None: stop comparing it."""
        place = str(folder) if folder else None
        self.watch_list.set_folder(worker_id, place)
        self._profile_packages.folder_is(WatchedWorker(worker_id, place))
        self._listener.fleet_changed()

    def adopt(self, profile: Profile, key: "ApiKey | None") -> None:
        """Use other settings for the same registry and name, and the rules as they are now. Fleet and screens stay."""
        is_same = profile == self.profile and self.connection.has_key(key)
        self.profile = self.connection.profile = profile
        self._profile_alarms.adopt(profile)
        if self._lab is not None:
            self._lab.profile = profile
        self.fleet.stale_after = Fleet(profile.poll_interval).stale_after
        if not is_same:
            self.connection.connect(key)

    def _renamed(self, name: str) -> None:
        """Follow the profile to the name that another program gave it; its list and notes are moved if they aren't."""
        self.profile = self.connection.profile = self.profile.named(name)
        if self._lab is not None:
            self._lab.profile = self.profile
        self.notes.rename(name)
        try:
            self.watch_list.rename(name)
        except OSError:
            _log.exception("the watch list could not be renamed")
        self._listener.connection_changed()

    async def close(self) -> None:
        """Stop asking, and write what is left to the journal, at the same time: half a second at most."""
        self._closed = True
        if self._watched is not None:
            await self._watched.close(_WRITING)
        for task in self._tasks:
            task.cancel()
        if self._lab is not None:
            self._lab.close()
        if self._packages is not None:
            self._packages.closed = True
            self._packages.watch.close()
        self.connection.close()
        flushing = off_loop(partial(self._journal.flush, _PATIENCE), name="flush")
        closing = [self.connection.wait_closed(_PATIENCE)]
        if self._packages is not None:
            closing.append(off_loop(partial(self._packages.watch.wait_closed, _PATIENCE / 2), name="packages"))
        is_written, *_ = await asyncio.gather(flushing, *closing)
        if is_written:
            self.connection.forget_keys()  # otherwise they stay masked, because masking happens when writing

    def watch(self, worker_ids: Iterable[str]) -> list[str]:
        """Put a few workers on the watch list at once (see `watched`, for many); return those that are new."""
        return self.watched.watch_now(worker_ids)

    def unwatch(self, worker_ids: Iterable[str]) -> None:
        """Take a few workers off the watch list at once (see `watched`, for many)."""
        self.watched.unwatch_now(worker_ids)

    def follow(self, workers: Iterable[WatchedWorker]) -> None:
        """Follow the packages of those that have a folder."""
        self._profile_packages.follow(workers)

    def drop(self, worker_ids: Sequence[str], *, ends_alarms: bool = True) -> tuple[Entry, ...]:
        """Forget workers that were taken off the watch list, and end their alarms; return their entries."""
        ids, entries = [*worker_ids], tuple(self.fleet.unwatch(worker_ids))
        self.packages.drop(ids)
        for worker_id in ids:
            self.journal.forget_worker(self.profile.name, worker_id)
        self.connection.unwatch(ids)
        if ends_alarms:
            self.alarms.unwatched(ids)
        return entries

    def ask_about(self, worker_ids: Sequence[str], *, is_new: bool) -> None:
        """Ask about workers that are in the fleet now, before those that came earlier, and notify the listener."""
        self.connection.watch([each for each in worker_ids if each in self.fleet])
        if is_new and self._watcher is not None:
            self._watcher.wants(worker_ids)
        self._listener.fleet_changed()

    def recent_events(self, worker_id: str, limit: int = 200) -> list[Event]:
        """Return what changed with one worker, newest first."""
        found = self.journal.events(self.profile.name, worker=worker_id, limit=limit)
        return [event for event in found if event.worker_id == worker_id]  # an id may contain a `*`

    def _take_event(self, event: Event) -> None:
        self.take_events([event])

    def take_events(self, events: list[Event]) -> None:
        """Store events and notify the listener; also for events from elsewhere (drift, a live dispatch)."""
        self.alarms.record(events)

    def keep_what_was_not(self) -> None:
        """Try again to save what could not be saved; call it every few seconds."""
        from pyhall_tui.files.drafts import drafts_set_aside, keep_drafts_that_were_not  # not before the first frame

        self.watched.keep_what_was_not()
        self._draft_trouble = keep_drafts_that_were_not()
        self._set_aside = (*self.journal.notes_set_aside(), *self.notes.set_aside, *drafts_set_aside())

    def take_hall_trouble(self, sentence: str) -> None:
        """Take what the hall says is wrong with it; empty if nothing is, or this isn't a local hall."""
        self._hall_trouble = sentence

    @property
    def rule_mistakes(self) -> tuple[str, ...]:
        """What is wrong with the profile's rules for alarms, in sentences; the other rules hold."""
        return self._alarms.rule_mistakes if self._alarms else ()

    @property
    def troubles(self) -> tuple[str, ...]:
        """What can't be saved at the moment, in sentences."""
        return (*self._journal.troubles, *filter(None, [self.watch_list.trouble, self._draft_trouble]))

    @property
    def standing(self) -> tuple[str, ...]:
        """What is wrong for as long as it is, apart from the connection, in sentences, the worst first."""
        found = (*self.troubles, self._hall_trouble, *self.rule_mistakes, self.watch_list.problem, *self._set_aside)
        first = (self.run_log.missing_part, *(self._alarms.of_hall if self._alarms else ()))
        return tuple(dict.fromkeys(filter(None, (*first, *found, *self.run_log.troubles))))

    def _restore(self, rows: Iterable[LastVerdict]) -> None:
        now = self.now()
        for row in rows:
            heard = Moment(now.mono - max(0.0, now.wall - row.at), row.at)
            self.fleet.restore(row.verdict, ban_of(row, heard.mono), row.changed_at, heard)

    def _take_verdict(self, verdict: Verdict, asked: Moment) -> None:
        if self._closed:
            return
        news, now = self.fleet.news, self.now()
        events = self.fleet.apply(verdict, asked, now)
        entry = self.fleet.get(verdict.worker_id)
        if entry is None:
            return
        self.packages.attested_is(verdict.worker_id, entry.sha256)
        if events:
            self.connection.changed([verdict.worker_id])
        self.take_events(events)  # before the verdict: a kill in between repeats an event, and loses no alarm
        self.journal.save_verdict(self.profile.name, last_verdict(entry, verdict))
        self._profile_alarms.verified(entry, asked, self.connection.state)
        self._tell_of_news(news)

    def _take_failure(self, worker_id: str, error: "RegistryError") -> None:
        news = self.fleet.news
        self.fleet.failed(worker_id, str(error))
        self._tell_of_news(news)

    def _tell_of_news(self, before: int) -> None:
        """Notify the listener of changes. For an age there is nothing to paint: ages are drawn by the clock."""
        if self.fleet.news != before:
            self._listener.fleet_changed()

    def _take_ban_list(self, answer: BanList, asked: Moment) -> None:
        if self._closed:
            return
        events = self.fleet.apply_ban_list(answer, asked, self.now())
        self.connection.listed_otherwise(self.fleet.listed_otherwise)
        self.take_events(events)
        for event in events:
            entry = self.fleet.get(event.worker_id or "")
            if entry is not None and entry.verdict is not None:
                self.journal.save_verdict(self.profile.name, last_verdict(entry, entry.verdict))
        self.list_asked = asked
        self._profile_alarms.listed(asked)
        self._listener.fleet_changed()

    def _take_state(self, state: ConnectionState) -> None:
        self._profile_alarms.connection_is(state, is_ours=self.connection.watcher is None)
        self._listener.connection_changed()
