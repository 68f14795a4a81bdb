"""An answer's body, unpacked and counted: read whole, or passed on in pieces as it arrives."""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Final

import httpx

from pyhall_tui.registry.errors import AnswerTooLarge, NotARegistrysAnswer
from pyhall_tui.registry.trip import BODY_LIMIT, Taker, TooMuchHeld, Trip
from pyhall_tui.registry.unpacking import Gunzip, NotPacked
from pyhall_tui.threads.off_loop import off_loop

_PIECE: Final = 256 * 1024
"""Bytes that are passed on at a time."""
_BYTES_A_SECOND: Final = 2 * 1024 * 1024
"""For each time this many bytes of a long body arrive, the deadline is a second later. A trickle gains nothing."""
_STREAMED_A_SECOND: Final = 512 * 1024
"""Bytes of an endless answer that are read in a second: some thousand events. Beyond that, the other side waits."""


async def read_body(trip: Trip, response: httpx.Response, taker: Taker | None) -> bytes:
    """Read a body and return it, or pass it to `taker` and return nothing.

    It is counted after unpacking (httpx unpacks a bomb before anyone can count). The connection is not given back yet:
    `response.aclose` does that.

    Raises:
        RegistryError: it is too long, or is not packed as stated.
        Unreadable: `taker` cannot read it.
    """
    try:
        if taker is not None:
            await _hand_on(trip, _unpacked(trip, response, is_taken=True), taker)
            return b""
        return b"".join([piece async for piece in _unpacked(trip, response, is_taken=False)])
    except NotPacked as wrong:
        sentence = str(wrong)
    raise trip.error(NotARegistrysAnswer, sentence)


async def follow_body(trip: Trip, response: httpx.Response, take: Callable[[bytes], None]) -> None:
    """Pass on a body that need not end, each piece at once, but only so many bytes in a second.

    Raises:
        RegistryError: it is not packed as stated.
        Unreadable: `take` cannot read it.
    """
    trip.lift_deadline()
    loop = asyncio.get_running_loop()
    second, taken = loop.time(), 0
    try:
        async for piece in _unpacked(trip, response, is_taken=True):
            if loop.time() - second >= 1.0:
                second, taken = loop.time(), 0
            elif taken > _STREAMED_A_SECOND:
                await asyncio.sleep(second + 1.0 - loop.time())
                second, taken = loop.time(), 0
            taken += len(piece)
            take(piece)
    except NotPacked as wrong:
        sentence = str(wrong)
    else:
        return
    raise trip.error(NotARegistrysAnswer, sentence)


async def _unpacked(trip: Trip, response: httpx.Response, *, is_taken: bool) -> AsyncIterator[bytes]:
    # If a call's success is read in pieces, anything else is short.
    in_pieces = trip.call.into or trip.call.follow
    limit, size = BODY_LIMIT if in_pieces and not is_taken else trip.call.limit, 0
    unpack = _unpacker(trip, response)
    assert isinstance(response.stream, httpx.AsyncByteStream)
    async for chunk in response.stream:
        for piece in (chunk,) if unpack is None else unpack.feed(chunk):
            size += len(piece)
            if size > limit:
                raise trip.error(AnswerTooLarge, f"The answer's body is larger than {limit / 1024 / 1024:g} MiB.")
            yield piece
    if unpack is not None:
        unpack.end()


def _unpacker(trip: Trip, response: httpx.Response) -> Gunzip | None:
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return None
    if encoding in ("gzip", "x-gzip"):
        return Gunzip()
    raise trip.error(NotARegistrysAnswer, "The answer is compressed in a way that was not requested.")


async def _hand_on(trip: Trip, pieces: AsyncIterator[bytes], taker: Taker) -> None:
    """Pass a body on, a long one in a thread, because reading it takes a while.

    Raises:
        RegistryError: it cannot be read in small pieces.
        Unreadable: `taker` cannot read it.
    """
    held, is_long = bytearray(), False
    try:
        async for piece in pieces:
            held += piece
            if len(held) < _PIECE:
                continue
            data, is_long = bytes(held), True
            held.clear()
            trip.allow_more(len(data) / _BYTES_A_SECOND)
            await off_loop(partial(taker.feed, data), name="long answer")
        if is_long:
            await off_loop(partial(taker.feed, bytes(held)), name="long answer")
            await off_loop(taker.finish, name="long answer")
        else:
            taker.feed(bytes(held))
    except TooMuchHeld as wrong:
        sentence = str(wrong)
    else:
        return
    raise trip.error(AnswerTooLarge, sentence)
