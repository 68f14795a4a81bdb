"""The journal's alarms and silences: the interface for reading and changing them."""

import sqlite3
from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol, TypeVar

from pyhall_tui.alarms.alarm import Alarm, Change, Condition, alarm_id
from pyhall_tui.alarms.silences import Silence
from pyhall_tui.fleet.events import Event, Severity
from pyhall_tui.journal import alarm_questions, alarm_statements, statements
from pyhall_tui.journal.alarm_questions import Kept, LastChange
from pyhall_tui.journal.connections import JournalFile
from pyhall_tui.journal.names import Names
from pyhall_tui.journal.rows import Seen
from pyhall_tui.journal.writer import Writer

T = TypeVar("T")

_NOTHING = Kept([], [], 0)


class Ids(Protocol):
    """Makes increasing ids that no other program makes."""

    def next(self) -> int: ...
    def made(self, row_id: int) -> bool: ...


class KeptAlarms:
    """Changes go on the writer's queue. Answers don't include what waits there."""

    def __init__(self, store: JournalFile, writer: Writer, ids: Ids, names: Names) -> None:
        """Use an open journal's parts."""
        self._store, self._writer, self._ids, self._names = store, writer, ids, names

    # -- asking --

    def begin(self, profile: str) -> Kept:
        """Return what fires and what is silenced, and the change after which to follow."""
        return self._read(partial(alarm_questions.kept, profile=self._names.of(profile)), _NOTHING)

    def get(self, profile: str, condition: Condition, subject: str) -> Alarm | None:
        """Return one alarm, even one that has ended."""
        one = alarm_id(self._names.of(profile), condition, subject)
        return self._store.read(partial(alarm_questions.alarm, one=one))

    def all(self, profile: str, limit: int = 10_000) -> list[Alarm] | None:
        """Return a profile's alarms, firing ones first; None if they can't be read."""
        return self._store.read(partial(alarm_questions.alarms, profile=self._names.of(profile), limit=limit))

    def silences(self, profile: str, *, ended: int = 0) -> list[Silence] | None:
        """Return the active silences, and up to `ended` that have ended; None if they can't be read."""
        return self._store.read(partial(alarm_questions.silences, profile=self._names.of(profile), ended=ended))

    def changes(self, profile: str, after: int, limit: int = 10_000) -> list[Change]:
        """Return what changed after that number, in the order of writing, by whatever program.

        Each has an id that stays the same, so that followers report nothing twice.
        """
        return self._read(
            partial(alarm_questions.changes, profile=self._names.of(profile), after=after, limit=limit), []
        )

    def stream(self, profile: str, after: int, limit: int) -> list[Change] | None:
        """As `changes`, but None if they can't be read now."""
        return self._store.read(partial(alarm_questions.changes, profile=profile, after=after, limit=limit))

    def last_change(self, profile: str) -> LastChange | None:
        """Return the last change and what fires; None if that can't be read now."""
        return self._store.read(partial(alarm_questions.last_change, profile=profile))

    # -- changing --

    def new_id(self) -> int:
        """Return an id for an act or an event."""
        return self._ids.next()

    def is_ours(self, row_id: int) -> bool:
        """Whether this program made that id."""
        return self._ids.made(row_id)

    def acknowledge(self, profile: str, firings: Iterable[tuple[str, int]], seen: Seen) -> None:
        """Acknowledge alarms by id if that firing is still current."""
        self._writer.put(
            partial(
                alarm_statements.acknowledge_firings, profile=self._names.of(profile), firings=list(firings), seen=seen
            )
        )

    def unacknowledge(self, profile: str, act: int, at: float, by: str) -> None:
        """Undo one act, except for alarms that have changed since."""
        self._writer.put(
            partial(alarm_statements.unacknowledge, profile=self._names.of(profile), act=act, at=at, by=by)
        )

    def set_severity(self, profile: str, alarms: Iterable[Alarm], severity: Severity) -> None:
        """Change the severity of alarms."""
        ids = [alarm.id for alarm in alarms]
        self._writer.put(
            partial(alarm_statements.set_severity, profile=self._names.of(profile), ids=ids, severity=severity)
        )

    def silence(self, profile: str, silence: Silence) -> None:
        """Store a new silence."""
        self._writer.put(partial(alarm_statements.begin_silence, profile=self._names.of(profile), silence=silence))

    def end_silence(self, profile: str, silence: Silence, by: str, event: Event) -> None:
        """End a silence and record that event, unless another program has ended it before."""
        self._writer.put(
            partial(statements.end_silence, profile=self._names.of(profile), silence_id=silence.id, by=by, event=event)
        )

    def _read(self, question: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        answer = self._store.read(question)
        return otherwise if answer is None else answer
