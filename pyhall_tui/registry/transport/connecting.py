"""Makes a new connection: resolves the name, tries its addresses shortly after each other, starts TLS."""

import asyncio
import socket
import ssl
from itertools import chain, zip_longest
from typing import Any, Final

import httpx

from pyhall_tui.registry.transport.connection import WireConnection

_HEAD_START: Final = 0.25
"""Seconds after which the next address is tried in parallel (RFC 8305, 5)."""

Address = tuple[int, int, int, Any]
"""Family, kind, protocol, and what `connect` takes."""


async def connect(host: str, port: int, context: ssl.SSLContext | None) -> WireConnection:
    """Return a connection to that host, over TLS if there is a context.

    Raises:
        httpx.ConnectError: it failed; its causes say why.
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        opened = await _first_open([(family, kind, protocol, at) for family, kind, protocol, _, at in found])
        try:
            name = None if context is None else host
            _, connection = await loop.create_connection(WireConnection, sock=opened, ssl=context, server_hostname=name)
        except BaseException:
            opened.close()
            raise
    except (OSError, ExceptionGroup) as error:
        raise httpx.ConnectError(str(error)) from error
    return connection


async def _first_open(addresses: list[Address]) -> socket.socket:
    """Return a socket connected to the first address that answers.

    Raises:
        OSError: the only address doesn't answer.
        ExceptionGroup: none of several addresses answers.
    """
    turns = iter(_by_turns(addresses))
    trying: set[asyncio.Task[socket.socket]] = set()
    faults: list[Exception] = []
    try:
        while True:
            more = next(turns, None)
            if more is not None:
                trying.add(asyncio.create_task(_open(more)))
            if not trying:
                break
            pause = None if more is None else _HEAD_START
            done, trying = await asyncio.wait(trying, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if isinstance(fault := task.exception(), Exception):
                    faults.append(fault)
                else:
                    trying |= done - {task}
                    return task.result()
    finally:
        for task in trying:
            task.add_done_callback(_close_late)
            task.cancel()
    if len(faults) == 1:
        raise faults[0]
    raise ExceptionGroup("no address answers", faults or [OSError("the name has no address")])


def _by_turns(addresses: list[Address]) -> list[Address]:
    """Return the addresses with alternating families, so that a family that leads nowhere delays nobody."""
    families: dict[int, list[Address]] = {}
    for address in addresses:
        families.setdefault(address[0], []).append(address)
    return [each for each in chain.from_iterable(zip_longest(*families.values())) if each is not None]


async def _open(address: Address) -> socket.socket:
    family, kind, protocol, place = address
    opened = socket.socket(family, kind, protocol)
    try:
        opened.setblocking(False)
        await asyncio.get_running_loop().sock_connect(opened, place)
    except BaseException:
        opened.close()
        raise
    return opened


def _close_late(task: asyncio.Task[socket.socket]) -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().close()
