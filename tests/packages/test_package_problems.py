"""What must not be skipped silently is an error that names it, and nothing ever waits forever."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pyhall_tui.packages.listing import Why
from pyhall_tui.packages.package_hash import Cancelled, HashProgress, PackageUnreadable, hash_package
from tests.packages.trees import contract_hash, write_tree

pytestmark = pytest.mark.timeout(20)
posix = pytest.mark.skipif(sys.platform == "win32", reason="pipes and modes of a POSIX system")
CHECKOUT = Path(__file__).parents[2]


def _problems(root: Path) -> dict[str, str]:
    with pytest.raises(PackageUnreadable) as caught:
        hash_package(root)
    return {problem.path: problem.reason for problem in caught.value.problems}


@pytest.fixture
def special(tmp_path: Path) -> Iterator[Path]:
    """A package with a pipe that nobody writes to, a socket, and a link to the pipe."""
    root = write_tree(tmp_path / "p", {"worker.py": "1", "sub/x.py": "2"})
    os.mkfifo(root / "sub" / "pipe")
    (root / "link").symlink_to(root / "sub" / "pipe")
    with socket.socket(socket.AF_UNIX) as listener, contextlib.chdir(root):
        listener.bind("socket")  # a short name: a socket's path has a limited length
        yield root


@posix
def test_a_pipe_a_socket_and_a_link_to_a_pipe_are_named_and_never_waited_on(special: Path) -> None:
    """F43."""
    assert _problems(special) == {"link": "a link to a named pipe", "socket": "a socket", "sub/pipe": "a named pipe"}


@posix
def test_on_demand_pipes_and_sockets_are_left_out_and_listed(special: Path) -> None:
    """F43: the hash is that of the regular files, each thing left out has its reason."""
    package = hash_package(special, skip_special=True)
    assert {left.path: left.reason for left in package.left_out} == dict.fromkeys(
        ["link", "socket", "sub/pipe"], Why.SPECIAL
    )
    for path in ("link", "socket", "sub/pipe"):
        (special / path).unlink()
    assert package.sha256 == contract_hash(special)


@posix
def test_the_error_says_whether_leaving_out_pipes_would_help(special: Path) -> None:
    with pytest.raises(PackageUnreadable) as caught:
        hash_package(special)
    assert caught.value.only_special
    (special / "gone").symlink_to("nowhere")
    with pytest.raises(PackageUnreadable) as caught:
        hash_package(special, skip_special=True)
    assert not caught.value.only_special


@posix
def test_a_pipe_in_a_files_place_since_the_listing_is_not_waited_on(tmp_path: Path) -> None:
    root = _sparse(tmp_path, first=256 << 20, second=1 << 20)

    def swap() -> None:
        (root / "second").unlink()
        os.mkfifo(root / "second")

    assert "second" in _while_read(root, swap)


def test_links_that_lead_nowhere_are_named(tmp_path: Path) -> None:
    root = write_tree(tmp_path, {"a": "1"})
    (root / "broken").symlink_to("nowhere")
    (root / "loop").symlink_to("loop")
    (root / "one").symlink_to("two")
    (root / "two").symlink_to("one")
    assert _problems(root) == {
        "broken": "a link to something that does not exist",
        "loop": "a link that leads to itself",
        "one": "a link that leads to itself",
        "two": "a link that leads to itself",
    }


def test_a_link_to_the_folder_above_ends(tmp_path: Path) -> None:
    root = write_tree(tmp_path, {"sub/a": "1"})
    (root / "sub" / "up").symlink_to(root)
    assert hash_package(root).sha256 == contract_hash(root)


@posix
def test_what_is_left_out_anyway_is_not_a_problem(tmp_path: Path) -> None:
    root = write_tree(tmp_path, {"a": "1", ".git/x": ""})
    (root / ".DS_Store").symlink_to("nowhere")
    (root / "x.pyc").symlink_to("nowhere")
    os.mkfifo(root / ".git" / "pipe")
    assert len(hash_package(root).files) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux takes names of any bytes")
def test_a_name_that_is_not_utf8_is_named_unless_it_is_left_out(tmp_path: Path) -> None:
    root = write_tree(tmp_path, {"a": "1", ".git/x": ""})
    for name in (b"caf\xe9.py", b".git/\xff", b"\xff.pyc"):
        Path(os.fsdecode(os.fsencode(root) + b"/" + name)).write_bytes(b"")
    assert _problems(root) == {"caf\\xe9.py": "its name is not UTF-8"}


def test_a_missing_root_is_an_error_and_not_the_hash_of_nothing(tmp_path: Path) -> None:
    assert _problems(tmp_path / "missing") == {".": "there is no such file or folder"}
    (tmp_path / "link").symlink_to("nowhere")
    assert _problems(tmp_path / "link") == {".": "a link to something that does not exist"}


@posix
def test_a_root_that_is_a_pipe_is_an_error(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert _problems(tmp_path / "pipe") == {".": "a named pipe"}


def test_the_sentence_names_the_first_paths_and_counts_the_rest(tmp_path: Path) -> None:
    for name in "abcde":
        (tmp_path / name).symlink_to("nowhere")
    with pytest.raises(PackageUnreadable, match=r"cannot be hashed: a: .*; b: .*; c: .*; and 2 more\."):
        hash_package(tmp_path)


@contextlib.contextmanager
def _without_roots_rights() -> Iterator[None]:
    """Nothing is unreadable for root, so become another user for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@posix
