"""How things stand with the registry, from what came of the requests: live, lost, or refusing what it is asked."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from pyhall_tui.monitor.connection_state import BanListState, Reachability
from pyhall_tui.monitor.outcomes import Fault, Ground, Outcomes
from pyhall_tui.registry.models import Verdict

_DOWN_AFTER = 2
"""Failures of the ban list in a row after which it no longer vouches for the registry."""
_GONE = "The registry answers 404 for most of the workers that it knew."
_NOTHING = "The registry answers 404 to everything."
_GONE_ADVICE = "Check the registry URL and the namespace, or ask whoever runs the registry."


class Change(NamedTuple):
    """From one reach to another, and why."""

    before: Reachability
    after: Reachability
    fault: Fault | None


class Standing:
    """Takes what came of each request, and says how things stand. Pure: times are seconds on the monotonic clock.

    The ban list is asked beside the workers, and is nobody's own: as long as it answers, the registry is not lost,
    whatever becomes of the verifies. If it does not, or there is none, most verifies have to fail.
    """

    def __init__(self, watched: Callable[[], int], *, had_ban_list: bool = False, has_key: bool = True) -> None:
        """Nothing was asked yet. `watched` counts the workers; `had_ban_list`: it answered in an earlier run."""
        self.reach = Reachability.CONNECTING
        self.ban_list = BanListState.WAITING
        self.list_fault: Fault | None = None
        self.verifies = Outcomes()
        self._watched = watched
        self._had_ban_list = had_ban_list
        self._has_key = has_key
        self._known: set[str] = set()
        """Workers that the registry has known: 404 for them is news."""
        self._list_failures = 0
        self._answered: set[str] = set()
        """Workers for whom the registry has answered, and taken the key, since it last did not."""
        self._newest: Fault | None = None
        """What the last verify failed with."""

    # -- what came ---------------------------------------------------------------------------------------------

    def knew(self, worker_ids: Iterable[str]) -> None:
        """Take which workers the registry knew in an earlier run."""
        self._known.update(worker_ids)

    def ask_again_without_key(self) -> None:
        """Begin again with asking whether the registry wants a key."""
        if self.reach is Reachability.NO_KEY:
            self.verifies.begin_again()
            self.list_fault, self._list_failures, self.ban_list = None, 0, BanListState.WAITING
            self.reach = Reachability.CONNECTING

    def forget(self, worker_ids: Iterable[str]) -> None:
        """Drop workers that are watched no more."""
        gone = list(worker_ids)
        self.verifies.forget(gone)
        self._known.difference_update(gone)

    def verified(self, verdict: Verdict, now: float) -> bool:
        """Take a verdict; return whether the worker's last answer was a fault."""
        self._newest = None
        self._answered.add(verdict.worker_id)
        if verdict.known:
            self._known.add(verdict.worker_id)
        return self.verifies.record(verdict.worker_id, None if verdict.known else self._gone(verdict), now)

    def not_verified(self, worker_id: str, fault: Fault, now: float) -> bool:
        """Take a fault of a verify; return whether the worker's last answer was none."""
        self._newest = fault
        if fault.ground is Ground.REFUSED:
            self._answered.add(worker_id)
        else:
            self._answered.clear()
        return self.verifies.record(worker_id, fault, now)

    def listed(self, *, truncated: bool) -> None:
        """Take an answer of the ban list."""
        self.ban_list = BanListState.TRUNCATED if truncated else BanListState.LIVE
        self._had_ban_list = True
        self._list_failures, self.list_fault = 0, None

    def not_listed(self, fault: Fault, *, no_such_thing: bool) -> None:
        """Take a fault of the ban list; `no_such_thing`: as one answers who has none."""
        missing = no_such_thing and not self._had_ban_list
        self.ban_list = BanListState.MISSING if missing else BanListState.FAILING
        self._list_failures = 0 if missing else self._list_failures + 1
        self.list_fault = None if missing else fault

    # -- what follows ------------------------------------------------------------------------------------------

    def look(self, now: float) -> tuple[Change | None, float]:
        """Return the change that follows by now, if one does, and the seconds until it is worth another look."""
        wait = self.verifies.look(now, self._watched())
        before = self.reach
        after, fault = self._next(now)
        if after is before:
            return None, wait
        if before in (Reachability.LOST, Reachability.KEY_REJECTED, Reachability.NO_KEY) and after is Reachability.LIVE:
            self.verifies.begin_again()  # it has to fail once more before it is said to
        self._answered.clear()
        self.reach = after
        return Change(before, after, fault), wait

    @property
    def fault(self) -> Fault | None:
        """What stands for the trouble that the reach tells of."""
        if self.reach in (Reachability.LIVE, Reachability.CONNECTING):
            return None
        return self.verifies.failing or self.list_fault

    def _next(self, now: float) -> tuple[Reachability, Fault | None]:
        if self.reach is Reachability.NO_KEY:
            return self.reach, None
        if self.reach is Reachability.CONNECTING:
            return self._first(now)
        if self.reach is Reachability.LOST:
            return self._from_lost()
        if self.reach is Reachability.KEY_REJECTED:
            return (
                (Reachability.LIVE, None)
                if self._answers(self._list_answers and not self._watched())
                else (self.reach, None)
            )
        return self._now(now)

    def _first(self, now: float) -> tuple[Reachability, Fault | None]:
        """While nothing is proved: two different questions without an answer are enough."""
        workers, list_fault = self._watched(), self.list_fault
        if self.verifies.good or (not workers and self.ban_list not in (BanListState.WAITING, BanListState.FAILING)):
            return Reachability.LIVE, None
        if list_fault is not None and not workers:
            return self._by_ground(list_fault, {Ground.NO_ANSWER: Reachability.LOST, Ground.REFUSED: Reachability.LIVE})
        refused = self.verifies.newest_fault(Ground.KEY)
        if refused and self.verifies.faults(Ground.KEY) >= min(2 if self._has_key else 1, workers):
            return self._by_ground(refused, {})
        unheard = list_fault is not None and list_fault.ground is Ground.NO_ANSWER
        if unheard and self.verifies.faults(Ground.NO_ANSWER):
            return Reachability.LOST, self.verifies.newest_fault(Ground.NO_ANSWER)
        return self._now(now) if self.verifies.failing else (Reachability.CONNECTING, None)

    def _from_lost(self) -> tuple[Reachability, Fault | None]:
        if self._newest is not None and self._newest.ground is Ground.KEY:
            return self._by_ground(self._newest, {})
        return (Reachability.LIVE if self._answers(self._list_answers) else Reachability.LOST), None

    def _answers(self, by_list: bool) -> bool:
        """Whether it is found again: by its ban list, or by two workers, so that one of them is not taken for all."""
        workers = self._watched()
        return by_list or bool(workers and len(self._answered) >= min(2, workers))

    @property
    def _list_answers(self) -> bool:
        return self.ban_list in (BanListState.LIVE, BanListState.TRUNCATED)

    def _now(self, now: float) -> tuple[Reachability, Fault | None]:
        failing = self.verifies.failing
        if failing is None:
            if (silent := self._silence(now)) is not None:
                return Reachability.LOST, silent
            alone = not self._watched() and self._list_failures >= _DOWN_AFTER and self.list_fault
            if alone and alone.ground is not Ground.REFUSED:
                return self._by_ground(alone, {Ground.NO_ANSWER: Reachability.LOST})
            return Reachability.LIVE, None
        list_vouches = self._list_answers or 0 < self._list_failures < _DOWN_AFTER
        ground = {
            Ground.NO_ANSWER: Reachability.VERIFY_FAILING if list_vouches else Reachability.LOST,
            Ground.REFUSED: Reachability.VERIFY_FAILING,
        }
        return self._by_ground(failing, ground)

    def _silence(self, now: float) -> Fault | None:
        """Return what says that nothing answers any more: ban list and most verifies have begun to fail together."""
        begun = 0 < self._list_failures <= _DOWN_AFTER
        suspected = self.verifies.suspected(now) if begun else None
        silent = (self.list_fault, suspected)
        return suspected if all(fault and fault.ground is Ground.NO_ANSWER for fault in silent) else None

    def _by_ground(self, fault: Fault, reach: dict[Ground, Reachability]) -> tuple[Reachability, Fault]:
        key = Reachability.KEY_REJECTED if self._has_key else Reachability.NO_KEY
        return reach.get(fault.ground, key), fault

    def _gone(self, verdict: Verdict) -> Fault | None:
        """404 is a fault if most workers that were known are gone, or if nothing else was ever answered."""
        if self._watched() > 1 and verdict.worker_id in self._known:
            return Fault(Ground.REFUSED, "404", _GONE, _GONE_ADVICE, verdict.correlation_id)
        if self._watched() > 1 and not self._known and self.ban_list is BanListState.MISSING:
            return Fault(Ground.REFUSED, "404", _NOTHING, _GONE_ADVICE, verdict.correlation_id)
        return None
