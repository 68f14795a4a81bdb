"""One profile of a watcher with a real journal, and what receivers need of it; a "kill" forgets all but the files."""

from pathlib import Path

from pyhall_tui.alarms.alarm import Change
from pyhall_tui.files.notes import Notes
from pyhall_tui.fleet.events import Event, Kind, Severity
from pyhall_tui.journal.alarms import Alarms
from pyhall_tui.journal.journal import Journal
from pyhall_tui.watch.deliveries import WatchedProfile
from pyhall_tui.watch.news import News
from tests.clock import ManualClock
from tests.journal.makers import event

LIFT = {"before": "BANNED", "after": "clean", "severity": Severity.NOTICE}


class Rig:
    """The profile `prod`."""

    def __init__(self, path: Path, clock: ManualClock | None = None) -> None:
        self.path = path
        self.clock = clock or ManualClock()
        self.journal = Journal.open(path / "journal.db", self.clock)
        self.notes = Notes(path / "state", "prod")
        self.events: list[Event] = []
        self.alarms = Alarms(self.journal, "prod", self, self.clock, operator="ada", namespace_of=lambda _: "org.acme")
        self.alarms.restore()
        self.profile = WatchedProfile("prod", self.journal.alarms, self.alarms.book, self.alarms.record)

    def events_happened(self, events: list[Event]) -> None:
        self.events += events

    def alarms_changed(self, changes: list[Change]) -> None: ...

    def news(self, receiver: str = "webhook") -> News:
        return News(self.journal.alarms, "prod", self.notes, receiver)

    def happens(self, *events: Event) -> None:
        """Record events, and have them written."""
        self.alarms.record(events)
        assert self.journal.flush(30)

    def ban(self, *worker_ids: str, **fields: object) -> None:
        at = self.clock.now().wall
        self.happens(*(event(worker_id=each, at=at, **fields) for each in worker_ids))

    def lift(self, *worker_ids: str) -> None:
        at = self.clock.now().wall
        self.happens(*(event(Kind.UNBANNED, worker_id=each, at=at, **LIFT) for each in worker_ids))

    def restarted(self) -> "Rig":
        """Return the same profile in another process."""
        self.journal.close()
        return Rig(self.path, self.clock)
