"""A process that bans workers and sends the alarms to a webhook until it is killed.

`python -m tests.watch.kill_child FOLDER URL FIRST COUNT` bans `wkr_FIRST`, …, and prints each once it is on disk.
"""

import asyncio
import sys
from pathlib import Path

from pyhall_tui.clock import SystemClock
from pyhall_tui.watch.deliveries import Deliveries
from tests.watch.rig import Rig


async def main(folder: str, url: str, first: str, count: str) -> None:
    rig = Rig(Path(folder), SystemClock())
    following = asyncio.create_task(Deliveries(SystemClock(), webhook=url).follow(rig.profile, rig.notes))
    await asyncio.sleep(0)
    print("started", flush=True)
    for number in range(int(first), int(first) + int(count)):
        rig.ban(f"wkr_{number}")
        print(f"wkr_{number}", flush=True)
        await asyncio.sleep(0.01)
    await following


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
