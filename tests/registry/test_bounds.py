"""Everything is limited: time, head, body, what a body unpacks to, and what counts as an answer at all."""

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import Awaitable, Callable

import pytest

from pyhall_tui.registry.client import RegistryClient
from pyhall_tui.registry.errors import (
    AnswerTooLarge,
    NotARegistrysAnswer,
    RateLimited,
    RegistryError,
    TimedOut,
    Unauthorized,
    UnexpectedStatus,
    Unreachable,
)
from pyhall_tui.registry.models import DispatchRequest, EnrollRequest
from tests.registry.conftest import OpenClient
from tests.registry.raw_server import RawRequest, RawServer, Script, answer, hang_up, json, never, until, verdict

DISPATCH = DispatchRequest(namespace="org.yourco", capability="c", worker_id="wkr_abc123", context={})
WORKER = "wkr_abc123"
PORTAL = b"<html><head><title>Wifi</title></head><body>Please <b>log in</b> to the\n wifi</body></html>"


def bomb(megabytes: int) -> bytes:
    """Return a stream of gzip that grows to that size; each flush starts afresh, so that one part does for all."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    first = packer.compress(b'{"worker_id":"') + packer.flush(zlib.Z_FULL_FLUSH)
    part = packer.compress(b"a" * 1_000_000) + packer.flush(zlib.Z_FULL_FLUSH)
    return first + part * megabytes


def drip(first: bytes, drop: bytes) -> Script:
    """Send `first`, then `drop` again and again until the other side is gone."""

    async def send(request: RawRequest, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while not writer.is_closing():
            writer.write(drop)
            await writer.drain()
            await asyncio.sleep(0.01)

    return send


def flood(first: bytes, again: bytes) -> Script:
    """Send `first`, then `again` as fast as the other side accepts it."""

    async def send(request: RawRequest, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while not writer.is_closing():
            writer.write(again)
            await writer.drain()

    return send


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(never, id="nothing at all"),
        pytest.param(drip(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n", b"x"), id="a body byte by byte"),
        pytest.param(drip(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"), id="a head line by line"),
        pytest.param(drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), id="interim answers without end"),
    ],
)
async def test_the_time_out_bounds_the_whole_request(
    server: RawServer, open_client: OpenClient, script: Script
) -> None:
    """F16: not each chunk; and the connection is given up."""
    server.answer(script)
    client = open_client(server.url, timeout=0.15)
    with pytest.raises(TimedOut, match=r"0\.15 s"):
        async with asyncio.timeout(30):
            await client.verify(WORKER)
    if script is not never:
        await until(lambda: server.open_connections == 0)
    server.answer(verdict())
    assert (await client.verify(WORKER)).status == "active"


async def test_an_interim_answer_is_passed_over(server: RawServer, client: RegistryClient) -> None:
    server.answer(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + verdict())
    assert (await client.verify(WORKER)).status == "active"


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 5_000_000, id="announced"),
        pytest.param(flood(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536), id="without an end"),
        pytest.param(answer(bomb(200), "200 OK", "Content-Encoding: gzip"), id="gzip bomb"),
        pytest.param(flood(b"HTTP/1.1 200 OK\r\n", b"X-A: " + b"b" * 1000 + b"\r\n"), id="head"),
        pytest.param(flood(b"HTTP/1.1 200 OK\r\nX: ", b"b" * 1000), id="one header"),
    ],
)
async def test_an_answer_beyond_its_bound_is_refused_in_bounded_memory(
    server: RawServer, client: RegistryClient, script: Script
) -> None:
    server.answer(script)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    try:
        with pytest.raises(AnswerTooLarge):
            await client.verify(WORKER)
        assert tracemalloc.get_traced_memory()[1] - before < 24 * 1024 * 1024
    finally:
        tracemalloc.stop()
    await until(lambda: server.open_connections == 0)


async def test_the_ban_list_may_be_larger_than_other_answers(server: RawServer, client: RegistryClient) -> None:
    entries = [{"sha256": f"{number:064x}", "reason": "x" * 400} for number in range(10_000)]
    server.answer(json(entries))
    assert len((await client.ban_list()).entries) == 10_000
    server.answer(answer(b"[" + b" " * 16 * 1024 * 1024 + b"]"))
    with pytest.raises(AnswerTooLarge, match="16 MiB") as told:
        await client.ban_list()
    assert "too long for this program" in told.value.advice, "a real registry's long list is no wrong URL"


async def test_a_packed_answer_is_unpacked(server: RawServer, client: RegistryClient) -> None:
    body = verdict().partition(b"\r\n\r\n")[2]
    server.answer(answer(gzip.compress(body, mtime=0), "200 OK", "Content-Encoding: gzip"))
    assert (await client.verify(WORKER)).status == "active"
    assert server.requests[0].headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (answer(PORTAL, "200 OK", "Content-Type: text/html"), "begins: Wifi Please log in to the wifi"),
        (answer(b""), "empty"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "empty"),
        (answer(b'{"worker_id": "wkr_abc123", "status": "act'), "not valid JSON"),
        (b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\nConnection: close\r\n\r\n{"worker_id', "truncated"),
        (json(["wkr_abc123"]), "a list where an object should be"),
        (json("fine"), "a string where an object should be"),
        (json(None), "null where an object should be"),
        (verdict(attested="yes"), "attested"),
        (verdict(banned=1), "banned"),
        (json({"status": "active"}), "worker_id"),
        (verdict("wkr_other"), "another worker"),
        (answer(b'{"worker_id":"wkr_abc123","banned":true,"banned":false}'), "twice"),
        (answer(b'{"worker_id":"wkr_abc123","x":NaN}'), "not valid JSON"),
        (answer(b'{"worker_id":"wkr_abc123","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), "too deep"),
        (answer(b'{"worker_id":"wkr_abc123","x":"\xff"}'), "UTF-8"),
        (answer(b'{"worker_id":"wkr_abc123","x":' + b"9" * 100_000 + b"}"), "x|number|range"),
        (answer(b"junk", "200 OK", "Content-Encoding: gzip"), "gzip"),
        (answer(gzip.compress(b'{"worker_id":1}', mtime=0)[:-9], "200 OK", "Content-Encoding: gzip"), "truncated"),
        (answer(b"{}", "200 OK", "Content-Encoding: br"), "compressed"),
        (b"220 mail.example ESMTP\r\n250 ok\r\n\r\n", "invalid HTTP"),
        (answer(b"", "101 Switching Protocols", "Upgrade: x", "Connection: upgrade"), "invalid HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "invalid HTTP"),
        (b"ICY 200 OK\r\n\r\n", "illegal status line: “ICY 200 OK”"),
    ],
)
async def test_what_is_not_a_registrys_answer_is_said_to_be_none(
    server: RawServer, client: RegistryClient, script: bytes, words: str
) -> None:
    """F17: a portal's page is shown by its first words. The connection is not used again."""

    async def then_close(request: RawRequest, writer: asyncio.StreamWriter) -> None:
        writer.write(script)
        if b"Connection: close" in script or b"HTTP" not in script:
            writer.close()

    server.answer(then_close)
    with pytest.raises(NotARegistrysAnswer, match=words) as caught:
        await client.verify(WORKER)
    assert caught.value.path == "/api/v1/verify/wkr_abc123"
    assert len(server.requests) == 1
    await until(lambda: server.open_connections == 0)


