"""F100: what we write is only for its owner, whatever the umask, and never where another user's link leads."""

import os
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pyhall_tui.clock import SystemClock
from pyhall_tui.files.drafts import Drafts
from pyhall_tui.files.notes import Notes
from pyhall_tui.files.private_file import make_private_folder, trusted_path
from pyhall_tui.files.safe_file import locked, write_atomically
from pyhall_tui.hall.errors import StoreError
from pyhall_tui.hall.store import SqliteStore
from pyhall_tui.journal.export import ExportFailed, write_records
from pyhall_tui.journal.journal import Journal
from pyhall_tui.logs.log_file import LogFile
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.profile_store import ProfileStore
from pyhall_tui.profiles.watch_list import WatchList

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="modes and owners of POSIX")
as_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="root alone can give files away")

ACME = Profile(name="acme", namespace="org.acme", registry_url="https://api.pyhall.dev")
SOMEBODY, ANOTHER = 12_345, 12_346


def write_lock(path: Path) -> None:
    with locked(path):
        pass


def write_log(path: Path) -> None:
    LogFile(path).close()


def write_store(path: Path) -> None:
    SqliteStore(path).close()


def write_journal(path: Path) -> None:
    with Journal.open(path, SystemClock()) as journal:
        assert journal.flush(30)


WRITERS: dict[str, Callable[[Path], object]] = {
    "report, baseline, record": lambda path: write_atomically(path, b"x"),
    "export": lambda path: write_records([{"a": 1}], ["a"], path.with_suffix(".csv")),
    "lock": write_lock,
    "log": write_log,
    "hall's store": write_store,
    "journal": write_journal,
    "profiles": lambda path: ProfileStore(path).save(ACME, None),
    "watch list": lambda path: WatchList(path.parent, "acme").add(["wkr_1"]),
    "draft": lambda path: Drafts(path.parent, "acme").save("form", {"a": 1}),
    "note": lambda path: Notes(path.parent, "acme").save("kind", "key", 1),
}


