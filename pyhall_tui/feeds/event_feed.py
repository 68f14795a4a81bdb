"""What the activity screen lists: live events and pages of older ones, filtered, one row per event id."""

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypedDict

import msgspec

from pyhall_tui.feeds.pausable_rows import PausableRows
from pyhall_tui.fleet.events import Event, Kind, Severity

MOST = 20_000
"""Events held in memory; the oldest are dropped, and loaded again from the journal when you scroll to them."""
_NOTHING_LOADED = 1 << 62


class EventQuery(TypedDict):
    """A filter in the form that the journal takes."""

    severity: Severity | None
    kind: Kind | None
    worker: str | None
    text: str | None


class Filter(NamedTuple):
    """Which events are shown."""

    text: str = ""
    """In any field, case-insensitive."""
    severity: Severity | None = None
    """This urgent, or more."""
    kind: Kind | None = None
    worker: str | None = None

    def matches(self, event: Event) -> bool:
        """Whether this event is shown; the same rule as the journal's."""
        if self.severity is not None and event.severity < self.severity:
            return False
        if self.kind is not None and event.kind is not self.kind:
            return False
        if self.worker is not None and event.worker_id != self.worker:
            return False
        return not self.text or self.text.casefold() in _haystack(event)

    def question(self) -> EventQuery:
        """Return it as arguments of `Journal.events`."""
        return EventQuery(severity=self.severity, kind=self.kind, worker=self.worker, text=self.text or None)


def _haystack(event: Event) -> str:
    fields = (event.kind, event.worker_id, event.before, event.after, event.source, event.correlation_id, event.detail)
    return "\n".join(field for field in fields if field).casefold()


class EventFeed:
    """The rows of the activity screen. It requests nothing: others add pages and live events."""

    def __init__(self, was_replaced: Callable[[int], bool]) -> None:
        """Start empty. `was_replaced` says whether an id's row was folded into a newer one."""
        self._was_replaced = was_replaced
        self._rows: PausableRows[int, Event] = PausableRows()
        self._seen: set[int] = set()
        self._seen_up_to = 0
        self.asked = Filter()
        """Which events are shown; `narrow` changes it."""
        self._whole_from = _NOTHING_LOADED
        """Every event from this id on is loaded, whatever the filter."""
        self._matching_from = _NOTHING_LOADED
        """Every event from this id on that passes the filter is loaded."""

    def narrow(self, asked: Filter) -> None:
        """Show what passes that filter: what is loaded at once, the rest as its pages arrive."""
        self.asked = asked
        self._matching_from = self._whole_from

    @property
    def paused(self) -> bool:
        """Whether new events are held back."""
        return self._rows.paused

    @property
    def held(self) -> int:
        """How many events came during the pause."""
        return len(self._rows.held)

    @property
    def loaded(self) -> int:
        """How many events are here."""
        return len(self._rows.shown) + len(self._rows.held)

    @property
    def total(self) -> int | None:
        """How many events there are, without held ones; None unless all of the journal's are here."""
        return len(self._rows.shown) if self._whole_from == 0 else None

    @property
    def newest_id(self) -> int:
        """The newest id that could be seen; 0 if there is none."""
        return max(self._rows.shown, default=0)

    @property
    def is_loaded(self) -> bool:
        """Whether the first page is loaded."""
        return self._whole_from != _NOTHING_LOADED or self._matching_from != _NOTHING_LOADED

    @property
    def has_older(self) -> bool:
        """Whether the journal may have older events that match the filter."""
        return self._matching_from > 0

    @property
    def before_id(self) -> int | None:
        """Where the next page starts; None for the newest one."""
        return None if self._matching_from == _NOTHING_LOADED else self._matching_from

    def rows(self) -> list[Event]:
        """Return what is shown, newest first, without gaps."""
        shown = (event for event in self._rows.shown.values() if event.id >= self._matching_from)
        return sorted(filter(self.asked.matches, shown), key=lambda event: event.id, reverse=True)

    def kinds(self) -> list[Kind]:
        """Return the kinds that occur, in the order of their definition."""
        found = {event.kind for event in self._rows.shown.values()}
        return [kind for kind in Kind if kind in found]

    def came_after(self, event_id: int) -> int:
        """Count the events newer than that one, including held ones."""
        return sum(known > event_id for known in (*self._rows.shown, *self._rows.held))

    def take(self, events: Iterable[Event]) -> None:
        """Add new events; during a pause they are held back."""
        taken = {event.id: event for event in events}
        self._rows.take(taken)
        if any(event.count > 1 or event.kind is Kind.VANISHED for event in taken.values()):  # may replace another row
            self._drop_replaced()
        self._let_go()

    def add_page(self, asked: Filter, before_id: int | None, page: list[Event], *, is_last: bool) -> None:
        """Add a page of older events, asked for with that filter and `before_id`.

        Ignore it if the next page is another one by now, even with the same filter, as if you typed a character and
        removed it: there would be a gap above it.
        """
        if asked != self.asked or before_id != self.before_id:
            return
        self._rows.shown.update({event.id: event for event in page if not self._was_replaced(event.id)})
        self._matching_from = 0 if is_last else page[-1].id
        self._mark_seen()
        if asked == Filter():
            self._whole_from = self._matching_from
        self._let_go()

    def pause(self, *, paused: bool) -> None:
        """Hold back new events from now on, or show those that were held back."""
        self._rows.pause(paused=paused)
        if not paused:
            self._drop_replaced()

    def forget_seen(self) -> None:
        """Say that the journal is about to be read again: what it holds then counts."""
        self._seen.clear()
        self._seen_up_to = 0

    def reread(self, newest: list[Event]) -> None:
        """Take the newest events as the journal has them now, without a gap: others may have added or seen some."""
        page = {event.id: event for event in newest if not self._was_replaced(event.id)}
        known = self._rows.shown.keys() | self._rows.held.keys()
        self._rows.take({event_id: event for event_id, event in page.items() if event_id not in known})
        for rows in (self._rows.shown, self._rows.held):
            rows.update({event_id: event for event_id, event in page.items() if event_id in rows})
        self._mark_seen()
        self._let_go()

    def acknowledge(self, ids: Iterable[int]) -> None:
        """Mark these as seen."""
        self._seen.update(ids)
        self._mark_seen()

    def acknowledge_all(self, up_to_id: int) -> None:
        """Mark all up to this one as seen, including pages that are still to come."""
        self._seen_up_to = max(self._seen_up_to, up_to_id)
        self._mark_seen()

    def _mark_seen(self) -> None:
        """Mark what was acknowledged meanwhile: a page may have been read before the journal knew."""
        for event_id, event in self._rows.shown.items():
            if not event.acknowledged and (event_id <= self._seen_up_to or event_id in self._seen):
                self._rows.shown[event_id] = msgspec.structs.replace(event, acknowledged=True)

    def _drop_replaced(self) -> None:
        rows = self._rows.held if self.paused else self._rows.shown
        for event_id in [event_id for event_id in rows if self._was_replaced(event_id)]:
            del rows[event_id]

    def _let_go(self) -> None:
        if len(self._rows.shown) <= MOST:
            return
        newest = sorted(self._rows.shown, reverse=True)[: MOST // 2]
        self._rows.shown = {event_id: self._rows.shown[event_id] for event_id in newest}
        self._whole_from = max(self._whole_from, newest[-1])
        self._matching_from = max(self._matching_from, newest[-1])
