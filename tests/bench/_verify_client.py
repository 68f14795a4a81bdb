"""One client that verifies without pause: `python -m tests.bench._verify_client NAME URL SECONDS IN_FLIGHT`.

Prints its requests, seconds, processor seconds and latencies as JSON. A process of its own for each, so that none
profits from what another has imported or warmed.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from pyhall_tui.percentile import percentile
from tests.bench._registry import worker_id

Ask = Callable[[str], Awaitable[Any]]
WORKERS = 1_000
_HEADERS = {"Authorization": "Bearer phk_live_bench", "Accept": "application/json"}


@asynccontextmanager
async def ours(url: str, in_flight: int) -> AsyncIterator[Ask]:
    from pyhall_tui.clock import SystemClock
    from pyhall_tui.profiles.api_key import ApiKey
    from pyhall_tui.profiles.profile import Profile
    from pyhall_tui.registry.client import RegistryClient

    profile = Profile(name="b", namespace="org.bench", registry_url=url, requests_in_flight=in_flight)
    async with RegistryClient(profile, ApiKey("phk_live_bench"), SystemClock()) as client:
        yield lambda worker: client.verify(worker, retry=False)


@asynccontextmanager
async def aiohttp(url: str, in_flight: int) -> AsyncIterator[Ask]:
    import aiohttp

    async with aiohttp.ClientSession(headers=_HEADERS, connector=aiohttp.TCPConnector(limit=in_flight)) as session:

        async def ask(worker: str) -> Any:
            async with session.get(f"{url}/api/v1/verify/{worker}") as answer:
                return await answer.json()

        yield ask


@asynccontextmanager
async def httpx(url: str, in_flight: int, name: str = "httpx") -> AsyncIterator[Ask]:
    module: Any = __import__(name)
    limits = module.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    async with module.AsyncClient(headers=_HEADERS, limits=limits) as client:

        async def ask(worker: str) -> Any:
            return (await client.get(f"{url}/api/v1/verify/{worker}")).json()

        yield ask


CLIENTS: dict[str, Callable[[str, int], Any]] = {
    "ours": ours,
    "aiohttp": aiohttp,
    "httpx": httpx,
    "httpx2": lambda url, in_flight: httpx(url, in_flight, "httpx2"),
}


async def main(name: str, url: str, seconds: float, in_flight: int) -> None:
    """Warm up for a quarter second, measure for that long, print."""
    elapsed: list[float] = []
    async with CLIENTS[name](url, in_flight) as ask:

        async def keep_asking(first: int, until: float) -> None:
            number = first
            while (began := time.perf_counter()) < until:
                await ask(worker_id(number % WORKERS))
                elapsed.append(time.perf_counter() - began)
                number += in_flight

        async def all_for(span: float) -> None:
            until = time.perf_counter() + span
            await asyncio.gather(*(keep_asking(first, until) for first in range(in_flight)))

        await all_for(0.25)
        elapsed.clear()
        began, cpu = time.perf_counter(), time.process_time()
        await all_for(seconds)
        figures = {
            "rate": len(elapsed) / (time.perf_counter() - began),
            "cpu_us": (time.process_time() - cpu) / len(elapsed) * 1e6,
            "p95_ms": percentile(sorted(elapsed), 95) * 1000,
        }
    print(json.dumps(figures))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4])))