def test_unreadable_files_and_folders_are_all_named() -> None:
    root = Path(tempfile.mkdtemp())
    try:
        root.chmod(0o755)
        write_tree(root, {"ok": "1", "secret": "2", "closed/inner": "3", "listed only/inner": "4"})
        modes = {"secret": 0o000, "closed": 0o000, "listed only": 0o444}
        for name, mode in modes.items():
            (root / name).chmod(mode)
        with _without_roots_rights():
            assert _problems(root) == {
                "closed": "folder: permission denied",
                "listed only/inner": "permission denied",
                "secret": "permission denied",
            }
            assert _problems(root / "secret") == {".": "permission denied"}
    finally:
        for name in ("closed", "listed only"):
            (root / name).chmod(0o755)
        shutil.rmtree(root)


def _sparse(tmp_path: Path, **sizes: int) -> Path:
    """A package of files that take a while to read and no room on the disk."""
    root = tmp_path / "sparse"
    root.mkdir()
    for name, size in sizes.items():
        with (root / name).open("wb") as file:
            file.truncate(size)
    return root


def _while_read(root: Path, act: Callable[[], object]) -> dict[str, str]:
    """Hash on one thread, do `act` once some bytes are read, and return the reported problems."""
    done: list[bool] = []

    def on_progress(progress: HashProgress) -> None:
        if progress.bytes_done and not done:
            act()
            done.append(True)

    with pytest.raises(PackageUnreadable) as caught:
        hash_package(root, on_progress=on_progress, threads=1)
    assert done
    return {problem.path: problem.reason for problem in caught.value.problems}


def test_a_file_that_grows_while_it_is_read_is_named(tmp_path: Path) -> None:
    root = _sparse(tmp_path, first=256 << 20)

    def append() -> None:
        with (root / "first").open("ab") as file:
            file.write(b"more")

    assert _while_read(root, append) == {"first": "it changed while it was being read"}


def test_a_file_rewritten_in_place_at_the_same_size_is_named(tmp_path: Path) -> None:
    root = _sparse(tmp_path, first=256 << 20)

    def rewrite() -> None:
        with (root / "first").open("r+b") as file:
            file.write(b"X")

    assert _while_read(root, rewrite) == {"first": "it changed while it was being read"}


def test_a_file_that_vanishes_before_its_turn_is_named(tmp_path: Path) -> None:
    root = _sparse(tmp_path, first=256 << 20, second=1 << 20)
    assert _while_read(root, (root / "second").unlink) == {"second": "it vanished while it was being read"}


def test_a_file_that_changes_after_it_was_read_is_named(tmp_path: Path) -> None:
    """Otherwise the hashed package would never have existed: the small file is read first, then the large one."""
    root = write_tree(_sparse(tmp_path, large=256 << 20), {"small": "1"})
    reason = "it appeared, vanished or changed while the package was being read"
    assert _while_read(root, lambda: write_tree(root, {"small": "2"})) == {"small": reason}


def test_a_file_that_comes_meanwhile_is_named(tmp_path: Path) -> None:
    root = _sparse(tmp_path, first=256 << 20)
    reason = "it appeared, vanished or changed while the package was being read"
    assert _while_read(root, lambda: (root / "new").write_text("x")) == {"new": reason}


def test_bytecode_that_comes_meanwhile_is_not_a_change(tmp_path: Path) -> None:
    root = _sparse(tmp_path, first=256 << 20)
    before = hash_package(root).sha256

    def compile_it(progress: HashProgress) -> None:
        if progress.bytes_done:
            write_tree(root, {"__pycache__/w.pyc": "x"})

    assert hash_package(root, on_progress=compile_it).sha256 == before


def _reading_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "hash"]


def test_a_cancel_returns_at_once_and_the_readers_end(tmp_path: Path) -> None:
    """F30."""
    root = _sparse(tmp_path, first=64 << 30, second=64 << 30)
    cancel = threading.Event()
    start = time.monotonic()
    with pytest.raises(Cancelled):
        hash_package(root, on_progress=lambda progress: progress.bytes_done and cancel.set(), cancelled=cancel.is_set)
    assert time.monotonic() - start < 25  # to read it all takes more than that on any disk
    deadline = time.monotonic() + 30
    while _reading_threads() and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    assert not _reading_threads()


def test_a_process_ends_while_its_package_is_still_being_read(tmp_path: Path) -> None:
    """F30: no thread keeps the process alive, even without a cancel."""
    root = _sparse(tmp_path, first=64 << 30, second=64 << 30)
    program = """
import sys, threading, time
from pathlib import Path
from pyhall_tui.packages.package_hash import hash_package
reading = threading.Event()
run = lambda: hash_package(Path(sys.argv[1]), on_progress=lambda progress: progress.bytes_done and reading.set())
threading.Thread(target=run, daemon=True).start()
assert reading.wait(60)
print(time.time(), flush=True)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(root)], capture_output=True, text=True, check=True, cwd=CHECKOUT
    )
    assert time.time() - float(done.stdout) < 25  # to read it all takes more than that on any disk
