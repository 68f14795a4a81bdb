"""`kill -9` at any moment loses no alert, and none is sent for another worker."""

import asyncio
import json
import random
import sys
from pathlib import Path

import pytest

from pyhall_tui.alarms.alarm import alarm_id
from tests.registry.raw_server import RawServer, answer
from tests.waiting import until

_KILLS = 3
_EACH = 40


async def started(*arguments: str) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.watch.kill_child", *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"started\n"
    return process


async def killed(process: asyncio.subprocess.Process) -> list[str]:
    """Kill it; return the workers whose bans were on disk."""
    process.kill()
    output, _ = await process.communicate()
    return [line for line in output.decode().splitlines(keepends=True) if line.endswith("\n")]


@pytest.mark.thorough
async def test_killed_at_any_moment_every_ban_arrives_and_none_for_another(tmp_path: Path, server: RawServer) -> None:
    server.answer(answer(b"ok"))
    chance, banned = random.Random(7), list[str]()
    for turn in range(_KILLS):
        before = len(server.requests)
        process = await started(str(tmp_path), server.url, str(turn * _EACH), str(_EACH))
        least = before + chance.randrange(1, 3)
        await until(lambda least=least: len(server.requests) >= least)  # it sends, and may be in the middle of it
        banned += [line.strip() for line in await killed(process)]
    last = await started(str(tmp_path), server.url, "0", "0")

    def arrived() -> set[str]:
        return {one["worker"] for each in server.requests for one in json.loads(each.body)["alerts"]}

    await until(lambda: set(banned) <= arrived())
    await killed(last)
    assert len(banned) > _KILLS
    for one in (one for each in server.requests for one in json.loads(each.body)["alerts"]):
        assert one["alarm"] == alarm_id("prod", "banned", one["worker"])
        assert one["id"] == f"{one['alarm']}.{one['times']}.fired"
        assert one["text"].startswith(f"✖ {one['worker']} is BANNED")
