"""The journal: what survives restarts. Callers never wait for the disk and never see its errors."""

import os
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterable
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

import msgspec

from pyhall_tui.clock import Clock, SystemClock
from pyhall_tui.fleet.events import Event, Kind, Severity
from pyhall_tui.journal import event_rows, last_verdict, reader, statements
from pyhall_tui.journal.batches import Row, Values
from pyhall_tui.journal.coalescing import Coalescing
from pyhall_tui.journal.connections import JournalFile
from pyhall_tui.journal.kept_alarms import KeptAlarms
from pyhall_tui.journal.last_verdict import LastVerdict
from pyhall_tui.journal.log_marks import LogMarks
from pyhall_tui.journal.names import Names, move, put_aside
from pyhall_tui.journal.open_file import Connect
from pyhall_tui.journal.retention import Retention
from pyhall_tui.journal.rows import (
    BatchSummary,
    DispatchRow,
    EnrollmentRow,
    NotKept,
    Recorded,
    Seen,
    Touched,
)
from pyhall_tui.journal.watchers import Watchers
from pyhall_tui.journal.writer import PACE, Writer

T = TypeVar("T")

_MOST_ACTS = 100
_SETTLE = 0.05
"""How many seconds a question waits at most for what was recorded just before it."""


class Journal:
    """Events, dispatches, enrollments and last verdicts of all profiles, in one SQLite file or in memory.

    Recording puts a row on the queue of one writer thread, which commits every half second: a `kill -9` loses at most
    that. Questions see what this program has recorded before, as long as the disk keeps up. All methods may be called
    from any thread. A text search reads the whole table (about 10 ms for 10,000 rows): don't run it on the UI's thread.
    """

    def __init__(
        self, store: JournalFile, clock: Clock, *, retention: Retention | None = None, pace: float = PACE
    ) -> None:
        """Use an open store; `open` and `in_memory` are the usual ways in."""
        self._store = self.store = store
        self._ids = _Ids(clock, store.read(reader.newest_id) or 0)
        self._clock = self.clock = clock
        self._folding = Coalescing()
        self._writer = Writer(store, clock, retention or Retention(), pace)
        self._names = Names()
        self.alarms = KeptAlarms(store, self._writer, self._ids, self._names)
        self.watchers = Watchers(store)
        self.log_marks = LogMarks(store)
        self._acts: dict[int, set[int]] = {}
        """By acknowledgement, the latest of them: which rows that more may be folded into it marked."""

    @classmethod
    def open(
        cls,
        path: Path | None,
        clock: Clock,
        *,
        retention: Retention | None = None,
        connect: Connect = sqlite3.connect,
    ) -> Self:
        """Open or create the file at `path` (None: memory). Never raises because of a bad disk: see `notes`."""
        return cls(JournalFile(path, connect), clock, retention=retention)

    @classmethod
    def in_memory(cls, clock: Clock | None = None) -> Self:
        """Open a journal that is gone when the program ends, for the demo and for tests."""
        return cls(JournalFile(None), clock or SystemClock())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def notes(self) -> tuple[str, ...]:
        """What is wrong at the moment, in sentences for the operator; empty if nothing is."""
        return (*self._store.notes, *self._writer.notes)

    @property
    def troubles(self) -> tuple[str, ...]:
        """Why events are not being stored at the moment, in sentences; empty if they are."""
        fallen_back = self._store.notes if self._store.fell_back else ()
        return (*fallen_back, *filter(None, [self._writer.trouble]))

    @property
    def is_kept(self) -> bool:
        """Whether records outlive this run: False in memory."""
        return not self._store.in_memory

    @property
    def is_makeshift(self) -> bool:
        """Whether memory replaces a file that can't be used: enrollments are not stored then, so none may be sent."""
        return self._store.is_makeshift

    # --- recording ---

    def record_event(self, profile: str, event: Event, *, namespace: str = "", event_id: int | None = None) -> Recorded:
        """Queue an event; return it with its id, and with the row that it replaces if it was folded.

        The alarms that it begins or ends change in the same transaction. `namespace` is its worker's; `event_id` is
        one of `alarms.new_id`, if the id had to be known before.
        """
        row_id = self._ids.next() if event_id is None else event_id
        kept, replaced = self._folding.add(profile, event, row_id)
        row = partial(event_rows.recorded, self._names.of(profile), kept, event, replaced, namespace)
        self._writer.put(Row(row, event_rows.write_events))
        return Recorded(kept, replaced)

    def put_again(self, profile: str, event: Event) -> Recorded:
        """Queue a changed event that was recorded before; it replaces its row."""
        kept = msgspec.structs.replace(event, id=self._ids.next())
        self._folding.put_again(event.id, kept)
        row = partial(event_rows.written_again, self._names.of(profile), kept, event.id)
        self._writer.put(Row(row, event_rows.write_events))
        return Recorded(kept, event.id)

    def record_dispatch(self, profile: str, row: DispatchRow) -> DispatchRow:
        """Queue a dispatch; return it with its id."""
        kept = msgspec.structs.replace(row, id=self._ids.next())
        row_values = partial(statements.dispatch, self._names.of(profile), kept)
        self._writer.put(Row(row_values, statements.insert_dispatches))
        return kept

    def record_enrollment(self, profile: str, row: EnrollmentRow) -> None:
        """Queue the state of one row of a batch if it need not be on disk before you continue."""
        self._writer.put(self._enrollment(profile, row))

    def record_enrollment_now(self, profile: str, row: EnrollmentRow, timeout: float = 5.0) -> bool:
        """Wait until the state of one row is on disk, as required before sending. Never call it on the UI's thread.

        Returns:
            True if it is on disk, safe from a power cut; False if this journal is only in memory.

        Raises:
            NotKept: it could not be written within `timeout` seconds, or memory replaces a file that
                can't be used. Send nothing.
        """
        self._require_file()
        written = threading.Event()
        self._writer.put(self._enrollment(profile, row), on_commit=written.set)
        if not written.wait(timeout):
            why = " ".join(self.notes) or "The disk does not answer."
            raise NotKept(f"The journal could not record what was about to be sent, so it was not sent. {why}")
        self._require_file()  # it may just have turned out to be damaged
        return self.is_kept

    def _enrollment(self, profile: str, row: EnrollmentRow) -> Row[Values]:
        return Row(partial(statements.enrollment, self._names.of(profile), row), statements.upsert_enrollments)

    def _require_file(self) -> None:
        if self._store.is_makeshift:
            raise NotKept(f"The journal can't record what is sent, so nothing is sent. {' '.join(self.notes)}")

    def save_verdict(self, profile: str, row: LastVerdict) -> None:
        """Queue a worker's last verdict; of several within half a second only the last is written."""
        self._writer.put_verdict(self._names.of(profile), row.worker_id, row)

    def forget_worker(self, profile: str, worker_id: str) -> None:
        """Drop the last verdict on a worker that is no longer watched; its events and dispatches stay."""
        self._writer.put_verdict(self._names.of(profile), worker_id, None)

    def acknowledge(self, ids: Iterable[int], *, by: str = "", note: str = "") -> Seen:
        """Mark events as seen, and the alarms that they began.

        An id folded into a newer row meanwhile is skipped, because that row is news.
        """
        events, seen = frozenset(ids), self._seen(by, note)
        self._remember(seen, self._folding.acknowledge(lambda _, event: event.id in events))
        self._writer.put(partial(statements.acknowledge, ids=events, seen=seen))
        return seen

    def acknowledge_all(
        self, profile: str, up_to_id: int, *, by: str = "", note: str = "", known: frozenset[str] | None = None
    ) -> Seen:
        """Mark all events of a profile up to the newest one that was shown, and the alarms that they began.

        `known` holds the ids of the alarms that were shown; another program's newest ones stay open. None means all.
        """
        seen = self._seen(by, note)
        folded = self._folding.acknowledge(lambda other, event: other == profile and event.id <= up_to_id)
        self._remember(seen, folded)
        self._writer.put(
            partial(
                statements.acknowledge_all, profile=self._names.of(profile), up_to_id=up_to_id, seen=seen, known=known
            )
        )
        return seen

    def unacknowledge(self, profile: str, seen: Seen, at: float | None = None) -> None:
        """Undo one acknowledgement at that wall time (now), where nothing has come of it since."""
        rows = self._acts.pop(seen.act, set())
        self._folding.acknowledge(lambda _, event: event.id in rows, seen=False)
        self.alarms.unacknowledge(profile, seen.act, self._clock.now().wall if at is None else at, seen.by)

    def _seen(self, by: str, note: str) -> Seen:
        return Seen(self._clock.now().wall, by, note, self._ids.next())

    def _remember(self, seen: Seen, rows: set[int]) -> None:
        self._acts[seen.act] = rows
        while len(self._acts) > _MOST_ACTS:
            del self._acts[next(iter(self._acts))]

    def rename(self, old: str, new: str) -> None:
        """Queue the move of all that is recorded to a profile's new name; what comes under the old one follows it.

        Questions about the old name are answered with the new one's rows from now on. Other programs follow.
        """
        self._names.rename(old, new)
        self._writer.put(partial(move, old=old, new=new, at=self._clock.now().wall))

    def put_aside(self, profile: str, aside: str) -> None:
        """Queue the move of what a deleted profile recorded to another name: see `names.put_aside`."""
        self._names.rename(profile, aside)
        self._writer.put(partial(put_aside, profile=profile, aside=aside, at=self._clock.now().wall))

    def use(self, profile: str) -> None:
        """Note that a profile of that name is opened: what is recorded under it is not another's any more."""
        self._names.use(profile)

    def is_in(self, path: Path) -> bool:
        """Whether it is stored in that file."""
        return self._store.path == path

    def others_writes(self) -> int:
        """Return a number that is greater than before if another program has written to the file.

        Takes microseconds. Each profile that follows the file remembers its own.
        """
        return self._store.others_writes()

    def acknowledged_among(self, ids: Iterable[int]) -> list[Event]:
        """Return those of these events that this or another program acknowledged, and remember them."""
        found: list[Event] = self._ask(partial(reader.acknowledged_among, ids=sorted(ids)), [])
        seen = {event.id for event in found}
        self._folding.acknowledge(lambda _, event: event.id in seen)
        return found

    # --- asking ---

    def first_verdicts(self, profile: str, limit: int) -> list[LastVerdict]:
        """Return the first screenful: the most urgent states first, then by worker id. Their `raw` is empty."""
        return self._ask(partial(last_verdict.verdicts, profile=self._names.of(profile), limit=limit), [])

    def all_verdicts(self, profile: str) -> list[LastVerdict]:
        """Return all last verdicts of a profile in the same order."""
        return self._ask(partial(last_verdict.verdicts, profile=self._names.of(profile)), [])

    def newest_verdict_at(self, profile: str) -> float | None:
        """Return the wall time of a profile's last verdict; None if there is none."""
        return self._ask(partial(last_verdict.newest_verdict_at, profile=self._names.of(profile)), None)

    def verdicts_after(self, profile: str, worker_id: str, limit: int) -> list[LastVerdict]:
        """Return a page of a profile's last verdicts by worker id: those after that one, at most `limit`."""
        return self._ask(
            partial(last_verdict.verdicts_after, profile=self._names.of(profile), after=worker_id, limit=limit), []
        )

    def raw_answer(self, profile: str, worker_id: str) -> bytes | None:
        """Return the answer that a worker's last verdict was read from; None if there is none."""
        return self._ask(partial(last_verdict.raw_answer, profile=self._names.of(profile), worker_id=worker_id), None)

    def events(
        self,
        profile: str,
        *,
        limit: int = 200,
        before_id: int | None = None,
        severity: Severity | None = None,
        kind: Kind | Collection[Kind] | None = None,
        worker: str | None = None,
        text: str | None = None,
        unacknowledged: bool = False,
    ) -> list[Event]:
        """Return events, newest first, a page at a time.

        Args:
            profile: whose events.
            limit: at most this many.
            before_id: only those older than this one (the last of the page before).
            severity: only those at least this urgent.
            kind: only this kind, or one of these.
            worker: only this worker's; `*` matches any characters.
            text: only those with this text in any field, case-insensitive.
            unacknowledged: only those that nobody has acknowledged.
        """
        return self._ask(
            partial(
                reader.events,
                profile=self._names.of(profile),
                limit=limit,
                before_id=before_id,
                severity=severity,
                kind=kind,
                worker=worker,
                text=text,
                unacknowledged=unacknowledged,
            ),
            [],
        )

    def events_since(self, profile: str, after_id: int, limit: int = 1_000) -> list[Event]:
        """Return events after an id, oldest first, including those recorded by another program."""
        return self._ask(
            partial(reader.events_since, profile=self._names.of(profile), after_id=after_id, limit=limit), []
        )

    def dispatches(
        self,
        profile: str,
        *,
        limit: int = 200,
        before_id: int | None = None,
        worker: str | None = None,
        capability: str | None = None,
        code: str | None = None,
        correlation_id: str | None = None,
        text: str | None = None,
    ) -> list[DispatchRow]:
        """Return dispatches, newest first, a page at a time.

        `worker`, `capability` and `code` (the deny code) are names, in which `*` matches any characters;
        `correlation_id` is one that was sent or came back; `text` is searched for in every field except the raw ones.
        """
        return self._ask(
            partial(
                reader.dispatches,
                profile=self._names.of(profile),
                limit=limit,
                before_id=before_id,
                worker=worker,
                capability=capability,
                code=code,
                correlation_id=correlation_id,
                text=text,
            ),
            [],
        )

    def dispatch(self, row_id: int) -> DispatchRow | None:
        """Return one dispatch by its id; None if it is not stored (any more)."""
        return self._ask(partial(reader.dispatch, row_id=row_id), None)

    def enrollments(
        self, profile: str, *, batch: str | None = None, row_key: str | None = None, limit: int = 100_000
    ) -> list[EnrollmentRow]:
        """Return rows of batches in the order in which they started: of one batch, or of one row key in all batches."""
        return self._ask(
            partial(reader.enrollments, profile=self._names.of(profile), batch=batch, row_key=row_key, limit=limit), []
        )

    def earlier_sends(self, form: str, timeout: float = 60.0) -> list[EnrollmentRow]:
        """Return what is known about every row of every batch of all profiles, except for the batch named `form`.

        Waits at most `timeout` seconds until the file has been checked for damage. Never call it on the UI's thread.

        Raises:
            NotKept: this journal can't vouch for what was sent before. Send nothing.
        """
        rows = None
        self._writer.wake()
        if self._writer.checked.wait(timeout) and not self._store.is_makeshift:
            self._writer.flush(timeout)
            rows = self._store.read(partial(reader.enrollments_of_batches, form=form))
        if rows is None:
            self._writer.wake()
            why = " ".join(self.notes) or "The journal can't be read."
            raise NotKept(f"What was enrolled before is unknown, so nothing is sent. {why}")
        return rows

    @property
    def set_aside(self) -> tuple[Path, ...]:
        """Damaged files next to the journal: what they knew about earlier batches is lost."""
        return self._store.set_aside

    def notes_set_aside(self) -> list[str]:
        """Return what `notes` says about a damaged file that this run set aside, while the file is still there."""
        notes = self._store.notes
        aside = [path.name for path in self.set_aside] if notes else []
        return [note for note in notes if any(name in note for name in aside)]

    def batches(self, profile: str) -> list[BatchSummary]:
        """Return the batches of one profile with the number of rows in each state, newest first."""
        return self._ask(partial(reader.batches, profile=self._names.of(profile)), [])

    def by_correlation_id(self, correlation_id: str) -> Touched:
        """Return everything that one correlation id touched, including folded events, in all profiles."""
        return self._ask(partial(reader.touched, correlation_id=correlation_id), Touched([], [], [], []))

    # --- ending ---

    def flush(self, timeout: float = 2.0) -> bool:
        """Write the queue at once; return whether it was written within `timeout` seconds."""
        return self._writer.flush(timeout)

    def close(self, timeout: float = 2.0) -> bool:
        """Write the queue and close the file; return whether nothing was lost. Later calls do nothing."""
        return self._writer.close(timeout)

    def _ask(self, question: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """Return the answer, or `otherwise` if the file can't be read."""
        if not self._writer.is_troubled:
            self._writer.flush(_SETTLE)
        answer = self._store.read(question)
        if self._store.damage_seen:
            self._writer.wake()
        return otherwise if answer is None else answer


class _Ids:
    """Makes ids that increase with time and that no other program on the file makes.

    Milliseconds since 2020, followed by 12 random bits chosen once per run: 53 bits in all, which JSON holds exactly.
    """

    _SINCE = 1_577_836_800.0

    def __init__(self, clock: Clock, newest: int) -> None:
        self._clock = self.clock = clock
        self._tag = int.from_bytes(os.urandom(2)) & 0xFFF
        self._last = newest >> 12
        self._lock = threading.Lock()

    def next(self) -> int:
        """Return an id above all previous ones, even if the clock was set back."""
        with self._lock:
            now = int((self._clock.now().wall - self._SINCE) * 1_000)
            self._last = max(self._last + 1, now)
            return self._last << 12 | self._tag

    def made(self, row_id: int) -> bool:
        """Whether this program made that id; of another's, one in some thousand looks like ours."""
        return row_id & 0xFFF == self._tag
