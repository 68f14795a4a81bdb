"""One writer at a time: between two programs, two threads, and after one is killed."""

import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pyhall_tui.files import safe_file
from pyhall_tui.files.safe_file import FileBusy, locked

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and locks of POSIX")

HOLDS = """
import sys, time
from pathlib import Path
from pyhall_tui.files.safe_file import locked
with locked(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def short_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safe_file, "LOCK_WAIT", 0.05)


def test_another_program_has_the_lock_until_it_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "profiles.toml"
    with subprocess.Popen([sys.executable, "-c", HOLDS, path], stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout is not None and other.stdout.readline() == "locked\n"
            with pytest.raises(FileBusy, match="another pyhall-tui is writing it"), locked(path):
                pass
        finally:
            other.send_signal(signal.SIGKILL)
            other.wait()
        with locked(path):
            pass


def test_two_holders_in_one_program_exclude_each_other_too(tmp_path: Path) -> None:
    with locked(tmp_path / "file"):
        with pytest.raises(FileBusy), locked(tmp_path / "file"):
            pass
        with locked(tmp_path / "another"):
            pass
    with locked(tmp_path / "file"):
        pass


def test_a_lock_may_be_taken_on_one_thread_and_released_on_another(tmp_path: Path) -> None:
    """A batch takes the lock outside the event loop."""
    for _ in range(2):
        lock = locked(tmp_path / "file")
        thread = threading.Thread(target=lock.__enter__)
        thread.start()
        thread.join()
        with pytest.raises(FileBusy), locked(tmp_path / "file"):
            pass
        lock.__exit__(None, None, None)


def test_a_child_that_is_forked_meanwhile_does_not_keep_the_lock(tmp_path: Path) -> None:
    hold, let_go = os.pipe()
    with locked(tmp_path / "file"):
        child = os.fork()
        if child == 0:
            os.close(let_go)
            os.read(hold, 1)
            os._exit(0)
    os.close(hold)
    with locked(tmp_path / "file"):
        pass
    os.close(let_go)
    os.waitpid(child, 0)


@pytest.mark.parametrize("fault", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL], ids=os.strerror)
def test_a_file_system_without_locks_is_written_anyway(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: int
) -> None:
    """F39"""

    def refuse(handle: int, operation: int) -> None:
        raise OSError(fault, os.strerror(fault))

    monkeypatch.setattr("fcntl.flock", refuse)
    with locked(tmp_path / "file"):
        safe_file.write_atomically(tmp_path / "file", b"written")
    assert (tmp_path / "file").read_bytes() == b"written"


def test_a_lock_file_that_is_a_pipe_is_refused_and_not_waited_on(tmp_path: Path) -> None:
    """F43"""
    os.mkfifo(tmp_path / ".file.lock")
    with pytest.raises(OSError, match="it is a pipe"), locked(tmp_path / "file"):
        pass


def test_what_a_lock_file_holds_is_left_untouched(tmp_path: Path) -> None:
    """Our own link may lead to a file of ours."""
    (tmp_path / "mine").write_text("mine")
    (tmp_path / ".file.lock").symlink_to("mine")
    with locked(tmp_path / "file"):
        pass
    assert (tmp_path / "mine").read_text() == "mine"
    assert (tmp_path / ".file.lock").is_symlink()
