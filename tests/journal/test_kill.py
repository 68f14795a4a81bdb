"""A `kill -9` loses at most the last second, never the file; two programs on one file don't harm each other."""

import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple, Self

import pytest

from pyhall_tui.journal.journal import Journal
from pyhall_tui.journal.rows import EnrollmentState
from tests.clock import ManualClock
from tests.journal.makers import event, integrity, rows_in, verdict

TELLER = """
import sys, threading, time
from pathlib import Path
from pyhall_tui.clock import SystemClock
from pyhall_tui.journal.journal import Journal
from tests.journal.makers import event, verdict

journal = Journal.open(Path(sys.argv[1]), SystemClock())
(writer,) = (thread.native_id for thread in threading.enumerate() if thread.name == "journal")
last, slowest = time.monotonic(), 0.0

def starved():
    # Seconds for which the writer's thread stood in line for a processor. Only Linux tells.
    try:
        return int(Path(f"/proc/self/task/{writer}/schedstat").read_text().split()[1]) / 1e9
    except OSError:
        return 0.0

def tell(worker):
    global last, slowest
    now = time.monotonic()
    slowest, last = max(slowest, now - last), now
    print(worker, now, slowest, starved(), flush=True)
    time.sleep(0.002)
"""
"""The beginning of a script that records in `journal` and tells, after each, of which worker: `Told` reads it."""

RECORDER = (
    TELLER
    + """
for n in range(100_000):
    worker = f"{sys.argv[2]}-{n}"
    journal.record_event("prod", event(worker_id=worker, at=time.time()))
    journal.save_verdict("prod", verdict(f"{sys.argv[2]}-{n % 200}", at=time.time()))
    tell(worker)
"""
)

ENROLLER = """
import sys
from pathlib import Path
from pyhall_tui.clock import SystemClock
from pyhall_tui.journal.journal import Journal
from tests.journal.makers import enrollment

journal = Journal.open(Path(sys.argv[1]), SystemClock())
for n in range(100_000):
    assert journal.record_enrollment_now("prod", enrollment(f"k{n}"))
    print(f"k{n}", flush=True)
"""


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


class Told(NamedTuple):
    """One line of `TELLER`. A machine that pauses also pauses the journal: that time doesn't count against it."""

    worker: str
    at: float
    slowest: float
    """The main thread's longest pause until then, in seconds."""
    starved: float
    """The seconds until then for which the writer's thread waited for a processor, not for other programs' locks."""

    @classmethod
    def of(cls, line: str) -> Self:
        worker, *seconds = line.split()
        return cls(worker, *map(float, seconds))

    def allowed(self, last: Self) -> float:
        """How old the row may be and still be lost, if `last` was told last."""
        return 1.0 + max(last.slowest, last.starved - self.starved)


def kill_when_due(child: subprocess.Popen[str], seconds: float) -> tuple[float, list[Told]]:
    """Kill it so many seconds after its first row may no longer be lost; return when, and all that it told."""
    assert child.stdout is not None
    told: list[Told] = []
    killed = 0.0
    for line in child.stdout:
        if line.endswith("\n"):
            told.append(Told.of(line))
        if not killed and told[-1].at - told[0].at > told[0].allowed(told[-1]) + seconds:
            killed = time.monotonic()
            child.kill()
    child.wait()
    child.stdout.close()
    return killed, told


def kill_after(child: subprocess.Popen[str], seconds: float) -> list[str]:
    """Let it record for that long from its first line on, kill it, and return all lines it wrote."""
    assert child.stdout is not None
    lines = [child.stdout.readline()]
    killer = threading.Timer(seconds, child.kill)
    killer.start()
    lines.extend(child.stdout)  # each at once
    killer.join()
    child.wait()
    child.stdout.close()
    return [line for line in lines if line.endswith("\n")]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
@pytest.mark.thorough
def test_killed_at_random_moments_it_loses_at_most_the_last_second(tmp_path, seed):
    """Four programs on one file, each killed at a different moment."""
    path = tmp_path / "journal.db"
    moments = random.Random(seed)
    children = [start(RECORDER, path, f"p{n}") for n in range(4)]
    outcomes: list[tuple[float, list[Told]]] = []
    threads = [
        threading.Thread(target=lambda child=child, after=after: outcomes.append(kill_when_due(child, after)))
        for child, after in ((child, moments.uniform(0.2, 1.2)) for child in children)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [child.returncode for child in children] == [-signal.SIGKILL] * 4
    assert integrity(path) == "ok"
    with Journal.open(path, ManualClock()) as journal:
        assert journal.notes == ()
        kept = {one.worker_id for one in journal.events("prod", limit=1_000_000)}
        assert len(journal.all_verdicts("prod")) > 4
    for killed, told in outcomes:
        due = {one.worker for one in told if killed - one.at > one.allowed(told[-1])}
        assert due
        assert due <= kept


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
def test_an_enrollment_that_was_about_to_be_sent_survives_the_kill(tmp_path):
    path = tmp_path / "journal.db"
    lines = kill_after(start(ENROLLER, path), 0.3)
    with Journal.open(path, ManualClock()) as journal:
        rows = {row.row_key: row.state for row in journal.enrollments("prod", batch="b1")}
    assert lines
    assert all(rows[line.strip()] is EnrollmentState.SENDING for line in lines)


def test_two_journals_on_one_file_keep_both_their_rows(tmp_path):
    path = tmp_path / "journal.db"
    with Journal.open(path, ManualClock()) as first, Journal.open(path, ManualClock()) as second:
        for n in range(300):
            first.record_event("prod", event(worker_id=f"a{n}"))
            second.record_event("prod", event(worker_id=f"b{n}"))
            second.save_verdict("prod", verdict(f"w{n}"))
        assert first.flush(10)
        assert second.flush(10)
        assert len(first.events("prod", limit=9_999)) == 600
        assert len(first.all_verdicts("prod")) == 300
        assert first.notes == second.notes == ()
    assert rows_in(path, "events") == 600


def test_many_that_begin_one_file_at_once_all_keep_it(tmp_path):
    path = tmp_path / "journal.db"
    opened: list[Journal] = []
    threads = [threading.Thread(target=lambda: opened.append(Journal.open(path, ManualClock()))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n, journal in enumerate(opened):
        journal.record_event("prod", event(worker_id=f"w{n}"))
    assert all(journal.close(10) for journal in opened)
    assert [journal.notes for journal in opened] == [()] * 8
    assert rows_in(path, "events") == 8
