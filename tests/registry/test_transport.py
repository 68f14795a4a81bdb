"""Connections: whose address is tried when, how long one is kept, and what ends it."""

import asyncio
import socket
import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from pyhall_tui.registry.client import RegistryClient
from pyhall_tui.registry.errors import NotARegistrysAnswer, NotSent, TimedOut, Unreachable
from pyhall_tui.registry.lean_client import TARGET
from pyhall_tui.registry.models import DispatchRequest
from pyhall_tui.registry.transport import pool
from pyhall_tui.registry.transport.direct import DirectTransport
from pyhall_tui.registry.transport.progress import EXTENSION
from tests.registry.conftest import OpenClient
from tests.registry.raw_server import RawRequest, RawServer, answer, hang_up, json, never, raw_server, until, verdict

WORKER = "wkr_abc123"
DISPATCH = DispatchRequest(namespace="org.yourco", capability="c", worker_id=WORKER, context={})
NOBODY = ("127.0.0.1", 1)


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int]) -> None:
    """Let every name lead to those addresses."""

    async def getaddrinfo(*_: Any, **__: Any) -> list[Any]:
        kinds = [socket.AF_INET6 if ":" in host else socket.AF_INET for host, _ in addresses]
        return [(kind, socket.SOCK_STREAM, 6, "", at) for kind, at in zip(kinds, addresses, strict=True)]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)


