"""A batch whose journal can't vouch for what was sent before: nothing is sent, and the reason is given."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from pyhall_tui.enroll.batch import batch_lock
from pyhall_tui.files.drafts import Drafts
from pyhall_tui.files.safe_file import locked
from pyhall_tui.profiles.profile import Profile
from tests.commands.asking import run_program
from tests.commands.test_enroll import ENROLL, batch, enroll, enrolled
from tests.live_hall import LiveHall


def journal_of(home: Path) -> Path:
    return home / "data" / "journal.db"


def is_from_a_newer_version(journal: Path) -> None:
    with closing(sqlite3.connect(journal)) as connection:
        connection.execute("PRAGMA user_version=99")


def is_a_folder(journal: Path) -> None:
    journal.unlink()
    journal.mkdir()


def is_a_link_to_a_place_that_is_gone(journal: Path) -> None:
    journal.unlink()
    journal.symlink_to(journal.parent / "unmounted" / "journal.db")


def has_a_file_for_its_folder(journal: Path) -> None:
    shutil.rmtree(journal.parent)
    journal.parent.write_text("")


def is_noise(journal: Path) -> None:
    journal.write_bytes(os.urandom(journal.stat().st_size))


def has_noise_in_its_rows(journal: Path) -> None:
    """Every page but the first, which holds the tables' names."""
    data = journal.read_bytes()
    journal.write_bytes(data[:4096] + os.urandom(len(data) - 4096))


def was_set_aside_in_between(journal: Path) -> None:
    journal.rename(journal.with_name("journal.db.damaged-20260101-000000-1"))


def was_deleted(journal: Path) -> None:
    shutil.rmtree(journal.parent)


def has_rows_that_nobody_can_read(journal: Path) -> None:
    with closing(sqlite3.connect(journal)) as connection, connection:
        connection.execute("UPDATE enrollments SET state = 'of-a-later-version'")


SPOILED: list[Callable[[Path], None]] = [
    is_from_a_newer_version,
    is_a_folder,
    is_a_link_to_a_place_that_is_gone,
    has_a_file_for_its_folder,
    is_noise,
    has_noise_in_its_rows,
    was_set_aside_in_between,
    was_deleted,
    has_rows_that_nobody_can_read,
]


