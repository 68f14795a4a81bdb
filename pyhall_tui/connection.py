"""The connection to one profile's registry: client and engine on the wire's thread, controlled from ours."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from pyhall_tui.clock import Clock, Moment
from pyhall_tui.feeds.run_log import RunLog
from pyhall_tui.files.notes import Notes
from pyhall_tui.fleet.events import Event
from pyhall_tui.monitor.connection_state import BanListState, ConnectionState, Reachability, is_news
from pyhall_tui.monitor.own_requests import OwnRequests
from pyhall_tui.monitor.stats import RequestStats
from pyhall_tui.profiles.environment import KEY
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.urls import is_loopback
from pyhall_tui.registry.models import BanList, RequestRecord, Verdict
from pyhall_tui.threads.shared_loop import SharedLoop

if TYPE_CHECKING:
    from concurrent.futures import Future

    from pyhall_tui.journal.watchers import Holder
    from pyhall_tui.monitor.by_hand import ByHand
    from pyhall_tui.monitor.engine import Monitor
    from pyhall_tui.monitor.hand_over import HandOver
    from pyhall_tui.monitor.polling import Polling
    from pyhall_tui.profiles.api_key import ApiKey
    from pyhall_tui.registry.client import RegistryClient
    from pyhall_tui.registry.errors import RegistryError
    from pyhall_tui.threads.loop_thread import Begun, LoopThread

T = TypeVar("T")
_log = logging.getLogger(__name__)

_PATIENT, _MORE_PATIENT = 0.1, 1.0
"""Seconds for which verdicts are collected for one hand-over, while somebody looks and while nobody does."""
_PATIENCE = 0.5
"""How many seconds the last connection's end waits for the thread at most, so that quitting is immediate."""
WIRE = "pyhall-tui-wire"
"""The name of the thread that all connections of a program share."""


class Takers(NamedTuple):
    """The callbacks for what the engine learns, called on the thread that opened the connection."""

    verdict: Callable[[Verdict, Moment], None]
    failed: Callable[[str, "RegistryError"], None]
    ban_list: Callable[[BanList, Moment], None]
    event: Callable[[Event], None]
    state: Callable[[ConnectionState], None]


