"""`pyhall-tui enroll …` against the hall."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.profile_store import ProfileStore
from tests.commands.asking import environment_of, read_only_profile, run_here, run_program
from tests.examples import examples
from tests.live_hall import LiveHall, live_hall

HASH = "a1b2c3" + "0" * 58
ENROLL = "/api/v1/hall/enroll"


def batch(folder: Path, count: int, **fields: Any) -> Path:
    """Write a batch of that many workers, `w0` and so on."""
    rows = [
        {"display_name": f"w{number}", "capabilities": ["mail.send"], "sha256": f"{number:064x}"} | fields
        for number in range(count)
    ]
    path = folder / "batch.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def enroll(home: Path, hall: LiveHall, *arguments: str, **more: str) -> CompletedProcess[str]:
    return run_here(home, "enroll", *arguments, url=hall.url, key=hall.key, **more)


def enrolled(hall: LiveHall) -> Counter[str]:
    return Counter(worker.display_name for worker in hall.store.workers() if worker.display_name[0] == "w")


def test_a_batch_is_enrolled_once_and_reported(hall: LiveHall, tmp_path: Path) -> None:
    path, report = batch(tmp_path, 3), tmp_path / "report.csv"
    for _ in range(2):
        done = enroll(tmp_path, hall, "--from", str(path), "--yes", "--report", str(report))
        assert done.returncode == 0, done.stderr
        assert "3 enrolled." in done.stderr
    assert enrolled(hall) == {"w0": 1, "w1": 1, "w2": 1}
    assert report.read_text().splitlines()[0].startswith("number,state,display_name")


def test_a_report_that_cannot_be_written_is_reported_before_anything_is_sent(hall: LiveHall, tmp_path: Path) -> None:
    """F36, F43, F64: a device is neither replaced nor written to."""
    done = enroll(tmp_path, hall, "--from", str(batch(tmp_path, 1)), "--yes", "--report", os.devnull)
    assert done.returncode == 2
    assert "The report could not be written" in done.stderr
    assert enrolled(hall) == {}


def test_a_report_never_takes_the_place_of_the_batch(hall: LiveHall, tmp_path: Path) -> None:
    """F64"""
    path = batch(tmp_path, 1)
    before = path.read_bytes()
    done = enroll(tmp_path, hall, "--from", str(path), "--yes", "--report", str(path))
    assert (done.returncode, path.read_bytes(), enrolled(hall)) == (64, before, {})


def test_a_dry_run_checks_all_rows_and_sends_nothing(hall: LiveHall, tmp_path: Path) -> None:
    path = batch(tmp_path, 2)
    path.write_text(path.read_text() + '\n{"display_name": "", "capabilities": []}')
    done = enroll(tmp_path, hall, "--from", str(path), "--dry-run", "--json")
    assert done.returncode == 1
    assert [json.loads(line)["state"] for line in done.stdout.splitlines()] == ["ready", "ready", "wrong"]
    assert not hall.requests


def test_a_read_only_profile_enrolls_nothing_but_may_check_a_batch(hall: LiveHall, tmp_path: Path) -> None:
    """F45."""
    path = batch(tmp_path, 1)
    read_only_profile(tmp_path, hall)
    done = run_program(tmp_path, "--profile", "look", "enroll", "--from", str(path), "--yes", url="", key=hall.key)
    assert done.returncode == 2
    assert "read-only" in done.stderr
    done = run_program(tmp_path, "--profile", "look", "enroll", "--from", str(path), "--dry-run", url="", key=hall.key)
    assert done.returncode == 0
    assert not hall.requests


def test_nothing_is_sent_while_a_row_is_wrong_unless_it_is_skipped(hall: LiveHall, tmp_path: Path) -> None:
    path, report = batch(tmp_path, 1), tmp_path / "report.jsonl"
    path.write_text(path.read_text() + "\n{")
    done = enroll(tmp_path, hall, "--from", str(path), "--yes", "--report", str(report))
    assert (done.returncode, enrolled(hall)) == (1, {})
    assert "1 of 2 rows can't be sent, so nothing was sent." in done.stderr
    assert [json.loads(line)["state"] for line in report.read_text().splitlines()] == ["ready", "wrong"]
    done = enroll(tmp_path, hall, "--from", str(path), "--yes", "--skip-wrong")
    assert (done.returncode, enrolled(hall)) == (1, {"w0": 1})


def test_without_a_terminal_and_without_yes_it_is_wrong_use(hall: LiveHall, tmp_path: Path) -> None:
    done = enroll(tmp_path, hall, "--from", str(batch(tmp_path, 1)))
    assert done.returncode == 64
    assert "use --yes" in done.stderr
    assert not hall.requests


def test_a_refused_row_is_one_and_a_lost_answer_is_two(hall: LiveHall, tmp_path: Path) -> None:
    hall.faults.add(path=ENROLL, status=400, body='{"error": "invalid field: display_name"}', count=1)
    done = enroll(tmp_path, hall, "--from", str(batch(tmp_path, 2)), "--yes")
    assert done.returncode == 1
    assert "display_name" in done.stdout
    hall.faults.add(path=ENROLL, drop="answered", count=1)
    done = enroll(tmp_path, hall, "--from", str(batch(tmp_path, 2)), "--yes")
    assert done.returncode == 2
    assert "--enrolled ROW" in done.stderr


def test_a_batch_that_cannot_be_read_is_two(hall: LiveHall, tmp_path: Path) -> None:
    done = enroll(tmp_path, hall, "--from", str(tmp_path / "none.jsonl"), "--yes")
    assert done.returncode == 2
    assert "cannot be read" in done.stderr


def start(home: Path, hall: LiveHall, path: Path) -> subprocess.Popen[str]:
    """Start a batch and return at once."""
    environment = environment_of(home, url=hall.url, key=hall.key)
    command = [sys.executable, "-m", "pyhall_tui", "enroll", "--from", str(path), "--yes", "--json"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True, env=environment)


def kill_once(process: subprocess.Popen[str], when: Callable[[], bool]) -> None:
    """Kill it with SIGKILL as soon as the condition holds."""
    deadline = time.monotonic() + 40
    while not when():
        assert time.monotonic() < deadline and process.poll() is None
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.005)
    process.kill()
    process.wait(10)


ROWS = examples(500)


@pytest.mark.timeout(120)
@pytest.mark.thorough
def test_killed_three_times_among_faults_each_worker_of_a_batch_is_enrolled_exactly_once(tmp_path: Path) -> None:
    profile = Profile(name="acme", namespace="org.yourco", registry_url="http://127.0.0.1:1", requests_per_second=300.0)
    ProfileStore(tmp_path / "config" / "profiles.toml").save(profile, None)
    path = batch(tmp_path, ROWS)
    with live_hall(rate=250) as hall:
        hall.faults.add(path=ENROLL, drop="answered", probability=0.02)
        hall.faults.add(path=ENROLL, drop="unheard", probability=0.02)
        hall.faults.add(path=ENROLL, status=500, probability=0.02)
        hall.faults.add(path=ENROLL, status=429, retry_after=1, probability=0.004)
        hall.faults.add(path=ENROLL, cut=10, probability=0.01)
        for share in (ROWS // 5, ROWS // 2, ROWS * 3 // 4):
            kill_once(start(tmp_path, hall, path), lambda share=share: len(enrolled(hall)) >= share)  # type: ignore[misc]
        decisions: list[str] = []
        for _ in range(12):
            done = enroll(tmp_path, hall, "--from", str(path), "--yes", "--json", *decisions)
            rows = [json.loads(line) for line in done.stdout.splitlines()]
            if done.returncode == 0:
                break
            assert done.returncode == 2, done.stderr
            there = enrolled(hall)  # the operator checks the registry
            unknown = [row for row in rows if row["state"] == "unknown"]
            decisions = [
                f"--{'enrolled' if row['display_name'] in there else 'again'}={row['number']}" for row in unknown
            ]
        assert done.returncode == 0, done.stderr
        assert [row["state"] for row in rows] == ["enrolled"] * ROWS
        assert enrolled(hall) == {f"w{number}": 1 for number in range(ROWS)}