@pytest.mark.parametrize("spoil", SPOILED, ids=lambda spoil: spoil.__name__)
def test_a_batch_whose_journal_can_not_be_read_is_not_sent_again(
    hall: LiveHall, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    """F64, F40"""
    path = batch(tmp_path, 2)
    assert enroll(tmp_path, hall, "--from", str(path), "--yes").returncode == 0
    spoil(journal_of(tmp_path))
    for _ in range(2):  # what the first try left behind does not fool it
        done = enroll(tmp_path, hall, "--from", str(path), "--yes")
        assert done.returncode == 2, done.stderr
        assert "journal" in done.stderr + done.stdout
        assert "Traceback" not in done.stderr
        assert enrolled(hall) == {"w0": 1, "w1": 1}


def test_a_batch_whose_journal_was_restored_from_an_older_copy_is_not_sent_again(
    hall: LiveHall, tmp_path: Path
) -> None:
    """F64: asked again, and then the operator's word counts."""
    assert enroll(tmp_path, hall, "--from", str(batch(tmp_path, 1)), "--yes").returncode == 0
    shutil.copytree(tmp_path / "data", tmp_path / "copy")
    path = batch(tmp_path, 3)
    assert enroll(tmp_path, hall, "--from", str(path), "--yes").returncode == 0
    shutil.rmtree(tmp_path / "data")
    shutil.copytree(tmp_path / "copy", tmp_path / "data")
    done = enroll(tmp_path, hall, "--from", str(path), "--yes")
    assert (done.returncode, enrolled(hall)) == (2, {"w0": 1, "w1": 1, "w2": 1})
    assert "older copy" in done.stderr and "--despite-lost-journal" in done.stderr
    told = enroll(tmp_path, hall, "--from", str(batch(tmp_path, 4)), "--yes", "--despite-lost-journal")
    assert (told.returncode, enrolled(hall)) == (0, {"w0": 1, "w1": 2, "w2": 2, "w3": 1})
    assert enroll(tmp_path, hall, "--from", str(batch(tmp_path, 5)), "--yes").returncode == 0


def test_a_package_that_was_sent_is_not_sent_again_from_another_folder_nor_by_its_hash(
    hall: LiveHall, tmp_path: Path
) -> None:
    """F64: the batch was moved, or checked out elsewhere; then its line names the hash."""
    first, moved = tmp_path / "first", tmp_path / "moved"
    (first / "package").mkdir(parents=True)
    (first / "package" / "worker.py").write_text("print(1)\n")
    line = '{"display_name": "w0", "capabilities": ["mail.send"], %s}'
    (first / "batch.jsonl").write_text(line % '"package": "package"')
    shutil.copytree(first, moved)
    assert enroll(tmp_path, hall, "--from", str(first / "batch.jsonl"), "--yes").returncode == 0
    (worker,) = (worker for worker in hall.store.workers() if worker.display_name == "w0")
    (tmp_path / "by-hash.jsonl").write_text(line % f'"sha256": "{worker.sha256}"')
    for again in (moved / "batch.jsonl", tmp_path / "by-hash.jsonl"):
        done = enroll(tmp_path, hall, "--from", str(again), "--yes")
        assert (done.returncode, enrolled(hall)) == (0, {"w0": 1}), done.stderr
    (first / "package" / "worker.py").write_text("print(2)\n")
    assert enroll(tmp_path, hall, "--from", str(first / "batch.jsonl"), "--yes").returncode == 0
    assert enrolled(hall) == {"w0": 1}, "a package that was changed is the same worker still"


@pytest.mark.parametrize("text", ["", "seven", "\ufeff\x00"])
def test_a_count_of_runs_that_can_not_be_read_sends_nothing(hall: LiveHall, tmp_path: Path, text: str) -> None:
    """F64"""
    assert enroll(tmp_path, hall, "--from", str(batch(tmp_path, 1)), "--yes").returncode == 0
    (count,) = (tmp_path / "state" / "drafts").glob("batch-*.runs")
    count.write_text(text)
    done = enroll(tmp_path, hall, "--from", str(batch(tmp_path, 2)), "--yes")
    assert (done.returncode, enrolled(hall)) == (2, {"w0": 1})
    assert str(count) in done.stderr


@contextmanager
def held(journal: Path) -> Iterator[None]:
    with closing(sqlite3.connect(journal, isolation_level=None)) as connection:
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        yield


def test_a_batch_whose_journal_another_program_holds_is_not_sent(hall: LiveHall, tmp_path: Path) -> None:
    """F64"""
    path = batch(tmp_path, 2)
    assert enroll(tmp_path, hall, "--from", str(path), "--yes").returncode == 0
    with held(journal_of(tmp_path)):
        done = enroll(tmp_path, hall, "--from", str(path), "--yes")
    assert done.returncode == 2, done.stderr
    assert enrolled(hall) == {"w0": 1, "w1": 1}


def test_a_journal_that_was_set_aside_is_named_and_the_operators_word_lets_it_go_on(
    hall: LiveHall, tmp_path: Path
) -> None:
    """F64, F40"""
    aside = journal_of(tmp_path).with_name("journal.db.damaged-20260101-000000-1")
    aside.parent.mkdir()
    aside.write_bytes(b"noise")
    path = batch(tmp_path, 1)
    done = enroll(tmp_path, hall, "--from", str(path), "--yes")
    assert (done.returncode, enrolled(hall)) == (2, {})
    assert str(aside) in done.stderr and "--despite-lost-journal" in done.stderr
    done = enroll(tmp_path, hall, "--from", str(path), "--yes", "--despite-lost-journal")
    assert (done.returncode, enrolled(hall)) == (0, {"w0": 1})
    assert enroll(tmp_path, hall, "--from", str(path), "--yes").returncode == 0  # everything in it is known now


def test_the_same_batch_under_another_profile_for_the_registry_is_not_sent_again(
    hall: LiveHall, tmp_path: Path
) -> None:
    """F64: first only by the environment, then by a profile's name."""
    path = batch(tmp_path, 1)
    assert enroll(tmp_path, hall, "--from", str(path), "--yes").returncode == 0
    (tmp_path / "config").mkdir()
    profile = f'[profiles.acme]\nnamespace = "org.yourco"\nregistry_url = "{hall.url}"\n'
    (tmp_path / "config" / "profiles.toml").write_text(profile)
    done = run_program(tmp_path, "--profile", "acme", "enroll", "--from", str(path), "--yes", url="", key=hall.key)
    assert (done.returncode, enrolled(hall)) == (0, {"w0": 1}), done.stderr


@pytest.mark.parametrize("other", ["localhost", "LOCALHOST.", "[::ffff:127.0.0.1]"])
@pytest.mark.thorough
def test_the_same_batch_under_another_spelling_of_the_registry_is_not_sent_again(
    hall: LiveHall, tmp_path: Path, other: str
) -> None:
    """F64, F13: nor while a batch runs there."""
    path = batch(tmp_path, 1)
    assert enroll(tmp_path, hall, "--from", str(path), "--yes").returncode == 0
    url = hall.url.replace("127.0.0.1", other)
    done = run_program(tmp_path, "enroll", "--from", str(path), "--yes", url=url, key=hall.key)
    assert (done.returncode, enrolled(hall)) == (0, {"w0": 1}), done.stderr
    running = Profile(name="other", namespace="org.yourco", registry_url=hall.url)
    with locked(batch_lock(Drafts(tmp_path / "state", "other"), running)):
        done = run_program(tmp_path, "enroll", "--from", str(path), "--yes", url=url, key=hall.key)
    assert done.returncode == 2 and "Another pyhall-tui is enrolling a batch in this namespace" in done.stderr


def test_two_programs_under_two_profiles_for_the_registry_never_send_at_once(hall: LiveHall, tmp_path: Path) -> None:
    """F64"""
    path = batch(tmp_path, 1)
    (tmp_path / "config").mkdir()
    profile = f'[profiles.acme]\nnamespace = "org.yourco"\nregistry_url = "{hall.url}"\n'
    (tmp_path / "config" / "profiles.toml").write_text(profile)
    other = Profile(name="other", namespace="org.yourco", registry_url=hall.url)
    with locked(batch_lock(Drafts(tmp_path / "state", "other"), other)):
        done = run_program(tmp_path, "--profile", "acme", "enroll", "--from", str(path), "--yes", url="", key=hall.key)
    assert (done.returncode, enrolled(hall)) == (2, {})
    assert "Another pyhall-tui is enrolling a batch in this namespace" in done.stderr


def test_a_dry_run_needs_no_journal(hall: LiveHall, tmp_path: Path) -> None:
    """F64: it sends nothing; it says that what it shows may be enrolled already."""
    (tmp_path / "data").write_text("in the way")
    done = enroll(tmp_path, hall, "--from", str(batch(tmp_path, 1)), "--dry-run")
    assert done.returncode == 0
    assert "may already be enrolled" in done.stderr


def test_the_same_row_twice_is_sent_once(hall: LiveHall, tmp_path: Path) -> None:
    """F64"""
    path = batch(tmp_path, 1)
    path.write_text(f"{path.read_text()}\n{path.read_text()}")
    done = enroll(tmp_path, hall, "--from", str(path), "--yes")
    assert (done.returncode, enrolled(hall)) == (1, {})
    done = enroll(tmp_path, hall, "--from", str(path), "--yes", "--skip-wrong")
    assert (done.returncode, enrolled(hall)) == (1, {"w0": 1})


def test_a_registry_that_limits_the_rate_forever_is_reported_and_given_up(hall: LiveHall, tmp_path: Path) -> None:
    """F67: a line in a log, an end after the stated time, and what is left."""
    hall.faults.add(path=ENROLL, status=429, retry_after=1)
    done = enroll(tmp_path, hall, "--from", str(batch(tmp_path, 2)), "--yes", "--give-up-after", "0.05")
    assert (done.returncode, enrolled(hall)) == (2, {}), done.stderr
    assert "The registry limits the rate (429): next try in 1 s, at " in done.stderr
    assert "kept answering 429" in done.stderr
    assert "2 rows (1, 2) are not sent yet: run the batch again to continue where it stopped." in done.stderr
