"""The server for `/metrics`: one page, for local scrapers only unless told otherwise, and nobody holds it up."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from hypothesis import given, settings
from hypothesis.strategies import binary

from pyhall_tui.metrics.address import Refused, listen, url
from pyhall_tui.metrics.server import MOST, MetricsServer
from tests.examples import examples
from tests.waiting import until

PAGE = "# HELP a A.\n# TYPE a gauge\na 1\n"


@asynccontextmanager
async def serving(
    page: Callable[[], str] = lambda: PAGE, *, at: str = "127.0.0.1:0", remote: bool = False, deadline: float = 30.0
) -> AsyncIterator[int]:
    """Serve a page; yields the port."""
    listening = listen(at, remote=remote)
    task = asyncio.create_task(MetricsServer(listening, page, deadline=deadline).serve())
    try:
        yield listening.getsockname()[1]
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def ask(port: int, request: str = "GET /metrics HTTP/1.1", *headers: str, host: str | None = None) -> str:
    """Send one request and return the whole answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = [request, f"Host: {host or f'127.0.0.1:{port}'}", *headers, "", ""]
    writer.write("\r\n".join(lines).encode())
    async with asyncio.timeout(30):
        answer = (await reader.read()).decode()
    writer.close()
    return answer


async def test_get_and_head_are_answered_with_the_page_and_its_type() -> None:
    async with serving() as port:
        got, head = await ask(port), await ask(port, "HEAD /metrics HTTP/1.1")
    assert got.startswith("HTTP/1.1 200 OK\r\n") and got.endswith(f"\r\n\r\n{PAGE}")
    assert "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n" in got
    assert head == got.removesuffix(PAGE)


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("GET / HTTP/1.1", 404),
        ("GET /metrics/x HTTP/1.1", 404),
        ("POST /metrics HTTP/1.1", 405),
        ("DELETE /metrics HTTP/1.1", 405),
        ("POST /other HTTP/1.1", 404),
        ("GET /metrics?name[]=a HTTP/1.1", 200),
        ("GET /metrics HTTP/1.0", 200),
        ("get /metrics HTTP/1.1", 400),
        ("GET /metrics", 400),
        ("\x16\x03\x01", 400),
    ],
)
async def test_anything_else_is_refused(request_line: str, status: int) -> None:
    async with serving() as port:
        assert (await ask(port, request_line)).startswith(f"HTTP/1.1 {status} ")


@pytest.mark.parametrize(
    ("headers", "host", "status"),
    [
        ((), "evil.example", 421),
        ((), "evil.example:9464", 421),
        ((), "a b", 400),
        ((), "localhost:9464", 200),
        (("Sec-Fetch-Site: cross-site",), None, 403),
        (("Origin: https://evil.example",), None, 403),
        (("Sec-Fetch-Site: none",), None, 200),
    ],
)
async def test_no_foreign_page_reads_it_through_a_browser(
    headers: tuple[str, ...], host: str | None, status: int
) -> None:
    """F96"""
    async with serving() as port:
        assert (await ask(port, "GET /metrics HTTP/1.1", *headers, host=host)).startswith(f"HTTP/1.1 {status} ")


async def test_other_machines_may_use_any_name_once_they_are_allowed() -> None:
    async with serving(at="0.0.0.0:0", remote=True) as port:
        assert (await ask(port, host="watcher.acme.example:9464")).startswith("HTTP/1.1 200 ")


async def test_a_head_that_does_not_end_is_refused() -> None:
    async with serving() as port:
        answer = ""
        with suppress(ConnectionError):  # the rest of the head meets a closed connection
            answer = await ask(port, "GET /metrics HTTP/1.1", "X: " + "x" * 100_000)
        assert PAGE not in answer
        assert (await ask(port)).endswith(PAGE)


@given(head=binary(max_size=300))
@settings(max_examples=examples(50))
def test_no_bytes_harm_it(head: bytes) -> None:
    async def send() -> None:
        async with serving() as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(head + b"\r\n\r\n")
            with suppress(ConnectionError):
                answered = await reader.read()
                assert not answered or answered.startswith(b"HTTP/1.1 4")
            writer.close()
            assert (await ask(port)).endswith(PAGE)

    asyncio.run(send())


async def test_silent_clients_hold_nobody_up() -> None:
    async with serving() as port:
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2 * MOST)]
        assert (await ask(port)).startswith("HTTP/1.1 200 ")
        for _, writer in silent:
            writer.close()


async def test_a_silent_client_is_let_go_at_its_deadline() -> None:
    async with serving(deadline=0.05) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(30):
            with suppress(ConnectionError):
                assert await reader.read() == b""
        writer.close()


async def test_a_reader_that_takes_nothing_holds_nobody_up() -> None:
    async with serving(lambda: "x" * 50_000_000) as port:
        slow = socket.create_connection(("127.0.0.1", port))
        slow.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await ask(port, "GET / HTTP/1.1")).startswith("HTTP/1.1 404 ")
        slow.close()


async def test_a_page_that_fails_is_an_error_and_the_next_one_is_fine() -> None:
    pages = iter([ValueError("broken"), PAGE])

    def page() -> str:
        made = next(pages)
        if isinstance(made, Exception):
            raise made
        return made

    async with serving(page) as port:
        assert (await ask(port)).startswith("HTTP/1.1 500 ")
        assert (await ask(port)).startswith("HTTP/1.1 200 ")


async def test_many_scrapes_leave_no_connection_behind() -> None:
    async with serving() as port:
        for _ in range(2 * MOST):
            await ask(port)
        await until(lambda: len(asyncio.all_tasks()) <= 3)


async def test_ipv6_is_served_too() -> None:
    async with serving(at="[::1]:0") as port:
        reader, writer = await asyncio.open_connection("::1", port)
        writer.write(f"GET /metrics HTTP/1.1\r\nHost: [::1]:{port}\r\n\r\n".encode())
        assert (await reader.read()).endswith(PAGE.encode())
        writer.close()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("9464", "is not an address for metrics"),
        (":9464", "is not an address for metrics"),
        ("127.0.0.1:99999", "is not an address for metrics"),
        ("http://127.0.0.1:9464", "is not an address for metrics"),
        ("0.0.0.0:9464", "--allow-remote-metrics"),
        ("[::]:9464", "--allow-remote-metrics"),
        ("watcher.acme.example:9464", "--allow-remote-metrics"),
        ("127.0.0.1:-1", "is not an address for metrics"),
    ],
)
def test_an_address_that_cannot_be_used_gets_a_sentence(text: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        listen(text)


def test_a_port_in_use_gets_a_sentence() -> None:
    with listen("127.0.0.1:0") as first:
        at = f"127.0.0.1:{first.getsockname()[1]}"
        with pytest.raises(Refused, match=f"can't be served at {at}: Address already in use"):
            listen(at)


def test_the_url_is_said() -> None:
    with listen("localhost:0") as listening:
        assert url(listening) == f"http://127.0.0.1:{listening.getsockname()[1]}/metrics"
