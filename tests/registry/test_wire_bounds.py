"""Everything that comes off the wire is limited and complete, not only the body."""

import asyncio
import gzip
import zlib
from collections.abc import Callable

import pytest

from pyhall_tui.registry.client import RegistryClient
from pyhall_tui.registry.errors import AnswerTooLarge, NotARegistrysAnswer, NotSent
from pyhall_tui.registry.meter import BESIDES_THE_BODY
from pyhall_tui.registry.origin import read_origin
from pyhall_tui.registry.proxy import choose_proxy
from pyhall_tui.registry.trip import BODY_LIMIT
from tests.registry.raw_server import RawRequest, RawServer, answer, json, verdict

BODY = verdict("w").partition(b"\r\n\r\n")[2]
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ENDLESS = {
    "chunk extensions": (CHUNKED, b"1;" + b"x" * 60_000 + b"\r\n \r\n"),
    "interim answers": (b"", b"HTTP/1.1 103 Early Hints\r\nX: " + b"x" * 60_000 + b"\r\n\r\n"),
    "a body": (CHUNKED, b"10000\r\n" + b" " * 65_536 + b"\r\n"),
}


@pytest.mark.parametrize(("head", "again"), ENDLESS.values(), ids=ENDLESS)
async def test_the_bound_counts_what_comes_off_the_wire(
    server: RawServer, open_client: Callable[..., RegistryClient], head: bytes, again: bytes
) -> None:
    """F106."""
    sent = 0

    async def endless(request: RawRequest, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(head)
        while True:
            writer.write(again)
            await writer.drain()
            sent += len(again)

    server.answer(endless)
    client = open_client(server.url, timeout=30.0)
    with pytest.raises(AnswerTooLarge):
        await client.verify("w", retry=False)
    # The rest, in the buffers of both ends, was never read.
    assert sent < BODY_LIMIT + BESIDES_THE_BODY + 16 * 1024 * 1024


async def test_each_request_has_the_whole_bound_to_itself(server: RawServer, client: RegistryClient) -> None:
    """F106: also over a kept connection."""
    large = json({"worker_id": "w", "status": "active", "extra": "x" * (BODY_LIMIT // 2)})
    server.answer(large)
    for _ in range(4):
        assert (await client.verify("w")).status == "active"
    assert server.connections == 1


async def test_an_answer_in_small_chunks_is_read(server: RawServer, client: RegistryClient) -> None:
    """F106: the limit is above what is usual."""
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in BODY)
    server.answer(CHUNKED + chunks + b"0\r\n\r\n")
    assert (await client.verify("w")).status == "active"


PACKED = gzip.compress(BODY)
JUNK = {
    "a member of junk": PACKED + b"\x1f\x8bjunk",
    "junk": PACKED + b"junk",
    "zeros": PACKED + b"\0" * 8,
    "half a member": PACKED + PACKED[:12],
    "no gzip": b"junk",
    "half": PACKED[: len(PACKED) // 2],
    "the header": PACKED[:10],
    "no check sum": PACKED[:-4],
    "a wrong check sum": PACKED[:-8] + b"\0" * 8,
    "deflate": zlib.compress(BODY),
    "nested": gzip.compress(PACKED),
}


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("body", JUNK.values(), ids=JUNK)
async def test_gzip_with_something_else_in_it_is_unreadable(
    server: RawServer, client: RegistryClient, body: bytes, chunked: bool
) -> None:
    """F108."""
    whole = answer(body, "200 OK", "Content-Encoding: gzip")
    if chunked:
        chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body)
        whole = CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n") + chunks + b"0\r\n\r\n"
    server.answer(whole)
    with pytest.raises(NotARegistrysAnswer):
        await client.verify("w", retry=False)


@pytest.mark.parametrize("encoding", ["deflate", "br", "gzip, gzip", "gzip, deflate", "identity, gzip", "zstd"])
async def test_what_is_packed_otherwise_is_unreadable(server: RawServer, client: RegistryClient, encoding: str) -> None:
    """F108."""
    server.answer(answer(gzip.compress(PACKED), "200 OK", f"Content-Encoding: {encoding}"))
    with pytest.raises(NotARegistrysAnswer):
        await client.verify("w", retry=False)


async def test_gzip_of_several_members_is_read_whole(server: RawServer, client: RegistryClient) -> None:
    """F108: RFC 1952 has them; half of an answer would be another answer."""
    half = len(BODY) // 2
    server.answer(answer(gzip.compress(BODY[:half]) + gzip.compress(BODY[half:]), "200 OK", "Content-Encoding: gzip"))
    assert (await client.verify("w")).attested


async def test_a_report_with_a_truncated_packed_answer_is_not_reported_as_accepted(
    server: RawServer, client: RegistryClient
) -> None:
    """F108: cut before the first byte of the body, it would else read as an empty one, which is a success."""
    server.answer(answer(gzip.compress(b"{}")[:10], "200 OK", "Content-Encoding: gzip"))
    with pytest.raises(NotARegistrysAnswer) as caught:
        await client.report("ab" * 32, "steals")
    assert caught.value.may_have_reached


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks4", "SOCKS", "socks4a"])
@pytest.mark.parametrize("variable", ["ALL_PROXY", "HTTPS_PROXY", "all_proxy"])
async def test_a_socks_proxy_is_said_not_to_be_supported(
    open_client: Callable[..., RegistryClient], monkeypatch: pytest.MonkeyPatch, scheme: str, variable: str
) -> None:
    """F77: before anything is sent, and without what may be its password."""
    monkeypatch.setenv(variable, f"{scheme}://user:geheim@127.0.0.1:1080")
    client = open_client("https://registry.example")
    with pytest.raises(NotSent, match="SOCKS") as caught:
        await client.verify("w")
    assert variable.upper() in str(caught.value) and "geheim" not in str(caught.value)


def test_a_proxy_that_is_not_used_may_be_of_any_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    """F77."""
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    monkeypatch.setenv("NO_PROXY", "registry.example")
    assert choose_proxy(read_origin("https://registry.example")) == (None, ())
    assert choose_proxy(read_origin("http://127.0.0.1:8765")) == (None, ())
