"""Whatever is wrong with the disk, the program starts, runs, and says what it can't keep."""

import os
import random
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from pyhall_tui.journal import schema, writer
from pyhall_tui.journal.journal import Journal
from pyhall_tui.journal.rows import NotKept
from tests.clock import ManualClock
from tests.journal.makers import enrollment, event, rows_in, until, verdict


@pytest.fixture(autouse=True)
def quick_tries(monkeypatch):
    monkeypatch.setattr(writer, "_SLOWEST", 0.1)


def open_at(path: Path, **options: object) -> Journal:
    return Journal.open(path, ManualClock(), **options)


def fill(path: Path, workers: int = 500) -> None:
    with open_at(path) as journal:
        for n in range(workers):
            journal.save_verdict("prod", verdict(f"w{n}"))
            journal.record_event("prod", event(worker_id=f"w{n}"))


def works(journal: Journal) -> bool:
    journal.record_event("prod", event(worker_id="new"))
    return bool(journal.events("prod", worker="new"))


def on_vfs(name: str):
    """Return a `connect` over another of SQLite's own file layers."""

    def connect(path: Path, **options: object) -> sqlite3.Connection:
        return sqlite3.connect(f"{path.as_uri()}?vfs={name}", uri=True, **options)

    return connect


def test_a_folder_that_cannot_be_made_ends_in_memory(tmp_path):
    """F37."""
    (tmp_path / "file").write_text("in the way")
    with open_at(tmp_path / "file" / "journal.db") as journal:
        (note,) = journal.notes
        assert str(tmp_path / "file" / "journal.db") in note
        assert "memory only" in note
        assert not journal.is_kept
        assert works(journal)


def test_a_folder_in_the_file_s_place_ends_in_memory(tmp_path):
    """F37."""
    (tmp_path / "journal.db").mkdir()
    with open_at(tmp_path / "journal.db") as journal:
        assert "memory only" in journal.notes[0]
        assert works(journal)


READ_ONLY = """
import os, sys
from pathlib import Path
from pyhall_tui.clock import SystemClock
from pyhall_tui.journal.journal import Journal
if os.geteuid() == 0:
    os.setuid(65534)
journal = Journal.open(Path(sys.argv[1]), SystemClock())
print(journal.is_kept, *journal.notes)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")
@pytest.mark.parametrize("exists", [True, False])
def test_a_read_only_folder_ends_in_memory(exists):
    """F37."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        path = folder / "journal.db"
        if exists:
            fill(path, 1)
            path.chmod(0o444)
        folder.chmod(0o555)
        done = subprocess.run([sys.executable, "-c", READ_ONLY, path], capture_output=True, text=True, check=True)
        folder.chmod(0o755)
    assert done.stdout.startswith("False ")
    assert "memory only" in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="SQLite's POSIX file layers")
@pytest.mark.parametrize("began_with_wal", [False, True])
def test_without_shared_memory_another_journal_mode_is_used(tmp_path, began_with_wal):
    """F39: SQLite's dot-file locking knows no shared memory, as a network file system may not."""
    path = tmp_path / "journal.db"
    if began_with_wal:
        fill(path, 3)
    with open_at(path, connect=on_vfs("unix-dotfile")) as journal:
        assert "uses mode" in journal.notes[0]
        assert journal.is_kept
        assert works(journal)
        assert len(journal.all_verdicts("prod")) == (3 if began_with_wal else 0)
    assert rows_in(path, "events") == (4 if began_with_wal else 1)


@pytest.mark.parametrize("code", [sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_IOERR_LOCK])
def test_if_locking_fails_in_every_mode_memory_is_used(tmp_path, code):
    """F39."""

    class NoLocks(sqlite3.Connection):
        def execute(self, statement: str, *values: object) -> sqlite3.Cursor:
            if statement.startswith("BEGIN"):
                error = sqlite3.OperationalError("locking protocol")
                error.sqlite_errorcode = code
                raise error
            return super().execute(statement, *values)

    def connect(path: Path, **options: object) -> sqlite3.Connection:
        return sqlite3.connect(path, factory=NoLocks, **options)

    with open_at(tmp_path / "journal.db", connect=connect) as journal:
        assert "memory only" in journal.notes[0]
        assert works(journal)


@pytest.mark.parametrize(("make", "told"), [(Path.mkdir, "it is a folder"), (os.mkfifo, "it is a pipe, socket")])
def test_what_is_not_a_file_ends_in_memory_and_is_named(tmp_path, make, told):
    """F39, F43."""
    make(tmp_path / "journal.db")
    with open_at(tmp_path / "journal.db") as journal:
        assert told in journal.notes[0] and "memory only" in journal.notes[0]
        assert works(journal)


def test_a_file_that_another_program_locks_permanently_ends_in_memory(tmp_path):
    """F39: never "database is locked" as the last word."""
    path = tmp_path / "journal.db"
    fill(path, 1)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode=EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    with open_at(path) as journal:
        assert "another program has locked it" in journal.notes[0]
        assert works(journal)
    other.close()


def test_only_the_writer_waits_for_another_programs_long_write(tmp_path):
    """F39."""
    path = tmp_path / "journal.db"
    fill(path, 2)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with open_at(path) as journal:
        assert journal.is_kept
        assert len(journal.all_verdicts("prod")) == 2
        journal.record_event("prod", event(worker_id="new"))
        other.execute("ROLLBACK")
        assert journal.flush(10)
        assert journal.notes == ()
    other.close()
    assert rows_in(path, "events") == 3


