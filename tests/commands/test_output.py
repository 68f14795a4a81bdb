"""Where what a command prints goes nowhere, it ends with a code that tells, and no traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

from pyhall_tui.hall.store import Store


@pytest.fixture
def commands(tmp_path: Path) -> list[list[str]]:
    package = tmp_path / "package"
    package.mkdir()
    for number in range(3):
        (package / f"file-{number}").write_text("x")
    receipts = tmp_path / "evidence.log"
    receipts.write_text('{"prev_hash": "GENESIS", "entry_hash": "", "receipt": {}}\n' * 3)
    store = tmp_path / "hall.db"
    Store(store).close()
    return [
        ["hash", "--files", str(package)],
        ["evidence", "list", str(receipts)],
        ["hall", "export", "--db", str(store)],
        ["hall", "status", "--db", str(store)],
    ]


def ended(command: list[str], out: int) -> tuple[int, bytes]:
    done = subprocess.run(
        [sys.executable, "-m", "pyhall_tui", *command], stdout=out, stderr=-1, timeout=60, check=False
    )
    return done.returncode, done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGPIPE there")
def test_a_reader_that_has_enough_is_no_fault(commands: list[list[str]]) -> None:
    """F29: as `head` does to a pipe."""
    for command in commands:
        process = subprocess.Popen(
            [sys.executable, "-m", "pyhall_tui", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert (process.wait(60), process.stderr.read()) == (141, b"")
        process.stderr.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device")
def test_a_full_disk_is_said_in_one_line(commands: list[list[str]]) -> None:
    """F29"""
    with Path("/dev/full").open("w") as full:
        for command in commands:
            code, said = ended(command, full.fileno())
            assert (code, said) == (2, b"pyhall-tui: This cannot be printed: No space left on device.\n")
