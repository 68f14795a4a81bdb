"""Alarms as a list: what needs somebody first, then what somebody has seen, then what is over."""

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from pyhall_tui.alarms.alarm import Alarm, Condition, Standing
from pyhall_tui.alarms.book import AlarmBook

_ORDER: Final = {standing: place for place, standing in enumerate(Standing)}


class Listed(NamedTuple):
    """One alarm, and its state."""

    alarm: Alarm
    standing: Standing


class Showing(NamedTuple):
    """Which alarms are wanted: those that pass every part."""

    text: str = ""
    """In any field, case-insensitive; each word may be in another."""
    standing: Standing | None = None
    condition: Condition | None = None


def listed(book: AlarmBook, ended: Iterable[Alarm], showing: Showing) -> list[Listed]:
    """Return a book's alarms, and those ended ones that it does not hold, most urgent first, then newest first."""
    others = (alarm for alarm in ended if book.held(alarm.condition, alarm.subject) is None)
    found = [Listed(alarm, book.standing(alarm)) for alarm in (*book.alarms(), *others)]
    passes = _filter(showing)
    return sorted(filter(passes, found), key=_place)


def count_all(book: AlarmBook, ended: Iterable[Alarm]) -> int:
    """Return how many alarms `listed` would list without a filter."""
    others = sum(book.held(alarm.condition, alarm.subject) is None for alarm in ended)
    return sum(1 for _ in book.alarms()) + others


def changed_at(alarm: Alarm) -> float:
    """Return the wall time at which an alarm last fired or ended."""
    return alarm.fired_at if alarm.resolved_at is None else alarm.resolved_at


def _place(one: Listed) -> tuple[int, int, float, str, str]:
    alarm, standing = one
    urgent = 0 if standing is Standing.RESOLVED else -alarm.severity
    return (_ORDER[standing], urgent, -changed_at(alarm), alarm.subject, alarm.condition)


def _filter(showing: Showing) -> Callable[[Listed], bool]:
    words = showing.text.lower().split()

    def passes(one: Listed) -> bool:
        if showing.standing is not None and one.standing is not showing.standing:
            return False
        if showing.condition is not None and one.alarm.condition is not showing.condition:
            return False
        if not words:
            return True
        text = _text(one)
        return all(word in text for word in words)

    return passes


def _text(one: Listed) -> str:
    """Return everything that an alarm's row can say, in lower case."""
    alarm = one.alarm
    parts = (
        *(alarm.subject or "registry", alarm.condition, one.standing, alarm.namespace),
        *(alarm.source, alarm.detail, alarm.correlation_id, alarm.id),
        *(alarm.acknowledged_by, alarm.note, alarm.resolved_by, alarm.severity.name),
    )
    return "\n".join(parts).lower()
