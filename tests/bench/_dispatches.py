"""Dispatches to halls without a pause until killed or told to end: `… KEY SINCE BANS_A_SECOND IN_FLIGHT URL…`.

Worker `w-N` is banned N / BANS_A_SECOND seconds after SINCE (seconds since the epoch); those about to be banned, or
banned a moment ago, are asked about. It ends when its input does, and prints how many answers it had.
"""

import asyncio
import random
import sys
import time

import aiohttp

_NEAR = 3  # workers on either side of the one that is banned now


async def _ask(url: str, key: str, since: float, rate: float, ended: asyncio.Event) -> int:
    answers = 0
    async with aiohttp.ClientSession(url, headers={"Authorization": f"Bearer {key}"}) as session:
        while not ended.is_set():
            number = max(0, int((time.time() - since) * rate) + random.randint(-_NEAR, _NEAR))
            asked = {"namespace": "n", "capability": "llm.x", "worker_id": f"w-{number}"}
            async with session.post("/api/v1/dispatch", json=asked) as answer:
                await answer.read()
                assert answer.status == 200, answer.status
            answers += 1
    return answers


async def _main() -> None:
    key, since, rate, in_flight, *urls = sys.argv[1:]
    ended = asyncio.Event()
    asking = [_ask(url, key, float(since), float(rate), ended) for url in urls for _ in range(int(in_flight))]
    answers = asyncio.gather(*asking)
    await asyncio.to_thread(sys.stdin.read)
    ended.set()
    print(sum(await answers))


if __name__ == "__main__":
    asyncio.run(_main())
