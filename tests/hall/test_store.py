"""The store: what it keeps, with several threads and processes."""

import shutil
import sqlite3
import stat
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from pyhall_tui.hall import gate
from pyhall_tui.hall.context import Hall
from pyhall_tui.hall.errors import StoreError
from pyhall_tui.hall.models import Asked, Worker
from pyhall_tui.hall.seed import seed_demo
from pyhall_tui.hall.store import SqliteStore, Store, hash_key


@pytest.fixture
def store() -> Store:
    store = SqliteStore()
    store.put_worker(Worker(worker_id="w", namespace="n", sha256="ab" * 32, attested_at="2026"))
    return store


def worker(store: Store, worker_id: str = "w") -> Worker:
    known = store.worker(worker_id)
    assert known is not None
    return known


def test_a_hash_on_the_ban_list_bans_each_worker_that_has_it(store: Store) -> None:
    store.put_worker(Worker(worker_id="twin", namespace="m", sha256="ab" * 32, attested_at="2026"))
    store.ban_hash("ab" * 32, "malware")
    assert worker(store).banned and worker(store, "twin").banned
    store.attest("twin", "cd" * 32)
    assert not worker(store, "twin").banned


def test_a_banned_worker_stays_banned_whatever_it_attests(store: Store) -> None:
    store.ban("w", "reason")
    store.attest("w", "cd" * 32)
    assert worker(store).ban_reason == "reason"
    assert store.unban("w")
    assert not worker(store).banned
    assert not store.unban("w")


def test_a_write_is_all_or_nothing(store: Store) -> None:
    with pytest.raises(KeyError), store.write():
        store.ban("w", "reason")
        raise KeyError
    assert not worker(store).banned
    assert store.bans() == []


def test_two_stores_on_one_file_see_each_others_changes(tmp_path: Path) -> None:
    first, second = SqliteStore(tmp_path / "hall.db"), SqliteStore(tmp_path / "hall.db")
    token = first.add_key("n")
    assert second.find_key(token) is not None
    tag = first.ban_tag()
    second.ban_hash("ab" * 32, "x")
    assert first.ban_tag() != tag
    first.close()
    second.close()


def test_many_threads_and_two_stores_write_at_once(tmp_path: Path) -> None:
    stores = [SqliteStore(tmp_path / "hall.db"), SqliteStore(tmp_path / "hall.db")]

    def enroll(number: int) -> None:
        stores[number % 2].put_worker(Worker(worker_id=f"w{number}", namespace="n"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(enroll, range(200)))
    assert len(stores[0].workers()) == len(stores[1].workers("n")) == 200
    for store in stores:
        store.close()


@pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")
def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    SqliteStore(tmp_path / "deep" / "hall.db").close()
    assert stat.S_IMODE((tmp_path / "deep" / "hall.db").stat().st_mode) == 0o600


def test_a_store_of_a_newer_version_is_left_untouched(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "hall.db")
    db.execute("PRAGMA user_version=99")
    db.close()
    with pytest.raises(StoreError, match="newer"):
        SqliteStore(tmp_path / "hall.db")


def test_a_folder_is_not_a_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="can't open"):
        SqliteStore(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="file layers of POSIX")
@pytest.mark.parametrize("began_with_wal", [False, True])
def test_without_a_write_ahead_log_another_mode_is_used_and_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, began_with_wal: bool
) -> None:
    """F39: SQLite's dot-file locking knows no shared memory, as a network file system may not."""
    path, connect = tmp_path / "hall.db", sqlite3.connect
    if began_with_wal:
        first = SqliteStore(path)
        first.add_key("org.acme", "before")
        first.close()
    monkeypatch.setattr(sqlite3, "connect", lambda at, **o: connect(f"file:{at}?vfs=unix-dotfile", uri=True, **o))
    store = SqliteStore(path)
    assert store.note is not None and f"{path} does not support a write-ahead log: using mode" in store.note
    store.add_key("org.acme", "now")
    store.close()
    monkeypatch.undo()
    again = SqliteStore(path)
    assert again.note is None
    assert [key.label for key in again.all_keys()] == [*["before"] * began_with_wal, "now"]
    again.close()


