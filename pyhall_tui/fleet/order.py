"""Which workers are shown, and in what order. Sorted by typed values, never by what is drawn of them."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from pyhall_tui.fleet.entry import Entry, State
from pyhall_tui.fleet.fleet import Fleet

STATE_WORDS = {state: state.name.lower() for state in State}


class SortKey(StrEnum):
    """What the table can be sorted by; the values are the column keys."""

    STATE = "state"
    WORKER = "worker"
    NAME = "name"
    HASH = "hash"
    AGE = "verdict"
    CHANGED = "changed"


def order(fleet: Fleet, mono: float, query: str, sort: SortKey, *, descending: bool = False) -> list[str]:
    """Return the ids of the workers that match, sorted.

    `query` is text, no pattern: each of its words must stand in the id, name, status or state. Whatever the
    sort, bans come first: nothing else may push one off the screen.
    """
    words = query.casefold().split()
    stale_after = fleet.stale_after
    rows = [(entry.state(mono, stale_after), entry) for entry in fleet]
    if words:
        rows = [row for row in rows if _matches(row[1], row[0], words)]
    key = _KEYS[sort]
    rows.sort(key=lambda row: row[1].worker_id)
    rows.sort(key=lambda row: key(row[0], row[1], mono), reverse=descending)
    rows.sort(key=lambda row: row[0] is not State.BANNED)
    return [entry.worker_id for _, entry in rows]


def _matches(entry: Entry, state: State, words: list[str]) -> bool:
    text = entry.haystack
    state_word = STATE_WORDS[state]
    return all(word in text or word in state_word for word in words)


def _text(value: str | None) -> tuple[bool, str]:
    """Nothing sorts after something."""
    return (value is None, (value or "").casefold())


_KEYS: dict[SortKey, Callable[[State, Entry, float], Any]] = {
    SortKey.STATE: lambda state, entry, mono: (state, -entry.changed_wall),
    SortKey.WORKER: lambda state, entry, mono: entry.worker_id.casefold(),
    SortKey.NAME: lambda state, entry, mono: _text(entry.verdict.display_name if entry.verdict else None),
    SortKey.HASH: lambda state, entry, mono: _text(entry.sha256),
    SortKey.AGE: lambda state, entry, mono: -(entry.age(mono) or 1e12),
    SortKey.CHANGED: lambda state, entry, mono: -entry.changed_wall,
}
