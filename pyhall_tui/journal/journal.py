"""The journal: what is kept over restarts. Callers never wait for the disk, and never meet its faults."""

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
from pyhall_tui.journal import reader, statements
from pyhall_tui.journal.coalescing import Coalescing
from pyhall_tui.journal.connections import Store
from pyhall_tui.journal.open_file import Connect
from pyhall_tui.journal.retention import Retention
from pyhall_tui.journal.rows import (
    BatchSummary,
    DispatchRow,
    EnrollmentRow,
    LastVerdict,
    NotKept,
    Recorded,
    Touched,
)
from pyhall_tui.journal.writer import PACE, Writer

T = TypeVar("T")

_SETTLE = 0.05
"""Seconds that a question waits at most for what was recorded just before it."""


class Journal:
    """Events, dispatches, enrollments and last verdicts of all profiles, in one SQLite file or in memory.

    Recording puts a row on the queue of one writer thread, which commits each half second: a `kill -9` costs at most
    that. Questions see what this program has recorded before, as long as the disk keeps up. All methods may be called
    from any thread. A search through text reads the whole table (some 10 ms for 10,000 rows): ask it off the UI's
    thread.
    """

    def __init__(self, store: Store, clock: Clock, *, retention: Retention | None = None, pace: float = PACE) -> None:
        """Use an open store; `open` and `in_memory` are the usual ways in."""
        self._store = store
        self._ids = _Ids(clock, store.read(reader.newest_id) or 0)
        self._folding = Coalescing()
        self._writer = Writer(store, clock, retention or Retention(), pace)

    @classmethod
    def open(
        cls,
        path: Path | None,
        clock: Clock,
        *,
        retention: Retention | None = None,
        connect: Connect = sqlite3.connect,
    ) -> Self:
        """Open or begin the file at `path` (None: memory). Never raises for a bad disk: see `notes`."""
        return cls(Store(path, connect), clock, retention=retention)

    @classmethod
    def in_memory(cls, clock: Clock | None = None) -> Self:
        """Open a journal that is gone at the end, for the demo and for tests."""
        return cls(Store(None), clock or SystemClock())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def notes(self) -> tuple[str, ...]:
        """What is not as it should be just now, in sentences for the operator; empty where all is well."""
        return (*self._store.notes, *self._writer.notes)

    @property
    def troubles(self) -> tuple[str, ...]:
        """Why what happens is not kept just now, in sentences, for as long as it is so; empty where it is kept."""
        fallen_back = self._store.notes if self._store.fell_back else ()
        return (*fallen_back, *filter(None, [self._writer.trouble]))

    @property
    def is_kept(self) -> bool:
        """Whether what is recorded outlives this run: False in memory."""
        return not self._store.in_memory

    @property
    def is_makeshift(self) -> bool:
        """Whether memory stands in for a file that can't be used: no enrollment is kept then, so none may be sent."""
        return self._store.is_makeshift

    # --- recording ---

    def record_event(self, profile: str, event: Event) -> Recorded:
        """Queue an event; return it with its id, and which row it takes the place of where it was folded into one."""
        kept, replaced = self._folding.add(profile, event, self._ids.next())
        self._writer.put(partial(statements.insert_event, profile=profile, event=kept, replaced_id=replaced))
        return Recorded(kept, replaced)

    def put_again(self, profile: str, event: Event) -> Recorded:
        """Queue an event that was recorded before, as it is now; it takes the place of its row."""
        kept = msgspec.structs.replace(event, id=self._ids.next())
        self._folding.put_again(event.id, kept)
        self._writer.put(partial(statements.insert_event, profile=profile, event=kept, replaced_id=event.id))
        return Recorded(kept, event.id)

    def record_dispatch(self, profile: str, row: DispatchRow) -> DispatchRow:
        """Queue a dispatch; return it with its id."""
        kept = msgspec.structs.replace(row, id=self._ids.next())
        self._writer.put(partial(statements.insert_dispatch, profile=profile, row=kept))
        return kept

    def record_enrollment(self, profile: str, row: EnrollmentRow) -> None:
        """Queue the state of one row of a batch, where nothing hangs on its being on disk."""
        self._writer.put(partial(statements.upsert_enrollment, profile=profile, row=row))

    def record_enrollment_now(self, profile: str, row: EnrollmentRow, timeout: float = 5.0) -> bool:
        """Wait until the state of one row is on disk, as it must be before a send. Never call it on the UI's thread.

        Returns:
            True where it is on disk, safe from a power cut; False where this journal is in memory only.

        Raises:
            NotKept: it could not be written within `timeout` seconds, or memory stands in for a file that can't be
                used. Send nothing.
        """
        self._require_file()
        written = threading.Event()
        self._writer.put(partial(statements.upsert_enrollment, profile=profile, row=row), on_commit=written.set)
        if not written.wait(timeout):
            why = " ".join(self.notes) or "The disk does not answer."
            raise NotKept(f"The journal could not record what was about to be sent, so it was not sent. {why}")
        self._require_file()  # it may have turned out damaged just now
        return self.is_kept

    def _require_file(self) -> None:
        if self._store.is_makeshift:
            raise NotKept(f"The journal can't record what is sent, so nothing is sent. {' '.join(self.notes)}")

    def save_verdict(self, profile: str, row: LastVerdict) -> None:
        """Queue a worker's last verdict; of several within half a second only the last is written."""
        self._writer.put_verdict(profile, row.worker_id, row)

    def forget_worker(self, profile: str, worker_id: str) -> None:
        """Drop the last verdict of a worker that is watched no more; its events and dispatches stay."""
        self._writer.put_verdict(profile, worker_id, None)

    def acknowledge(self, ids: Iterable[int]) -> None:
        """Mark events as seen. An id that was folded into a newer row meanwhile is passed over: that row is news."""
        seen = frozenset(ids)
        self._folding.acknowledge(lambda _, event: event.id in seen)
        self._writer.put(partial(statements.acknowledge, ids=seen))

    def acknowledge_all(self, profile: str, up_to_id: int) -> None:
        """Mark all events of a profile up to the newest one that was shown."""
        self._folding.acknowledge(lambda other, event: other == profile and event.id <= up_to_id)
        self._writer.put(partial(statements.acknowledge_all, profile=profile, up_to_id=up_to_id))

    def others_wrote(self) -> bool:
        """Whether another program has written to the file since this was last asked. Costs microseconds."""
        return self._store.others_wrote()

    def acknowledged_among(self, ids: Iterable[int]) -> list[Event]:
        """Return those of these events that were acknowledged, by another program too; what comes later knows it."""
        found: list[Event] = self._ask(partial(reader.acknowledged_among, ids=sorted(ids)), [])
        seen = {event.id for event in found}
        self._folding.acknowledge(lambda _, event: event.id in seen)
        return found

    # --- asking ---

    def first_verdicts(self, profile: str, limit: int) -> list[LastVerdict]:
        """Return the first screenful: the loudest states first, then by worker id. `raw` is empty in them."""
        return self._ask(partial(reader.verdicts, profile=profile, limit=limit), [])

    def all_verdicts(self, profile: str) -> list[LastVerdict]:
        """Return all last verdicts of a profile in the same order."""
        return self._ask(partial(reader.verdicts, profile=profile), [])

    def raw_answer(self, profile: str, worker_id: str) -> bytes | None:
        """Return the answer that a worker's last verdict was read from; None where there is none."""
        return self._ask(partial(reader.raw_answer, profile=profile, worker_id=worker_id), None)

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
            limit: at most so many.
            before_id: only those older than this one (the last of the page before).
            severity: only those as loud as this, or louder.
            kind: only this kind, or one of these.
            worker: only this worker's; with `*` for any signs.
            text: only those that hold this text in any field, in upper or lower case.
            unacknowledged: only those that nobody has acknowledged.
        """
        return self._ask(
            partial(
                reader.events,
                profile=profile,
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
        """Return events after an id, oldest first: also what another program on this file has recorded."""
        return self._ask(partial(reader.events_since, profile=profile, after_id=after_id, limit=limit), [])

    def unacknowledged_alarms(self, profile: str) -> int:
        """Count the alarms that nobody has acknowledged."""
        return self._ask(partial(reader.unacknowledged_alarms, profile=profile), 0)

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

        `worker`, `capability` and `code` (the deny code) are names, with `*` for any signs; `correlation_id` is one
        that was sent or came back; `text` is looked for in every field but the raw ones.
        """
        return self._ask(
            partial(
                reader.dispatches,
                profile=profile,
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
        """Return one dispatch by its id; None where it is not (any more) kept."""
        return self._ask(partial(reader.dispatch, row_id=row_id), None)

    def enrollments(
        self, profile: str, *, batch: str | None = None, row_key: str | None = None, limit: int = 100_000
    ) -> list[EnrollmentRow]:
        """Return rows of batches in the order in which they began: of one batch, or of one row key in all batches."""
        return self._ask(partial(reader.enrollments, profile=profile, batch=batch, row_key=row_key, limit=limit), [])

    def earlier_sends(self, form: str, timeout: float = 60.0) -> list[EnrollmentRow]:
        """Return what is known of every row of every batch, of all profiles, but for the batch named `form`.

        It waits until the file was looked through for damage, at most `timeout` seconds. Never call it on the UI's
        thread.

        Raises:
            NotKept: this journal can't vouch for what was sent before. Send nothing.
        """
        rows = None
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
        """Damaged files that lie beside the journal: what they knew of earlier batches is lost."""
        return self._store.set_aside

    def batches(self, profile: str) -> list[BatchSummary]:
        """Return the batches of one profile with the number of rows in each state, the newest first."""
        return self._ask(partial(reader.batches, profile=profile), [])

    def by_correlation_id(self, correlation_id: str) -> Touched:
        """Return everything that one correlation id touched, folded events too, of all profiles."""
        return self._ask(partial(reader.touched, correlation_id=correlation_id), Touched([], [], [], []))

    # --- ending ---

    def flush(self, timeout: float = 2.0) -> bool:
        """Write at once what is queued; return whether it was written within `timeout` seconds."""
        return self._writer.flush(timeout)

    def close(self, timeout: float = 2.0) -> bool:
        """Write what is queued and close the file; return whether nothing was lost. Later calls do nothing."""
        return self._writer.close(timeout)

    def _ask(self, question: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """Return the answer, or `otherwise` where the file can't be read."""
        if not self._writer.is_troubled:
            self._writer.flush(_SETTLE)
        answer = self._store.read(question)
        if self._store.damage_seen:
            self._writer.wake()
        return otherwise if answer is None else answer


class _Ids:
    """Makes ids that rise with time and that no other program on the file makes.

    Milliseconds since 2020 above 12 bits that are drawn once a run: 53 bits in all, so that JSON carries them whole.
    """

    _SINCE = 1_577_836_800.0

    def __init__(self, clock: Clock, newest: int) -> None:
        self._clock = clock
        self._tag = int.from_bytes(os.urandom(2)) & 0xFFF
        self._last = newest >> 12
        self._lock = threading.Lock()

    def next(self) -> int:
        """Return an id above all before it, also where the clock was set back."""
        with self._lock:
            now = int((self._clock.now().wall - self._SINCE) * 1_000)
            self._last = max(self._last + 1, now)
            return self._last << 12 | self._tag
