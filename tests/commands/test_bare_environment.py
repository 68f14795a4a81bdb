"""Commands in an almost empty environment, and what an unforeseen error looks like."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyhall_tui.packages.package_hash import hash_package
from tests.live_hall import LiveHall, live_hall

_UNKNOWN_USER = """
import pwd
def gone(uid):
    raise KeyError(f"getpwuid(): uid not found: {uid}")
pwd.getpwuid = gone
"""
_MAIN = """
from pyhall_tui.__main__ import main
main()
"""
NOBODY = _UNKNOWN_USER + _MAIN
"""The program as a user that the system does not know, as in a container that is started with any uid."""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a user without an entry is a thing of POSIX")


@pytest.fixture(scope="module")
def shared_hall() -> Iterator[LiveHall]:
    with live_hall() as hall:
        hall.add_worker("org.yourco.w")
        yield hall


def run(folder: Path, hall: LiveHall, *arguments: str, program: str = NOBODY) -> subprocess.CompletedProcess[str]:
    """Run a command with only the three variables, as `env -i` does."""
    environment = {"PYHALL_REGISTRY_URL": hall.url, "PYHALL_API_KEY": hall.key, "PYHALL_NAMESPACE": "org.yourco"}
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.thorough
def test_what_needs_no_folder_works_without_a_home(shared_hall: LiveHall, tmp_path: Path) -> None:
    """F75"""
    baseline = tmp_path / "baseline.toml"
    matrix = ("--worker", "org.yourco.w", "--capability", "mail.send")
    batch = tmp_path / "batch.jsonl"
    batch.write_text(json.dumps({"display_name": "w", "capabilities": ["mail.send"], "sha256": f"{7:064x}"}))
    for command, codes in (
        (("verify", "org.yourco.w"), (0, 1)),
        (("dispatch", *matrix), (0, 1)),
        (("policy", "save", str(baseline), *matrix), (0,)),
        (("policy", "check", str(baseline)), (0,)),
        (("enroll", "--from", str(batch), "--dry-run"), (0,)),
        (("hash", str(batch)), (0,)),
    ):
        done = run(tmp_path, shared_hall, *command)
        assert done.returncode in codes, (command, done.stderr)
        assert done.stdout or command[1] == "check"
        assert "Traceback" not in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["baseline.toml", "batch.jsonl"]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("enroll", "--from", "batch.jsonl", "--yes"), 2),
        (("policy", "check", "nightly"), 2),
        (("doctor",), 2),
        (("hall", "status"), 64),
        (("hall", "serve", "--port", "0"), 64),
    ],
    ids=str,
)
@pytest.mark.thorough
def test_what_needs_a_folder_says_so_without_a_home(
    shared_hall: LiveHall, tmp_path: Path, command: tuple[str, ...], code: int
) -> None:
    """F75: and makes no folder of a strange name in the current one."""
    done = run(tmp_path, shared_hall, *command)
    assert done.returncode == code, done.stderr
    assert "There is no home folder to keep things in: set HOME" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_hall_s_store_can_be_named_without_a_home(shared_hall: LiveHall, tmp_path: Path) -> None:
    """F75"""
    done = run(tmp_path, shared_hall, "hall", "import", "--db", "hall.db", os.devnull)
    assert "Traceback" not in done.stderr and done.returncode in (0, 1, 2)
    assert "HOME" not in done.stderr


def test_a_fault_in_a_thread_is_in_the_log_and_not_on_the_terminal(shared_hall: LiveHall, tmp_path: Path) -> None:
    """F75"""
    program = f"""
import os, threading
import pyhall_tui.commands.hash as module
hash_package = module.hash_package
def in_a_thread(*arguments, **more):
    def fault():
        raise RuntimeError("boom")
    thread = threading.Thread(target=fault)
    thread.start()
    thread.join()
    return hash_package(*arguments, **more)
module.hash_package = in_a_thread
os.environ["HOME"] = {str(tmp_path)!r}
"""
    (tmp_path / "x").write_text("x")
    done = run(tmp_path, shared_hall, "hash", "x", program=program + _MAIN)
    assert done.returncode == 0
    assert "boom" not in done.stderr
    assert "boom" in (tmp_path / ".local" / "state" / "pyhall-tui" / "pyhall-tui.log").read_text()


def test_a_fault_that_nobody_foresaw_is_70_and_one_sentence(shared_hall: LiveHall, tmp_path: Path) -> None:
    """F75, F79: a CI reads 1 as "not clean"; the key that is in the error's text is masked."""
    program = f"""
import os
import pyhall_tui.commands.hash as module
def fault(*arguments, **more):
    raise RuntimeError("boom with {shared_hall.key}")
module.{hash_package.__name__} = fault
os.environ["HOME"] = {str(tmp_path)!r}
"""
    done = run(tmp_path, shared_hall, "hash", "x", program=program + _MAIN)
    log = tmp_path / ".local" / "state" / "pyhall-tui" / "pyhall-tui.log"
    assert done.returncode == 70
    (line,) = done.stderr.splitlines()
    assert line.startswith("pyhall-tui crashed: RuntimeError: boom with")
    assert line.endswith(f"The details are in {log}.")
    assert "in fault" in log.read_text()
    for text in (line, log.read_text()):
        assert shared_hall.key not in text
    program = program.replace("HOME", "NOTHING") + NOBODY
    done = run(tmp_path, shared_hall, "hash", "x", program=program)
    assert done.returncode == 70
    (line,) = done.stderr.splitlines()
    assert "The details are lost, because the log can't be written: There is no home folder" in line
