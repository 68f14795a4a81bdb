"""Strangers who send nothing, too much, or only half: others are answered, and the log stays short."""

import asyncio
import logging
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
import trustme

from pyhall_tui.hall.acceptor import Acceptor
from pyhall_tui.hall.guests import Guest, Guests, Patience, most_connections, source_of
from pyhall_tui.hall.listening import address, listen
from tests.hall.process import PROGRAM, Served, served
from tests.hall.raw_client import all_of, connect, tell
from tests.live_hall import LiveHall, live_hall
from tests.waiting import until

HURRY = Patience(first=0.3, head=0.3, body=0.3, answer=0.3)
PROPER = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
HALF_A_HEAD = b"GET /health HTTP/1.1\r\nHost: local"
HALF_A_BODY = b"POST /api/v1/dispatch HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{"


@contextmanager
def crowd(url: str, count: int, said: bytes = b"") -> Iterator[list[socket.socket]]:
    """This many connections, each of which sends this."""
    with ExitStack() as stack:
        there = [stack.enter_context(connect(url)) for _ in range(count)]
        for each in there:
            each.sendall(said)
        yield there


def with_open_files(limit: int) -> list[str]:
    return ["bash", "-c", f'ulimit -n {limit}; exec "$@"', "bash", *PROGRAM]


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
@pytest.mark.parametrize(
    ("said", "count", "files"),
    [
        (HALF_A_HEAD, 200, 64),
        (b"", 1100, 1024),
        (HALF_A_BODY, 200, 64),
        (PROPER.replace(b"Connection: close\r\n", b""), 200, 64),
    ],
    ids=["half a head", "silent", "half a body", "idle"],
)
@pytest.mark.thorough
def test_others_are_answered_and_the_log_says_it_once(said: bytes, count: int, files: int, tmp_path: Path) -> None:
    """F87, F95: more connections than there are files."""
    with served(tmp_path / "hall.db", by=with_open_files(files)) as hall:
        with crowd(hall.url, count, said):
            for _ in range(3):
                assert tell(hall.url, PROPER).startswith(b"HTTP/1.1 200 OK")
        assert hall.end() == 0
        log = log_of(hall)
    assert [line for line in log if "Traceback" in line or "Errno" in line] == []
    assert len([line for line in log if line.startswith(("WARNING", "ERROR"))]) <= 2
    assert any("the hall's limit is" in line for line in log)


