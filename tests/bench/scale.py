"""100,000 workers: the first frame beside that of 100, a filter's character, a sort, memory, and pasting their ids.

Nothing is verified meanwhile, except for the memory: there each worker is, once.
"""

import statistics
import time
from collections.abc import Iterator

from pyhall_tui.fleet.order import SortKey
from pyhall_tui.percentile import percentile
from tests.bench._registry import worker_id
from tests.bench._setting import Home, Program, Registry, cpu_seconds, home, open_app, peak_memory
from tests.bench.memory import wait_for_round
from tests.bench.report import Row, paired

FEW, SOME, MANY = 100, 10_000, 100_000
_FIRST_TIMES, _FILTER_MS, _SORT_MS, _KIB = 1.1, 50.0, 100.0, 2.0
_BUSY_TIMES = 4.0
_FILTERS = ("7", "3", "9")
_SORTS = [key for key in SortKey if key not in (SortKey.CHANGED, SortKey.PROFILE)]
"""What can be sorted by in a column that is shown at this width: its head has the sign to wait for."""


def run(quick: bool) -> Iterator[Row]:
    """Measure with 100 workers, and with 100,000 (20,000 if `quick`)."""
    many, rounds, keys = (20_000, 2, 9) if quick else (MANY, 9, 60)
    with Registry(many) as registry:
        with (
            home(registry.url, FEW, poll_interval=86_000.0) as small,
            home(registry.url, many, poll_interval=86_000.0, requests_per_second=1.0) as large,
        ):
            yield _first_frame(small, large, many, rounds)
            with open_app(large) as program:
                yield from _keys(program, many, keys)
            yield from _pastes(small, many)
        some_peak = _peak(registry, SOME)
        many_peak = _peak(registry, many)
    each = (many_peak - some_peak) * 1024 / (many - SOME)
    yield Row("memory a worker beyond 10,000", each, "KiB", target=f"≤ {_KIB:g}", met=each <= _KIB)


def _first_frame(small: Home, large: Home, many: int, rounds: int) -> Row:
    few: list[float] = []
    most: list[float] = []
    for number in range(rounds + 1):
        for place, times in ((small, few), (large, most)):
            with open_app(place) as program:
                shown = program.wait_for(worker_id(0).encode()) - program.started
            if number:
                times.append(shown)
    ratio, baseline = paired(most, few), statistics.median(few) * 1000
    name = f"first frame, {many:,} workers"
    return Row(name, ratio * baseline, "ms", baseline, f"{FEW} workers", f"≤ {_FIRST_TIMES} x", ratio <= _FIRST_TIMES)


def _keys(program: Program, many: int, keys: int) -> Iterator[Row]:
    program.wait_for(f"{many} workers".encode())
    _wait_until_quiet(program)  # the verdicts of all of them are read first, which takes seconds on a busy machine
    sorts = [_sort(program, key) for _ in range(2) for key in _SORTS]
    program.press("/")
    time.sleep(0.5)
    letters = [_letter(program, _FILTERS[number % len(_FILTERS)], many) for number in range(keys)]
    for name, values, most in (("sort", sorts, _SORT_MS), ("filter letter", letters, _FILTER_MS)):
        value = percentile(sorted(values), 95) * 1000
        yield Row(f"{name}, {many:,} workers, p95", value, "ms", target=f"≤ {most:g} ms", met=value <= most)


def _wait_until_quiet(program: Program, patience: float = 120.0) -> None:
    """Wait until the program has used less than a fifth of a processor for three seconds."""
    deadline, quiet = time.monotonic() + patience, 0
    while quiet < 3 and time.monotonic() < deadline:
        before = cpu_seconds(program.pid)
        time.sleep(1.0)
        quiet = quiet + 1 if cpu_seconds(program.pid) - before < 0.2 else 0


def _pastes(small: Home, many: int) -> Iterator[Row]:
    """Paste the ids of many workers into the dialog, and ask for the keys while they are put on the watch list."""
    ids = "\n".join(f"pasted-{number:06}" for number in range(many))
    with open_app(small) as program:
        program.wait_for(f"{FEW} workers".encode())
        time.sleep(1.0)
        rest = statistics.median(_ask_for_keys(program) for _ in range(9))
        since = program.end
        program.press("a")
        program.wait_for(b"Type or paste ids", since)
        pasted = program.press(f"\x1b[200~{ids}\x1b[201~")
        read = program.wait_for(f"{many:,} to watch".encode(), since) - pasted
        entered, since = program.press("\r"), program.end
        program.wait_for(b"Putting", since)
        busy = []
        while not program.has_shown(f"Watching {many:,} workers".encode(), since):
            busy.append(_ask_for_keys(program))
        watched = program.wait_for(f"Watching {many:,} workers".encode(), since) - entered
    yield Row(f"{many:,} pasted ids read", read, "s")
    yield Row(f"{many:,} pasted ids on the watch list", watched, "s")
    shown, most = percentile(sorted(busy), 90) * 1000, rest * 1000 * _BUSY_TIMES
    yield Row(
        "the list of keys meanwhile, p90", shown, "ms", rest * 1000, "at rest", f"≤ {_BUSY_TIMES:g} x", shown <= most
    )


def _ask_for_keys(program: Program) -> float:
    since = program.end
    pressed = program.press("?")
    shown = program.wait_for(b"esc closes", since) - pressed
    since = program.end
    program.press("\x1b")
    program.wait_for(b"0 Overview|workers", since)
    time.sleep(0.1)
    return shown


def _sort(program: Program, key: SortKey) -> float:
    """Sort by the column after `key`'s: its sign comes with the frame that shows the rows in their new order."""
    time.sleep(0.2)
    if key is _SORTS[-1]:
        program.press("s")  # past the column that is not shown
        time.sleep(1.0)
    since = program.end
    pressed = program.press("s")
    return program.wait_for("▲".encode(), since) - pressed


def _letter(program: Program, letter: str, many: int) -> float:
    left = sum(letter in worker_id(number) for number in range(many))
    time.sleep(0.1)
    since = program.end
    pressed = program.press(letter)
    shown = program.wait_for(f"{left:,} of {many:,} shown".encode(), since) - pressed
    since = program.end
    program.press("\x7f")
    program.wait_for(f"m{many} workers".encode(), since)
    return shown


def _peak(registry: Registry, workers: int) -> float:
    budget = {"requests_per_second": 1000.0, "requests_in_flight": 32, "poll_interval": 10.0}
    with home(registry.url, workers, journaled=True, **budget) as place, open_app(place) as program:
        wait_for_round(registry, program, workers, patience=900.0)
        return peak_memory(program.pid)
