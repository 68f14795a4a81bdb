"""One profile's unacknowledged alarms, in step with the journal and with other programs that use it."""

from collections.abc import Callable, Iterable

import msgspec

from pyhall_tui.fleet.events import Event, Kind, Severity
from pyhall_tui.journal.journal import Journal
from pyhall_tui.journal.rows import Recorded

_MOST = 10_000
_MOST_REPLACED = 20_000


class OpenAlarms:
    """Records events, and knows which of the alarms among them are open. Belongs to one thread."""

    def __init__(
        self,
        journal: Journal,
        profile_name: str,
        tell: Callable[[list[Event]], None],
        *,
        counted: Callable[[], None] = lambda: None,
    ) -> None:
        """Read nothing yet.

        Args:
            tell: called with what was recorded, and with what other programs acknowledged.
            counted: called when alarms were acknowledged, so fewer are open.
        """
        self.ids: set[int] = set()
        """The journal's ids of the open alarms."""
        self.most_are_gone = False
        """The registry no longer knows most of the workers that it knew: one alarm in all, not one per worker."""
        self._journal = journal
        self._profile_name = profile_name
        self._tell = tell
        self._counted = counted
        self._vanished: dict[int, Event] = {}
        """The open alarms of workers that vanished."""
        self._replaced: dict[int, None] = {}
        """The latest rows that newer ones replaced."""

    def restore(self) -> None:
        """Load what earlier runs left open."""
        alarms = self._journal.events(self._profile_name, severity=Severity.ALARM, unacknowledged=True, limit=_MOST)
        self.ids = {event.id for event in alarms}

    def record(self, events: list[Event]) -> None:
        """Record events and report them."""
        if events:
            kept = [_as_warning(event) if self.most_are_gone else event for event in events]
            self._take([self._journal.record_event(self._profile_name, event) for event in kept])

    def most_vanish(self, *, most: bool) -> None:
        """Note whether most workers are gone: then the first ones to go no longer count as separate alarms."""
        self.most_are_gone = most
        if not most:
            return
        gone = [event for event in self._vanished.values() if event.id in self.ids]
        self._vanished.clear()
        if gone:
            self._take([self._journal.put_again(self._profile_name, _as_warning(event)) for event in gone])

    def acknowledge(self, event_ids: Iterable[int]) -> None:
        """Acknowledge these."""
        seen = set(event_ids)
        self._journal.acknowledge(seen)
        self.ids -= seen
        self._counted()

    def acknowledge_all(self, up_to_id: int) -> None:
        """Acknowledge every event up to that one, including those that no screen has loaded."""
        self._journal.acknowledge_all(self._profile_name, up_to_id)
        self.ids = {event_id for event_id in self.ids if event_id > up_to_id}
        self._counted()

    def follow_others(self) -> bool:
        """Apply what another program has acknowledged meanwhile; return whether there was anything."""
        if not self._journal.others_wrote():
            return False
        seen = self._journal.acknowledged_among(self.ids)
        self.ids.difference_update(event.id for event in seen)
        if seen:
            self._tell(seen)
            self._counted()
        return bool(seen)

    def was_replaced(self, event_id: int) -> bool:
        """Whether a newer row replaced that event's row in this run, so it is gone."""
        return event_id in self._replaced

    def _take(self, recorded: list[Recorded]) -> None:
        for kept, replaced_id in recorded:
            if replaced_id is not None:
                self.ids.discard(replaced_id)
                self._vanished.pop(replaced_id, None)
                self._replaced[replaced_id] = None
            if kept.severity is Severity.ALARM and not kept.acknowledged:
                self.ids.add(kept.id)
                if kept.kind is Kind.VANISHED:
                    self._vanished[kept.id] = kept
        while len(self._replaced) > _MOST_REPLACED:
            self._replaced.pop(next(iter(self._replaced)))
        while len(self._vanished) > _MOST:
            self._vanished.pop(next(iter(self._vanished)))
        self._tell([kept for kept, _ in recorded])


def _as_warning(event: Event) -> Event:
    """Return a vanished worker's event as one of many; return others unchanged."""
    return msgspec.structs.replace(event, severity=Severity.WARNING) if event.kind is Kind.VANISHED else event
