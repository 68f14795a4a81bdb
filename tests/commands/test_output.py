"""If a command's output goes nowhere, it ends with a telling exit code and without a traceback."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pyhall_tui.hall.store import SqliteStore

PROGRAM = [sys.executable, "-m", "pyhall_tui"]

buffered_or_not = pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
posix = pytest.mark.skipif(sys.platform == "win32", reason="no SIGPIPE and no closed streams there")
full_device = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device")


@pytest.fixture
def commands(tmp_path: Path) -> list[list[str]]:
    """Commands that print, each with a different way to its end."""
    package = tmp_path / "package"
    package.mkdir()
    for number in range(3):
        (package / f"file-{number}").write_text("x")
    receipts = tmp_path / "evidence.log"
    receipts.write_text('{"prev_hash": "GENESIS", "entry_hash": "", "receipt": {}}\n' * 3)
    store = tmp_path / "hall.db"
    SqliteStore(store).close()
    return [
        ["hash", "--files", str(package)],
        ["evidence", "list", str(receipts)],
        ["hall", "export", "--db", str(store)],
        ["hash", "--help"],
        ["--version"],
    ]


def environment(unbuffered: str = "", **more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONUNBUFFERED": unbuffered, **more}


def closing(*numbers: int) -> Callable[[], None]:
    """Return what closes these streams in a child before it starts, as `>&-` does."""

    def close() -> None:
        for number in numbers:
            os.close(number)

    return close


@posix
@buffered_or_not
@pytest.mark.thorough
def test_a_reader_that_stops_early_is_not_an_error(commands: list[list[str]], unbuffered: str) -> None:
    """F29, F119: as `head` does to a pipe."""
    for command in commands:
        process = subprocess.Popen([*PROGRAM, *command], stdout=-1, stderr=-1, env=environment(unbuffered))
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert (process.wait(60), process.stderr.read()) == (141, b""), command
        process.stderr.close()


@full_device
@buffered_or_not
@pytest.mark.thorough
def test_a_full_disk_is_said_in_one_line(commands: list[list[str]], unbuffered: str) -> None:
    """F29, F119"""
    for command in commands:
        with Path("/dev/full").open("w") as full:
            done = subprocess.run(
                [*PROGRAM, *command], stdout=full, stderr=-1, env=environment(unbuffered), timeout=60, check=False
            )
        assert done.stderr == b"pyhall-tui: The output can't be written: No space left on device.\n", command
        assert done.returncode == 2


@full_device
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.thorough
def test_standard_error_on_a_full_disk_changes_no_exit_code(
    commands: list[list[str]], tmp_path: Path, both: bool
) -> None:
    """F119"""
    mistakes: list[tuple[list[str], int]] = [(["hash", str(tmp_path / "none")], 2), (["--no-such-option"], 64)]
    for command, code in [(commands[0], 0), (["--version"], 0), *mistakes]:
        with Path("/dev/full").open("w") as full:
            out = full if both else subprocess.PIPE
            done = subprocess.run([*PROGRAM, *command], stdout=out, stderr=full, timeout=60, check=False)
        assert done.returncode == (code or 2 if both else code), command


@posix
@pytest.mark.parametrize(("streams", "code"), [((0,), 0), ((1,), 2), ((2,), 0), ((1, 2), 2), ((0, 1, 2), 2)], ids=str)
@pytest.mark.thorough
def test_closed_streams_are_said_and_nothing_is_printed_into_a_file(
    commands: list[list[str]], streams: tuple[int, ...], code: int
) -> None:
    """F76: output is not lost silently; none of these reads standard input."""
    for command in (commands[0], ["--version"]):
        done = subprocess.run(
            [*PROGRAM, *command], capture_output=True, preexec_fn=closing(*streams), timeout=60, check=False
        )
        said = b"pyhall-tui: The output can't be written: stdout is closed.\n" if streams == (1,) else b""
        assert (done.returncode, done.stderr) == (code, said), command


@posix
@pytest.mark.parametrize("streams", [(0,), (1,), (2,), (0, 1, 2)], ids=str)
def test_the_app_without_one_of_its_streams_is_wrong_use(streams: tuple[int, ...]) -> None:
    """F76"""
    done = subprocess.run(PROGRAM, capture_output=True, preexec_fn=closing(*streams), timeout=60, check=False)
    said = [line for line in (done.stdout + done.stderr).decode().splitlines() if line]
    assert done.returncode == 64
    assert len(said) == (0 if {1, 2} <= set(streams) else 1)
    assert all(line.startswith("The app needs a terminal.") for line in said)


INTERRUPT = "import os, signal; os.kill(os.getpid(), signal.SIGINT)\n"


@posix
@pytest.mark.parametrize("start", [["-m", "pyhall_tui"], ["-c", "from pyhall_tui.__main__ import main; main()"]])
def test_an_interrupt_while_it_starts_prints_nothing(start: list[str], tmp_path: Path) -> None:
    """F118: it comes while the first module of another project is imported."""
    (tmp_path / "click.py").write_text(INTERRUPT)
    env = environment(PYTHONPATH=os.pathsep.join([str(tmp_path), *sys.path]))
    done = subprocess.run([sys.executable, *start], capture_output=True, env=env, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


@posix
@pytest.mark.parametrize("module", ["pyhall_tui.commands.verify", "platformdirs"])
def test_an_interrupt_while_a_command_is_imported_prints_nothing(module: str, tmp_path: Path) -> None:
    """F118"""
    program = f"""
import os, signal, sys
class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupting())
sys.argv = ["pyhall-tui", "verify", "x"]
from pyhall_tui.__main__ import main
main()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


@posix
def test_an_interrupt_at_the_very_end_prints_nothing() -> None:
    """F118"""
    program = f"""
import atexit, sys
atexit.register(lambda: exec({INTERRUPT!r}))
sys.argv = ["pyhall-tui", "--version"]
from pyhall_tui.__main__ import main
main()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.startswith(b"pyhall-tui"), done.stderr) == (130, True, b"")
