"""Coalescing: a flapping worker is one row with a count, not a screenful."""

import threading
from collections.abc import Callable

import msgspec

from pyhall_tui.fleet.events import Event, Kind, Severity

WINDOW = 600.0
"""Seconds within which events of one family about one worker count as flapping."""
SPAN = 3_600.0
"""How many seconds one row covers at most, so that a week of flapping is one row per hour."""
APART = 2
"""This many stay separate rows: a ban and its end stay two events; what follows them in the window is folded."""
_MOST = 20_000
"""Families held in memory."""

_OPPOSITE = {
    Kind.UNBANNED: Kind.BANNED,
    Kind.UNATTESTED: Kind.ATTESTED,
    Kind.VANISHED: Kind.APPEARED,
    Kind.DRIFT_ENDED: Kind.DRIFTED,
    Kind.REGISTRY_REGAINED: Kind.REGISTRY_LOST,
    Kind.VERIFY_RECOVERED: Kind.VERIFY_FAILING,
    Kind.KEY_ACCEPTED: Kind.KEY_REJECTED,
    Kind.BAN_LIST_RECOVERED: Kind.BAN_LIST_FAILING,
    Kind.CALMED: Kind.FLAPPING,
    Kind.ACCOUNT_RESTORED: Kind.ACCOUNT_SUSPENDED,
    Kind.HALL_UNBANNED: Kind.HALL_BANNED,
}
_DEEDS = frozenset(
    {Kind.ATTEST_SENT, Kind.HASH_REPORTED, Kind.SILENCED, Kind.SILENCE_ENDED, Kind.UNWATCHED, Kind.NOT_COMPARED}
) | {
    Kind.REGISTRY_CHANGED,
    Kind.ALERTS_FAILING,
    Kind.ALERTS_RECOVERED,
    Kind.LOG_REWRITTEN,
    Kind.LOG_REPLACED,
    Kind.LOG_ACCEPTED,
}
"""What a person, a receiver of alerts or the owner of a log did: each is a separate row with its own correlation id."""

_Key = tuple[str, str | None, Kind]


class _Streak(msgspec.Struct):
    """The last row of one family, and how many rows were started in this streak."""

    event: Event
    began: float
    rows: int


class Coalescing:
    """Decides whether an event gets its own row or is folded into the last row of its family.

    Thread-safe. It knows only this run: two programs each fold their own events.
    """

    def __init__(self) -> None:
        self._streaks: dict[_Key, _Streak] = {}
        self._lock = threading.Lock()

    def add(self, profile: str, event: Event, row_id: int) -> tuple[Event, int | None]:
        """Return the event to store as `row_id`, and the id of the row that it replaces.

        A folded row shows the current state. It has the `before` of its first event (or of its last, if the first one's
        equals the new state), and everything else from its last. If it ends well it is never an alarm, but it is a
        warning if nobody has seen the alarm in it. A new alarm reopens it.
        """
        if event.kind in _DEEDS:
            return msgspec.structs.replace(event, id=row_id), None
        key = (profile, event.worker_id, _OPPOSITE.get(event.kind, event.kind))
        with self._lock:
            streak = self._streaks.get(key)
            if streak is None or abs(event.at - streak.event.at) > WINDOW:
                return self._begin(key, event, row_id, rows=1), None
            if streak.rows < APART or abs(event.at - streak.began) > SPAN:
                return self._begin(key, event, row_id, rows=min(APART, streak.rows + 1)), None
            replaced = streak.event
            streak.event = _folded(replaced, event, row_id)
            return streak.event, replaced.id

    def put_again(self, row_id: int, event: Event) -> None:
        """Remember that this event has replaced that row."""
        with self._lock:
            for streak in self._streaks.values():
                if streak.event.id == row_id:
                    streak.event = event

    def acknowledge(self, is_seen: Callable[[str, Event], bool], *, seen: bool = True) -> set[int]:
        """Remember that the rows (profile and event) of which `is_seen` holds were acknowledged, or are no longer.

        Returns the ids of those that were not so before.
        """
        changed = set()
        with self._lock:
            for (profile, _, _), streak in self._streaks.items():
                if streak.event.acknowledged is not seen and is_seen(profile, streak.event):
                    streak.event = msgspec.structs.replace(streak.event, acknowledged=seen)
                    changed.add(streak.event.id)
        return changed

    def _begin(self, key: _Key, event: Event, row_id: int, rows: int) -> Event:
        kept = msgspec.structs.replace(event, id=row_id)
        self._streaks.pop(key, None)
        self._streaks[key] = _Streak(kept, event.at, rows)
        while len(self._streaks) > _MOST:
            del self._streaks[next(iter(self._streaks))]
        return kept


def _folded(first: Event, last: Event, row_id: int) -> Event:
    unseen = Severity.INFO if first.acknowledged else min(first.severity, Severity.WARNING)
    return msgspec.structs.replace(
        last,
        id=row_id,
        before=last.before if first.before == last.after else first.before,
        severity=max(last.severity, unseen),
        count=first.count + last.count,
        acknowledged=last.acknowledged or (first.acknowledged and last.severity < Severity.ALARM),
    )