@pytest.fixture(params=[0o000, 0o777, 0o277], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.mark.parametrize("writer", WRITERS)
def test_files_are_0600_and_folders_0700_whatever_the_umask(tmp_path: Path, umask: int, writer: str) -> None:
    """F100"""
    folder = tmp_path / "a" / "b"
    if writer == "export":  # into a folder that the user made
        make_private_folder(folder)
    WRITERS[writer](folder / "file")
    modes = {path.relative_to(tmp_path): stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert len(modes) > 2
    assert modes == {path: 0o700 if (tmp_path / path).is_dir() else 0o600 for path in modes}


def test_what_sqlite_keeps_beside_its_file_is_private_too(tmp_path: Path) -> None:
    """F100"""
    before = os.umask(0)
    try:
        store = SqliteStore(tmp_path / "hall.db")
    finally:
        os.umask(before)
    kept = sorted(path.name for path in tmp_path.iterdir())
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    store.close()
    assert kept == ["hall.db", "hall.db-shm", "hall.db-wal"]
    assert modes == {0o600}


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A folder like /tmp: everybody may write to it, but delete only their own files."""
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o1777)
    return folder


def planted(link: Path, target: Path) -> None:
    link.symlink_to(target)
    os.chown(link, SOMEBODY, SOMEBODY, follow_symlinks=False)


@as_root
@pytest.mark.parametrize("writer", ["report, baseline, record", "lock", "log", "hall's store", "journal", "profiles"])
def test_another_users_link_in_a_shared_folder_is_not_followed(tmp_path: Path, shared: Path, writer: str) -> None:
    """F100: with the file's own name, or that of the lock beside it."""
    victim = tmp_path / "victim"
    victim.write_text("mine")
    planted(shared / "file", victim)
    planted(shared / ".file.lock", victim)
    try:
        WRITERS[writer](shared / "file")
    except (PermissionError, StoreError) as refused:
        assert "another user's link in a folder that others may write to" in str(refused)
    except Exception as refused:
        assert "another user's link" in str(refused), refused
    else:
        assert writer == "journal"  # it continues in memory, and says so
    assert victim.read_text() == "mine"


@as_root
@pytest.mark.parametrize("deep", [False, True])
def test_another_users_link_among_the_folders_is_not_followed_either(tmp_path: Path, shared: Path, deep: bool) -> None:
    """F100"""
    (tmp_path / "home" / "sub").mkdir(parents=True)
    planted(shared / "reports", tmp_path / "home")
    folder = shared / "reports" / "sub" if deep else shared / "reports"
    with pytest.raises(PermissionError, match="another user's link"):
        write_atomically(folder / "file", b"x")
    with pytest.raises(ExportFailed, match=r"another user's link|Permission denied"):
        write_records([{"a": 1}], ["a"], folder / "file.csv")
    assert [path for path in (tmp_path / "home").rglob("*") if path.is_file()] == []


@as_root
def test_another_users_file_or_second_name_in_a_shared_folder_is_not_written_over(tmp_path: Path, shared: Path) -> None:
    """F100"""
    mine = tmp_path / "mine"
    mine.write_text("mine")
    (shared / "second").hardlink_to(mine)
    with pytest.raises(PermissionError, match="second name"):
        write_atomically(shared / "second", b"x")
    assert mine.read_text() == "mine"
    theirs = shared / "theirs"
    theirs.write_text("theirs")
    os.chown(theirs, SOMEBODY, SOMEBODY)
    for write in (lambda: write_atomically(theirs, b"x"), lambda: write_log(theirs)):
        with pytest.raises(PermissionError, match="another user's file"):
            write()
    assert theirs.read_text() == "theirs"


@as_root
def test_links_of_ones_own_and_of_the_folders_owner_are_followed(tmp_path: Path, shared: Path) -> None:
    """F36, F100: a dotfiles repository, and a link such as /tmp itself on macOS."""
    (tmp_path / "there").mkdir()
    (shared / "mine").symlink_to("../there")
    os.chown(shared, ANOTHER, ANOTHER)
    (shared / "theirs").symlink_to(tmp_path / "there" / "file")
    os.chown(shared / "theirs", ANOTHER, ANOTHER, follow_symlinks=False)
    write_atomically(shared / "mine" / ".." / "there" / "file", b"one")
    write_atomically(shared / "theirs", b"two")
    assert (tmp_path / "there" / "file").read_bytes() == b"two"
    assert (shared / "theirs").is_symlink()
    private = tmp_path / "private"  # others cannot put a link here
    private.symlink_to(tmp_path / "there")
    os.chown(private, SOMEBODY, SOMEBODY, follow_symlinks=False)
    assert trusted_path(private / "file") == tmp_path / "there" / "file"


def test_links_are_followed_as_the_system_follows_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F36"""
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "link").symlink_to("a/b")
    (tmp_path / "again").symlink_to(tmp_path / "link" / ".." / "x")
    (tmp_path / "round").symlink_to("round")
    monkeypatch.chdir(tmp_path / "a")
    for path in (Path("../link/../x"), Path("x"), tmp_path / "again", Path("../missing/x"), Path(), Path("/")):
        assert trusted_path(path) == Path(os.path.realpath(path)), path
    with pytest.raises(OSError, match="circle"):
        trusted_path(tmp_path / "round" / "x")


def test_all_that_writes_files_goes_the_same_way() -> None:
    """F100"""
    package = Path(__file__).parents[2] / "pyhall_tui"
    ways = {"private_file.py", "whole_file.py", "safe_file.py"}
    opening = (".write_text(", ".write_bytes(", "O_CREAT", 'open("w', 'open("a', 'open("x', "mkstemp", ".mkdir(")
    found = {
        f"{path.name}: {way}"
        for path in package.rglob("*.py")
        for way in opening
        if path.name not in ways and way in path.read_text() and "devnull" not in path.read_text()
    }
    assert not found