@pytest.mark.parametrize("spared", [0, 4_096], ids=["all pages", "all but the first page"])
def test_noise_over_the_pages_is_set_aside(tmp_path, spared):
    """F40: under a name that is shown; the fleet starts as unknown, a new journal is begun."""
    path = tmp_path / "journal.db"
    fill(path)
    size = path.stat().st_size
    noise = random.Random(40).randbytes(size - spared)
    with path.open("r+b") as file:
        file.seek(spared)
        file.write(noise)
    with open_at(path) as journal:
        assert journal.all_verdicts("prod") == []
        until(lambda: journal.notes != ())
        (aside,) = tmp_path.glob("journal.db.damaged-*[0-9]")
        assert str(aside) in journal.notes[0]
        assert aside.read_bytes()[spared:size] == noise
        until(lambda: works(journal))
    with open_at(path) as journal:
        assert journal.notes == ()
        assert journal.events("prod", worker="new")


def test_damage_that_appears_while_running_is_set_aside(tmp_path):
    """F40."""
    path = tmp_path / "journal.db"
    fill(path)
    with open_at(path) as journal:
        assert journal.flush(30)
        other = sqlite3.connect(path)
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        other.close()
        with path.open("r+b") as file:
            file.write(b"\xa5" * path.stat().st_size)
        until(lambda: works(journal))
        assert "set aside" in journal.notes[0]


def test_a_file_set_aside_by_another_program_is_not_set_aside_twice(tmp_path):
    """F40: two programs meet the same damage; the second continues with the file that the first has started."""
    path = tmp_path / "journal.db"
    fill(path)
    with open_at(path) as first, open_at(path) as second:
        assert first.flush(30)
        assert second.flush(30)
        for suffix in ("", "-wal", "-shm"):
            damaged = path.with_name(path.name + suffix)
            with damaged.open("r+b") as file:  # in place: truncating a shared map would kill every process that has it
                file.write(b"\xa5" * damaged.stat().st_size)
        until(lambda: works(first))
        until(lambda: works(second))
        assert first.is_kept and second.is_kept
    assert len(list(tmp_path.glob("journal.db.damaged-*[0-9]"))) == 1
    assert rows_in(path, "events") >= 2


def test_a_newer_file_is_left_untouched(tmp_path):
    path = tmp_path / "journal.db"
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    connection.close()
    before = path.read_bytes()
    with open_at(path) as journal:
        assert "newer pyhall-tui" in journal.notes[0]
        assert works(journal)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_an_older_file_is_brought_forward(tmp_path, monkeypatch):
    path = tmp_path / "journal.db"
    fill(path, 2)
    added = "ALTER TABLE events ADD COLUMN later TEXT;\nCREATE INDEX events_later ON events (later);\n"
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, added))
    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)
    with open_at(path) as journal:
        assert journal.notes == ()
        assert len(journal.all_verdicts("prod")) == 2
    connection = sqlite3.connect(path)
    assert schema.version_of(connection) == schema.VERSION
    assert connection.execute("SELECT later FROM events").fetchall() == [(None,), (None,)]
    connection.close()


class FullDisk:
    """A `connect` whose file may not grow until `room` is set."""

    def __init__(self) -> None:
        self.connections: list[sqlite3.Connection] = []

    def __call__(self, path: Path, **options: object) -> sqlite3.Connection:
        self.connections.append(sqlite3.connect(path, **options))
        return self.connections[-1]

    def fill(self) -> None:
        self.connections[0].execute("PRAGMA max_page_count=1")

    def free(self) -> None:
        self.connections[0].execute("PRAGMA max_page_count=1000000")


def test_a_full_disk_is_reported_and_waiting_rows_are_written_once_there_is_room(tmp_path):
    path = tmp_path / "journal.db"
    disk = FullDisk()
    with open_at(path, connect=disk) as journal:
        assert journal.flush(30)
        disk.fill()
        for n in range(1_000):
            journal.record_event("prod", event(worker_id=f"w{n}"))
        until(lambda: any("the disk is full" in note for note in journal.notes))
        with pytest.raises(NotKept, match="the disk is full"):
            journal.record_enrollment_now("prod", enrollment(), timeout=0.2)
        assert journal.events("prod") == []
        disk.free()
        until(lambda: len(journal.events("prod", limit=9_999)) == 1_000)
        assert journal.notes == ()


def test_what_waits_for_a_full_disk_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "MOST_WAITING", 100)
    disk = FullDisk()
    with open_at(tmp_path / "journal.db", connect=disk) as journal:
        assert journal.flush(30)
        disk.fill()
        for n in range(1_000):
            journal.record_event("prod", event(worker_id=f"w{n:03}"))
        until(lambda: any("the disk is full" in note for note in journal.notes))
        disk.free()
        until(lambda: len(journal.events("prod", limit=9_999)) == 100)
        assert journal.events("prod")[0].worker_id == "w999"
        assert "lost 900 rows" in journal.notes[0]


def test_closing_over_a_full_disk_ends_in_time_and_says_that_something_is_lost(tmp_path):
    disk = FullDisk()
    journal = open_at(tmp_path / "journal.db", connect=disk)
    assert journal.flush(30)
    disk.fill()
    for n in range(1_000):
        journal.record_event("prod", event(worker_id=f"w{n}"))
    assert journal.close(timeout=0.3) is False
