"""What one profile needs, opened and closed together: fleet, watch list, journal, engine, client.

Used alike by the app, the commands and the tests. Another profile is another workspace. The fleet belongs to the
thread that opened the workspace (the UI's); engine and client live on a loop in a thread of their own, and hand
each thing over with `call_soon_threadsafe`.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

from pyhall_tui.clock import Clock, Moment
from pyhall_tui.fleet.entry import Entry
from pyhall_tui.fleet.events import Event
from pyhall_tui.fleet.fleet import Fleet
from pyhall_tui.journal.alarms import OpenAlarms
from pyhall_tui.journal.drafts import keep_drafts_that_were_not
from pyhall_tui.journal.journal import Journal
from pyhall_tui.journal.notes import Notes
from pyhall_tui.journal.rows import LastVerdict, ban_of, last_verdict
from pyhall_tui.masking import forget_secret, register_secret
from pyhall_tui.monitor.hand_over import HandOver
from pyhall_tui.monitor.link import BanListState, Link, Reach
from pyhall_tui.monitor.stats import RequestStats
from pyhall_tui.monitor.thread import LoopThread
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.environment import KEY
from pyhall_tui.profiles.keys import KeyAnswer
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.urls import is_loopback
from pyhall_tui.profiles.watch_list import WatchedWorker, WatchList, id_mistake
from pyhall_tui.registry.errors import NotSent, RegistryError
from pyhall_tui.registry.models import BanList, RequestRecord, Verdict

if TYPE_CHECKING:
    from concurrent.futures import Future

    from pyhall_tui.attest.drift import Drift
    from pyhall_tui.dispatch.lab import Lab
    from pyhall_tui.dispatch.live import LiveRun
    from pyhall_tui.monitor.drift import PackageWatch
    from pyhall_tui.monitor.engine import Monitor
    from pyhall_tui.registry.client import RegistryClient

T = TypeVar("T")
_log = logging.getLogger(__name__)

FIRST_ROWS = 100
"""Workers that are painted before the first frame; the rest follow after it."""
_ROWS_AT_A_TIME = 500
_PATIENCE = 0.5
"""Seconds that closing waits at most, so that quitting is at once."""


class Listener(Protocol):
    """Who is told of changes, on the thread that opened the workspace. Pull what changed from the fleet."""

    def fleet_changed(self) -> None: ...
    def link_changed(self) -> None: ...
    def events_happened(self, events: list[Event]) -> None: ...


class Workspace:
    """One opened profile. An async context manager; `connect` begins to talk to the registry."""

    def __init__(
        self,
        profile: Profile,
        *,
        clock: Clock,
        journal: Journal,
        watch_list: WatchList,
        listener: Listener,
        state: Path | None = None,
    ) -> None:
        """Open nothing yet. `state` is the folder of what is noted between runs; without one, nothing is."""
        self.profile = profile
        self.clock = clock
        self.journal = journal
        self.watch_list = watch_list
        self.fleet = Fleet(profile.poll_interval)
        self.link = Link(since_wall=clock.now().wall, rate=profile.requests_per_second)
        self.stats = RequestStats()
        self.notes = Notes(state, profile.name)
        self._draft_trouble: str | None = None
        self._alarms = OpenAlarms(journal, profile.name, listener.events_happened)
        self.warnings: tuple[str, ...] = ()
        """Sentences of the client: plain http that was allowed, an entry of NO_PROXY that cannot be read."""
        self.key_answer: KeyAnswer | None = None
        """What became of asking for the profile's key, for the band; set by who connects."""
        self._listener = listener
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: LoopThread | None = None
        self._client: RegistryClient | None = None
        self._monitor: Monitor | None = None
        self._lab: Lab | None = None
        self._packages: PackageWatch | None = None
        self._keys: list[ApiKey] = []
        """Those that were sent, masked in logs and journal until nothing more can come of them."""
        self._ready: asyncio.Event = asyncio.Event()
        self._closed = False

    async def __aenter__(self) -> Self:
        """Take what was last known. Where that is much, only the loudest: the fleet is whole after `restore_rest`."""
        self._loop = asyncio.get_running_loop()
        watched = [worker.id for worker in self.watch_list.load()]
        first = self.journal.first_verdicts(self.profile.name, FIRST_ROWS)
        if len(watched) > FIRST_ROWS and len(first) == FIRST_ROWS:
            known = set(watched)
            watched = [row.worker_id for row in first if row.worker_id in known]
        self.fleet.watch(watched)
        self._restore(first)
        self._alarms.restore()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def open_alarms(self) -> set[int]:
        """The journal's ids of the alarms that nobody has acknowledged yet."""
        return self._alarms.ids

    @property
    def is_connected(self) -> bool:
        """Whether `connect` was called."""
        return self._thread is not None

    @property
    def lab(self) -> "Lab":
        """What is tried with this profile; made when it is first wanted, which is not before the first frame."""
        if self._lab is None:
            from pyhall_tui.dispatch.lab import Lab

            self._lab = Lab(
                self.profile,
                self.clock,
                self.journal,
                send=lambda request: self.ask(lambda client: client.dispatch(request)),
                send_in_turn=lambda request: self.ask_in_turn(lambda client: client.dispatch(request)),
                take_events=self.take_events,
            )
        return self._lab

    @property
    def live_run(self) -> "LiveRun | None":
        """The live dispatch that goes on, on whatever screen one is."""
        return self._lab.live if self._lab else None

    @property
    def packages(self) -> "PackageWatch":
        """The packages of the workers that have a folder; made when it is first wanted."""
        if self._packages is None:
            from pyhall_tui.monitor.drift import PackageWatch

            self._packages = PackageWatch(
                self.notes, wall=lambda: self.now().wall, hand_over=self._hand_over, take=self._take_drift
            )
        return self._packages

    def now(self) -> Moment:
        """Return this instant of the workspace's clock."""
        return self.clock.now()

    async def restore_rest(self) -> None:
        """Take the workers that were not among the first, some at a time, and begin to watch packages."""
        workers = self.watch_list.workers
        if len(workers) > FIRST_ROWS:
            self.fleet.watch(worker.id for worker in workers)
            rows = await asyncio.to_thread(self.journal.all_verdicts, self.profile.name)
            for start in range(0, len(rows), _ROWS_AT_A_TIME):
                if self._closed:
                    return
                self._restore(rows[start : start + _ROWS_AT_A_TIME])
                await asyncio.sleep(0)  # a key that was pressed is not kept waiting
            self._listener.fleet_changed()
        self._follow_packages(workers)

    def set_folder(self, worker_id: str, folder: Path | None) -> None:
        """Say where a watched worker's package lies, and hash it; None: it is compared no more."""
        self.watch_list.set_folder(worker_id, str(folder) if folder else None)
        self.packages.forget(worker_id)
        self.fleet.restore_drift(worker_id, "", "")
        if folder is not None:
            self._follow_packages([WatchedWorker(worker_id, str(folder))])
        self._listener.fleet_changed()

    def connect(self, key: ApiKey | None, *, poll: bool = True) -> None:
        """Begin to talk to the registry; with `poll`, to ask for the fleet. Again with another key: reconnect.

        Without a key nothing is sent, but to this machine: a local hall may want none, and is asked once whether it
        does.
        """
        self.disconnect()
        self._ready.clear()
        reach = Reach.NO_KEY if key is None and not is_loopback(self.profile.registry_url) else Reach.CONNECTING
        self._take_link(Link(reach=reach, since_wall=self.now().wall, full_rate=self.profile.requests_per_second))
        if reach is Reach.NO_KEY:
            self._ready.set()
            return
        if key is not None:
            register_secret(key.reveal())
            self._keys.append(key)
        thread = self._thread = LoopThread("pyhall-tui-wire")
        serving = thread.submit(self._serve(key, thread, poll))
        serving.add_done_callback(lambda done: self._hand_over(self._stopped_serving, thread, done))

    def _stopped_serving(self, thread: LoopThread, done: "Future[None]") -> None:
        """Say it if what asks the registry has ended by a fault of ours: nothing is live then."""
        if thread is not self._thread or done.cancelled() or (error := done.exception()) is None:
            return
        _log.error("what asks the registry has ended", exc_info=(type(error), error, error.__traceback__))
        sentence = f"What asks the registry has ended by a fault of this program: {error}."
        advice = "Open the profile again (5); the log says more."
        self._take_link(Link(reach=Reach.LOST, since_wall=self.now().wall, sentence=sentence, advice=advice))

    def adopt(self, profile: Profile, key: ApiKey | None) -> None:
        """Go on with other settings of the same registry and name: fleet and screens stay, the client is made anew."""
        self.profile = profile
        if self._lab is not None:
            self._lab.profile = profile
        self.fleet.stale_after = Fleet(profile.poll_interval).stale_after
        self.connect(key)
        self._listener.link_changed()

    def disconnect(self) -> None:
        """Stop asking; what is in flight is dropped."""
        thread, self._thread, self._client, self._monitor = self._thread, None, None, None
        if thread is not None:
            thread.stop(_PATIENCE)

    async def close(self) -> None:
        """Stop asking and write what is left to the journal; half a second at most each."""
        self._closed = True
        if self._lab is not None:
            self._lab.close()
        if self._packages is not None:
            self._packages.close()
        self.disconnect()
        if await asyncio.to_thread(self.journal.flush, _PATIENCE):
            self._forget_keys()
        if self._packages is not None:
            await asyncio.to_thread(self._packages.wait_closed, _PATIENCE / 2)

    def _forget_keys(self) -> None:
        """Mask the keys no longer: the client is closed, and the journal has all that came of it. If the disk did not
        take it all in time they stay masked, for it is masked when it is written."""
        while self._keys:
            forget_secret(self._keys.pop().reveal())

    async def ask(self, call: Callable[["RegistryClient"], Coroutine[Any, Any, T]]) -> T:
        """Run one request on the client's own loop and return its answer. Cancelling drops the request.

        Raises:
            RegistryError: as the client raises it.
        """
        await self._ready.wait()
        if self.link.reach is Reach.NO_KEY:
            raise NotSent(
                "There is no API key for this profile, so nothing is sent.",
                method="",
                path="",
                correlation_id="",
                advice=f"Type it on Profiles (5), press K to ask the OS keyring again, or start with {KEY} set.",
            )
        thread, client = self._thread, self._client
        if thread is None or client is None:
            raise asyncio.CancelledError
        return await asyncio.wrap_future(thread.submit(call(client)))

    async def ask_in_turn(self, call: Callable[["RegistryClient"], Coroutine[Any, Any, T]]) -> T:
        """Run one request as `ask` does, when its turn has come in the budget that the sweep is asked within.

        Raises:
            RegistryError: as the client raises it.
        """
        await self._ready.wait()
        monitor = self._monitor
        if monitor is None:
            return await self.ask(call)
        return await self.ask(lambda client: monitor.turns.take(lambda: call(client)))

    def watch(self, worker_ids: Iterable[str]) -> list[str]:
        """Put workers on the watch list and ask for them; return those that are new.

        An id that cannot stand on the list keeps no other off it: see `cannot_be_watched`, which names it.
        """
        new = self.fleet.watch(worker_id for worker_id in worker_ids if not id_mistake(worker_id))
        self.watch_list.add(new)
        self._tell_monitor("watch", new)
        self._listener.fleet_changed()
        return new

    def unwatch(self, worker_ids: Iterable[str]) -> "Removed":
        """Take workers off the watch list; the return value undoes it."""
        ids = list(worker_ids)
        removed = Removed(self.watch_list.remove(ids), tuple(self.fleet.unwatch(ids)))
        self.packages.drop(ids)
        for worker_id in ids:
            self.journal.forget_worker(self.profile.name, worker_id)
        self._tell_monitor("unwatch", ids)
        self._listener.fleet_changed()
        return removed

    def put_back(self, removed: "Removed") -> None:
        """Undo an `unwatch`."""
        self.watch_list.restore(removed.watched)
        self.fleet.put_back(removed.entries)
        self._follow_packages(removed.watched)
        self._tell_monitor("watch", [entry.worker_id for entry in removed.entries])
        self._listener.fleet_changed()

    def verify_now(self, worker_ids: Iterable[str]) -> None:
        """Ask for these workers next."""
        self._tell_monitor("bring_forward", list(worker_ids))

    def look_at(self, worker_ids: Iterable[str]) -> None:
        """Say what is on screen: it is kept freshest."""
        self._tell_monitor("watch_closely", list(worker_ids))

    def try_now(self) -> None:
        """Try a lost registry at once."""
        if self._thread and self._monitor:
            self._thread.call(self._monitor.try_now)

    def acknowledge(self, event_ids: Iterable[int]) -> None:
        """Acknowledge events; the header counts what is left."""
        self._alarms.acknowledge(event_ids)
        self._listener.link_changed()

    def acknowledge_all(self, up_to_id: int) -> None:
        """Acknowledge every event up to the newest one that was shown, those that no screen has loaded included."""
        self._alarms.acknowledge_all(up_to_id)
        self._listener.link_changed()

    def was_replaced(self, event_id: int) -> bool:
        """Whether in this run a newer row took the place of that event's: it stands no more."""
        return self._alarms.was_replaced(event_id)

    def recent_events(self, worker_id: str, limit: int = 200) -> list[Event]:
        """Return what changed with one worker, newest first."""
        found = self.journal.events(self.profile.name, worker=worker_id, limit=limit)
        return [event for event in found if event.worker_id == worker_id]  # an id may hold a `*`

    def take_events(self, events: list[Event]) -> None:
        """Keep events and tell the listener; for those that are made elsewhere (drift, a live dispatch) too."""
        self._alarms.record(events)

    def follow_others(self) -> None:
        """Take what another program on this profile has acknowledged meanwhile; call it every few seconds."""
        if self._alarms.follow_others():
            self._listener.link_changed()

    def keep_what_was_not(self) -> None:
        """Try again to keep what could not be kept; call it every few seconds."""
        self.watch_list.keep_what_was_not()
        self._draft_trouble = keep_drafts_that_were_not()

    @property
    def troubles(self) -> tuple[str, ...]:
        """What can't be kept just now, in sentences, for as long as it is so."""
        return (*self.journal.troubles, *filter(None, [self.watch_list.trouble, self._draft_trouble]))

    def _follow_packages(self, workers: Iterable[WatchedWorker]) -> None:
        for worker in workers:
            entry = self.fleet.get(worker.id)
            if worker.folder is None or entry is None:
                continue
            known = entry.verdict is not None
            standing = self.packages.follow(worker.id, Path(worker.folder), entry.sha256, known=known)
            if standing is not None:
                self.fleet.restore_drift(worker.id, standing.drift.state.value, standing.drift.detail)

    def _take_drift(self, worker_id: str, drift: "Drift") -> None:
        if self._closed:
            return
        self.take_events(self.fleet.set_drift(worker_id, drift.state.value, drift.summary, self.now()))
        self._listener.fleet_changed()

    def _restore(self, rows: Iterable[LastVerdict]) -> None:
        now = self.now()
        for row in rows:
            heard = Moment(now.mono - max(0.0, now.wall - row.at), row.at)
            self.fleet.restore(row.verdict, ban_of(row, heard.mono), row.changed_at, heard)

    async def _serve(self, key: ApiKey | None, thread: LoopThread, poll: bool) -> None:
        """On the wire's thread: make the client there (httpx is imported here), poll, close it at the end."""
        from pyhall_tui.monitor.engine import Monitor
        from pyhall_tui.registry.client import RegistryClient

        async with RegistryClient(self.profile, key, self.clock, on_request=self._on_request) as client:
            poll = poll and not client.refusal  # what is set here won't mend itself: nothing is tried again
            monitor = None
            if poll:
                had_list = self._had_ban_list() is True
                monitor = Monitor(
                    client, self._sink(), self.clock, self.profile, has_key=key is not None, had_ban_list=had_list
                )
                monitor.watch([worker.id for worker in self.watch_list.workers])
            self._hand_over(self._connected, thread, client, monitor)
            if monitor is None:
                await asyncio.Event().wait()
            else:
                await monitor.run()

    def _sink(self) -> HandOver:
        return HandOver(
            self._hand_over,
            verdict=self._take_verdict,
            failed=self._take_failure,
            ban_list=self._take_ban_list,
            link=self._take_link,
            event=self._take_event,
        )

    def _connected(self, thread: LoopThread, client: "RegistryClient", monitor: "Monitor | None") -> None:
        if thread is not self._thread:
            return
        self._client, self._monitor = client, monitor
        self.warnings = tuple(client.warnings)
        if client.refusal:
            self.link = Link(reach=Reach.NOT_ASKED, since_wall=self.now().wall, sentence=client.refusal)
        self._ready.set()
        self._tell_monitor("knew", [entry.worker_id for entry in self.fleet if entry.verdict and entry.verdict.known])
        self._tell_monitor("watch", [entry.worker_id for entry in self.fleet])
        self._listener.link_changed()

    def _had_ban_list(self) -> bool | None:
        return self.notes.load("ban list", self.profile.registry_url, bool)

    def _on_request(self, record: RequestRecord) -> None:
        self._hand_over(self._count_request, record)

    def _count_request(self, record: RequestRecord) -> None:
        self.stats.record(self.now().mono, record.elapsed, failed=record.error is not None)

    def _hand_over(self, function: Callable[..., None], *args: object) -> None:
        """From the wire's thread to ours; nothing happens where the workspace was closed meanwhile."""
        if self._closed or self._loop is None or self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(function, *args)

    def _tell_monitor(self, method: str, worker_ids: list[str]) -> None:
        if self._thread and self._monitor and (worker_ids or method == "watch_closely"):
            self._thread.call(getattr(self._monitor, method), worker_ids)

    def _take_verdict(self, verdict: Verdict, asked: Moment) -> None:
        if self._closed:
            return
        events = self.fleet.apply(verdict, asked, self.now())
        entry = self.fleet.get(verdict.worker_id)
        if entry is None:
            return
        self.journal.save_verdict(self.profile.name, last_verdict(entry, verdict))
        self.packages.attested_is(verdict.worker_id, entry.sha256)
        self._tell_monitor("changed", [verdict.worker_id] if events else [])
        self.take_events(events)
        self._listener.fleet_changed()

    def _take_failure(self, worker_id: str, error: RegistryError) -> None:
        self.fleet.failed(worker_id, str(error))
        self._listener.fleet_changed()

    def _take_ban_list(self, answer: BanList, asked: Moment) -> None:
        if self._closed:
            return
        events = self.fleet.apply_ban_list(answer, asked, self.now())
        self._tell_monitor("bring_forward", [event.worker_id for event in events if event.worker_id])
        for event in events:
            entry = self.fleet.get(event.worker_id or "")
            if entry is not None and entry.verdict is not None:
                self.journal.save_verdict(self.profile.name, last_verdict(entry, entry.verdict))
        self.take_events(events)
        self._listener.fleet_changed()

    def _take_link(self, link: Link) -> None:
        had_list = self.link.ban_list is BanListState.LIVE
        self.link = link
        if link.ban_list is BanListState.LIVE and not had_list and not self._had_ban_list():
            self.notes.save("ban list", self.profile.registry_url, True)
        self._alarms.most_vanish(most=link.reach is Reach.VERIFY_FAILING and link.fault == "404")
        self._listener.link_changed()

    def _take_event(self, event: Event) -> None:
        self.take_events([event])


class Removed:
    """What an `unwatch` took away, to be put back."""

    def __init__(self, watched: tuple[WatchedWorker, ...], entries: tuple[Entry, ...]) -> None:
        self.watched = watched
        self.entries = entries