class Connection:
    """Belongs to the thread that opened it. `connect` starts talking to the registry; again: with another key."""

    def __init__(
        self,
        profile: Profile,
        clock: Clock,
        takers: Takers,
        *,
        notes: Notes,
        watched: Callable[[], Iterable[str]],
        known: Callable[[], Iterable[str]],
        wire: SharedLoop | None = None,
    ) -> None:
        """Send nothing yet.

        Args:
            notes: remembers between runs whether the registry has a ban list.
            watched: returns the workers to ask about once it is connected.
            known: returns those that the registry knew when it last answered.
            wire: the thread that it shares with other connections; without it, it has its own.
        """
        self.profile = profile
        self.state = ConnectionState(since_wall=clock.now().wall, rate=profile.requests_per_second)
        self._own_state = self.state
        """The state as this program finds it, also while it reads beside a watcher."""
        self.watcher: Holder | None = None
        """The program beside which this one reads: see `read_beside`."""
        self.on_connect: Callable[[], None] = lambda: None
        """Called with each `connect`, before anything is sent."""
        self.stats = RequestStats()
        self.own = OwnRequests()
        self.on_request: Callable[[RequestRecord], None] | None = None
        """Called after each finished request, on the thread that opened this."""
        self.run_log = RunLog()
        """Takes each request; whoever opens the connection may share one."""
        self.is_hall = False
        """Whether the registry said that it is a local hall, which also shows its rules; set by whoever asked it."""
        self.warnings: tuple[str, ...] = ()
        """The client's warnings: plain http that was allowed, an unreadable entry in NO_PROXY."""
        self._clock = clock
        self._takers = takers
        self._notes = notes
        self._watched, self._known = watched, known
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wire = wire or SharedLoop(WIRE)
        self._thread: LoopThread | None = None
        """The wire's thread, from the first `connect` to the end."""
        self._serving: Begun[None] | None = None
        """The client and the engine that run now."""
        self._ending: list[Begun[None]] = []
        """Those before, as long as they may still run."""
        self._asking: set[Future[Any]] = set()
        """The requests of `ask` under way."""
        self._client: RegistryClient | None = None
        self._monitor: Monitor | None = None
        self._polling: Polling | None = None
        self._by_hand: ByHand | None = None
        self._polls = True
        self._key: ApiKey | None = None
        """The key that is sent now."""
        self._keys: list[ApiKey] = []
        """The keys that were sent. They are masked in logs and journal for as long as they might appear there."""
        self._ready = asyncio.Event()
        self._turn: object = None
        """Identifies the last `connect`: what an earlier one still reports is not about this one."""
        self._closed = False
        self._on_screen: list[str] = []
        self._is_attended = True

    @property
    def is_connected(self) -> bool:
        """Whether `connect` was called and had what it needs."""
        return self._serving is not None and not self._serving.ended.done()

    def has_key(self, key: "ApiKey | None") -> bool:
        """Whether it is connected with that key."""
        return self.is_connected and key == self._key

    def open(self) -> None:
        """Deliver everything to the thread of the running loop."""
        self._loop = asyncio.get_running_loop()

    def connect(self, key: "ApiKey | None") -> None:
        """Start talking to the registry and asking about the fleet. With another key: reconnect.

        Without a key nothing is sent, except to this machine: a local hall may not need a key, and is asked once
        whether it does.
        """
        from pyhall_tui.logs.masking import register_secret  # not before the first frame

        self.on_connect()
        self.disconnect()
        self._ready.clear()
        reach = Reachability.CONNECTING
        if key is None and not is_loopback(self.profile.registry_url):
            reach = Reachability.NO_KEY
        since, rate = self._clock.now().wall, self.profile.requests_per_second
        self._take_own_state(ConnectionState(reach=reach, since_wall=since, full_rate=rate))
        if reach is Reachability.NO_KEY:
            self._ready.set()
            return
        if key is not None:
            register_secret(key.reveal())
            self._keys.append(key)
        self._key = key
        self._thread = self._thread or self._wire.take()
        turn = self._turn = object()
        serving = self._serving = self._thread.begin(self._serve(key, turn))
        serving.ended.add_done_callback(lambda done: self.hand_over(self._stopped_serving, turn, done))

    def disconnect(self) -> None:
        """Stop asking; requests under way are dropped."""
        for request in list(self._asking):
            request.cancel()
        if self._serving is not None:
            self._serving.cancel()
            self._ending = [each for each in (*self._ending, self._serving) if not each.ended.done()]
        self._serving = self._client = self._monitor = self._polling = self._by_hand = self._turn = None

    def close(self) -> None:
        """Disconnect, and deliver nothing more."""
        self._closed = True
        self.disconnect()

    async def wait_closed(self, patience: float) -> None:
        """Wait at most that many seconds until everything that `close` stopped has ended, and give the thread back."""
        ends = [asyncio.wrap_future(each.ended) for each in self._ending]
        if ends:
            await asyncio.wait(ends, timeout=patience)
        thread, self._thread = self._thread, None
        if thread is not None:
            self._wire.give_back(_PATIENCE if all(end.done() for end in ends) else 0.0)

    def forget_keys(self) -> None:
        """Stop masking the keys. Call it once the journal has written everything, because it masks what it writes."""
        from pyhall_tui.logs.masking import forget_secret

        while self._keys:
            forget_secret(self._keys.pop().reveal())

    async def ask(self, call: Callable[["RegistryClient"], Coroutine[Any, Any, T]]) -> T:
        """Run one request on the client's own loop and return its answer. Cancelling drops the request.

        Raises:
            RegistryError: as the client raises it.
        """
        await self._ready.wait()
        if self._own_state.reach is Reachability.NO_KEY:
            raise _no_key()
        thread, client = self._thread, self._client
        if thread is None or client is None:
            raise asyncio.CancelledError
        request = thread.submit(call(client))
        self._asking.add(request)
        try:
            return await asyncio.wrap_future(request)
        finally:
            self._asking.discard(request)

    async def ask_in_turn(self, call: Callable[["RegistryClient"], Coroutine[Any, Any, T]]) -> T:
        """Run one request as `ask` does, in turn, within the rate limit that the sweep observes.

        Raises:
            RegistryError: as the client raises it.
        """
        await self._ready.wait()
        asks = self._monitor or self._by_hand
        if asks is None:
            return await self.ask(call)
        return await self.ask(lambda client: asks.queue.take(lambda: call(client)))

    def watch(self, worker_ids: list[str]) -> None:
        """Ask about these workers too."""
        self._order(lambda monitor: monitor.watch, worker_ids)

    def unwatch(self, worker_ids: list[str]) -> None:
        """Stop asking about these workers."""
        self._order(lambda monitor: monitor.unwatch, worker_ids)

    def verify_now(self, worker_ids: Iterable[str]) -> None:
        """Ask about these workers next."""
        ids = list(worker_ids)
        if self._monitor is not None or self.watcher is None:
            self._order(lambda monitor: monitor.bring_forward, ids)
        elif self._thread and self._by_hand:
            self._thread.call(self._by_hand.verify, ids)
        elif self._own_state.reach is Reachability.NO_KEY:
            for worker_id in ids:
                self._takers.failed(worker_id, _no_key())

    def listed_otherwise(self, worker_ids: list[str]) -> None:
        """Ask next about workers that the ban list newly names, or no longer; beside a watcher, that does so."""
        self._order(lambda monitor: monitor.bring_forward, worker_ids)

    def read_list(self) -> None:
        """Read the ban list if this program doesn't do so by itself, because you want to look at it."""
        if self.watcher is not None and self._thread and self._by_hand:
            self._thread.call(self._by_hand.read_list)

    def changed(self, worker_ids: list[str]) -> None:
        """Ask about these workers again soon, because their last answers changed."""
        self._order(lambda monitor: monitor.changed, worker_ids)

    def look_at(self, worker_ids: Iterable[str]) -> None:
        """Note which workers are on screen: they are kept freshest."""
        self._on_screen = list(worker_ids)
        self._look()

    def attend(self, is_there: bool) -> None:
        """Note whether anybody looks: if nobody does, the workers on screen are asked about like all others."""
        self._is_attended = is_there
        self._look()

    def _look(self) -> None:
        if self._thread and self._monitor:
            self._thread.call(self._monitor.watch_closely, self._on_screen if self._is_attended else [])

    def try_now(self) -> None:
        """Try an unreachable registry again at once."""
        if self._thread and self._monitor:
            self._thread.call(self._monitor.try_now)
        else:
            self.read_list()

    # -- beside a watcher --------------------------------------------------------------------------------------

    def hold(self) -> None:
        """Don't poll before `poll` is called: another program may do it. What you ask for is sent."""
        self._turn_polling(False)

    def poll(self) -> None:
        """Poll by itself, now or with the next `connect`."""
        was_beside, self.watcher = self.watcher is not None, None
        if self._polls:
            return
        self._turn_polling(True)
        if was_beside:
            is_aside = self._own_state.reach in (Reachability.NO_KEY, Reachability.NOT_ASKED)
            since, rate = self._clock.now().wall, self.profile.requests_per_second
            self._take_own_state(self._own_state if is_aside else ConnectionState(since_wall=since, full_rate=rate))

    def read_beside(self, watcher: "Holder", state: ConnectionState) -> None:
        """Don't poll, because a watcher does; `state` is what it says of its connection."""
        is_new, self.watcher = self.watcher != watcher, watcher
        if self._polls:
            self._turn_polling(False)
        if is_new or is_news(self.state, state):
            self._take_state(state)
        else:
            self._take_ages(state)

    def _turn_polling(self, is_on: bool) -> None:
        self._polls = is_on
        if self._thread and self._polling:
            self._thread.call(self._polling.turn, is_on)

    # -- on other threads --------------------------------------------------------------------------------------

    def hand_over(self, function: Callable[..., None], *args: object) -> None:
        """Call `function` on our thread, from any other thread; does nothing once the connection is closed."""
        if self._closed or self._loop is None or self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(function, *args)

    def _order(self, order: Callable[["Monitor"], Callable[[list[str]], None]], worker_ids: list[str]) -> None:
        if self._thread and self._monitor and worker_ids:
            self._thread.call(order(self._monitor), worker_ids)

    async def _serve(self, key: "ApiKey | None", turn: object) -> None:
        """Make the client on the wire's thread (httpx is imported here), poll, and close it at the end."""
        from pyhall_tui.monitor.by_hand import ByHand
        from pyhall_tui.monitor.polling import Polling
        from pyhall_tui.monitor.pushed import Pushed
        from pyhall_tui.registry.client import RegistryClient

        sink = self._sink(turn)
        async with RegistryClient(self.profile, key, self._clock, on_request=sink.request) as client:
            polling = by_hand = None
            if not client.refusal:  # else a setting is wrong, which won't fix itself: nothing is tried again
                polling = Polling(
                    partial(self._make_monitor, client, sink, has_key=key is not None),
                    lambda monitor: self.hand_over(self._take_monitor, turn, monitor),
                    lambda monitor: Pushed(client.stream, monitor, self._clock).run(),
                )
                by_hand = ByHand(client, sink, self._clock, self.profile)
            self.hand_over(self._connected, turn, client, polling, by_hand)
            try:
                await (polling.run() if polling else asyncio.Event().wait())
            finally:
                if by_hand is not None:
                    by_hand.close()
                sink.flush()

    def _make_monitor(self, client: "RegistryClient", sink: "HandOver", *, has_key: bool) -> "Monitor":
        from pyhall_tui.monitor.engine import Monitor

        had_list = self._had_ban_list() is True
        monitor = Monitor(client, sink, self._clock, self.profile, has_key=has_key, had_ban_list=had_list)
        monitor.watch(self._watched())
        return monitor

    def _sink(self, turn: object) -> "HandOver":
        from pyhall_tui.monitor.hand_over import HandOver

        takers = self._takers
        return HandOver(
            self.hand_over,
            verdict=takers.verdict,
            failed=takers.failed,
            ban_list=takers.ban_list,
            state=lambda state: self._take_own_state(state) if self._polls and turn is self._turn else None,
            ages=lambda state: self._take_ages(state) if self._polls and turn is self._turn else None,
            event=takers.event,
            request=self._count_request,
            patience=lambda: _PATIENT if self._is_attended else _MORE_PATIENT,
        )

    def _connected(
        self, turn: object, client: "RegistryClient", polling: "Polling | None", by_hand: "ByHand | None"
    ) -> None:
        if turn is not self._turn:
            return
        self._client, self._polling, self._by_hand = client, polling, by_hand
        self.warnings = tuple(client.warnings)
        state = self._own_state
        if client.refusal:
            now = self._clock.now().wall
            state = ConnectionState(reach=Reachability.NOT_ASKED, since_wall=now, sentence=client.refusal)
        self._turn_polling(self._polls)
        self._ready.set()
        self._take_own_state(state)

    def _take_monitor(self, turn: object, monitor: "Monitor | None") -> None:
        if turn is not self._turn:
            return
        self._monitor = monitor
        self._order(lambda monitor: monitor.knew, list(self._known()))
        self.watch(list(self._watched()))
        self._look()

    def _stopped_serving(self, turn: object, done: "Future[None]") -> None:
        """Say so if a bug stopped the monitor: then nothing is live."""
        if turn is not self._turn or done.cancelled() or (error := done.exception()) is None:
            return
        _log.error("the monitor has stopped", exc_info=(type(error), error, error.__traceback__))
        self._take_own_state(
            ConnectionState(
                reach=Reachability.LOST,
                since_wall=self._clock.now().wall,
                sentence=f"The monitor has stopped because of a bug in this program: {error}.",
                advice="Open the profile again on Profiles; the log says more.",
            )
        )

    def _had_ban_list(self) -> bool | None:
        return self._notes.load("ban list", self.profile.registry_url, bool)

    def _take_own_state(self, state: ConnectionState) -> None:
        self._own_state = state
        if self.watcher is None:
            self._take_state(state)

    def _take_state(self, state: ConnectionState) -> None:
        had_list = self.state.ban_list is BanListState.LIVE
        self.state = state
        if state.ban_list is BanListState.LIVE and not had_list and not self._had_ban_list():
            self._notes.save("ban list", self.profile.registry_url, True)
        self._takers.state(state)

    def _take_ages(self, state: ConnectionState) -> None:
        """Keep a state that differs only in ages: the header pulls it when it next draws."""
        self.state = state

    def _count_request(self, record: RequestRecord) -> None:
        self.stats.record(record.at.mono, record.elapsed, failed=record.error is not None)
        self.own.record(record)
        if self.on_request is not None:
            self.on_request(record)
        self.run_log.request(self.profile.name, record)


def _no_key() -> "RegistryError":
    from pyhall_tui.registry.errors import NotSent

    return NotSent(
        "There is no API key for this profile, so nothing is sent.",
        method="",
        path="",
        correlation_id="",
        advice=f"Type it on Profiles, ask the OS keyring again, or start with {KEY} set.",
    )
