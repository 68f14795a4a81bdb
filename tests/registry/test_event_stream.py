"""The client's side of a stream of changes: what it sends, what it takes, and how it ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from pyhall_tui.registry.client import RegistryClient
from pyhall_tui.registry.errors import (
    Forbidden,
    NotARegistrysAnswer,
    RegistryError,
    ServerError,
    Unauthorized,
    Unreachable,
)
from pyhall_tui.registry.models import StreamEvent
from tests.registry.conftest import KEY, OpenClient
from tests.registry.raw_server import RawServer, answer, hang_up, json, never, until
from tests.registry.streaming import HEAD, Streams, connected, event


@pytest.fixture
def streams(server: RawServer) -> Streams:
    found = Streams()
    server.answer(found)
    return found


@asynccontextmanager
async def followed(client: RegistryClient, last_id: int | None = None) -> AsyncIterator[list[StreamEvent]]:
    """Follow the stream for the body."""
    events: list[StreamEvent] = []
    task = asyncio.create_task(client.stream.follow(events.append, last_id))
    try:
        yield events
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, RegistryError):
            await task


async def test_each_event_arrives_at_once_while_reads_go_on_beside_it(
    client: RegistryClient, server: RawServer, streams: Streams
) -> None:
    async with followed(client) as events:
        await until(lambda: len(events) == 1)
        assert events[0] == StreamEvent(type="connected", id=1, revision=1, heartbeat=10)
        streams.send(event("worker", 2, worker_id="wkr_abc123", what="status", ts="…"))
        await until(lambda: len(events) == 2)
        assert events[1] == StreamEvent(type="worker", id=2, worker_id="wkr_abc123")
        assert (await client.verify("wkr_abc123")).known
        streams.send(event("heartbeat", revision=2))
        await until(lambda: len(events) == 3)
        assert events[2] == StreamEvent(type="heartbeat", revision=2)
    await until(lambda: server.open_connections == 1)  # that of the verify


async def test_it_sends_the_key_and_where_it_was_and_nothing_is_compressed(
    client: RegistryClient, server: RawServer, streams: Streams
) -> None:
    async with followed(client, last_id=41) as events:
        await until(lambda: bool(events))
    sent = server.requests[0].headers
    assert sent["authorization"] == f"Bearer {KEY}"
    assert (sent["accept"], sent["accept-encoding"], sent["last-event-id"]) == ("text/event-stream", "identity", "41")
    assert sent["x-correlation-id"]


@pytest.mark.parametrize(
    "instead",
    [
        *(json({"error": "no"}, f"{status} No") for status in (400, 404, 405, 406, 410, 501)),
        answer(b"<html>hello</html>", "200 OK", "Content-Type: text/html"),
        json({"ok": True}),
        answer(b"", "302 Found", "Location: https://example.com/login"),
        answer(b"", "204 No Content"),
    ],
)
async def test_a_registry_without_a_stream_is_not_followed(
    instead: bytes, client: RegistryClient, streams: Streams, server: RawServer
) -> None:
    streams.instead = instead
    assert not await client.stream.follow(lambda event: None)
    await until(lambda: not server.open_connections)


@pytest.mark.parametrize(
    ("instead", "kind"),
    [
        (json({"error": "no"}, "401 No"), Unauthorized),
        (json({"error": "no"}, "403 No"), Forbidden),
        (json({"error": "no"}, "503 No", "Retry-After: 7"), ServerError),
        (hang_up, Unreachable),
        (HEAD + b"data: " + b"x" * 1_000_000, NotARegistrysAnswer),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: br\r\n\r\nx", NotARegistrysAnswer),
    ],
)
async def test_trouble_is_one_of_our_errors(
    instead: bytes, kind: type[RegistryError], client: RegistryClient, streams: Streams, server: RawServer
) -> None:
    streams.instead = instead
    with pytest.raises(kind):
        await client.stream.follow(lambda event: None)
    await until(lambda: not server.open_connections)


async def test_a_server_that_never_answers_times_out(open_client: OpenClient, server: RawServer) -> None:
    server.answer(never)
    with pytest.raises(RegistryError) as failed:
        await open_client(server.url, timeout=0.2).stream.follow(lambda event: None)
    assert failed.value.kind == "timed out"


async def test_an_open_stream_has_no_time_out_of_its_own(
    open_client: OpenClient, server: RawServer, streams: Streams
) -> None:
    async with followed(open_client(server.url, timeout=2.0)) as events:
        now = asyncio.get_running_loop().time
        opened = now()
        await until(lambda: bool(events) and now() > opened + 2.5)
        streams.send(event("ban", 2))
        await until(lambda: len(events) == 2)


async def test_the_end_of_a_stream_is_no_fault(client: RegistryClient, streams: Streams) -> None:
    task = asyncio.create_task(client.stream.follow(lambda event: None))
    await until(lambda: bool(streams.open))
    streams.end()
    assert await task


async def test_unreadable_data_leaves_the_type_and_the_id(client: RegistryClient, streams: Streams) -> None:
    bad = b"event: ban\nid: 2\ndata: "
    streams.begins += b"".join(
        bad + data + b"\n\n" for data in (b"{", b"[]", b'{"revision": "x"}', b"\xff", b"[" * 9_000, b"1e999")
    )
    async with followed(client) as events:
        await until(lambda: len(events) == 7)
    assert events[1:] == [StreamEvent(type="ban", id=2)] * 6


async def test_a_flood_is_read_at_a_limited_pace_and_holds_up_no_other_request(
    client: RegistryClient, server: RawServer, streams: Streams
) -> None:
    some = event("ban", 2, package_hash="a" * 64) * 1_000

    async def flood(request: object, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + connected())
        while True:
            writer.write(some)
            await writer.drain()

    streams.instead = flood
    began = asyncio.get_running_loop().time()
    async with followed(client) as events:
        await until(lambda: len(events) > 1_000)
        for _ in range(20):
            await client.verify("wkr_abc123")
        took = asyncio.get_running_loop().time() - began
        assert len(events) < 20_000 * (1 + took)
    await until(lambda: server.open_connections == 1)


async def test_closing_the_client_ends_the_stream(client: RegistryClient, server: RawServer, streams: Streams) -> None:
    async with followed(client) as events:
        await until(lambda: bool(events))
        await client.aclose()
        await until(lambda: not server.open_connections)