def test_a_store_that_another_program_holds_is_reported_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F39: never "database is locked" as the last word."""
    path, connect = tmp_path / "hall.db", sqlite3.connect
    SqliteStore(path).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode=EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr(sqlite3, "connect", lambda at, **o: connect(at, **(o | {"timeout": 0.05})))
    with pytest.raises(StoreError, match="another program has locked it, or its file system has no locks"):
        SqliteStore(path)
    other.close()


def test_what_is_remembered_goes_with_a_change_of_another_process_and_with_one_that_was_undone(tmp_path: Path) -> None:
    served, other = SqliteStore(tmp_path / "hall.db"), SqliteStore(tmp_path / "hall.db")
    token = served.add_key("n")
    served.put_worker(Worker(worker_id="w", namespace="n", sha256="ab" * 32))

    def seen() -> tuple[bool, str, bool]:
        worker = served.worker("w")
        assert worker is not None
        return served.find_key(token) is not None, worker.status, worker.banned

    assert seen() == (True, "active", False)
    other.ban_hash("ab" * 32, "leaks")
    assert seen() == (True, "active", True)
    other.set_status("w", "retired")
    assert seen() == (True, "retired", True)
    other.revoke_key(other.all_keys()[0].key_id)
    assert seen() == (False, "retired", True)
    with pytest.raises(ZeroDivisionError), served.write():
        served.set_status("w", "revoked")
        assert seen()[1] == "revoked"
        raise ZeroDivisionError
    assert seen()[1] == "retired"
    served.close()
    other.close()


def test_a_change_that_gets_the_number_of_one_that_was_undone_is_noticed(tmp_path: Path) -> None:
    """A read within an undone write must not count the write's own changes as processed."""
    served, other = SqliteStore(tmp_path / "hall.db"), SqliteStore(tmp_path / "hall.db")
    served.put_worker(Worker(worker_id="w", namespace="n", sha256="ab" * 32))
    assert not worker(served).banned
    other.add_key("n")
    with pytest.raises(ZeroDivisionError), served.write():
        served.ban_hash("cd" * 32, "other")
        assert not worker(served).banned
        raise ZeroDivisionError
    assert not worker(served).banned
    other.ban_hash("ab" * 32, "leaks")
    assert worker(served).banned
    served.close()
    other.close()


def test_after_a_commit_that_failed_the_next_write_is_one_of_its_own(tmp_path: Path) -> None:
    """Without a write-ahead log, a slow reader keeps a commit out; what follows must not join a write never made."""
    path = tmp_path / "hall.db"
    store, reader = SqliteStore(path), sqlite3.connect(path, isolation_level=None)
    store._db._db.execute("PRAGMA journal_mode=DELETE").fetchall()
    store._db._db.execute("PRAGMA busy_timeout=20").fetchall()
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM meta").fetchall()
    with pytest.raises(StoreError, match="locked"):
        store.ban_hash("ab" * 32, "leaks")
    assert not store.is_hash_banned("ab" * 32)
    reader.execute("COMMIT")
    store.ban_hash("cd" * 32, "leaks")
    assert reader.execute("SELECT sha256 FROM bans").fetchall() == [("cd" * 32,)]
    reader.close()
    store.close()


def test_a_checkpoint_moves_what_was_written_into_the_file_while_it_is_open(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "hall.db")
    key = store.add_key("org.yourco")
    with store.snapshot():
        store.checkpoint()
    shutil.copy(tmp_path / "hall.db", tmp_path / "copy.db")  # without the log beside it
    assert SqliteStore(tmp_path / "copy.db").find_key(key) is not None


