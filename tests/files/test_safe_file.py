"""Writing to whatever has a file's name: links of both kinds, and things that are not files."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from pyhall_tui.files.regular_file import read_bounded
from pyhall_tui.files.safe_file import write_atomically
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.profile_store import ProfilesFileError, ProfileStore
from pyhall_tui.profiles.watch_list import WatchList

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links and pipes of POSIX")


@pytest.mark.parametrize("way", ["absolute", "relative", "a chain", "dangling", "into a folder that is missing"])
def test_a_link_of_any_kind_stays_one_and_its_target_is_written(tmp_path: Path, way: str) -> None:
    """F36"""
    link, target = tmp_path / "here" / "file", tmp_path / "there" / "file"
    link.parent.mkdir()
    leads_to = {"relative": Path("../there/file"), "a chain": tmp_path / "between"}.get(way, target)
    (tmp_path / "between").symlink_to("there/file")
    link.symlink_to(leads_to)
    if way != "into a folder that is missing":
        target.parent.mkdir()
    if way not in ("dangling", "into a folder that is missing"):
        target.write_bytes(b"old")
    write_atomically(link, b"new")
    assert link.readlink() == leads_to
    assert target.read_bytes() == b"new"
    assert [path.name for path in target.parent.iterdir()] == ["file"]


def test_a_file_of_two_names_keeps_both(tmp_path: Path) -> None:
    """F36: a hard link into the repository."""
    repository, here = tmp_path / "repository", tmp_path / "here"
    repository.write_bytes(b"what was there before, and longer")
    here.hardlink_to(repository)
    write_atomically(here, b"new")
    assert repository.read_bytes() == b"new"
    assert here.samefile(repository)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_file_that_cannot_be_written_over_to_its_end_is_as_it_was(tmp_path: Path) -> None:
    """F36: the disk gets full in the middle of it."""
    repository, here = tmp_path / "repository", tmp_path / "here"
    repository.write_bytes(b"what was there before")
    here.hardlink_to(repository)
    program = (
        "import resource, signal, sys; from pathlib import Path; from pyhall_tui.files import safe_file\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4000, resource.RLIM_INFINITY))\n"
        "safe_file._write_over(Path(sys.argv[1]), b'x' * 9000)"
    )
    tried = subprocess.run([sys.executable, "-c", program, here], capture_output=True, text=True, check=False)
    assert "File too large" in tried.stderr
    assert repository.read_bytes() == b"what was there before"


def test_a_file_that_is_held_in_its_place_is_written_over_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F36: one file that is mounted into a container cannot be replaced."""

    def busy(source: Path, target: Path) -> None:
        raise OSError(16, os.strerror(16))

    (tmp_path / "file").write_bytes(b"what was there before")
    monkeypatch.setattr(Path, "replace", busy)
    write_atomically(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_file_marked_read_only_is_left_untouched_and_the_links_end_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F36: root may write it, so root is treated like anybody else here."""
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(PermissionError, match=rf"marked read-only: it is a link to {target}"):
        write_atomically(link, b"new")
    assert target.read_bytes() == b"old"


@pytest.mark.parametrize("kind", ["pipe", "socket", "a link to a device", "folder"])
def test_what_is_not_a_file_is_neither_waited_on_nor_replaced(tmp_path: Path, kind: str) -> None:
    """F43, F36"""
    path = tmp_path / "profiles.toml"
    server = socket.socket(socket.AF_UNIX)
    make = {
        "pipe": lambda: os.mkfifo(path),
        "socket": lambda: server.bind(str(path)),
        "a link to a device": lambda: path.symlink_to(os.devnull),
        "folder": path.mkdir,
    }
    with server:
        make[kind]()
        before = path.lstat()
        for attempt in (lambda: write_atomically(path, b"x"), lambda: read_bounded(path)):
            with pytest.raises(OSError, match=r"it is a (pipe, socket or device|folder)"):
                attempt()
        with pytest.raises(ProfilesFileError, match=r"It cannot be read \(it is a "):
            ProfileStore(path).save(Profile(name="a", namespace="org.a", registry_url="https://h"), None)
        assert (path.lstat().st_ino, path.lstat().st_mode) == (before.st_ino, before.st_mode)


def test_a_watch_list_that_is_a_pipe_is_reported_and_kept_in_memory(tmp_path: Path) -> None:
    """F43"""
    watched = WatchList(tmp_path, "acme")
    watched.path.parent.mkdir()
    os.mkfifo(watched.path)
    assert watched.load() == ()
    assert watched.problem is not None and "it is a pipe, socket or device" in watched.problem
    assert watched.add(["wkr_1"]) == ("wkr_1",)
    assert [worker.id for worker in watched.workers] == ["wkr_1"]
