"""The polling engine: an asyncio task that asks the registry, within its budget, what matters most.

It does not know which loop or thread it is on; the workspace gives it one of its own, a test runs it on the
test's loop with a clock that it moves. What it learns goes to its `Sink` at once; it keeps no verdict.
"""

import asyncio
import random
from collections.abc import Coroutine, Iterable
from typing import Any, Protocol

import msgspec

from pyhall_tui.clock import Clock, Moment
from pyhall_tui.fleet.events import Event, Kind
from pyhall_tui.fleet.transitions import make_event
from pyhall_tui.monitor.backoff import Backoff
from pyhall_tui.monitor.budget import Budget
from pyhall_tui.monitor.link import BanListState, Link, Reach
from pyhall_tui.monitor.schedule import Schedule
from pyhall_tui.monitor.turns import LIMITED_WITHOUT_WORD, Turns
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.registry import errors
from pyhall_tui.registry.models import BanList, Health, Verdict

LOST_AFTER = 3
"""Faulty answers in a row after which the registry counts as lost; no connection at all counts at once."""
MISSING_BAN_LIST_AGAIN = 600.0
"""Seconds until a registry that has no ban list is asked for it again."""
_LONGEST_NAP = 2.0
"""The loop's own timers stand still while the machine sleeps: look at our clock at least this often."""

_LOST_AT_ONCE = (errors.Unreachable, errors.TlsFailed, errors.Redirected, errors.NotSent)
_WORKERS_OWN = (errors.BadRequest, errors.Forbidden, errors.NotFound)


class Registry(Protocol):
    """What the engine needs of the client."""

    async def verify(self, worker_id: str, *, retry: bool = True) -> Verdict: ...
    async def ban_list(self, *, retry: bool = True) -> BanList: ...
    async def health(self) -> Health: ...


class Sink(Protocol):
    """Where the engine puts what it learns. Each call returns at once."""

    def verdict(self, verdict: Verdict, asked: Moment) -> None: ...
    def failed(self, worker_id: str, error: errors.RegistryError) -> None: ...
    def ban_list(self, answer: BanList, asked: Moment) -> None: ...
    def link(self, link: Link) -> None: ...
    def event(self, event: Event) -> None: ...