def test_a_store_of_the_last_version_gets_to_know_its_changes(tmp_path: Path) -> None:
    """Whoever writes to the file, in whatever way: the file itself notes it."""
    path = tmp_path / "hall.db"
    old = SqliteStore(path)
    old.put_worker(Worker(worker_id="w", namespace="n", sha256="ab" * 32, attested_at="2026"))
    old.close()
    with closing(sqlite3.connect(path)) as db:
        for (trigger,) in db.execute("SELECT name FROM sqlite_master WHERE name LIKE '%noted'").fetchall():
            db.execute(f"DROP TRIGGER {trigger}")
        db.executescript("DROP TABLE changes; PRAGMA user_version=3")
    with closing(sqlite3.connect(path, isolation_level=None)) as by_hand:
        by_hand.execute("SELECT * FROM workers").fetchall()  # as a program of the last version that is running
        store = SqliteStore(path)
        assert not worker(store).banned
        by_hand.execute("INSERT INTO bans VALUES (?, 'by hand', '2026', 'x', NULL, 0)", ("ab" * 32,))
        assert worker(store).hash_ban_reason == "by hand"
        by_hand.execute("UPDATE bans SET reason = 'again'")
        assert worker(store).hash_ban_reason == "again"
        by_hand.execute("DELETE FROM bans")
        assert not worker(store).banned
        by_hand.execute("UPDATE workers SET worker_id = 'v'")
        assert store.worker("w") is None and not worker(store, "v").banned
        store.close()


def test_a_store_from_before_scopes_keeps_its_keys_and_a_hall_of_then_refuses_scoped_ones(tmp_path: Path) -> None:
    path = tmp_path / "hall.db"
    made = SqliteStore(path)
    token = made.add_key("n")
    made.close()
    with closing(sqlite3.connect(path)) as db:
        db.executescript("DROP TABLE scoped_keys; DROP TABLE key_uses; PRAGMA user_version=6")
    with closing(sqlite3.connect(path)) as running:
        store = SqliteStore(path)
        kept = store.find_key(token)
        assert kept is not None and kept.scopes == ()
        scoped = store.add_key("n", scopes=("hall:enroll",))
        then = "SELECT * FROM keys WHERE key_hash = ? AND revoked_at IS NULL"
        assert len(running.execute(then, (hash_key(token),)).fetchone()) == 6, "its columns are what they were"
        assert running.execute(then, (hash_key(scoped),)).fetchone() is None
        store.close()


def test_a_use_that_cannot_be_noted_now_can_be_later(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "hall.db")
    with closing(sqlite3.connect(tmp_path / "hall.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked"):
            store.note_key_uses({"k": 1e9})
        other.execute("COMMIT")
    store.note_key_uses({"k": 1e9})
    assert store.key_uses() == {"k": "2001-09-09T01:46:40.000Z"}
    store.close()


def test_dispatches_read_nothing_from_the_file_and_a_verify_neither(tmp_path: Path) -> None:
    """Judging is from memory: what is asked of the file is whether it has changed."""
    store = SqliteStore(tmp_path / "hall.db")
    seed_demo(store, 1.8e9)
    hall = Hall(store)
    asked = Asked(namespace="org.yourco", capability="llm.text.generate", worker_id="wkr_abc123", tier="low")
    asked_of_it: list[str] = []
    gate.dispatch_all(hall, [(asked, "c")])
    store._db._db.set_trace_callback(asked_of_it.append)
    gate.dispatch_all(hall, [(asked, "c")] * 16)
    kinds = Counter(statement.split()[0] for statement in asked_of_it)
    assert set(kinds) == {"BEGIN", "PRAGMA", "INSERT", "COMMIT"}, "nothing is read but whether somebody else wrote"
    assert kinds["BEGIN"] == kinds["COMMIT"] == 1 and kinds.total() <= 16 + 8
    asked_of_it.clear()
    assert store.worker("wkr_abc123") is not None
    assert asked_of_it == ["PRAGMA data_version"]
    store.close()