@pytest.mark.parametrize(
    "script", [answer(PORTAL), json([]), json({"error": {"code": "no such key"}}), json({"error": "x"}, "201 Created")]
)
async def test_success_is_not_reported_for_a_change_answered_by_a_page_or_an_error(
    server: RawServer, client: RegistryClient, script: bytes
) -> None:
    """F17"""
    server.answer(script)
    asked = EnrollRequest(namespace="org.yourco", display_name="n", capabilities=("c",), sha256="ab" * 32)
    changes = (
        client.dispatch(DISPATCH),
        client.enroll(asked),
        client.attest(WORKER, "ab" * 32),
        client.report("ab" * 32, "r"),
    )
    for change in changes:
        with pytest.raises(NotARegistrysAnswer) as caught:
            await change
        assert caught.value.may_have_reached


async def test_a_byte_order_mark_is_passed_over_in_every_answer(server: RawServer, client: RegistryClient) -> None:
    """F17"""
    server.answer(answer(b'\xef\xbb\xbf{"ok": true, "outcome": "allow", "hashes": []}'))
    assert (await client.health()).ok
    assert (await client.dispatch(DISPATCH)).outcome == "allow"
    assert (await client.ban_list()).truncated
    await client.report("ab" * 32, "r")


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (answer(PORTAL, "401 Unauthorized", "Content-Type: text/html"), Unauthorized),
        (answer(b"", "401 Unauthorized"), Unauthorized),
        (answer(b"", "429 Too Many Requests"), RateLimited),
        (answer(b"[1, 2", "429 Too Many Requests"), RateLimited),
        (b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 50\r\n\r\n{", RateLimited),
        (answer(b"junk", "401 Unauthorized", "Content-Encoding: gzip"), Unauthorized),
        (answer(b"x" * 5_000_000, "401 Unauthorized"), Unauthorized),
        (answer(b"\xff\x00", "405 Method Not Allowed"), UnexpectedStatus),
        (json({"error": "half"}, "206 Partial Content"), UnexpectedStatus),
    ],
)
async def test_an_error_status_stays_what_it_is_whatever_the_body(
    server: RawServer, open_client: OpenClient, script: bytes, kind: type[RegistryError]
) -> None:
    """F17: a proxy's 401 with HTML is a 401, its 429 without a body, or with half of one, a 429."""
    server.answer(script)
    with pytest.raises(kind) as caught:
        await open_client(server.url, timeout=0.2).verify(WORKER, retry=False)
    assert caught.value.exchange is not None and caught.value.exchange.status == getattr(caught.value, "status", 0)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error": "no such [/x] thing"}', "no such [/x] thing"),
        (b'{"error": {"flags": [true, false]}}', '{"flags":[true,false]}'),
        (b'{"error": "{\\"flags\\": [true, false]}"}', '{"flags": [true, false]}'),
        (b'{"detail": "Not here"}', "Not here"),
        (PORTAL, "Wifi Please log in to the wifi"),
        (
            b"\xef\xbb\xbf<!doctype html><!-- > --><html><head><STYLE>b > i{}</STYLE><script>1 < 2</script>"
            b"<title>Log in &amp; surf</title></head>",
            "Log in & surf",
        ),
        (b"<p>Sorry.<script>never ended", "Sorry."),
        (b"", ""),
    ],
)
async def test_an_errors_text_is_kept_unchanged(
    server: RawServer, client: RegistryClient, body: bytes, said: str
) -> None:
    """F08, F17: the words of a page that a person would read."""
    server.answer(answer(body, "400 Bad Request"))
    with pytest.raises(RegistryError) as caught:
        await client.health()
    assert getattr(caught.value, "error_text", None) == said


