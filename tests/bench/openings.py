"""Resident memory while screens and dialogs open and close: it stays what it was after the first ten.

The stretch of use goes round every screen and the dialogs of the workers' one, filters, and moves the cursor.
"""

import re
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench._setting import Program, Registry, home, open_app
from tests.bench.report import Row

WORKERS = 100
_ALLOWED = 1.15
_SETTLES = 3.0
"""Seconds after which what was closed is collected."""
_ESCAPE = "\x1b"
_ROUND = ("?", _ESCAPE, "a", _ESCAPE, "D", _ESCAPE, ":", _ESCAPE, *"4253", _ESCAPE, "1", "/", *"0007", _ESCAPE, *"jjkj")


def run(quick: bool) -> Iterator[Row]:
    """Open a worker's view again and again, then use all of the program for a while."""
    times, seconds = (60, 30.0) if quick else (300, 600.0)
    with Registry(WORKERS) as registry, home(registry.url, WORKERS) as place, open_app(place) as program:
        program.wait_for(b"worker-00000")
        time.sleep(1.0)
        program.press("j")
        yield _row(f"memory after {times} openings", *_open(program, times), "after 10 openings")
        yield _row(f"memory after {seconds:.0f} s of use", *_use(program, seconds), "after the first round")


def _row(name: str, value: float, baseline: float, baseline_name: str) -> Row:
    return Row(name, value, "MiB", baseline, baseline_name, f"≤ {_ALLOWED:g} x", value <= _ALLOWED * baseline)


def _open(program: Program, times: int) -> tuple[float, float]:
    """Return the memory after so many openings, and after the first ten."""
    after_ten = 0.0
    for number in range(1, times + 1):
        since = program.end
        program.press("\r")
        program.wait_for(b"IDENTITY", since)
        since = program.end
        program.press(_ESCAPE)
        program.wait_for(b"Bench 0003", since)
        if number == 10:
            time.sleep(_SETTLES)
            after_ten = _memory(program.pid)
    time.sleep(_SETTLES)
    return _memory(program.pid), after_ten


def _use(program: Program, seconds: float) -> tuple[float, float]:
    """Return the memory after so many seconds of use, and after the first round of it."""
    began, first = time.monotonic(), 0.0
    while not first or time.monotonic() - began < seconds:
        for key in _ROUND:
            program.press(key)
            time.sleep(0.25)
        time.sleep(_SETTLES)
        first = first or _memory(program.pid)
    return _memory(program.pid), first


def _memory(pid: int) -> float:
    """Return a process's resident memory in MiB."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024