async def test_the_next_address_is_tried_where_one_refuses(
    server: RawServer, open_client: OpenClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answer(verdict())
    client = open_client("http://registry.example", allow_insecure=True)
    resolve_to(monkeypatch, ("::1", 1), NOBODY, ("127.0.0.1", server.port))
    assert (await client.verify(WORKER)).status == "active"


async def test_the_next_address_is_tried_where_one_does_not_answer(
    server: RawServer, open_client: OpenClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A little later, without waiting for the first one's time-out."""
    server.answer(verdict())
    client = open_client("http://registry.example", allow_insecure=True)
    loop, silent = asyncio.get_running_loop(), ("127.0.0.1", 2)
    connect = loop.sock_connect

    async def connects(opened: socket.socket, place: Any) -> None:
        await (asyncio.Event().wait() if place == silent else connect(opened, place))

    monkeypatch.setattr(loop, "sock_connect", connects)
    resolve_to(monkeypatch, silent, ("127.0.0.1", server.port))
    assert (await client.verify(WORKER)).status == "active"
    assert [task.get_coro().__name__ for task in asyncio.all_tasks() if "_open" in repr(task)] == []


async def test_where_all_addresses_refuse_it_is_said_why(
    open_client: OpenClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = open_client("http://registry.example", allow_insecure=True)
    resolve_to(monkeypatch, ("::1", 1), NOBODY)
    with pytest.raises(Unreachable, match="the connection was refused"):
        await client.verify(WORKER, retry=False)


@pytest.mark.skipif(not socket.has_ipv6, reason="this system has no IPv6")
async def test_an_ipv6_address_is_reached(open_client: OpenClient) -> None:
    raw = RawServer(scripts=[verdict()])
    listening = await asyncio.start_server(raw.serve, "::1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        client = open_client(f"http://[::1]:{port}")
        assert (await client.verify(WORKER)).status == "active"
        assert raw.requests[0].headers["host"] == f"[::1]:{port}"
        await client.aclose()


async def test_an_idle_connection_is_kept_only_for_a_while(
    server: RawServer, client: RegistryClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answer(verdict())
    await client.verify(WORKER)
    monkeypatch.setattr(pool, "KEPT_FOR", -1.0)
    await client.verify(WORKER)
    assert [request.connection for request in server.requests] == [1, 2]
    await until(lambda: server.open_connections == 1)


async def test_what_comes_over_an_idle_connection_ends_it_unread(server: RawServer, client: RegistryClient) -> None:
    """Such as the 408 of a proxy that closes what is idle."""
    is_idle = asyncio.Event()

    async def then_more(request: RawRequest, writer: asyncio.StreamWriter) -> None:
        writer.write(verdict())
        await is_idle.wait()
        writer.write(json({"error": "idle"}, "408 Request Timeout"))

    server.answer(then_more, verdict())
    await client.verify(WORKER)
    is_idle.set()
    await until(lambda: server.open_connections == 0)
    assert (await client.verify(WORKER, retry=False)).status == "active"
    assert [request.connection for request in server.requests] == [1, 2]


async def test_an_answer_that_came_before_its_request_is_refused_also_about_the_same_worker(
    server: RawServer, client: RegistryClient
) -> None:
    server.answer(verdict() + verdict(), verdict())
    await client.verify(WORKER)
    with pytest.raises(NotARegistrysAnswer, match="before it was asked for"):
        await client.verify(WORKER, retry=False)
    assert (await client.verify(WORKER, retry=False)).status == "active"


async def test_a_ban_list_that_came_before_its_request_is_not_the_one_that_later_ones_are_compared_with(
    server: RawServer, client: RegistryClient
) -> None:
    """Otherwise the same list, asked for, would be "unchanged", though nobody has its bans."""
    bans = json([{"sha256": "ab" * 32, "reason": "leaks"}], "200 OK", 'ETag: "v1"')
    server.answer(verdict() + bans, bans)
    await client.verify(WORKER)
    with pytest.raises(NotARegistrysAnswer, match="before it was asked for"):
        await client.ban_list(retry=False)
    listed = await client.ban_list(retry=False)
    assert not listed.unchanged
    assert "ab" * 32 in listed.entries


@pytest.mark.parametrize("version", [b"HTTP/1.0 200 OK", b"HTTP/1.1 200 OK\r\nConnection: x, Close"])
async def test_a_connection_that_the_other_side_will_close_is_not_used_again(
    server: RawServer, client: RegistryClient, version: bytes
) -> None:
    server.answer(verdict().replace(b"HTTP/1.1 200 OK", version))
    for _ in range(2):
        await client.verify(WORKER)
    assert [request.connection for request in server.requests] == [1, 2]


async def test_an_answer_up_to_the_connections_end_is_read(server: RawServer, client: RegistryClient) -> None:
    async def until_close(request: RawRequest, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + verdict().partition(b"\r\n\r\n")[2])
        writer.close()

    server.answer(until_close)
    assert (await client.verify(WORKER, retry=False)).status == "active"


async def test_a_long_body_waits_for_who_reads_it(server: RawServer, client: RegistryClient) -> None:
    """Reading stops meanwhile, so that no more is held than is wanted."""
    server.answer(answer(b"[" + b" " * 3_000_000 + b"]"))
    assert not (await client.ban_list()).entries
    server.answer(verdict())
    assert (await client.verify(WORKER)).status == "active" and server.connections == 1


async def test_a_read_that_waits_for_its_turn_can_be_cancelled(server: RawServer, open_client: OpenClient) -> None:
    server.answer(never)
    client = open_client(server.url, requests_in_flight=1, timeout=30.0)
    tasks = [asyncio.create_task(client.verify(WORKER)) for _ in range(6)]
    await until(lambda: len(server.requests) == 2)
    for task in tasks:
        task.cancel()
    assert all(
        isinstance(each, asyncio.CancelledError) for each in await asyncio.gather(*tasks, return_exceptions=True)
    )
    server.answer(verdict())
    async with asyncio.timeout(30):
        await asyncio.gather(*(client.verify(WORKER) for _ in range(6)))


async def test_closing_ends_what_waits_for_its_turn_and_what_connects(
    server: RawServer, open_client: OpenClient
) -> None:
    server.answer(never)
    client = open_client(server.url, requests_in_flight=1)
    tasks = [asyncio.create_task(client.verify(WORKER, retry=False)) for _ in range(6)]
    await until(lambda: len(server.requests) == 2)
    tasks.append(asyncio.create_task(client.dispatch(DISPATCH)))
    await asyncio.sleep(0)
    await client.aclose()
    async with asyncio.timeout(30):
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(each, Unreachable | NotSent) for each in ended)


async def test_a_change_is_not_sent_twice_whatever_becomes_of_its_connection(
    server: RawServer, client: RegistryClient
) -> None:
    """Also if it was closed at once, or after half a head."""

    async def half(request: RawRequest, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 O")
        writer.close()

    for script in (hang_up, half, b"junk\r\n\r\n"):
        server.requests.clear()
        server.answer(script)
        with pytest.raises((Unreachable, NotARegistrysAnswer)) as caught:
            await client.dispatch(DISPATCH)
        assert caught.value.may_have_reached and len(server.requests) == 1


async def test_tls_connections_are_kept_too(
    open_client: OpenClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    authority.issue_cert("127.0.0.1").configure_cert(context)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    async with raw_server(context) as server:
        server.answer(verdict())
        client = open_client(server.url)
        for _ in range(3):
            assert (await client.verify(WORKER)).status == "active"
        assert server.connections == 1
        server.answer(never)
        with pytest.raises(TimedOut):
            await open_client(server.url, timeout=0.2).verify(WORKER, retry=False)


async def test_a_request_for_another_origin_or_of_two_lines_is_not_sent(server: RawServer) -> None:
    transport = DirectTransport(server.url, connections=1, context=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    elsewhere = httpx.Request("GET", "http://127.0.0.1:9/")
    with pytest.raises(httpx.UnsupportedProtocol):
        await transport.handle_async_request(elsewhere)
    for target, header in ((b"/ HTTP/1.1\r\nX: y", b"z"), (b"/", b"z\r\nX: y"), (b"/", b"z\nX: y"), (b"/\x00", b"z")):
        extensions = {TARGET: target, EXTENSION: None}
        request = httpx.Request("GET", server.url, headers=[(b"X", header)], extensions=extensions)
        with pytest.raises(httpx.LocalProtocolError):
            await transport.handle_async_request(request)
    await transport.aclose()
    assert not server.requests
