"""What decisions need from a SQLite file, from memory."""

from pyhall_tui.hall.errors import StoreError
from pyhall_tui.hall.models import Key, Worker
from pyhall_tui.hall.store.database import Database
from pyhall_tui.hall.store.halls import OFFLINE_SINCE
from pyhall_tui.hall.store.key_rows import KEY_COLUMNS, every_key, key_of
from pyhall_tui.hall.store.protocol import KeptRate
from pyhall_tui.hall.store.remembered import GET_WORKER, NEVER, Remembered, worker_of

_GET_KEY = (
    f"SELECT {KEY_COLUMNS} FROM ({every_key('rowid')}) WHERE key_hash = ? AND revoked_at IS NULL "
    "ORDER BY scopes DESC LIMIT 1"
)


class _SqliteReads:
    def __init__(self, db: Database) -> None:
        self._db = db
        self.lock = db.lock

    def key(self, hashed: str) -> Key | None:
        rows = self._db.read(_GET_KEY, hashed)
        return key_of(rows[0]) if rows else None

    def worker(self, worker_id: str) -> Worker | None:
        rows = self._db.read(f"{GET_WORKER} WHERE w.worker_id = ?", worker_id)
        return worker_of(dict(rows[0])) if rows else None

    def rate(self, rule: str, worker_id: str) -> KeptRate | None:
        rows = self._db.read("SELECT * FROM rates WHERE rule = ? AND worker_id = ?", rule, worker_id)
        if not rows:
            return None
        kept = KeptRate(*rows[0])
        if not isinstance(kept.allowed, bytes):
            raise StoreError("the rates already used can't be read from the hall's store")
        return kept

    def policy_revision(self) -> str | None:
        revision: str | None = self._db.value("SELECT value FROM meta WHERE name = 'policy_revision'")
        return revision

    def offline_since(self) -> str:
        since: str | None = self._db.value("SELECT value FROM meta WHERE name = ?", OFFLINE_SINCE)
        return since or ""


class SqliteMemory(Remembered):
    """`Remembered` over one connection to a SQLite file."""

    def __init__(self, db: Database) -> None:
        super().__init__(_SqliteReads(db))
        self._db = db
        self.elsewhere = NEVER
        """The number of the last processed write of another process."""

    def look(self) -> None:
        """Apply what another process has written since.

        Not within a transaction that changes more than the log: its own changes have numbers too, which the file gives
        to others' changes if it is rolled back.
        """
        with self._db.lock:
            if self.undecided:
                return
            elsewhere = self._db.written_elsewhere()
            if elsewhere != self.elsewhere:
                self.catch_up()
                self.elsewhere = elsewhere

    def catch_up(self) -> None:
        """Drop what has changed, whoever changed it."""
        with self._db.lock:
            last = self.last_revision()
            if last == self.revision:
                return
            changed = self._db.read("SELECT what, key FROM changes WHERE revision > ?", self.revision)
            if self.revision == NEVER or len(changed) != last - self.revision:  # it is too far behind
                self.forget_all()
            else:
                self.forget((what, key) for what, key in changed)
            self.revision = last

    def last_revision(self) -> int:
        """Return the number of the newest change that the file has noted."""
        last: int | None = self._db.value("SELECT max(revision) FROM changes")
        return last or 0
