"""`on_alarm`: a program gets each alert on its standard input; it can neither hang nor flood, and no shell sees it."""

import asyncio
import json
import logging
import os
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from pyhall_tui.alarms.alarm import Change
from pyhall_tui.fleet.events import Kind
from pyhall_tui.profiles.profile_store import ProfileStore
from pyhall_tui.watch.command import AT_ONCE, CommandMistake, OnAlarm, command_of
from pyhall_tui.watch.delivery import Delivery, Outcomes, Undelivered
from tests.waiting import until
from tests.watch.rig import Rig
from tests.watch.webhook_schema import assert_alert

RunPython = Callable[..., OnAlarm]


@pytest.fixture
async def python(tmp_path: Path) -> RunPython:
    """Makes a command of Python code, which finds the test's folder in `sys.argv[1]`."""
    at_once = asyncio.Semaphore(AT_ONCE)

    def make(code: str, *, seconds: float = 30.0) -> OnAlarm:
        return OnAlarm((sys.executable, "-c", code, str(tmp_path)), at_once, seconds=seconds)

    return make


def changes(rig: Rig, count: int = 1) -> list[Change]:
    rig.ban(*(f"wkr_{number}" for number in range(count)))
    return rig.news().next(100)


def is_running(process_id: int) -> bool:
    """Whether a process exists and has not ended."""
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def numbers_in(folder: Path, pattern: str) -> list[int]:
    """Return the numbers that files hold."""
    return [int(each.read_text()) for each in folder.glob(pattern)]


def named_by_number(folder: Path) -> list[int]:
    """Return the names in a folder that are numbers."""
    return [int(each.name) for each in folder.iterdir() if each.name.isdigit()]


async def test_the_program_gets_the_alert_as_json(rig: Rig, python: RunPython, tmp_path: Path) -> None:
    code = "import sys, pathlib; pathlib.Path(sys.argv[1], 'got').write_text(sys.stdin.read())"
    assert await python(code).take(changes(rig), "prod") == []
    got = json.loads((tmp_path / "got").read_text())
    assert_alert(got)
    assert (got["worker"], got["what"], got["condition"], got["schema"]) == ("wkr_0", "fired", "banned", 1)


