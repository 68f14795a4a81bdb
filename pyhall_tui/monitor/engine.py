"""The polling engine: an asyncio task that asks the registry what matters most, within the rate limit.

It doesn't know which loop or thread it is on: the workspace gives it its own, and a test runs it on the test's loop
with a clock that the test moves. What it learns goes to its `Sink` at once; it stores no verdict.
"""

import asyncio
import random
from collections.abc import Coroutine, Iterable
from typing import Any

import msgspec

from pyhall_tui.clock import Clock, Moment
from pyhall_tui.fleet.events import Kind
from pyhall_tui.fleet.transitions import make_event
from pyhall_tui.monitor.connection_state import BanListState, ConnectionState, Reachability, is_news
from pyhall_tui.monitor.fair_share import FairShare
from pyhall_tui.monitor.hints import Hints
from pyhall_tui.monitor.outcomes import LOST_AFTER, Ground, RequestFault, fault_of
from pyhall_tui.monitor.ports import Sink, WatchedRegistry
from pyhall_tui.monitor.rate_limiter import RateLimiter
from pyhall_tui.monitor.request_queue import LIMITED_WITHOUT_WORD, RequestQueue
from pyhall_tui.monitor.schedule import Schedule
from pyhall_tui.monitor.standing import ReachabilityChange, RegistryStanding
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.registry import errors
from pyhall_tui.registry.backoff import Backoff
from pyhall_tui.registry.models import BanList

MISSING_BAN_LIST_AGAIN = 600.0
"""Seconds until a registry that never had a ban list is asked for it again."""
_BAN_LIST_AGAIN = 2.0
"""Seconds until a ban list that failed is first asked for again, but never more than its usual interval."""
_PROBE_AGAIN = 10.0
"""Seconds between two attempts to reach a lost registry, at most. Each is one request, so that is little."""
_LEAST_PAUSE = 0.25
"""The least share of such a pause that follows an attempt which took long."""
_LONG_LIST = 16 * 1024 * 1024
"""Bytes of a ban list from which on reading it is work worth sparing."""
_LONG_LIST_PAUSE = 10.0
"""Times as long as a long list took, it is left alone, so that reading it takes a tenth of the time at most."""
_PROOF = 5.0
"""Seconds without a verify after which one is brought forward, while most fail or seem to."""
_OTHERS = 1
"""Workers to verify next when one's result has changed: is it that worker, or all? If theirs changes too, one more."""
_LONGEST_NAP = 2.0
"""The loop's own timers stop while the machine sleeps, so check our clock at least this often."""

_DOWN = (Reachability.LOST, Reachability.KEY_REJECTED)
"""In these states the registry is tried with one request at a time."""


