"""From `q` to the end of the process: in the demo, with many workers, and while the registry does not answer."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial

from tests.bench._setting import Home, Program, Registry, bare_app, home, open_app
from tests.bench.report import Row

_FEW, _MANY = 100, 10_000
_TARGET = 0.5
_SETTLES = 1.0
_WORKER = b"worker-00000"
_QUIT = "\x11"
"""Ends the program from a field, too."""


def run(quick: bool) -> Iterator[Row]:
    """Quit from several places, each beside an app that shows one line."""
    times = 3 if quick else 10
    with Registry(_FEW) as registry, home(registry.url, _FEW) as place:
        bare = statistics.median(_quit(partial(bare_app, place), b"the only line", _QUIT) for _ in range(times))
        yield _row("quit the demo", partial(_quit, partial(open_app, place, "--demo"), rb"\d+ clean", "q"), times, bare)
        live = partial(open_app, place)
        yield _row(f"quit, {_FEW} workers", partial(_quit, live, _WORKER, "q"), times, bare)
        dialog, batch = (("a", b"Watch workers"),), (("2", b"Display name"), ("\x02", b"has been checked"))
        yield _row("quit from a dialog", partial(_quit, live, _WORKER, _QUIT, dialog), times, bare)
        yield _row("quit from a batch", partial(_quit, live, _WORKER, _QUIT, batch), times, bare)
    with Registry(_MANY) as registry:
        yield from _many(home(registry.url, _MANY), f"quit, {_MANY:,} workers", times, bare)
    yield from _many(home("http://127.0.0.1:9", _FEW), "quit, the registry is dead", times, bare)


def _many(made: AbstractContextManager[Home], name: str, times: int, bare: float) -> Iterator[Row]:
    with made as place:
        yield _row(name, partial(_quit, partial(open_app, place), _WORKER, "q"), times, bare)


def _row(name: str, once: Callable[[], float], times: int, bare: float) -> Row:
    value = statistics.median(once() for _ in range(times))
    is_slow = bare > _TARGET  # on a busy machine, even that app takes longer
    target = f"≤ the baseline, which is over {_TARGET:g} s itself" if is_slow else f"≤ {_TARGET:g} s"
    return Row(name, value, "s", bare, "an app of one line", target, value <= max(_TARGET, bare))


def _quit(start: Callable[[], Program], shown: bytes, key: str, way: Sequence[tuple[str, bytes]] = ()) -> float:
    """Quit with `key` once `shown` and, after each key of the way there, what it opens are on screen."""
    with start() as program:
        program.wait_for(shown)
        for opens, opened in way:
            since = program.end
            program.press(opens)
            program.wait_for(opened, since)
        time.sleep(_SETTLES)
        pressed = program.press(key)
        return program.wait_for_end() - pressed
