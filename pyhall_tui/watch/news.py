"""What became of alarms, for one receiver: each change at least once, also after a kill, in the journal's order.

The place up to which a receiver has got everything is a note beside the journal. It is noted after the delivery, so a
kill in between repeats a change, with the same id.
"""

from typing import Final, Protocol

import msgspec

from pyhall_tui.alarms.alarm import Change, What
from pyhall_tui.files.notes import Notes
from pyhall_tui.journal.alarm_questions import LastChange

_KIND: Final = "alerts"
"""The kind of these notes."""


class ChangesOfAlarms(Protocol):
    """What is asked of the journal's alarms; None means that it can't be read now."""

    def stream(self, profile: str, after: int, limit: int) -> list[Change] | None: ...
    def last_change(self, profile: str) -> LastChange | None: ...


class _Place(msgspec.Struct, frozen=True):
    """The last change that was delivered. A journal that was lost and made again has another one with its number."""

    seq: int = 0
    id: str = ""


class News:
    """The changes that one receiver has not got yet."""

    def __init__(self, alarms: ChangesOfAlarms, profile_name: str, notes: Notes, receiver: str) -> None:
        """Read nothing yet. `receiver` identifies it between runs: with another URL it is another receiver."""
        self._alarms, self._profile, self._notes, self._receiver = alarms, profile_name, notes, receiver
        self._place = notes.load(_KIND, receiver, _Place)
        self._firing: list[Change] = []
        """What was firing when nobody knew what this receiver has got."""

    def next(self, most: int) -> list[Change]:
        """Return the next changes, oldest first. They are returned again until `done` is called."""
        if self._firing:
            return self._firing[:most]
        if self._place is not None:
            found = self._alarms.stream(self._profile, max(0, self._place.seq - 1), most + 1)
            if found is None:
                return []
            if (news := self._after_place(found)) is not None:
                return news[:most]
        self._begin()
        return self._firing[:most]

    def done(self, changes: list[Change]) -> None:
        """Note that these changes, the first ones that `next` returned, need not be delivered again."""
        if not changes or self._place is None:
            return
        if self._firing:
            del self._firing[: len(changes)]
        else:
            self._place = _Place(changes[-1].seq, changes[-1].id)
        if not self._firing:
            self._note()

    def _after_place(self, found: list[Change]) -> list[Change] | None:
        """Return what comes after the place; None if this is not the journal that it was noted in."""
        assert self._place is not None
        if not self._place.seq:
            return found
        if not found:
            return None
        if found[0].seq > self._place.seq:  # the place is too old to be kept, and everything kept is news
            return found
        return found[1:] if found[0].id == self._place.id else None

    def _begin(self) -> None:
        """Start with what fires now, because nobody knows what this receiver has got. What has ended is over."""
        kept = self._alarms.last_change(self._profile)
        if kept is None:
            return
        self._place = _Place(kept.change.seq, kept.change.id) if kept.change else _Place()
        self._firing = [
            Change(what=What.FIRED, at=alarm.fired_at, by=alarm.source, alarm=alarm)
            for alarm in kept.firing
            if not alarm.is_acknowledged
        ]
        if not self._firing:
            self._note()

    def _note(self) -> None:
        self._notes.save(_KIND, self._receiver, self._place)