async def test_neither_the_key_nor_the_line_to_the_service_manager_is_passed_on(
    rig: Rig, python: RunPython, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PYHALL_API_KEY", "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_USEC", "HOME"):
        monkeypatch.setenv(name, "x")
    code = "import os, sys, pathlib; pathlib.Path(sys.argv[1], 'env').write_text(' '.join(os.environ))"
    await python(code).take(changes(rig), "prod")
    names = (tmp_path / "env").read_text().split()
    assert "HOME" in names
    assert not {"PYHALL_API_KEY", "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_USEC"} & set(names)


async def test_a_failing_program_is_counted_logged_and_not_repeated(
    rig: Rig, python: RunPython, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    code = "import sys; print('no pager', file=sys.stderr); print('\\x1b[31m'); sys.exit(3)"
    counts: Counter[tuple[str, str]] = Counter()
    outcomes = Outcomes("command", counts, rig.clock, rig.alarms.record)
    rig.ban("wkr_a")
    delivery = Delivery(python(code), rig.news("command"), "prod", rig.alarms.book, outcomes, rig.clock)
    await delivery.step()
    assert rig.journal.flush(30)
    await delivery.step()
    assert (counts[("command", "sent")], counts[("command", "failed")]) == (0, 1)
    assert [each.detail for each in rig.events if each.kind is Kind.ALERTS_FAILING] == [
        "on_alarm exited with 3: no pager␊␛[31m"
    ]
    assert "on_alarm exited with 3" in caplog.text


@pytest.mark.thorough
async def test_a_program_that_hangs_is_ended_with_what_it_started(rig: Rig, python: RunPython, tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, os, time, pathlib\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "place = pathlib.Path(sys.argv[1], 'new'); place.write_text(f'{os.getpid()} {child.pid}')\n"
        "place.rename(place.with_name('pids')); time.sleep(600)"
    )
    taking = asyncio.ensure_future(python(code, seconds=2.0).take(changes(rig), "prod"))
    assert await taking == ["on_alarm did not end within 2 s, and was ended"]
    if sys.platform == "linux" and (tmp_path / "pids").exists():  # it may not have got that far under load
        pids = [int(each) for each in (tmp_path / "pids").read_text().split()]
        await until(lambda: not any(map(is_running, pids)))


async def test_a_program_that_prints_without_end_fills_nothing(
    rig: Rig, python: RunPython, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert await python("print('x' * 10_000_000)").take(changes(rig), "prod") == []
    assert len(caplog.text) < 10_000


async def test_what_a_program_leaves_running_with_its_output_open_holds_nothing_up(
    rig: Rig, python: RunPython, tmp_path: Path
) -> None:
    code = (
        "import pathlib, subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "pathlib.Path(sys.argv[1], str(child.pid)).mkdir()"
    )
    assert await python(code).take(changes(rig), "prod") == []
    (child,) = named_by_number(tmp_path)
    os.kill(child, 9)  # it still ran


async def test_a_program_that_does_not_read_is_fine(rig: Rig, python: RunPython) -> None:
    assert await python("import os; os.close(0)").take(changes(rig), "prod") == []


@pytest.mark.thorough
async def test_only_a_few_run_at_the_same_time(rig: Rig, python: RunPython, tmp_path: Path) -> None:
    code = (
        "import os, pathlib, sys, time\n"
        "here = pathlib.Path(sys.argv[1], f'run-{os.getpid()}'); here.touch()\n"
        "print(len([*here.parent.glob('run-*')])); (here.parent / f'most-{os.getpid()}').write_text("
        "str(len([*here.parent.glob('run-*')]))); time.sleep(0.1); here.unlink()"
    )
    command = python(code)
    assert await command.take(changes(rig, 12), "prod") == []
    assert max(numbers_in(tmp_path, "most-*")) <= AT_ONCE


async def test_a_cancelled_run_leaves_no_process(rig: Rig, python: RunPython, tmp_path: Path) -> None:
    code = "import os, sys, time, pathlib; pathlib.Path(sys.argv[1], str(os.getpid())).mkdir(); time.sleep(600)"
    taking = asyncio.ensure_future(python(code).take(changes(rig), "prod"))
    await until(lambda: named_by_number(tmp_path))
    (process,) = named_by_number(tmp_path)
    taking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taking
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


async def test_a_program_that_is_gone_is_tried_again(rig: Rig, tmp_path: Path) -> None:
    command = OnAlarm((str(tmp_path / "gone"),), asyncio.Semaphore(1))
    with pytest.raises(Undelivered, match=r"on_alarm can't be started: No such file or directory\."):
        await command.take(changes(rig), "prod")


def store(path: Path, line: str) -> ProfileStore:
    (path / "profiles.toml").write_text(
        f'[profiles.prod]\nnamespace = "org.acme"\nregistry_url = "https://api.pyhall.dev"\n{line}\n'
    )
    return ProfileStore(path / "profiles.toml")


def test_the_profile_names_the_program(tmp_path: Path) -> None:
    named = store(tmp_path, f'on_alarm = ["{Path(sys.executable).name}", "--x", "$(y)"]')
    program, *arguments = command_of(named, "prod") or ()
    assert Path(program).is_absolute() and Path(program).name == Path(sys.executable).name
    assert arguments == ["--x", "$(y)"]


def test_without_one_there_is_none(tmp_path: Path) -> None:
    assert command_of(store(tmp_path, ""), "prod") is None
    assert command_of(store(tmp_path, ""), "environment") is None


@pytest.mark.parametrize(
    "line", ['on_alarm = "page-me"', "on_alarm = []", "on_alarm = [1]", 'on_alarm = ["a\\u0000b"]', "on_alarm = true"]
)
def test_a_wrong_one_gets_a_sentence_with_its_place(tmp_path: Path, line: str) -> None:
    with pytest.raises(CommandMistake, match=r"profiles\.toml, line 4, column \d+: on_alarm must be a list of texts"):
        command_of(store(tmp_path, line), "prod")


@pytest.mark.parametrize("program", ["no-such-program", "/no/such", "", "/"])
def test_a_program_that_is_not_there_gets_a_sentence(tmp_path: Path, program: str) -> None:
    with pytest.raises(CommandMistake, match=r"line 4, column \d+: on_alarm names '.*', which is not a program here"):
        command_of(store(tmp_path, f'on_alarm = ["{program}"]'), "prod")
