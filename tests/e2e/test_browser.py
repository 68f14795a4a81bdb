"""The app without a terminal, shown by a program such as `textual-serve` through pipes (`TEXTUAL_DRIVER`)."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
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
@pytest.mark.skipif(sys.platform == "win32", reason="Textual's reader there can't see that a pipe is closed")
@pytest.mark.parametrize("closed", [("stdin",), ("stdout",), ("stdin", "stdout")], ids="+".join)
def test_it_ends_quietly_as_a_closed_terminal_when_the_program_that_shows_it_is_gone(
    tmp_path: Path, closed: tuple[str, ...]
) -> None:
    with running(tmp_path) as process:
        for each in closed:
            getattr(process, each).close()
        assert process.wait(30) == 128 + 1
        assert process.stderr is not None and process.stderr.read() == b""
    assert not [log for log in tmp_path.rglob("*.log") if "crashed" in log.read_text()]


@pytest.mark.thorough
@pytest.mark.skipif(sys.platform == "win32", reason="a signal of POSIX")
def test_sigterm_ends_it_with_its_own_code(tmp_path: Path) -> None:
    with running(tmp_path) as process:
        process.terminate()
        assert process.wait(30) == 128 + 15


@pytest.mark.parametrize("driver", ["nonsense", "a:b", f"{DRIVER}x", "os:sep", ":", "\x1b[31m:x", "x" * 5_000])
def test_a_driver_that_does_not_exist_is_wrong_use(tmp_path: Path, driver: str) -> None:
    done = run(tmp_path, driver)
    assert (done.returncode, done.stdout) == (64, "")
    assert done.stderr.startswith("TEXTUAL_DRIVER is set to ")
    assert done.stderr.endswith("which is not a driver of Textual. Unset it to use the terminal.\n")
    assert "\x1b" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="a driver of POSIX")
def test_a_terminals_driver_needs_a_terminal(tmp_path: Path) -> None:
    done = run(tmp_path, "textual.drivers.linux_driver:LinuxDriver")
    assert (done.returncode, done.stdout) == (64, "")
    assert done.stderr.startswith("The app needs a terminal.")


def run(folder: Path, driver: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "TEXTUAL_DRIVER": driver, "HOME": str(folder)}
    return subprocess.run(
        PROGRAM, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, env=environment, check=False
    )


@contextmanager
def running(folder: Path) -> "Iterator[subprocess.Popen[bytes]]":
    """Run the app until its first screen was shown; at the end of the block, end it if it still runs."""
    environment = {**os.environ, "TEXTUAL_DRIVER": DRIVER, "HOME": str(folder), "XDG_STATE_HOME": str(folder / "state")}
    with subprocess.Popen(
        PROGRAM, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout is not None
        shown = b""
        while b"Workers" not in shown:
            more = os.read(process.stdout.fileno(), 65_536)
            assert more
            shown += more
        try:
            yield process
        finally:
            process.kill()
