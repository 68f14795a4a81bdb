"""From the start of the process to the bytes of the first frame, against a bare Textual app that shows one line.

Of the demo three moments are told: its first frame, its fleet, which is known at once, and its first verdicts, which
wait for the embedded hall. Of a profile it is the fleet from the journal, also with keys and a theme in `config.toml`.
Runs take turns, and a ratio is the median of those of each turn.
"""

import statistics
from collections.abc import Callable, Iterator

from tests.bench._setting import Home, Program, Registry, bare_app, home, open_app
from tests.bench.report import Row, paired

TARGET, _DEMO_TARGET = 1.25, 1.6
"""Of a profile's first frame, and of the demo's fleet."""
_FLEET = b"org.bench.worker-0000"
_CONFIG = """\
[keys]
workers.sort = "S"
app.doctor = ["f9", "D"]

[theme]
name = "mine"

[theme.mine]
like = "pyhall-dark"
error = "#ff5f5f"
"""


def run(quick: bool) -> Iterator[Row]:
    """Measure with 100 and with 10,000 workers in the journal."""
    many, rounds = (3_000, 2) if quick else (10_000, 9)
    with (
        Registry(0) as registry,
        home(registry.url, many) as large,
        home(registry.url, 100) as small,
        home(registry.url, 100) as configured,
    ):
        (configured.folder / "config" / "config.toml").write_text(_CONFIG)
        ways: dict[str, Callable[[], float]] = {
            "bare": lambda: _time(bare_app(large), b"the only line"),
            "--demo, first frame": lambda: _demo(large, b"Workers"),
            "--demo, fleet": lambda: _demo(large, b"org[.]|wrk_|x[.]"),
            "--demo, verdicts": lambda: _demo(large, "● live".encode()),
            "profile, 100 workers": lambda: _time(open_app(small), _FLEET),
            "profile, 100 workers, config.toml": lambda: _time(open_app(configured), _FLEET),
            f"profile, {many:,} workers": lambda: _time(open_app(large), _FLEET),
        }
        for way in ways.values():  # byte code and the disk's cache
            way()
        times = {name: [] for name in ways}  # type: dict[str, list[float]]
        for _ in range(rounds):
            for name, way in ways.items():
                times[name].append(way())
    bare = times.pop("bare")
    for name, values in times.items():
        yield _row(name, paired(values, bare), statistics.median(bare) * 1000)


def _row(name: str, ratio: float, bare: float) -> Row:
    named = (f"first frame: {name}", ratio * bare, "ms", bare, "bare app")
    most = {"--demo, fleet": _DEMO_TARGET, "--demo, first frame": None, "--demo, verdicts": None}.get(name, TARGET)
    if most is None:
        return Row(*named)
    return Row(*named, f"≤ {most} x", ratio <= most)


def _demo(place: Home, shown: bytes) -> float:
    return _time(open_app(place, "--demo"), shown)


def _time(program: Program, shown: bytes) -> float:
    with program:
        return program.wait_for(shown) - program.started
