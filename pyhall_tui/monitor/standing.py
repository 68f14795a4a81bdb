"""The state of the registry, derived from the results of requests: live, unreachable, or refusing."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from pyhall_tui.fleet.events import Kind
from pyhall_tui.monitor.connection_state import BanListState, Reachability
from pyhall_tui.monitor.outcomes import LOST_AFTER, Ground, Outcomes, RequestFault
from pyhall_tui.monitor.sources import Source, SourceRecord
from pyhall_tui.registry.models import OLDEST, Verdict

_DOWN_AFTER = 2
"""Failures of the ban list in a row after which it no longer proves that the registry is there."""
_PROOF = 5
"""Workers that must answer one after the other to show that the registry is back: a few get through anyway."""
_GONE = "The registry answers 404 for most of the workers that it knew."
_NOTHING = "The registry answers 404 to everything."
_GONE_ADVICE = "Check the registry URL and the namespace, or ask whoever runs the registry."
_OLD = f"What came was read over {OLDEST / 60:.0f} minutes ago by a cache, or by a hall that can't reach its upstream."
_FELL = {
    Reachability.LOST: Kind.REGISTRY_LOST,
    Reachability.KEY_REJECTED: Kind.KEY_REJECTED,
    Reachability.VERIFY_FAILING: Kind.VERIFY_FAILING,
}
_ROSE = {
    Reachability.LOST: Kind.REGISTRY_REGAINED,
    Reachability.KEY_REJECTED: Kind.KEY_ACCEPTED,
    Reachability.VERIFY_FAILING: Kind.VERIFY_RECOVERED,
}


class ReachabilityChange(NamedTuple):
    """A change of reachability, and why."""

    before: Reachability
    after: Reachability
    fault: RequestFault | None

    @property
    def kind(self) -> Kind | None:
        """The kind of event that this is; None if it is not worth one."""
        return _ROSE.get(self.before) if self.after is Reachability.LIVE else _FELL.get(self.after)


class RegistryStanding:
    """Takes the result of each request and derives the registry's state. Pure: times are monotonic seconds.

    The ban list is independent of any worker: as long as it answers, the registry is reachable, whatever happens to the
    verifies. If it fails, or there is none, the registry is unreachable once most verifies fail.
    """

    def __init__(self, watched: Callable[[], int], *, had_ban_list: bool = False, has_key: bool = True) -> None:
        """Start without results. `watched` counts the workers; `had_ban_list`: it answered in an earlier run."""
        self.reach = Reachability.CONNECTING
        self.ban_list = BanListState.WAITING
        self.list_fault: RequestFault | None = None
        self.verifies = Outcomes()
        self._listing, self._verifying = SourceRecord(), SourceRecord()
        self._watched = watched
        self._had_ban_list = had_ban_list
        self._has_key = has_key
        self._known: set[str] = set()
        """Workers that the registry knew at some time: 404 for them is news."""
        self._answered: set[str] = set()
        """Workers about whom the registry has answered, accepting the key, since it last did not."""
        self._newest: RequestFault | None = None
        """What the last verify failed with."""

    # -- results ------------------------------------------------------------------------------------------------

    def knew(self, worker_ids: Iterable[str]) -> None:
        """Note which workers the registry knew in an earlier run."""
        self._known.update(worker_ids)

    def ask_again_without_key(self) -> None:
        """Start again by asking whether the registry needs a key."""
        if self.reach is Reachability.NO_KEY:
            self.verifies.begin_again()
            self.list_fault, self.ban_list = None, BanListState.WAITING
            self._listing.begin_count()
            self.reach = Reachability.CONNECTING

    def forget(self, worker_ids: Iterable[str]) -> None:
        """Drop workers that are no longer watched."""
        gone = list(worker_ids)
        self.verifies.forget(gone)
        self._known.difference_update(gone)

    def verified(self, verdict: Verdict, now: float, took: float = 0.0) -> bool:
        """Record a verdict that took so many seconds; return whether the worker's last result was a fault."""
        self._newest = None
        self._verifying.answered(now, took)
        self._answered.add(verdict.worker_id)
        if verdict.known:
            self._known.add(verdict.worker_id)
        gone = None if verdict.known else self._gone(verdict)
        if gone is not None:
            self._verifying.failed(now, heard=True)
        elif self.verifies.failing is None and not self.verifies.is_turning:
            self._verifying.begin_count()
        return self.verifies.record(verdict.worker_id, gone, now)

    def not_verified(self, worker_id: str, fault: RequestFault, now: float, took: float = 0.0) -> bool:
        """Record a verify that failed after so many seconds; return whether the worker's last result was a success."""
        self._newest = fault
        self._fail(self._verifying, fault, now, took)
        if fault.ground is Ground.REFUSED:
            self._answered.add(worker_id)
        else:
            self._answered.clear()
        return self.verifies.record(worker_id, fault, now)

    def listed(self, now: float, took: float = 0.0, *, truncated: bool, age: float = 0.0) -> None:
        """Record an answer to the ban list request, which is `age` seconds old."""
        self._listing.answered(now, took)
        self._listing.begin_count()
        unflawed = BanListState.OLD if age > OLDEST else BanListState.LIVE
        self.ban_list = BanListState.TRUNCATED if truncated else unflawed
        self._had_ban_list = True
        self.list_fault = None

    def not_listed(self, fault: RequestFault, now: float, took: float = 0.0, *, no_such_thing: bool) -> None:
        """Record a failure of the ban list; `no_such_thing`: the answer of a registry that has none."""
        missing = no_such_thing and not self._had_ban_list
        self.ban_list = BanListState.MISSING if missing else BanListState.FAILING
        self.list_fault = None if missing else fault
        if missing:
            self._listing.answered(now, took)
            self._listing.begin_count()
        else:
            self._fail(self._listing, fault, now, took)

    @staticmethod
    def _fail(record: SourceRecord, fault: RequestFault, now: float, took: float) -> None:
        heard = fault.ground is not Ground.NO_ANSWER
        if heard:
            record.answered(now, took)
        record.failed(now, heard=heard)

    # -- conclusions -------------------------------------------------------------------------------------------

    def look(self, now: float) -> tuple[ReachabilityChange | None, float]:
        """Return the change that follows, if any, and the seconds until the next check is useful."""
        wait = self.verifies.look(now, self._watched())
        before = self.reach
        after, fault = self._next(now)
        if after is before:
            return None, wait
        if before in (Reachability.LOST, Reachability.KEY_REJECTED, Reachability.NO_KEY) and after is Reachability.LIVE:
            self.verifies.begin_again()  # it has to fail again before that is reported
        if after is Reachability.LIVE:
            self._verifying.begin_count()
        self._answered.clear()
        self.reach = after
        return ReachabilityChange(before, after, fault), wait

    @property
    def fault(self) -> RequestFault | None:
        """The fault behind the current state."""
        if self.reach in (Reachability.LIVE, Reachability.CONNECTING):
            return None
        return self.verifies.failing or self.list_fault

    @property
    def list_sentence(self) -> str:
        """What is wrong with the ban list; empty if nothing is, or it is only truncated."""
        return _OLD if self.ban_list is BanListState.OLD else self.list_fault.sentence if self.list_fault else ""

    @property
    def list_source(self) -> Source:
        """How the ban list goes."""
        return self._listing.now_with(self.list_fault.word if self.list_fault else "")

    @property
    def verify_source(self) -> Source:
        """How the verifies go: they fail if most do, or if the registry is tried with one and that fails."""
        tried = self.reach in (Reachability.LOST, Reachability.KEY_REJECTED, Reachability.NO_KEY)
        fault = self.verifies.failing or (self._newest if tried else None)
        return self._verifying.now_with(fault.word if fault else "")

    def list_is_down(self, now: float) -> bool:
        """Whether the ban list has failed for `LOST_AFTER` seconds, and more than once."""
        since = self._listing.failing_since
        return since is not None and self._list_failures >= _DOWN_AFTER and now - since >= LOST_AFTER

    @property
    def _list_failures(self) -> int:
        return self._listing.failures

    def _next(self, now: float) -> tuple[Reachability, RequestFault | None]:
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

    def _first(self, now: float) -> tuple[Reachability, RequestFault | None]:
        """Return the state while nothing is proven: two different requests without an answer are enough."""
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

    def _from_lost(self) -> tuple[Reachability, RequestFault | None]:
        if self._newest is not None and self._newest.ground is Ground.KEY:
            return self._by_ground(self._newest, {})
        return (Reachability.LIVE if self._answers(self._list_answers) else Reachability.LOST), None

    def _answers(self, by_list: bool) -> bool:
        """Whether the registry is back: its ban list answers, or several workers do without a failure between them."""
        workers = self._watched()
        return by_list or bool(workers and len(self._answered) >= min(_PROOF, workers))

    @property
    def _list_answers(self) -> bool:
        return self.ban_list in (BanListState.LIVE, BanListState.TRUNCATED, BanListState.OLD)

    def _now(self, now: float) -> tuple[Reachability, RequestFault | None]:
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

    def _silence(self, now: float) -> RequestFault | None:
        """Return the fault if nothing answers any more: the ban list and most verifies started to fail together."""
        begun = 0 < self._list_failures <= _DOWN_AFTER
        suspected = self.verifies.suspected(now) if begun else None
        silent = (self.list_fault, suspected)
        return suspected if all(fault and fault.ground is Ground.NO_ANSWER for fault in silent) else None

    def _by_ground(self, fault: RequestFault, reach: dict[Ground, Reachability]) -> tuple[Reachability, RequestFault]:
        key = Reachability.KEY_REJECTED if self._has_key else Reachability.NO_KEY
        return reach.get(fault.ground, key), fault

    def _gone(self, verdict: Verdict) -> RequestFault | None:
        """Return the fault if most known workers are gone (404), or if 404 is all that was ever answered."""
        if self._watched() > 1 and verdict.worker_id in self._known:
            return RequestFault(Ground.REFUSED, "404", _GONE, _GONE_ADVICE, verdict.correlation_id)
        if self._watched() > 1 and not self._known and self.ban_list is BanListState.MISSING:
            return RequestFault(Ground.REFUSED, "404", _NOTHING, _GONE_ADVICE, verdict.correlation_id)
        return None
