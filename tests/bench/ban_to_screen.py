"""From the moment the registry's ban list holds a hash to the bytes of the row that shows it, in the real program.

The registry lets 10 requests a second through. The baseline is the published client's loop over the same workers on
the same registry: `RegistryClient.prefetch`, called again a second after each time that it was refused. Its rate is
measured over some seconds, and from that follows how long one round takes, which is its worst case. (In truth it is
worse: its cache holds a verdict for a minute, so at this rate it begins anew before it is through.)
"""

import random
import statistics
import time
from collections.abc import Iterator

from tests.bench._registry import worker_id
from tests.bench._setting import Program, Registry, home, open_app
from tests.bench.report import Row

RATE = 10.0
BAN_LIST_INTERVAL = 5.0
_ALLOWED = BAN_LIST_INTERVAL + 1.0


def run(quick: bool) -> Iterator[Row]:
    """Ban workers one after the other at random moments."""
    many, bans, span = (3_000, 2, 3.0) if quick else (10_000, 20, 20.0)
    with Registry(many) as registry:
        registry.set(rate=RATE, latency=0.05)
        with home(registry.url, many) as place, open_app(place) as program:
            program.wait_for("● live".encode())
            delays = [_ban(registry, program, number, many) for number in range(bans)]
        registry.set(banned=[])
        sdk_round = many / _prefetch_rate(registry.url, many, span)
    worst = max(delays)
    yield Row("ban to screen, median", statistics.median(delays), "s", sdk_round / 2, "prefetch, extrapolated")
    yield Row(
        "ban to screen, worst", worst, "s", sdk_round, "prefetch, extrapolated", f"≤ {_ALLOWED:g} s", worst <= _ALLOWED
    )


def _ban(registry: Registry, program: Program, number: int, many: int) -> float:
    rng = random.Random(number)
    time.sleep(rng.uniform(0.5, 0.5 + BAN_LIST_INTERVAL))
    worker = worker_id(rng.randrange(many))
    since = program.end
    banned_at = registry.set(banned=[worker])["at"]
    row = rb"BANNED(?:\x1b\[[0-9;]*m|[ \xe2\x80\xa2])*" + worker.encode()
    shown_at = program.wait_for(row, since, patience=60)
    return shown_at - banned_at


def _prefetch_rate(url: str, many: int, span: float) -> float:
    """Return how many workers a second the published client's loop gets through."""
    from pyhall.registry_client import RegistryClient, RegistryRateLimitError  # type: ignore[import-untyped]

    client = RegistryClient(base_url=url)
    workers = [worker_id(number) for number in range(many)]
    began = time.monotonic()
    while time.monotonic() - began < span:
        try:
            client.prefetch(workers)
        except RegistryRateLimitError:
            time.sleep(1.0)
    return len(client._cache) / (time.monotonic() - began)
