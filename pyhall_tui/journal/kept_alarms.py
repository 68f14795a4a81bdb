"""The alarms and silences that the journal keeps, as its callers ask for them and change them."""

import sqlite3
from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol, TypeVar

from pyhall_tui.alarms.alarm import Alarm, Change, Condition, alarm_id
from pyhall_tui.alarms.silences import Silence
from pyhall_tui.fleet.events import Event, Severity
from pyhall_tui.journal import alarm_questions, alarm_statements, statements
from pyhall_tui.journal.alarm_questions import Kept
from pyhall_tui.journal.connections import JournalFile
from pyhall_tui.journal.rows import Seen
from pyhall_tui.journal.writer import Writer

T = TypeVar("T")

_NOTHING = Kept([], [], 0)


class Ids(Protocol):
    """Makes ids that rise and that no other program makes."""

    def next(self) -> int: ...


class KeptAlarms:
    """Changes go on the writer's queue. Questions are answered without what waits there."""

    def __init__(self, store: JournalFile, writer: Writer, ids: Ids) -> None:
        """Use an open journal's parts."""
        self._store, self._writer, self._ids = store, writer, ids

    # -- asking --

    def begin(self, profile: str) -> Kept:
        """Return what fires and what is silenced, and from which change on to follow."""
        return self._read(partial(alarm_questions.kept, profile=profile), _NOTHING)

    def get(self, profile: str, condition: Condition, subject: str) -> Alarm | None:
        """Return one alarm, also one that is over."""
        one = alarm_id(profile, condition, subject)
        return self._store.read(partial(alarm_questions.alarm, one=one))

    def all(self, profile: str, limit: int = 10_000) -> list[Alarm] | None:
        """Return the alarms of a profile, those that fire first; None if they can't be read."""
        return self._store.read(partial(alarm_questions.alarms, profile=profile, limit=limit))

    def silences(self, profile: str, *, ended: int = 0) -> list[Silence] | None:
        """Return the silences that go on, and so many that have ended; None if they can't be read."""
        return self._store.read(partial(alarm_questions.silences, profile=profile, ended=ended))

    def changes(self, profile: str, after: int, limit: int = 10_000) -> list[Change]:
        """Return what changed after that number, in the order of writing, by whatever program.

        Each has an id that stays the same, so that who follows tells nothing twice.
        """
        return self._read(partial(alarm_questions.changes, profile=profile, after=after, limit=limit), [])

    # -- changing --

    def new_id(self) -> int:
        """Return an id for an act or an event."""
        return self._ids.next()

    def acknowledge(self, profile: str, firings: Iterable[tuple[str, int]], seen: Seen) -> None:
        """Acknowledge alarms by id, each if it still fires for that time."""
        self._writer.put(
            partial(alarm_statements.acknowledge_firings, profile=profile, firings=list(firings), seen=seen)
        )

    def unacknowledge(self, profile: str, act: int, at: float, by: str) -> None:
        """Undo one act, where nothing has come of it since."""
        self._writer.put(partial(alarm_statements.unacknowledge, profile=profile, act=act, at=at, by=by))

    def set_severity(self, alarms: Iterable[Alarm], severity: Severity) -> None:
        """Make alarms more or less loud."""
        ids = [alarm.id for alarm in alarms]
        self._writer.put(partial(alarm_statements.set_severity, ids=ids, severity=int(severity)))

    def silence(self, profile: str, silence: Silence) -> None:
        """Keep a new silence."""
        self._writer.put(partial(alarm_statements.begin_silence, profile=profile, silence=silence))

    def end_silence(self, profile: str, silence: Silence, by: str, event: Event) -> None:
        """End a silence, with that event unless another program has ended it before."""
        self._writer.put(partial(statements.end_silence, profile=profile, silence_id=silence.id, by=by, event=event))

    def _read(self, question: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        answer = self._store.read(question)
        return otherwise if answer is None else answer