async def test_a_404_without_the_registrys_word_is_unknown_with_a_doubt(
    server: RawServer, client: RegistryClient
) -> None:
    server.answer(answer(PORTAL, "404 Not Found"))
    told = await client.verify(WORKER)
    assert not told.known and "URL" in told.doubts[0]


@pytest.mark.parametrize(
    ("script", "reached", "kind"),
    [
        (never, True, TimedOut),
        (hang_up, True, Unreachable),
        (json({"error": "x"}, "503 Service Unavailable"), True, RegistryError),
        (answer(b'{"outcome":"all'), True, NotARegistrysAnswer),
        (json({"outcome": "allow", "worker_id": "wkr_other"}), True, NotARegistrysAnswer),
        (json({"error": "slow down"}, "429 Too Many Requests"), False, RateLimited),
        (json({"error": "x"}, "409 Conflict"), True, UnexpectedStatus),
        (json({"error": "x"}, "410 Gone"), False, UnexpectedStatus),
    ],
)
async def test_a_dispatch_is_sent_once_and_says_whether_it_may_have_taken_effect(
    server: RawServer, open_client: OpenClient, script: Script, reached: bool, kind: type[RegistryError]
) -> None:
    server.answer(script)
    client = open_client(server.url, timeout=0.3)
    with pytest.raises(kind) as caught:
        await client.dispatch(DispatchRequest(namespace="org.yourco", capability="c", worker_id=WORKER, context={}))
    assert caught.value.may_have_reached is reached
    assert caught.value.exchange is not None and b"org.yourco" in caught.value.exchange.request_body
    assert len(server.requests) == 1


@pytest.mark.parametrize("read", [RegistryClient.health, RegistryClient.ban_list])
async def test_an_operation_that_is_not_there_is_said_by_status(
    server: RawServer, client: RegistryClient, read: Callable[[RegistryClient], Awaitable[object]]
) -> None:
    server.answer(answer(b"", "405 Method Not Allowed"))
    with pytest.raises(UnexpectedStatus) as caught:
        await read(client)
    assert caught.value.status == 405
