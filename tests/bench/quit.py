"""From `q` to the end of the process: in the demo, with many workers, and while the registry does not answer."""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial

from tests.bench._setting import Home, Program, Registry, bare_app, home, open_app
from tests.bench.report import Row

_FEW, _MANY = 100, 10_000
_TARGET = 0.5
_SETTLES = 1.0
_QUIT = "\x11"
"""Ends the program from a field, too."""


def run(quick: bool) -> Iterator[Row]:
    """Quit from several places, each beside an app that shows one line."""
    times = 3 if quick else 10
    with Registry(_FEW) as registry, home(registry.url, _FEW) as place:
        bare = statistics.median(_quit(partial(bare_app, place), b"the only line", _QUIT) for _ in range(times))
        yield _row("quit the demo", partial(open_app, place, "--demo"), rb"\d+ clean", "q", times, bare)
        live = partial(open_app, place)
        yield _row(f"quit, {_FEW} workers", live, b"worker-00000", "q", times, bare)
        yield _row("quit from a dialog", live, b"worker-00000", "a" + _QUIT, times, bare)
        yield _row("quit from a batch", live, b"worker-00000", "2\x02" + _QUIT, times, bare)
    with Registry(_MANY) as registry:
        yield from _many(home(registry.url, _MANY), f"quit, {_MANY:,} workers", times, bare)
    yield from _many(home("http://127.0.0.1:9", _FEW), "quit, the registry is dead", times, bare)


def _many(made: AbstractContextManager[Home], name: str, times: int, bare: float) -> Iterator[Row]:
    with made as place:
        yield _row(name, partial(open_app, place), b"worker-00000", "q", times, bare)


def _row(name: str, start: Callable[[], Program], shown: bytes, keys: str, times: int, bare: float) -> Row:
    value = statistics.median(_quit(start, shown, keys) for _ in range(times))
    target = f"≤ {_TARGET:g} s, or the baseline"  # on a busy machine, even that takes longer
    return Row(name, value, "s", bare, "an app of one line", target, value <= max(_TARGET, bare))


def _quit(start: Callable[[], Program], shown: bytes, keys: str) -> float:
    with start() as program:
        program.wait_for(shown)
        time.sleep(_SETTLES)
        program.press(keys[:-1])
        time.sleep(_SETTLES)
        pressed = program.press(keys[-1])
        return program.wait_for_end() - pressed
