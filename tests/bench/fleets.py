"""Ten profiles of a thousand workers beside one of ten thousand: processor time at rest, and a ban on screen in each.

All have one registry, so that as many requests are answered in both cases.
"""

import time
from collections.abc import Iterator

from tests.bench._registry import worker_id
from tests.bench._setting import Program, Registry, home, open_app
from tests.bench.ban_to_screen import BAN_LIST_INTERVAL
from tests.bench.idle import cpu_a_minute
from tests.bench.report import Row

NAMES = [f"bench-{number}" for number in range(10)]
_SETTLE = 75.0
_QUICK = 10.0
_MOST_BESIDE_ONE = 1.5
_ALLOWED = BAN_LIST_INTERVAL + 1.0


def run(quick: bool) -> Iterator[Row]:
    """Measure at rest: each worker verified once a minute, then at the default budget; then ban a worker."""
    many, span, settle, bans = (3_000, 8.0, _QUICK, 1) if quick else (10_000, 30.0, _SETTLE, 5)
    few = many // len(NAMES)
    with Registry(many) as registry:
        each_minute = {"requests_per_second": many / 60, "requests_in_flight": 16}
        with home(registry.url, many, **each_minute) as place:
            one = cpu_a_minute(open_app(place), span, settle)
        tenth = {"requests_per_second": many / 60 / len(NAMES), "requests_in_flight": 2}
        with home(registry.url, few, names=NAMES, **tenth) as place:
            ten = cpu_a_minute(open_app(place), span, settle)
        with home(registry.url, few, names=NAMES) as place:
            by_default = cpu_a_minute(open_app(place), span, settle)
            with open_app(place) as program:
                program.wait_for("● live".encode())
                program.press("0")
                program.wait_for(NAMES[-1].encode())
                delays = [delay for number in range(bans) for delay in _ban(registry, program, number)]
    met, target = ten <= _MOST_BESIDE_ONE * one, f"≤ {_MOST_BESIDE_ONE:g} × one"
    name = f"{len(NAMES)} × {few:,} workers"
    yield Row(f"idle, {name}, each once a minute", ten, "CPU s/min", one, f"1 × {many:,}", target, met)
    yield Row(f"idle, {name}, 10 requests/s each", by_default, "CPU s/min", one, f"1 × {many:,}, each once a minute")
    worst = max(delays)
    yield Row(
        f"ban to screen in {len(NAMES)} profiles, worst", worst, "s", None, "", f"≤ {_ALLOWED:g} s", worst <= _ALLOWED
    )


def _ban(registry: Registry, program: Program, number: int) -> Iterator[float]:
    """Ban one worker, which all profiles watch; yield when each showed it."""
    time.sleep(BAN_LIST_INTERVAL + 0.7 * number)
    worker, since = worker_id(number), program.end
    banned_at = registry.set(banned=[worker_id(one) for one in range(number + 1)])["at"]
    between = rb"(?:\x1b\[[0-9;]*m|[ \xe2\x80\xa2])*"
    for name in NAMES:
        row = rb"BANNED" + between + worker.encode() + between + name.encode()
        yield program.wait_for(row, since, patience=60) - banned_at
