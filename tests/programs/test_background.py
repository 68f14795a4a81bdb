"""Runs in the background: real programs, which can neither hang, flood nor stay behind."""

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pyhall_tui.programs.background import BackgroundRun, Ended
from pyhall_tui.programs.command import NotRun
from pyhall_tui.programs.plan import Run, runs_of
from pyhall_tui.programs.process import environment
from tests.programs.rig import command, row, script

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the programs are scripts of the shell")


def run_of(*argv: str, each: bool = True, ids: tuple[str, ...] = ("wkr_a",)) -> Run:
    return runs_of(command(*argv, each=each), [row(each_id) for each_id in ids])[0]


def ended(*argv: str, seconds: float = 60.0, each: bool = True, ids: tuple[str, ...] = ("wkr_a",)) -> Ended:
    return BackgroundRun(run_of(*argv, each=each, ids=ids), seconds).run()


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until something holds that another process does."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_running(process_id: int) -> bool:
    """Whether a process exists and has not ended."""
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_program_gets_its_arguments_its_environment_and_no_input(tmp_path: Path) -> None:
    program = script(tmp_path, 'echo "$#|$1|$WORKER|$PROFILE"; cat; exit 3')
    assert ended(program, "$WORKER", ids=("a b;$(id)*",)) == Ended(3, b"1|a b;$(id)*|a b;$(id)*|acme\n")


def test_the_ids_of_all_rows_are_on_its_standard_input(tmp_path: Path) -> None:
    ids = tuple(f"wkr_{number:06}" for number in range(100_000))
    assert ended("wc", "-l", each=False, ids=ids).output.strip() == b"100000"
    assert ended("tail", "-n", "1", each=False, ids=ids).output == b"wkr_099999\n"


def test_a_program_that_reads_no_input_is_fine(tmp_path: Path) -> None:
    ids = tuple(f"wkr_{number:06}" for number in range(100_000))
    assert ended("true", each=False, ids=ids).code == 0


def test_the_key_is_not_passed_on_and_our_names_are_never_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYHALL_API_KEY", "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "WORKER", "HASH", "HOME"):
        monkeypatch.setenv(name, "mine")
    names = environment({"WORKER": "wkr_a"})
    assert (names["WORKER"], names["HOME"]) == ("wkr_a", "mine")
    assert not {"PYHALL_API_KEY", "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "HASH"} & set(names)


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("no-such-program-here", "There is no program no-such-program-here on the PATH."),
        ("/no/such/program", "There is no program /no/such/program."),
        ("{folder}/text", "{folder}/text is not executable: chmod +x makes it so."),
        ("{folder}", "{folder} is a folder."),
        (
            "{folder}/bare",
            "{folder}/bare can't be started: Exec format error. A script needs a first line such as #!/bin/sh.",
        ),
    ],
)
def test_a_program_that_cannot_be_started_is_a_sentence(tmp_path: Path, program: str, said: str) -> None:
    (tmp_path / "text").write_text("#!/bin/sh\n")
    (tmp_path / "bare").write_text("echo")
    (tmp_path / "bare").chmod(0o755)
    with pytest.raises(NotRun) as refused:
        ended(program.format(folder=tmp_path))
    assert str(refused.value) == said.format(folder=tmp_path)


def test_an_argument_that_is_too_long_is_a_sentence() -> None:
    with pytest.raises(NotRun, match=r"true can't be started: Argument list too long\."):
        ended("true", "$WORKER", ids=("x" * 5_000_000,))


def test_how_a_program_ended_is_said_also_if_it_was_killed(tmp_path: Path) -> None:
    assert ended(script(tmp_path, "exit 7")).how == "exited with 7"
    assert ended(script(tmp_path, "kill -9 $$")).how == "was ended by SIGKILL"


def test_only_the_end_of_much_output_is_kept(tmp_path: Path) -> None:
    done = ended(script(tmp_path, "head -c 50000000 /dev/zero; echo; echo the end"))
    assert done.output.endswith(b"\nthe end\n") and len(done.output) == 4_096


def test_a_program_that_prints_without_end_is_ended_when_its_time_is_over() -> None:
    done = ended("yes", seconds=0.3)
    assert (done.too_long, done.how) == (True, "did not end in time, and was ended")


def test_a_program_that_hangs_is_ended_with_what_it_started(tmp_path: Path) -> None:
    program = script(tmp_path, f"sleep 600 & echo $! > {tmp_path}/new; mv {tmp_path}/new {tmp_path}/child; wait")
    run = BackgroundRun(run_of(program), 600.0)
    ends: list[Ended] = []
    thread = threading.Thread(target=lambda: ends.append(run.run()))
    thread.start()
    wait_for((tmp_path / "child").exists)
    child = int((tmp_path / "child").read_text())
    run.stop()
    thread.join(30)
    assert ends[0].how == "was ended by SIGKILL"
    if sys.platform == "linux":
        wait_for(lambda: not is_running(child))


def test_what_is_stopped_before_it_began_does_not_begin(tmp_path: Path) -> None:
    run = BackgroundRun(run_of(script(tmp_path, f"touch {tmp_path}/ran")), 60.0)
    run.stop()
    with pytest.raises(NotRun, match="stopped before it began"):
        run.run()
    assert not (tmp_path / "ran").exists()


def test_what_a_program_leaves_running_with_its_output_open_holds_nothing_up(tmp_path: Path) -> None:
    program = script(tmp_path, f"sleep 600 & echo $! > {tmp_path}/child; echo started")
    assert ended(program).output == b"started\n"
    os.kill(int((tmp_path / "child").read_text()), 9)  # it still ran


def test_a_program_has_no_terminal(tmp_path: Path) -> None:
    assert ended(script(tmp_path, "(: < /dev/tty) 2> /dev/null || exit 5")).code == 5
