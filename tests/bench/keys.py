"""From a key to the bytes of its frame, while 10,000 workers are watched and 200 verdicts a second arrive.

The frame of *cursor down* is there with the bytes that hold the cursor's bar and, on the same line, the expected row's
id; that of a *letter in the filter* with those of the count of rows that are left, which stands in the frame's last
line. One verdict of fifty finds another hash, so rows change and events happen. The baseline is the same program at
rest: 100 workers, of which it asks for those on screen alone.
"""

import random
import time
from collections.abc import Iterator

from pyhall_tui.percentile import percentile
from tests.bench._registry import worker_id
from tests.bench._setting import Program, Registry, home, open_app
from tests.bench.memory import wait_for_round
from tests.bench.report import Row

RATE = 200
FEW = 100
_ALLOWED_MS, _ALLOWED_TIMES = 50.0, 2.0
_SAME_LINE = rb"[^\r\nH]{0,300}?"
"""No line's end, and no code that moves the cursor elsewhere."""
_FILTERS = ("7", "3", "9")


def run(quick: bool) -> Iterator[Row]:
    """Press the keys at rest, then under load."""
    many, keys = (2_000, 20) if quick else (10_000, 200)
    with Registry(many) as registry:
        with home(registry.url, FEW, poll_interval=86_000.0) as place, open_app(place) as program:
            rest = _press(registry, program, FEW, keys)
        registry.set(latency=0.05, change_every=50)
        interval = {"poll_interval": many / RATE, "requests_per_second": float(RATE), "requests_in_flight": 32}
        with home(registry.url, many, **interval) as place, open_app(place) as program:
            before = registry.set()
            load = _press(registry, program, many, keys)
            after = registry.set()
    rate = (after["verifies"] - before["verifies"]) / (after["at"] - before["at"])
    for kind in ("cursor down", "filter letter"):
        for percent in (50, 95):
            value, baseline = (percentile(sorted(times[kind]), percent) * 1000 for times in (load, rest))
            tested = percent == 95
            met = (value <= _ALLOWED_MS and value <= _ALLOWED_TIMES * baseline) if tested else None
            target = f"≤ {_ALLOWED_MS:g} ms, ≤ {_ALLOWED_TIMES:g} x" if tested else ""
            note = f"{many:,} workers, {rate:.0f} verdicts/s" if tested else ""
            yield Row(f"key to frame, {kind}, p{percent}", value, "ms", baseline, "at rest", target, met, note)


def _press(registry: Registry, program: Program, workers: int, keys: int) -> dict[str, list[float]]:
    """Return the seconds that each key took, by kind."""
    rng = random.Random(1)
    program.wait_for(worker_id(0).encode())
    wait_for_round(registry, program, min(workers, FEW))
    since = program.end
    program.press("s")  # by id: rows that change stay in their place
    program.wait_for("WORKER ▲".encode(), since)
    program.press("g")
    time.sleep(0.5)
    cursor = [_cursor_down(program, 1 + number % (workers - 1), rng) for number in range(min(keys, workers - 1))]
    program.press("/")
    time.sleep(0.3)
    letters = [_letter(program, _FILTERS[number % len(_FILTERS)], workers, rng) for number in range(keys)]
    return {"cursor down": cursor, "filter letter": letters}


def _cursor_down(program: Program, row: int, rng: random.Random) -> float:
    time.sleep(rng.uniform(0.03, 0.09))
    since = program.end
    pressed = program.press("j")
    pattern = "▌".encode() + _SAME_LINE + worker_id(row).encode()
    return program.wait_for(pattern, since) - pressed


def _letter(program: Program, letter: str, workers: int, rng: random.Random) -> float:
    """Type one letter into the empty filter, wait for what is left, and take it away again."""
    left = sum(letter in worker_id(number) for number in range(workers))
    time.sleep(rng.uniform(0.03, 0.09))
    since = program.end
    pressed = program.press(letter)
    count = f"{left} of {workers} workers".encode()
    shown = program.wait_for(count, since) - pressed
    since = program.end
    program.press("\x7f")
    program.wait_for(f"m{workers} workers".encode(), since)
    return shown
