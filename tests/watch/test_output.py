"""Standard output: in order, bounded, and what is lost is counted where it is missing."""

import asyncio
import contextlib
import json
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from pyhall_tui.watch.lines import encoded
from pyhall_tui.watch.output import Output


class Pipe:
    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()

    def read(self, least: int) -> list[dict[str, Any]]:
        """Read at least that many lines."""
        data = b""
        while data.count(b"\n") < least:
            data += os.read(self.reading, 65_536)
        return [json.loads(line) for line in data.splitlines()]

    def read_to(self, last: int) -> list[dict[str, Any]]:
        """Read up to the line with that id."""
        data = b""
        while not data.endswith(f'"id":{last}}}\n'.encode()):
            data += os.read(self.reading, 65_536)
        return [json.loads(line) for line in data.splitlines()]

    def fill(self) -> None:
        """Let the next write wait."""
        os.set_blocking(self.writing, False)
        with pytest.raises(BlockingIOError):
            while True:
                os.write(self.writing, b" " * 4_096)
        os.set_blocking(self.writing, True)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    for descriptor in (made.reading, made.writing):
        with contextlib.suppress(OSError):
            os.close(descriptor)


def line(number: int) -> dict[str, Any]:
    return {"type": "event", "id": number}


async def test_lines_are_written_in_order(pipe: Pipe) -> None:
    output = Output(pipe.writing, lambda: 1.0)
    for number in range(1_000):
        output.put(line(number))
    await output.written()
    assert [each["id"] for each in await asyncio.to_thread(pipe.read, 1_000)] == list(range(1_000))
    assert output.close(5) == 0
    assert output.lost == 0


async def test_what_a_slow_reader_misses_is_counted_where_it_is_missing(pipe: Pipe) -> None:
    pipe.fill()
    output = Output(pipe.writing, lambda: 1.0, most=10)
    for number in range(1_000):
        output.put(line(number))
    assert output.lost > 0
    found: list[dict[str, Any]] = []
    reading = threading.Thread(target=lambda: found.extend(pipe.read_to(1_000)))
    reading.start()
    await output.written()
    output.put(line(1_000))
    await output.written()
    await asyncio.to_thread(reading.join, 30)
    following = 0
    for each in found:
        following += each["count"] if each["type"] == "lost" else 1
        assert each["type"] == "lost" or each["id"] == following - 1
    assert following == 1_001
    assert sum(each["count"] for each in found if each["type"] == "lost") == output.lost
    output.close(5)


async def test_a_pipe_that_does_not_block_is_waited_for(pipe: Pipe) -> None:
    os.set_blocking(pipe.writing, False)
    output = Output(pipe.writing, lambda: 1.0)
    for number in range(5_000):
        output.put({"id": number, "text": "x" * 100})
    found = await asyncio.to_thread(pipe.read, 5_000)
    assert [each["id"] for each in found] == list(range(5_000))
    output.close(5)


async def test_a_reader_that_has_gone_is_noticed_while_there_is_nothing_to_write(pipe: Pipe) -> None:
    output = Output(pipe.writing, lambda: 1.0)
    os.close(pipe.reading)
    assert isinstance(await asyncio.wait_for(output.failed, 30), BrokenPipeError)
    output.close(5)


async def test_the_end_waits_no_longer_than_it_may(pipe: Pipe) -> None:
    pipe.fill()
    output = Output(pipe.writing, lambda: 1.0)
    output.put(line(1))
    assert output.close(0.05) == 1


def test_a_line_is_ascii_without_control_characters() -> None:
    text = "".join(map(chr, range(0x3000))) + "\u202e\ud800\U0001f600"
    for start in range(0, len(text), 1_000):
        part = text[start : start + 1_000]
        written = encoded({"text": part})
        assert all(0x20 <= byte < 0x7F for byte in written[:-1])
        assert json.loads(written) == {"text": part}


def test_a_long_text_is_cut() -> None:
    assert len(encoded({"text": ["x" * 1_000_000]})) < 2_100
