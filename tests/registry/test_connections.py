"""Kept connections, surplus answers, and which requests are repeated."""

import asyncio
import contextlib
import gc

import httpx
import pytest

from pyhall_tui.registry.client import RegistryClient
from pyhall_tui.registry.errors import NotARegistrysAnswer, RegistryError, Unreachable
from pyhall_tui.registry.models import DispatchRequest, Outcome, RequestRecord
from pyhall_tui.registry.trip import Trip
from tests.registry.conftest import OpenClient
from tests.registry.raw_server import RawRequest, RawServer, answer, hang_up, json, until, verdict

WORKER = "wkr_abc123"
DISPATCH = DispatchRequest(namespace="org.yourco", capability="c", worker_id=WORKER, context={})


async def test_reads_share_a_kept_connection(server: RawServer, client: RegistryClient) -> None:
    server.answer(verdict())
    for _ in range(3):
        await client.verify(WORKER)
    assert server.connections == 1


@pytest.mark.parametrize("retry", [True, False])
async def test_a_read_over_a_connection_that_was_closed_is_repeated_unseen(
    server: RawServer, open_client: OpenClient, retry: bool
) -> None:
    """F15: the registry closes a kept connection as the next read arrives on it."""
    records: list[RequestRecord] = []
    client = open_client(server.url, on_request=records.append)
    server.answer(verdict(), hang_up, verdict())
    await client.verify(WORKER)
    assert (await client.verify(WORKER, retry=retry)).status == "active"
    assert [request.connection for request in server.requests] == [1, 1, 2]
    assert [(record.status, record.error) for record in records] == [(200, None)] * 2


async def test_a_connection_that_was_closed_while_idle_is_not_used(server: RawServer, client: RegistryClient) -> None:
    """F15: poll, wait until the registry has dropped the connection, poll again."""
    server.answer(answer(b'{"ok": true}', "200 OK", "Connection: close"), verdict())
    await client.health()
    await until(lambda: server.open_connections <= 1)
    assert (await client.verify(WORKER, retry=False)).status == "active"


async def test_a_read_on_a_new_connection_is_not_repeated_unseen(server: RawServer, client: RegistryClient) -> None:
    server.answer(hang_up)
    with pytest.raises(Unreachable):
        await client.verify(WORKER, retry=False)
    assert len(server.requests) == 1


async def test_a_dispatch_never_goes_over_a_kept_connection(server: RawServer, client: RegistryClient) -> None:
    """F15: so that a connection's end cannot make its outcome unknown."""
    server.answer(verdict(), json({"outcome": "allow"}))
    await client.verify(WORKER)
    for _ in range(2):
        assert (await client.dispatch(DISPATCH)).outcome is Outcome.ALLOW
    assert [request.connection for request in server.requests] == [1, 2, 3]


async def test_a_dispatch_over_a_connection_that_dies_is_not_repeated(
    server: RawServer, client: RegistryClient
) -> None:
    """F15: its outcome is unknown, and the error says so."""
    server.answer(hang_up)
    with pytest.raises(Unreachable) as caught:
        await client.dispatch(DISPATCH)
    assert caught.value.may_have_reached and len(server.requests) == 1


async def test_a_dispatch_that_found_nobody_surely_did_not_reach(open_client: OpenClient) -> None:
    with pytest.raises(Unreachable) as caught:
        await open_client("http://127.0.0.1:1").dispatch(DISPATCH)
    assert not caught.value.may_have_reached


async def test_a_surplus_answer_ends_the_connection_it_was_left_on(server: RawServer, client: RegistryClient) -> None:
    """What is left on a kept connection would answer the next request."""
    server.answer(verdict("wkr_a") + verdict("wkr_a", ban_status="banned"), verdict("wkr_b"))
    await client.verify("wkr_a")
    with pytest.raises(NotARegistrysAnswer, match="before it was asked for"):
        await client.verify("wkr_b", retry=False)
    assert (await client.verify("wkr_b", retry=False)).worker_id == "wkr_b"
    assert server.requests[-1].connection != server.requests[0].connection


