"""One reader of a long ban list: `python -m tests.bench._ban_list_client ours|plain URL`.

Prints entries, processor seconds, and how far memory rose at its peak and for good, as JSON. A process of its own for
each: a peak is that of a process's whole life.
"""

import asyncio
import json
import re
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any


def memory(name: str) -> float:
    """Return a figure of this process's memory in MiB: `VmRSS` now, `VmHWM` at its peak."""
    found = re.search(rf"{name}:\s+(\d+)", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


async def ours(url: str) -> Any:
    from pyhall_tui.clock import SystemClock
    from pyhall_tui.profiles.profile import Profile
    from pyhall_tui.registry.client import RegistryClient

    async with RegistryClient(
        Profile(name="b", namespace="org.bench", registry_url=url), None, SystemClock()
    ) as client:
        began.append((memory("VmRSS"), time.process_time()))
        return (await client.ban_list(retry=False)).entries


async def plain(url: str) -> Any:
    """Read it whole, as one would first."""
    began.append((memory("VmRSS"), time.process_time()))
    with urllib.request.urlopen(f"{url}/api/v1/ban-list", timeout=600) as answer:  # noqa: ASYNC210
        return {entry["sha256"]: entry for entry in json.loads(answer.read())}


began: list[tuple[float, float]] = []

if __name__ == "__main__":
    entries = asyncio.run({"ours": ours, "plain": plain}[sys.argv[1]](sys.argv[2]))
    before, cpu = began[0]
    figures = {
        "entries": len(entries),
        "cpu_s": time.process_time() - cpu,
        "peak_mib": memory("VmHWM") - before,
        "kept_mib": memory("VmRSS") - before,
    }
    print(json.dumps(figures))
