"""An answer goes out in one piece, and in order whatever else happens to its connection."""

import asyncio
from typing import Any

from pyhall_tui.hall.one_write import OneWrite


class _Transport:
    """Records what is done to it."""

    def __init__(self) -> None:
        self.done: list[Any] = []

    def write(self, data: bytes) -> None:
        self.done.append(data)

    def close(self) -> None:
        self.done.append("close")

    def abort(self) -> None:
        self.done.append("abort")

    def is_closing(self) -> bool:
        return False

    def get_extra_info(self, name: str) -> str:
        return name


def made() -> tuple[OneWrite, list[Any]]:
    transport = _Transport()
    return OneWrite(transport, asyncio.get_running_loop()), transport.done  # type: ignore[arg-type]


async def test_what_is_written_in_one_turn_is_one_write() -> None:
    out, done = made()
    for piece in (b"head", b"", b"body"):
        out.write(piece)
    assert done == []
    await asyncio.sleep(0)
    assert done == [b"headbody"]


async def test_it_is_sent_before_the_connection_closes() -> None:
    out, done = made()
    out.write(b"last words")
    out.close()
    await asyncio.sleep(0)
    assert done == [b"last words", "close"]


async def test_much_of_it_is_not_held_back() -> None:
    out, done = made()
    out.write(b"x" * 65_536)
    assert done == []
    out.write(b"y")
    assert done == [b"x" * 65_536 + b"y"]


async def test_everything_else_is_the_transport_s_own() -> None:
    out, done = made()
    assert out.get_extra_info("socket") == "socket" and not out.is_closing()
    out.abort()
    assert done == ["abort"]
