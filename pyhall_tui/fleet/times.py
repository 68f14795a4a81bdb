"""When a fleet's oldest verdict was requested, and when one of its workers last changed."""

from heapq import heappop, heappush, heapreplace

from pyhall_tui.fleet.fleet import Fleet


class FleetTimes:
    """Follows one fleet. Only changes are processed, so that a hundred thousand workers cost nothing at rest."""

    def __init__(self, fleet: Fleet) -> None:
        """Read nothing yet; `refresh` does."""
        self.last_changed = 0.0
        """When a worker last changed, in wall time; 0 if no change was seen."""
        self._fleet = fleet
        self._seen = -1
        self._by_age: list[tuple[float, str]] = []
        """A heap of workers with a verdict: when it was requested, or an older one of the same worker."""
        self._aged: set[str] = set()
        """The workers in the heap."""

    def refresh(self) -> None:
        """Take over what has changed since the last call."""
        fleet = self._fleet
        for worker_id in fleet.changed_since(self._seen):
            entry = fleet.get(worker_id)
            if entry is None:
                continue
            self.last_changed = max(self.last_changed, entry.changed_wall)
            if entry.verdict is not None and worker_id not in self._aged:
                self._aged.add(worker_id)
                heappush(self._by_age, (entry.asked, worker_id))
        self._seen = fleet.revision
        self._renew_first()

    @property
    def oldest(self) -> float | None:
        """When the oldest verdict was requested, on the monotonic clock; None if there are no verdicts."""
        return self._by_age[0][0] if self._by_age else None

    def _renew_first(self) -> None:
        """Bring the first of the heap up to date: the others can only be younger than they say there."""
        heap = self._by_age
        while heap:
            asked, worker_id = heap[0]
            entry = self._fleet.get(worker_id)
            if entry is None or entry.verdict is None:
                heappop(heap)
                self._aged.discard(worker_id)
            elif entry.asked != asked:
                heapreplace(heap, (entry.asked, worker_id))
            else:
                return
