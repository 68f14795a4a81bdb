"""How the packages of a profile's workers compare: in the fleet, as events and as alarms. Loaded at its first use."""

from collections.abc import Callable, Iterable
from pathlib import Path

from pyhall_tui.clock import Clock
from pyhall_tui.files.notes import Notes
from pyhall_tui.fleet.entry import Entry
from pyhall_tui.fleet.events import Event
from pyhall_tui.fleet.fleet import Fleet
from pyhall_tui.packages.drift import Drift
from pyhall_tui.packages.watch import PackageWatch
from pyhall_tui.profiles.watch_list import WatchedWorker


class ProfilePackages:
    """Follows the packages of the workers that have a folder. Belongs to one thread."""

    def __init__(
        self,
        fleet: Fleet,
        notes: Notes,
        clock: Clock,
        *,
        hand_over: Callable[..., None],
        drifted: Callable[[list[Event]], None],
        compared: Callable[[Entry], None],
        fleet_changed: Callable[[], None],
    ) -> None:
        """Follow nothing yet.

        Args:
            hand_over: calls a function on the owner's thread; it is called on other threads.
            drifted: takes the events of a comparison.
            compared: takes a worker's entry after a comparison, or after its folder was changed.
            fleet_changed: is called after a comparison.
        """
        self.watch = PackageWatch(notes, wall=lambda: clock.now().wall, hand_over=hand_over, take=self._take)
        self.closed = False
        self._fleet, self._clock = fleet, clock
        self._drifted, self._compared, self._fleet_changed = drifted, compared, fleet_changed

    def follow(self, workers: Iterable[WatchedWorker]) -> None:
        """Follow the packages of those that have a folder and are in the fleet."""
        for worker in workers:
            entry = self._fleet.get(worker.id)
            if worker.folder is None or entry is None:
                continue
            known = entry.verdict is not None
            standing = self.watch.follow(worker.id, Path(worker.folder), entry.sha256, known=known)
            if standing is not None:
                self._fleet.restore_drift(worker.id, standing.drift.state, standing.drift.detail)

    def folder_is(self, worker: WatchedWorker) -> None:
        """Follow a worker's package in its present folder; without one, stop comparing it."""
        self.watch.forget(worker.id)
        self._fleet.restore_drift(worker.id, None, "")
        self._correct(worker.id)
        self.follow([worker])

    def follow_as_listed(self, workers: Iterable[WatchedWorker]) -> None:
        """Follow the packages whose folders are other ones than before."""
        for worker in workers:
            if self.watch.folder(worker.id) != (None if worker.folder is None else Path(worker.folder)):
                self.folder_is(worker)

    def _take(self, worker_id: str, drift: Drift) -> None:
        if self.closed:
            return
        self._drifted(self._fleet.set_drift(worker_id, drift.state, drift.summary, self._clock.now()))
        self._correct(worker_id)
        self._fleet_changed()

    def _correct(self, worker_id: str) -> None:
        if (entry := self._fleet.get(worker_id)) is not None:
            self._compared(entry)