@pytest.mark.parametrize("status", ["400 Bad Request", "401 Unauthorized", "404 Not Found", "429 Slow", "503 Busy"])
async def test_a_surplus_refusal_refuses_nothing(server: RawServer, client: RegistryClient, status: str) -> None:
    """It came before the request: the key is not rejected by it, no worker is gone, and nobody has to wait."""
    server.answer(verdict("wkr_a") + answer(b'{"error": "no"}', status), verdict("wkr_b"))
    await client.verify("wkr_a")
    with pytest.raises(NotARegistrysAnswer, match="before it was asked for") as caught:
        await client.verify("wkr_b", retry=False)
    assert caught.value.exchange is not None and caught.value.exchange.status is None
    assert (await client.verify("wkr_b", retry=False)).worker_id == "wkr_b"


async def test_a_surplus_refusal_does_not_say_that_a_change_was_refused(
    server: RawServer, client: RegistryClient
) -> None:
    """A change goes over a connection of its own, on which nothing can be left."""
    server.answer(json({"outcome": "allow"}) + answer(b'{"error": "no"}', "400 Bad Request"), json({"outcome": "deny"}))
    await client.dispatch(DISPATCH)
    assert (await client.dispatch(DISPATCH)).outcome is Outcome.DENY


async def test_reads_are_spread_over_small_pools(server: RawServer, open_client: OpenClient) -> None:
    everybody_is_here = asyncio.Event()

    async def together(request: RawRequest, writer: asyncio.StreamWriter) -> None:
        if len(server.requests) == 12:
            everybody_is_here.set()
        await everybody_is_here.wait()
        writer.write(verdict(request.target.rpartition("/")[2]))

    server.answer(together)
    client = open_client(server.url, requests_in_flight=12)
    ids = [f"wkr_{number}" for number in range(12)]
    verdicts = await asyncio.gather(*(client.verify(worker_id) for worker_id in ids))
    assert [told.worker_id for told in verdicts] == ids
    assert server.connections == 12


async def test_more_reads_than_connections_wait_their_turn(server: RawServer, open_client: OpenClient) -> None:
    server.answer(verdict())
    client = open_client(server.url, requests_in_flight=1)
    await asyncio.gather(*(client.verify(WORKER) for _ in range(50)))
    assert server.connections <= 4


async def test_a_read_that_is_cancelled_leaves_the_client_usable(server: RawServer, client: RegistryClient) -> None:
    server.answer(lambda request, writer: asyncio.Event().wait(), verdict())  # type: ignore[arg-type, return-value]
    task = asyncio.create_task(client.verify(WORKER))
    await until(lambda: len(server.requests) == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await client.verify(WORKER)).status == "active"


async def test_closing_the_client_ends_what_is_under_way(server: RawServer, client: RegistryClient) -> None:
    server.answer(lambda request, writer: asyncio.Event().wait())  # type: ignore[arg-type, return-value]
    task = asyncio.create_task(client.verify(WORKER, retry=False))
    await until(lambda: len(server.requests) == 1)
    await client.aclose()
    with pytest.raises(Unreachable):
        async with asyncio.timeout(30):
            await task


async def test_no_cookie_is_taken(server: RawServer, client: RegistryClient) -> None:
    server.answer(answer(b'{"ok": true}', "200 OK", "Set-Cookie: pyhall_session=abc"))
    await client.health()
    await client.health()
    assert "cookie" not in server.requests[1].headers


@pytest.mark.parametrize(
    "reply",
    [verdict(), json({"error": "no such worker"}, "404 Not Found"), json({}, "503 Later"), answer(b"<html>")],
    ids=["known", "unknown", "refused", "not an answer"],
)
async def test_an_answer_leaves_nothing_for_the_garbage_collection(
    server: RawServer, client: RegistryClient, reply: bytes
) -> None:
    """At hundreds of requests a second a collection would stop all threads every other second."""
    server.answer(reply)
    gc.collect()  # what earlier tests left
    gc.disable()
    try:
        with contextlib.suppress(RegistryError):
            await client.verify(WORKER, retry=False)
        left = [each for each in gc.get_objects() if isinstance(each, httpx.Request | httpx.Response | Trip)]
    finally:
        gc.enable()
    assert left == []
