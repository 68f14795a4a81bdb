"""Coalescing: a flapping worker is one row with a count, not a screenful."""

import threading
from collections.abc import Callable

import msgspec

from pyhall_tui.fleet.events import Event, Kind, Severity

WINDOW = 600.0
"""Seconds within which events of one family about one worker are held for flapping."""
SPAN = 3_600.0
"""Seconds that one row covers at most, so that a week of flapping is a row an hour."""
APART = 2
"""So many are rows of their own: a ban and its end stay two events; what follows them in the window is folded."""
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
}
_DEEDS = frozenset({Kind.ATTEST_SENT, Kind.HASH_REPORTED})
"""What a person did: each is a row of its own, with its own correlation id."""

_Key = tuple[str, str | None, Kind]


class _Streak(msgspec.Struct):
    """The last row of one family, and how many rows were begun in this streak."""

    event: Event
    began: float
    rows: int


class Coalescing:
    """Decides for each event whether it is a row of its own or one more of the last row of its family.

    Thread-safe. What it knows is this run's alone: two programs fold each their own.
    """

    def __init__(self) -> None:
        self._streaks: dict[_Key, _Streak] = {}
        self._lock = threading.Lock()

    def add(self, profile: str, event: Event, row_id: int) -> tuple[Event, int | None]:
        """Return the event as it is to be kept under `row_id`, and the id of the row that it takes the place of.

        A folded row tells how things stand: it has the `before` of its first event, or of its last if the first one's
        is what it has become, and all else of its last. It is never an alarm over an end that is good, but a warning if
        nobody has seen the alarm in it. It is open again if what came is an alarm.
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
        """Remember that this event has taken the place of that row."""
        with self._lock:
            for streak in self._streaks.values():
                if streak.event.id == row_id:
                    streak.event = event

    def acknowledge(self, is_seen: Callable[[str, Event], bool]) -> None:
        """Remember that the rows (profile and event) of which `is_seen` holds were acknowledged."""
        with self._lock:
            for (profile, _, _), streak in self._streaks.items():
                if is_seen(profile, streak.event):
                    streak.event = msgspec.structs.replace(streak.event, acknowledged=True)

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
