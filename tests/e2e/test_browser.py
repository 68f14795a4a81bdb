"""The app without a terminal, shown by a program such as `textual-serve` through pipes (`TEXTUAL_DRIVER`)."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.waiting import until

PROGRAM = (sys.executable, "-m", "pyhall_tui", "--demo")
DRIVER = "textual.drivers.web_driver:WebDriver"


class Shown:
    """A running app, and what it sent: a first line, then packets: a character, the length in 4 bytes, the rest."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.text = ""
        self.kinds = set[bytes]()

    async def read(self) -> None:
        assert self.process.stdout is not None
        assert await self.process.stdout.readline() == b"__GANGLION__\n"
        while kind := await self.process.stdout.read(1):
            length = int.from_bytes(await self.process.stdout.readexactly(4), "big")
            self.text += (await self.process.stdout.readexactly(length)).decode()
            self.kinds.add(kind)

    def send(self, kind: bytes, payload: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(kind + len(payload).to_bytes(4, "big") + payload)


@asynccontextmanager
async def demo(folder: Path) -> AsyncIterator[Shown]:
    process = await asyncio.create_subprocess_exec(
        *PROGRAM,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={
            **os.environ,
            "TEXTUAL_DRIVER": DRIVER,
            "TERM": "dumb",
            "HOME": str(folder),
            "COLUMNS": "100",
            "LINES": "30",
        },
    )
    shown = Shown(process)
    reading = asyncio.create_task(shown.read())
    try:
        yield shown
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reading


@pytest.mark.thorough
async def test_a_program_that_shows_it_elsewhere_gets_only_packets(tmp_path: Path) -> None:
    async with demo(tmp_path) as shown:
        await until(lambda: "Workers" in shown.text)
        shown.send(b"D", b"?")
        await until(lambda: "searches" in shown.text)
        shown.send(b"M", json.dumps({"type": "quit"}).encode())
        assert await asyncio.wait_for(shown.process.wait(), 30) == 0
    assert {b"D", b"M"} <= shown.kinds <= {b"D", b"M", b"P"}


@pytest.mark.thorough
def test_it_ends_when_the_program_that_shows_it_is_gone(tmp_path: Path) -> None:
    environment = {**os.environ, "TEXTUAL_DRIVER": DRIVER, "HOME": str(tmp_path)}
    with subprocess.Popen(
        PROGRAM, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        shown = b""
        while b"Workers" not in shown:
            more = os.read(process.stdout.fileno(), 65_536)
            assert more
            shown += more
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(30)
        finally:
            process.kill()