class Monitor:
    """Asks about one profile's workers and ban list until its `run` is cancelled."""

    def __init__(
        self,
        registry: WatchedRegistry,
        sink: Sink,
        clock: Clock,
        profile: Profile,
        rng: random.Random | None = None,
        *,
        has_key: bool = True,
        had_ban_list: bool = False,
    ) -> None:
        """Send nothing yet.

        Args:
            has_key: without one, the registry is asked once whether it needs one, and not again if it does.
            had_ban_list: it had a ban list in an earlier run.
        """
        rng = rng or random.Random()
        self._registry = registry
        self._sink = sink
        self._clock = clock
        self._profile = profile
        now = clock.now()
        slots = max(1, profile.requests_in_flight - 1)  # one of them is reserved for the ban list
        self._schedule = Schedule(profile.poll_interval, min(10.0, profile.poll_interval / 3), slots)
        self._budget = RateLimiter(profile.requests_per_second, slots, now.mono)
        self._wake = asyncio.Event()
        self.hints = Hints(lambda: self._budget.rate, self._schedule)
        """What the registry's stream of changes hints at; call `wake` after a new one."""
        self._pushed_until: float | None = None
        self._share = FairShare(self._budget, self, self._wake.set)
        self.queue = RequestQueue(self._share, clock)
        """For other requests within the same rate limit, on the engine's own loop. They never delay the ban list."""
        self._runs = False
        self._has_key = has_key
        self._standing = RegistryStanding(lambda: len(self._schedule), had_ban_list=had_ban_list, has_key=has_key)
        self._backoff = Backoff(rng)
        self._list_backoff = Backoff(rng, first=_BAN_LIST_AGAIN)
        self._state = ConnectionState(since_wall=now.wall, full_rate=profile.requests_per_second)
        self._told: ConnectionState | None = None
        self._ban_list_due = self._ban_list_expected = now.mono
        self._ban_list_in_flight = False
        self._probes_list = has_key
        """Whether an unreachable registry is tried with its ban list next, or with a worker."""
        self._next_try = self._verify_sent = self._list_sent = now.mono
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def in_flight(self) -> int:
        """Requests under way."""
        return self._budget.in_flight + self._ban_list_in_flight

    @property
    def state(self) -> ConnectionState:
        """The connection's last state."""
        return self._state

    def watch(self, worker_ids: Iterable[str]) -> None:
        """Add workers; they are verified as soon as the rate limit allows."""
        self._schedule.watch(worker_ids)
        self._wake.set()

    def knew(self, worker_ids: Iterable[str]) -> None:
        """Note which workers the registry knew in an earlier run: 404 for most of them is a fault."""
        self._standing.knew(worker_ids)

    def unwatch(self, worker_ids: Iterable[str]) -> None:
        """Forget workers."""
        gone = list(worker_ids)
        self._schedule.unwatch(gone)
        self._standing.forget(gone)

    def bring_forward(self, worker_ids: Iterable[str]) -> None:
        """Verify these next."""
        self._schedule.bring_forward(worker_ids)
        self._wake.set()

    def watch_closely(self, worker_ids: Iterable[str]) -> None:
        """Set which workers you are looking at: rows on screen, the open worker."""
        self._schedule.watch_closely(worker_ids)
        self._wake.set()

    def changed(self, worker_ids: Iterable[str]) -> None:
        """Watch workers that changed closely for an interval."""
        now = self._clock.now().mono
        for worker_id in worker_ids:
            self._schedule.changed(worker_id, now)

    def wake(self) -> None:
        """Check at once what is due."""
        self._wake.set()

    def pushed_until(self, until: float | None) -> None:
        """Note until when the registry's stream of changes counts as alive, on the monotonic clock; None: not now."""
        self._pushed_until = until
        self._wake.set()

    def try_now(self) -> None:
        """Try an unreachable registry and the ban list at once, because you asked for it."""
        now = self._clock.now().mono
        self._next_try = self._ban_list_due = now
        self._standing.ask_again_without_key()
        self._wake.set()

    async def run(self) -> None:
        """Ask until cancelled; then cancel requests under way."""
        self._runs = True
        try:
            while True:
                self._wake.clear()
                await self._nap(self._send_what_is_due())
        finally:
            self._runs = False
            for task in self._tasks:
                task.cancel()

    def list_due(self) -> float:
        """Return when the ban list is asked for; infinity while that is under way, or not done by time."""
        by_time = self._runs and not self._tries_only and self._standing.reach is not Reachability.LOST
        return self._list_due if by_time and not self._ban_list_in_flight else float("inf")

    @property
    def _list_due(self) -> float:
        """When the ban list is asked for, by its interval or by a hint; hints don't count for a list that fails."""
        if self._standing.ban_list in (BanListState.MISSING, BanListState.FAILING):
            return self._ban_list_due
        return min(self._ban_list_due, self.hints.list_due())

    def sweep_is_due(self, now: float) -> bool:
        """Whether a worker would be verified now, if the rate limit allows."""
        sweeps = self._runs and not self._tries_only and self._standing.reach not in _DOWN
        return sweeps and self._schedule.is_due(now)

    def _send_what_is_due(self) -> float:
        """Send everything that is due; return the seconds until the next check."""
        while True:
            now = self._clock.now()
            settled = self._look(now)
            wait = self._send_one(now)
            if wait > 0:
                self._tell_state(now)
                return min(wait, settled)

    def _send_one(self, now: Moment) -> float:
        """Send one request; return 0, or the seconds until one is due."""
        if self._standing.reach is Reachability.NO_KEY:
            return float("inf")
        if self._tries_only:
            return self._ask_whether_it_wants_a_key(now)
        if self._standing.reach is Reachability.LOST:
            return self._probe(now)
        list_wait = self._list_wait(now)
        if list_wait <= 0:
            self._start(self._ask_ban_list(now), own_slot=True)
            return 0.0
        if self._standing.reach is Reachability.KEY_REJECTED:
            return min(self._probe(now), list_wait)
        budget_wait = self._budget.wait(now.mono)
        if budget_wait != 0.0:
            return list_wait if budget_wait is None else min(list_wait, budget_wait)
        if (others_wait := self._share.wait_of_sweep(now.mono, self.queue.waiting)) > 0:
            return min(list_wait, others_wait)
        self._schedule.bring_forward(self.hints.workers_due(now.mono))
        worker_id, wait = self._schedule.next(now.mono)
        if worker_id is None:
            return min(wait, list_wait, self.hints.wait(now.mono))
        self._start(self._ask_worker(worker_id, now))
        self._share.swept()
        return 0.0

    @property
    def _tries_only(self) -> bool:
        """Whether nothing is sent but a request that shows whether the registry needs a key."""
        reach = self._standing.reach
        return reach is Reachability.NO_KEY or (reach is Reachability.CONNECTING and not self._has_key)

    def _list_wait(self, now: Moment) -> float:
        """Return the seconds until the ban list is asked for; it waits for the rate, but not for a slot."""
        if self._ban_list_in_flight:
            return float("inf")
        return max(self._list_due - now.mono, self._budget.wait_for_rate(now.mono))

    def _probe(self, now: Moment) -> float:
        """Try the ban list and a worker in turn, one request at a time, each after a wait, until there is an answer."""
        if now.mono < self._next_try:
            return self._next_try - now.mono
        by_turns = self._standing.reach is not Reachability.KEY_REJECTED  # in that state the ban list continues
        by_list = by_turns and self._probes_list and self._standing.ban_list is not BanListState.MISSING
        if (by_list or not len(self._schedule)) and not self._ban_list_in_flight:
            self._probes_list = False
            self._start(self._ask_ban_list(now), own_slot=True)
        elif not self._share.engines_in_flight and (worker_id := self._schedule.probe(now.mono)) is not None:
            self._probes_list = True
            self._start(self._ask_worker(worker_id, now))
        return float("inf")

    def _ask_whether_it_wants_a_key(self, now: Moment) -> float:
        """Without a key, send one request, and no other before it is answered."""
        return float("inf") if self._share.engines_in_flight or self._ban_list_in_flight else self._probe(now)

    def _start(self, request: Coroutine[Any, Any, None], *, own_slot: bool = False) -> None:
        if own_slot:
            self._budget.take_rate()
            self._ban_list_in_flight = True
            self._list_sent = self._clock.now().mono
            self.hints.list_sent(self._list_sent)
        else:
            self._budget.take()
            self._verify_sent = self._clock.now().mono
        task = asyncio.get_running_loop().create_task(request)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ask_worker(self, worker_id: str, asked: Moment) -> None:
        failed = False
        try:
            verdict = await self._registry.verify(worker_id, retry=False)
        except errors.RegistryError as error:
            failed = not isinstance(error, errors.RateLimited)
            self._sink.failed(worker_id, error)
            self._not_verified(worker_id, error, asked)
        else:
            self._sink.verdict(verdict, asked)
            self._went_well()
            self._probes_list = False  # the next workers show whether the registry is back
            now = self._clock.now().mono
            turned = worker_id in self._schedule and self._standing.verified(verdict, now, now - asked.mono)
            if turned and self._standing.reach is Reachability.VERIFY_FAILING:
                self._schedule.ask_others(_OTHERS, failing=True)
        finally:
            self._schedule.came_back(worker_id, failed=failed)
            self._budget.came_back()
            self._wake.set()

    def _not_verified(self, worker_id: str, error: errors.RegistryError, asked: Moment) -> None:
        now = self._clock.now()
        if self._hold_back(error, now) or worker_id not in self._schedule:
            return
        turned = self._standing.not_verified(worker_id, self._fault_of(error), now.mono, now.mono - asked.mono)
        if turned and self._standing.reach in (Reachability.LIVE, Reachability.CONNECTING):
            self._schedule.changed(worker_id, now.mono)
            self._ask_list_soon(now)
            if not self._standing.verifies.is_turning:
                self._schedule.ask_others(_OTHERS, failing=False)

    async def _ask_ban_list(self, asked: Moment) -> None:
        try:
            answer = await self._registry.ban_list(retry=False)
        except errors.RegistryError as error:
            if isinstance(error, errors.BanListUnclear):
                self._sink.ban_list(error.worst, asked)
            self._not_listed(error, asked)
        else:
            now = self._clock.now().mono
            pause = self._list_pause(answer, now - asked.mono)
            self._ban_list_due = self._ban_list_expected = asked.mono + pause
            self.hints.list_came(now, now - asked.mono, pause, unchanged=answer.unchanged)
            self._list_backoff.reset()
            self._standing.listed(now, now - asked.mono, truncated=answer.truncated, age=answer.age)
            self._sink.ban_list(answer, asked)
            self._went_well()
        finally:
            self._ban_list_in_flight = False
            self._wake.set()

    def _list_pause(self, answer: BanList, took: float) -> float:
        """Return the seconds between two requests for the ban list; a long one is not read all the time."""
        pause = self._profile.ban_list_interval
        return pause if answer.size < _LONG_LIST else max(pause, _LONG_LIST_PAUSE * took)

    def _not_listed(self, error: errors.RegistryError, asked: Moment) -> None:
        now = self._clock.now()
        before, held = self._standing.ban_list, self._hold_back(error, now)
        again = self._list_backoff.next(self._longest_pause)
        if self._standing.reach not in _DOWN:
            again = min(again, self._profile.ban_list_interval)
        self._ban_list_due = now.mono + max(again, _asked_for(error))
        if held:
            return
        none, took = _says_that_there_is_none(error), now.mono - asked.mono
        self._standing.not_listed(self._fault_of(error), now.mono, took, no_such_thing=none)
        if self._standing.ban_list is BanListState.MISSING:
            self._ban_list_due = now.mono + MISSING_BAN_LIST_AGAIN
            if before is not BanListState.MISSING:
                self._tell_event(Kind.BAN_LIST_MISSING, now, before, "missing", fault_of(error))
        elif before is not BanListState.FAILING:
            self._schedule.ask_others(_OTHERS, failing=False)

    def _ask_list_soon(self, now: Moment) -> None:
        """Ask for the ban list to see whether the registry is there, but at most every few seconds."""
        if self._standing.ban_list not in (BanListState.MISSING, BanListState.FAILING):
            self._ban_list_due = min(self._ban_list_due, max(now.mono, self._list_sent + _BAN_LIST_AGAIN))

    def _hold_back(self, error: errors.RegistryError, now: Moment) -> bool:
        """Obey a 429 or any other answer that says when to return; return whether it says nothing else."""
        if isinstance(error, errors.RateLimited):
            self._limited(error, now)
            return True
        if wait := _asked_for(error):
            self._budget.limited(now.mono, wait)
        if self._is_tried:
            if now.mono >= self._next_try:  # otherwise it was under way before, and says nothing new
                pause = self._backoff.next(self._longest_pause)
                took = now.mono - max(self._verify_sent, self._list_sent)
                self._next_try = now.mono + max(pause - took, _LEAST_PAUSE * pause)
            self._next_try = max(self._next_try, now.mono + wait)
        return False

    @property
    def _is_tried(self) -> bool:
        """Whether one request at a time is sent, to see whether it works."""
        reach = self._standing.reach
        return reach in _DOWN or (reach is Reachability.CONNECTING and not self._has_key)

    @property
    def _longest_pause(self) -> float | None:
        """The seconds between two attempts at most: a rejected key is tried less often than a lost registry."""
        return None if self._standing.reach is Reachability.KEY_REJECTED else _PROBE_AGAIN

    def _went_well(self) -> None:
        """Continue at once with trying an unreachable registry."""
        if self._is_tried:
            self._next_try = self._clock.now().mono

    def _limited(self, error: errors.RateLimited, now: Moment) -> None:
        if not self._budget.is_reduced:
            before = f"{self._budget.rate:g} requests/s"
            self._tell_event(Kind.RATE_LIMITED, now, before, "slower", fault_of(error))
        wait = error.retry_after or LIMITED_WITHOUT_WORD
        self._budget.limited(now.mono, wait)
        self._next_try = max(self._next_try, now.mono + wait)  # probes of an unreachable registry wait too

    def _fault_of(self, error: errors.RegistryError) -> RequestFault:
        """Return what is kept of an error; without a key, 403 means like 401 that one is needed."""
        fault = fault_of(error)
        wants_a_key = not self._has_key and isinstance(error, errors.Forbidden)
        return fault._replace(ground=Ground.KEY) if wants_a_key else fault

    def _look(self, now: Moment) -> float:
        """Update the state and report changes; return the seconds until the next check."""
        change, wait = self._standing.look(now.mono)
        if change is not None:
            self._take_change(change, now)
        unsure = self._standing.verifies.is_turning or self._standing.reach is Reachability.VERIFY_FAILING
        pause = LOST_AFTER if self._standing.verifies.is_turning else _PROOF
        if unsure and self._standing.reach not in _DOWN and now.mono - self._verify_sent >= pause:
            self._verify_sent = now.mono
            self._schedule.ask_others(1, failing=True)
        return wait

    def _take_change(self, change: ReachabilityChange, now: Moment) -> None:
        self._state = msgspec.structs.replace(self._state, since_wall=now.wall)
        if change.after in _DOWN:
            self._next_try = now.mono + self._backoff.next(self._longest_pause)
        elif change.after is Reachability.LIVE:
            self._backoff.reset()
            self._budget.hold()
            if self._standing.ban_list is BanListState.FAILING:
                self._ban_list_due = min(self._ban_list_due, max(now.mono, self._list_sent + _BAN_LIST_AGAIN))
        if (kind := change.kind) is not None:
            self._tell_event(kind, now, change.before, change.after, change.fault)

    def _tell_event(self, kind: Kind, now: Moment, before: str, after: str, fault: RequestFault | None) -> None:
        event = make_event(
            kind,
            now.wall,
            None,
            before,
            after,
            source="client",
            correlation_id=fault.correlation_id if fault else "",
            detail=fault.sentence if fault else "",
        )
        self._sink.event(event)

    def _tell_state(self, now: Moment) -> None:
        """Report the connection's state if it differs from the last one reported, be it only in ages."""
        standing, fault = self._standing, self._standing.fault
        round_time, slow = self._round(standing.verify_source.took)
        blocked_until = self._budget.blocked_until
        state = msgspec.structs.replace(
            self._state,
            reach=standing.reach,
            sentence=fault.sentence if fault else "",
            advice=fault.advice if fault else "",
            fault=fault.word if fault else "",
            next_try=self._next_try if standing.reach in _DOWN else None,
            ban_list=standing.ban_list,
            ban_list_sentence=standing.list_sentence,
            ban_list_down=standing.list_is_down(now.mono),
            ban_list_next=self._ban_list_due,
            ban_list_expected=self._ban_list_expected,
            rate=round(self._budget.rate, 1),
            limited_until=blocked_until if blocked_until > now.mono else None,
            holdable_interval=round_time if round_time > self._profile.poll_interval else None,
            slow=slow,
            ban_list_source=standing.list_source,
            verify_source=standing.verify_source,
            pushed_until=self._pushed_until,
        )
        if state != self._told:
            tell = self._sink.state if is_news(self._told, state) else self._sink.ages
            self._state = self._told = state
            tell(state)

    def _round(self, took: float) -> tuple[float, float | None]:
        """Return the seconds of a round of the sweep; and those of one verify, if it's their fault that it is long.

        As many verifies as there are slots are under way at once. Their time is rounded, so that it seldom changes.
        """
        rate = self._budget.rate * (1 - self.hints.share(self._clock.now().mono)) - 1 / self._profile.ban_list_interval
        took = float(round(took))
        by_answers = self._budget.in_flight_limit / took if took else float("inf")
        round_time = self._schedule.round_time(min(rate, by_answers))
        is_slow = by_answers < rate and round_time > self._profile.poll_interval
        return round_time, took if is_slow else None

    async def _nap(self, seconds: float) -> None:
        """Wait for that many seconds of our clock, or until something happens."""
        woken = asyncio.ensure_future(self._wake.wait())
        slept = asyncio.ensure_future(self._clock.sleep(min(seconds, _LONGEST_NAP)))
        try:
            await asyncio.wait({woken, slept}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()
            slept.cancel()


def _says_that_there_is_none(error: errors.RegistryError) -> bool:
    """Whether a registry without a ban list would answer like this."""
    return isinstance(error, errors.NotFound | errors.Forbidden) or (
        isinstance(error, errors.UnexpectedStatus) and error.status in (405, 410, 501)
    )


def _asked_for(error: errors.RegistryError) -> float:
    """Return the seconds for which the registry asks us to wait (a 503 may have `Retry-After` too); 0 for none."""
    return (error.retry_after or 0.0) if isinstance(error, errors.StatusError) else 0.0
