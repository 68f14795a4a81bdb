"""An open journal, most of which is loaded after the first frame: until then only last verdicts are read."""

import sqlite3
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pyhall_tui.clock import Clock
from pyhall_tui.journal import last_verdict
from pyhall_tui.journal.connections import JournalFile
from pyhall_tui.journal.last_verdict import LastVerdict

if TYPE_CHECKING:
    from pyhall_tui.journal.journal import Journal


class LateJournal:
    """Answers what the first frame asks; everything else is asked of `whole`. Thread-safe."""

    def __init__(self, store: JournalFile, clock: Clock) -> None:
        """Use an open store; `open` and `of` are the usual ways in."""
        self._store, self._clock = store, clock
        self._whole: Journal | None = None
        self._lock = threading.Lock()

    @classmethod
    def open(cls, path: Path | None, clock: Clock) -> Self:
        """Open or create the file at `path` (None: memory), as `Journal.open` does."""
        return cls(JournalFile(path), clock)

    @classmethod
    def of(cls, journal: "Journal") -> Self:
        """Return a journal that is loaded already."""
        late = cls(journal.store, journal.clock)
        late._whole = journal
        return late

    @property
    def whole(self) -> "Journal":
        """The journal itself. With its first use its thread begins, which looks through the file for damage."""
        with self._lock:
            if self._whole is None:
                from pyhall_tui.journal.journal import Journal

                self._whole = Journal(self._store, self._clock)
            return self._whole

    @property
    def troubles(self) -> tuple[str, ...]:
        """Why events are not being stored at the moment, in sentences; empty if they are."""
        if self._whole is not None:
            return self._whole.troubles
        return self._store.notes if self._store.fell_back else ()

    def first_verdicts(self, profile: str, limit: int) -> list[LastVerdict]:
        """Return the first screenful, as `Journal.first_verdicts` does."""
        if self._whole is not None:
            return self._whole.first_verdicts(profile, limit)
        return self._store.read(partial(last_verdict.verdicts, profile=profile, limit=limit)) or []

    def has_alarms(self, profile: str) -> bool:
        """Whether an alarm fires, or may fire: the file can't be read, or may have been written since it was opened."""
        return self._whole is not None or self._store.read(partial(_has_alarms, profile=profile)) is not False

    def flush(self, timeout: float = 2.0) -> bool:
        """Write the queue at once; return whether it was written within `timeout` seconds."""
        return self._whole is None or self._whole.flush(timeout)

    def close(self, timeout: float = 2.0) -> None:
        """Write what is left, and close the file."""
        with self._lock:
            if self._whole is None:
                self._store.close()
                return
        self._whole.close(timeout)


def _has_alarms(connection: sqlite3.Connection, profile: str) -> bool:
    found = connection.execute("SELECT 1 FROM alarms WHERE profile = ? AND resolved_at IS NULL LIMIT 1", (profile,))
    return found.fetchone() is not None