async def test_who_waits_in_line_is_let_in_in_a_few_turns_of_the_loop() -> None:
    """F95: each turn is long when many ask at once."""
    inside: list[asyncio.BaseTransport] = []

    class Taken(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            inside.append(transport)

    listening = listen()
    with crowd(address(listening), 100):
        acceptor, turns = Acceptor(listening, Guests(most=200), lambda _: Taken(), None), 0
        while len(inside) < 100:
            await asyncio.sleep(0)
            turns += 1
        assert turns < 25
        for transport in inside:
            transport.close()
        acceptor.close()
        await acceptor.wait_closed()


def log_of(hall: Served) -> list[str]:
    assert hall.process.stderr is not None
    return hall.process.stderr.read().splitlines()


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_files_that_others_took_are_waited_for_quietly(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """F95: the limit is right, but the system has no file for another connection."""
    fails = 20
    accept = socket.socket.accept

    def none_left(self: socket.socket) -> tuple[socket.socket, object]:
        nonlocal fails
        fails -= 1
        if fails > 0:
            raise OSError(24, "Too many open files")
        return accept(self)

    with live_hall() as hall:
        monkeypatch.setattr("pyhall_tui.hall.acceptor._PAUSE", 0.01)
        monkeypatch.setattr(socket.socket, "accept", none_left)
        assert tell(hall.url, PROPER).startswith(b"HTTP/1.1 200 OK")
    assert fails <= 0
    assert [record.message for record in caplog.records] == [
        "this process can't open more files: 19 connections had to wait"
    ]


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (b"", b""),
        (HALF_A_HEAD, b"HTTP/1.1 408 "),
        (HALF_A_BODY, b"HTTP/1.1 401 "),
        (PROPER.replace(b"Connection: close\r\n", b"") + HALF_A_HEAD, b"HTTP/1.1 200 "),
    ],
    ids=["silent", "half a head", "half a body", "half a second head"],
)
def test_a_client_that_does_not_continue_is_closed(
    said: bytes, answer: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """F87, F95: each part of a request has a deadline."""
    with live_hall(guests=Guests(patience=HURRY)) as hall:
        assert tell(hall.url, said).startswith(answer)
    assert [record.message for record in caplog.records] == [
        "1 connection closed for not sending a request, or not reading the answer, in time"
    ]


def test_half_a_body_of_a_good_key_has_a_deadline_too() -> None:
    """F87: the request is refused, and nothing else is logged about it."""
    with live_hall(guests=Guests(patience=HURRY)) as hall:
        key = f"Authorization: Bearer {hall.key}\r\nContent-Length".encode()
        answer = tell(hall.url, HALF_A_BODY.replace(b"Content-Length", key))
    assert answer.startswith(b"HTTP/1.1 408 ") and answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("said", [HALF_A_HEAD, HALF_A_BODY], ids=["head", "body"])
def test_a_byte_now_and_then_does_not_put_off_the_end(said: bytes) -> None:
    """F87: the deadlines are for the whole head, and for the whole body."""
    with live_hall(guests=Guests(patience=HURRY)) as hall, connect(hall.url, timeout=0.05) as connection:
        connection.sendall(said.replace(b": 9", b": 99999"))
        for _ in range(600):
            try:
                connection.sendall(b"x")
                if not connection.recv(65536):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        else:
            raise AssertionError("it is still there")


def test_who_never_reads_is_closed() -> None:
    """F87: thousands of requests at once, and no answer is read."""
    with live_hall(guests=Guests(patience=HURRY)) as hall, connect(hall.url) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(30)
        ask = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100
        with pytest.raises(OSError, match=r"reset|Broken|aborted"):
            while True:
                connection.sendall(ask)


def test_who_waits_for_the_hall_is_not_closed() -> None:
    """F87: a slow answer is not the client's fault."""
    with live_hall(guests=Guests(most=4, patience=HURRY)) as hall:
        hall.faults.add(path="/health", latency=1.5, count=1)
        with connect(hall.url) as slow:
            slow.sendall(PROPER)
            with crowd(hall.url, 20, HALF_A_HEAD):
                assert all_of(slow).startswith(b"HTTP/1.1 200 OK")


async def test_a_full_house_turns_away_in_words() -> None:
    """F95: when all wait for the hall, nobody is closed for a newcomer."""
    with live_hall(guests=Guests(most=2)) as hall:
        hall.faults.add(path="/health", latency=60)
        with crowd(hall.url, 2, PROPER):
            await until(lambda: len(hall.requests) == 2)
            answer = await asyncio.to_thread(tell, hall.url, b"")
    assert answer.startswith(b"HTTP/1.1 503 ") and b"no room for another connection" in answer


def test_tls_that_is_never_agreed_on_is_closed(tmp_path: Path) -> None:
    """F95: silent connections count, and end, before TLS is agreed on too."""
    certificate = trustme.CA().issue_cert("127.0.0.1")
    pem, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate.cert_chain_pems[0].write_to_path(pem)
    certificate.private_key_pem.write_to_path(key)
    guests = Guests(most=10, patience=Patience(first=2.0))
    with live_hall(certfile=pem, keyfile=key, guests=guests) as hall, crowd(hall.url, 30) as silent:
        assert httpx.get(f"{hall.url}/health", verify=False, trust_env=False).status_code == 200
        assert len(guests) <= 10
        assert all(all_of(each) == b"" for each in silent)


@pytest.mark.parametrize("key", [True, False])
def test_a_client_that_hangs_up_in_its_body_leaves_no_traceback(
    key: bool, hall: LiveHall, caplog: pytest.LogCaptureFixture
) -> None:
    """F88: in the middle of what it sends, and with a fault in the way."""
    caplog.set_level(logging.INFO)
    hall.faults.add(path="/enroll", latency=0.01)
    authorization = f"Authorization: Bearer {hall.key}\r\n" if key else ""
    for path in ("/api/v1/dispatch", "/api/v1/hall/enroll", "/enroll", "/decisions/ingest", "/api/v1/ban-list/report"):
        for body in (b"", b"{", b'{"namespace": "o'):
            with connect(hall.url) as connection:
                head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{authorization}Content-Length: 900\r\n\r\n"
                connection.sendall(head.encode() + body)
    assert tell(hall.url, PROPER).startswith(b"HTTP/1.1 200 OK")
    assert [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR] == []


def test_garbage_does_not_fill_the_log(hall: LiveHall, caplog: pytest.LogCaptureFixture) -> None:
    """F95: whatever strangers say is one line."""
    for _ in range(50):
        tell(hall.url, b"garbage\r\n\r\n")
        tell(hall.url, PROPER.replace(b"Connection: close", b"Connection: close, upgrade\r\nUpgrade: websocket"))
    assert len(caplog.records) <= 1


def test_one_client_gets_half_of_the_room_at_most() -> None:
    """F95: a client that has used its share loses only its own oldest connections."""
    guests, ended = Guests(most=10), []

    def come(source: str) -> Guest:
        guest = Guest(source)
        guest.end = lambda: ended.append(guest.source)
        assert guests.let_in(guest)
        return guest

    come("192.0.2.1")
    for _ in range(30):
        come("192.0.2.2")
    assert set(ended) == {"192.0.2.2"} and len(guests) == 6
    for _ in range(30):
        come("")  # of this machine
    assert len(guests) == 10
    assert "192.0.2.1" in ended


def test_one_client_is_an_address_or_an_ipv6_network() -> None:
    """F95: the owner of a /64 has any number of addresses."""
    assert source_of("2001:db8::1") == source_of("2001:db8::ffff:2") != source_of("2001:db8:0:1::1")
    assert source_of("::ffff:192.0.2.1") == source_of("192.0.2.1") != source_of("192.0.2.2")
    assert source_of("127.0.0.1") == source_of("127.9.9.9") == source_of("::1") == ""


def test_there_is_room_for_other_files() -> None:
    """F95: the limit follows that of this process."""
    assert 4 <= most_connections() <= 2000