class Monitor:
    """Asks for one profile's workers and ban list until its `run` is cancelled."""

    def __init__(
        self, registry: Registry, sink: Sink, clock: Clock, profile: Profile, rng: random.Random | None = None
    ) -> None:
        self._registry = registry
        self._sink = sink
        self._clock = clock
        self._profile = profile
        now = clock.now()
        self._schedule = Schedule(profile.poll_interval, close_interval=min(10.0, profile.poll_interval / 3))
        self._budget = Budget(profile.requests_per_second, profile.requests_in_flight, now.mono)
        self.turns = Turns(self._budget, clock)
        """For what others ask within the same budget, on the engine's own loop."""
        self._backoff = Backoff(rng or random.Random())
        self._link = Link(since_wall=now.wall, full_rate=profile.requests_per_second)
        self._told: Link | None = None
        self._ban_list_due = now.mono
        self._ban_list_in_flight = False
        self._faults = 0
        self._next_try = now.mono
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def in_flight(self) -> int:
        """Requests under way."""
        return self._budget.in_flight

    @property
    def link(self) -> Link:
        """The link's last state."""
        return self._link

    def watch(self, worker_ids: Iterable[str]) -> None:
        """Add workers; they are asked for as soon as the budget allows."""
        self._schedule.watch(worker_ids)
        self._wake.set()

    def unwatch(self, worker_ids: Iterable[str]) -> None:
        """Forget workers."""
        self._schedule.unwatch(worker_ids)

    def bring_forward(self, worker_ids: Iterable[str]) -> None:
        """Ask for these next."""
        self._schedule.bring_forward(worker_ids)
        self._wake.set()

    def watch_closely(self, worker_ids: Iterable[str]) -> None:
        """Set whom the operator looks at: rows on screen, the opened worker."""
        self._schedule.watch_closely(worker_ids)
        self._wake.set()

    def changed(self, worker_ids: Iterable[str]) -> None:
        """Watch closely, for an interval, workers that changed."""
        now = self._clock.now().mono
        for worker_id in worker_ids:
            self._schedule.changed(worker_id, now)

    def try_now(self) -> None:
        """Try a lost registry, and the ban list, at once: a person asked for it."""
        now = self._clock.now().mono
        self._next_try = self._ban_list_due = now
        self._wake.set()

    async def run(self) -> None:
        """Ask until cancelled; then end what is in flight."""
        try:
            while True:
                self._wake.clear()
                await self._nap(self._send_what_is_due())
        finally:
            for task in self._tasks:
                task.cancel()

    def _send_what_is_due(self) -> float:
        """Send all that is due now; return the seconds until the next look."""
        while True:
            now = self._clock.now()
            wait = self._send_one(now)
            if wait > 0:
                self._tell_link(now)
                return wait

    def _send_one(self, now: Moment) -> float:
        if self._link.reach in (Reach.LOST, Reach.KEY_REJECTED):
            return self._probe(now)
        budget_wait = self._budget.wait(now.mono)
        if budget_wait != 0.0:
            return float("inf") if budget_wait is None else budget_wait
        list_wait = float("inf") if self._ban_list_in_flight else self._ban_list_due - now.mono
        if list_wait <= 0:
            self._start(self._ask_ban_list(now))
            return 0.0
        worker_id, wait = self._schedule.next(now.mono)
        if worker_id is None:
            return min(wait, list_wait)
        self._start(self._ask_worker(worker_id, now))
        return 0.0

    def _probe(self, now: Moment) -> float:
        """One request at a time, each after its wait, until one succeeds."""
        if self._budget.in_flight:
            return float("inf")
        if now.mono < self._next_try:
            return self._next_try - now.mono
        worker_id = self._schedule.probe(now.mono)
        self._start(self._ask_worker(worker_id, now) if worker_id is not None else self._ask_ban_list(now))
        return float("inf")

    def _start(self, request: Coroutine[Any, Any, None]) -> None:
        self._budget.take()
        task = asyncio.get_running_loop().create_task(request)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ask_worker(self, worker_id: str, asked: Moment) -> None:
        try:
            verdict = await self._registry.verify(worker_id, retry=False)
        except errors.RegistryError as error:
            self._sink.failed(worker_id, error)
            self._took_fault(error, worker_id)
        else:
            self._sink.verdict(verdict, asked)
            self._succeeded()
        finally:
            self._schedule.came_back(worker_id)
            self._came_back()

    async def _ask_ban_list(self, asked: Moment) -> None:
        self._ban_list_in_flight = True
        self._ban_list_due = asked.mono + self._profile.ban_list_interval
        try:
            answer = await self._registry.ban_list(retry=False)
        except errors.RegistryError as error:
            self._ban_list_fault(error)
        else:
            state = BanListState.PERHAPS_CUT if answer.perhaps_cut else BanListState.LIVE
            self._link = msgspec.structs.replace(self._link, ban_list=state)
            self._sink.ban_list(answer, asked)
            if self._link.reach is not Reach.KEY_REJECTED:
                self._succeeded()
        finally:
            self._ban_list_in_flight = False
            self._came_back()

    def _came_back(self) -> None:
        self._budget.came_back()
        self._wake.set()

    def _ban_list_fault(self, error: errors.RegistryError) -> None:
        missing = isinstance(error, errors.NotFound | errors.Forbidden) or (
            isinstance(error, errors.UnexpectedStatus) and error.status in (405, 410, 501)
        )
        if not missing:
            self._link = msgspec.structs.replace(self._link, ban_list=BanListState.FAILING)
            self._took_fault(error, None)
            return
        now = self._clock.now()
        self._ban_list_due = now.mono + MISSING_BAN_LIST_AGAIN
        if self._link.ban_list is not BanListState.MISSING:
            self._tell_event(Kind.BAN_LIST_MISSING, now, self._link.ban_list, "missing", error)
        self._link = msgspec.structs.replace(self._link, ban_list=BanListState.MISSING)
        self._succeeded()

    def _succeeded(self) -> None:
        self._faults = 0
        if self._link.reach is Reach.LIVE:
            return
        now = self._clock.now()
        before = self._link.reach
        kind = {Reach.LOST: Kind.REGISTRY_REGAINED, Reach.KEY_REJECTED: Kind.KEY_ACCEPTED}.get(before)
        self._backoff.reset()
        self._budget.hold()
        self._link = msgspec.structs.replace(
            self._link, reach=Reach.LIVE, since_wall=now.wall, sentence="", advice="", next_try=None
        )
        if kind is not None:
            self._tell_event(kind, now, before, Reach.LIVE, None)

    def _took_fault(self, error: errors.RegistryError, worker_id: str | None) -> None:
        now = self._clock.now()
        if isinstance(error, errors.RateLimited):
            self._limited(error, now)
        elif isinstance(error, errors.Unauthorized):
            self._fell_to(Reach.KEY_REJECTED, Kind.KEY_REJECTED, error, now)
        elif isinstance(error, _WORKERS_OWN):
            self._succeeded()
        else:
            self._faulty_answer(error, worker_id, now)

    def _faulty_answer(self, error: errors.RegistryError, worker_id: str | None, now: Moment) -> None:
        self._faults += 1
        if wait := _asked_for(error):
            self._budget.limited(now.mono, wait)
        never_live = self._link.reach is not Reach.LIVE
        if never_live or self._faults >= LOST_AFTER or isinstance(error, _LOST_AT_ONCE):
            self._fell_to(Reach.LOST, Kind.REGISTRY_LOST, error, now)
        elif worker_id is not None:
            self._schedule.changed(worker_id, now.mono)

    def _limited(self, error: errors.RateLimited, now: Moment) -> None:
        if not self._budget.is_reduced:
            before = f"{self._budget.rate:g} requests/s"
            self._tell_event(Kind.RATE_LIMITED, now, before, "slower", error)
        wait = error.retry_after or LIMITED_WITHOUT_WORD
        self._budget.limited(now.mono, wait)
        self._next_try = max(self._next_try, now.mono + wait)  # a lost registry's probes keep to it too

    def _fell_to(self, reach: Reach, kind: Kind, error: errors.RegistryError, now: Moment) -> None:
        before = self._link.reach
        self._next_try = now.mono + max(self._backoff.next(), _asked_for(error))
        since = self._link.since_wall if before is reach else now.wall
        self._link = msgspec.structs.replace(
            self._link, reach=reach, since_wall=since, sentence=str(error), advice=error.advice
        )
        if before is not reach:
            self._tell_event(kind, now, before, reach, error)

    def _tell_event(self, kind: Kind, now: Moment, before: str, after: str, error: errors.RegistryError | None) -> None:
        event = make_event(
            kind,
            now.wall,
            None,
            before,
            after,
            source="client",
            correlation_id=error.correlation_id if error else "",
            detail=str(error) if error else "",
        )
        self._sink.event(event)

    def _tell_link(self, now: Moment) -> None:
        """Hand the link's state over where it is another than the last one told."""
        down = self._link.reach in (Reach.LOST, Reach.KEY_REJECTED)
        round_time = self._schedule.round_time(self._budget.rate - 1 / self._profile.ban_list_interval)
        blocked_until = self._budget.blocked_until
        link = msgspec.structs.replace(
            self._link,
            next_try=self._next_try if down else None,
            ban_list_next=self._ban_list_due,
            rate=round(self._budget.rate, 1),
            limited_until=blocked_until if blocked_until > now.mono else None,
            holdable_interval=round_time if round_time > self._profile.poll_interval else None,
        )
        if link != self._told:
            self._link = self._told = link
            self._sink.link(link)

    async def _nap(self, seconds: float) -> None:
        """Wait for that time of our clock, or for something to happen."""
        woken = asyncio.ensure_future(self._wake.wait())
        slept = asyncio.ensure_future(self._clock.sleep(min(seconds, _LONGEST_NAP)))
        try:
            await asyncio.wait({woken, slept}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()
            slept.cancel()


def _asked_for(error: errors.RegistryError) -> float:
    """Return the seconds for which the registry asks to be left alone (a 503 has `Retry-After` too), 0 for none."""
    return (error.retry_after or 0.0) if isinstance(error, errors.StatusError) else 0.0
