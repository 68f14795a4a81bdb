"""Plain requests take a short way through the hall: what it takes, h11 takes for the same; what it answers, too."""

import http.client
import json
import socket
import threading
from contextlib import suppress

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyhall_tui.hall.http1 import _strict_connection
from pyhall_tui.hall.plain_request import PlainRequest, read_plain
from tests.hall.raw_client import all_of, connect, tell
from tests.live_hall import LiveHall

GET = b"GET /health HTTP/1.1\r\nHost: localhost\r\n"


def by_h11(data: bytes) -> PlainRequest | str:
    """Return how h11, made as strict as the hall wants it, reads these bytes; what keeps it from one whole request."""
    connection = _strict_connection()
    connection.receive_data(data)
    try:
        request, body = connection.next_event(), b""
        if not isinstance(request, h11.Request):
            return f"{request}"
        while isinstance(event := connection.next_event(), h11.Data):
            body += event.data
    except h11.RemoteProtocolError as error:
        return str(error)
    if not isinstance(event, h11.EndOfMessage) or connection.trailing_data[0] or connection.their_state is not h11.DONE:
        return f"{event}"
    return PlainRequest(request.method, request.target, list(request.headers), body)


_NAMES = b"Host host Content-Length CONTENT-LENGTH X-A Transfer-Encoding Connection Expect Upgrade Authorization X_1 TE"
_VALUES = b"localhost 0 3 03 +3 3,3 chunked keep-alive Keep-Alive close 100-continue h2c a:b:c a\0 a\xff"
_TARGETS = (b"/", b"/a?b=c#d", b"/x%00%2f", b"/~", b"*", b"http://h/", b"/\xff", b"/a b", b" /", b"")
names = st.sampled_from([*_NAMES.split(), b"a b", b"", b"x\xff"])
values = st.sampled_from(
    [*_VALUES.split(b" "), b"", b" ", b"a b", b"a ", b"a\t", b"\ta", b"a\r", b"a\nb", b"3, 3", b"x" * 300]
)
between = st.sampled_from([b": ", b": ", b": ", b":", b":  ", b" : ", b":\t", b""])
ends = st.sampled_from([*[b"\r\n"] * 12, b"\n", b"\r", b"\r\n ", b"\r\r\n"])
methods = st.sampled_from([b"GET ", b"POST ", b"PUT ", b"DELETE ", b"HEAD ", b"get ", b" GET ", b"\r\nGET ", b"GET  "])
targets = st.sampled_from([*_TARGETS[:4] * 4, *_TARGETS])
versions = st.sampled_from([*[b" HTTP/1.1"] * 6, b" HTTP/1.0", b" HTTP/1.1 ", b"  HTTP/1.1", b" HTTP/2.0", b""])
lines = st.tuples(methods, targets, versions).map(b"".join)
fields = st.lists(st.tuples(names, between, values, ends).map(b"".join), max_size=4).map(b"".join)
hosts = st.sampled_from([b"Host: localhost\r\n"] * 6 + [b"", b"Host: a\r\nHost: a\r\n", b"Host:\r\n", b"Host: a b\r\n"])
bodies = st.sampled_from([b"", b"", b"abc", b"abcd", b"0\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"])


@settings(max_examples=300, deadline=None)
@given(lines, ends, hosts, fields, ends, bodies)
def test_h11_reads_the_same_in_it(line: bytes, end: bytes, host: bytes, more: bytes, last: bytes, body: bytes) -> None:
    """F99: one meaning for each byte."""
    data = line + end + host + more + last + body
    if (plain := read_plain(data)) is not None:
        assert by_h11(data) == plain


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 200), st.binary(max_size=3), st.integers(0, 3))
def test_h11_reads_the_same_in_one_with_any_bytes_in_it(place: int, put: bytes, taken: int) -> None:
    """F99"""
    whole = (
        b"POST /api/v1/dispatch?a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nX-A:b\r\nAccept: */*\r\n\r\nabc"
    )
    data = whole[:place] + put + whole[place + taken :]
    if (plain := read_plain(data)) is not None:
        assert by_h11(data) == plain


PLAIN = {
    "a read": GET + b"\r\n",
    "a write": b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: Keep-Alive\r\n\r\nabc",
    "without a space": b"PUT / HTTP/1.1\r\nhost:a\r\n\r\n",
}
NOT_PLAIN = {
    "half of a head": GET,
    "half of a body": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab",
    "two requests": (GET + b"\r\n") * 2,
    "more than its body": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcd",
    "chunks": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\nX: a\r\n\r\n",
    "no header": b"GET / HTTP/1.1\r\n\r\n",
    "the end of the connection": GET + b"Connection: close\r\n\r\n",
    "a long body": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n" + b"x" * 99_999,
    "an old version": GET.replace(b"1.1", b"1.0") + b"\r\n",
    "nothing": b"",
}


@pytest.mark.parametrize("data", PLAIN.values(), ids=PLAIN)
def test_these_are_plain(data: bytes) -> None:
    plain = read_plain(data)
    assert plain is not None and by_h11(data) == plain


@pytest.mark.parametrize("data", NOT_PLAIN.values(), ids=NOT_PLAIN)
def test_these_are_not(data: bytes) -> None:
    assert read_plain(data) is None


def test_a_head_of_nothing_but_spaces_takes_no_time() -> None:
    """Neither do other long ones: the time grows with the length only."""
    for filling in (b" ", b"a: b ", b"\t", b"a:", b"a"):
        assert read_plain(GET + b"X:" + filling * (60_000 // len(filling)) + b"\0\r\n\r\n") is None


# The answers


def test_both_ways_answer_the_same(hall: LiveHall) -> None:
    head = f"GET /api/v1/verify/wkr_abc123?x=1 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {hall.key}\r\n"
    head += "X-Correlation-Id: c\r\n"
    with connect(hall.url) as connection:
        answers = []
        for more in ("", "TE: trailers\r\n", "Connection: close\r\n"):
            connection.sendall(f"{head}{more}\r\n".encode())
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            headers = {name.lower(): value for name, value in answer.getheaders() if name.lower() != "date"}
            headers.pop("connection", None)
            answers.append((answer.status, headers, json.loads(answer.read())))
    assert answers[0] == answers[1] == answers[2] and answers[0][0] == 200
    seen = [(request.method, request.raw_path, request.query) for request in hall.requests]
    assert len(set(seen)) == 1 and len(seen) == 3


def test_what_comes_while_one_is_answered_is_answered_next(hall: LiveHall) -> None:
    """F99: in order, whole, in pieces, and with a request among them that is not plain."""
    hall.faults.add(path="/health", latency=0.2, count=1)
    later = [GET + b"X-Correlation-Id: 1\r\n\r\n", GET + b"TE: trailers\r\nX-Correlation-Id: 2\r\n\r\n"]
    later.append(GET + b"X-Correlation-Id: 3\r\nConnection: close\r\n\r\n")
    with connect(hall.url) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(GET + b"X-Correlation-Id: 0\r\n\r\n")
        while not hall.requests:
            threading.Event().wait(0.005)
        for piece in later:
            for start in range(0, len(piece), 40):
                connection.sendall(piece[start : start + 40])
        answer = all_of(connection)
    ids = [line.partition(b": ")[2] for line in answer.split(b"\r\n") if line.lower().startswith(b"x-correlation-id")]
    assert ids == [b"0", b"1", b"2", b"3"] and answer.count(b"HTTP/1.1 200 OK") == 4


def test_too_much_that_comes_meanwhile_ends_the_connection_without_a_second_answer(hall: LiveHall) -> None:
    """F99"""
    hall.faults.add(path="/health", latency=0.3, count=1)
    with connect(hall.url) as connection:
        connection.sendall(GET + b"\r\n")
        while not hall.requests:
            threading.Event().wait(0.005)
        try:
            connection.sendall(b"x" * 8_000_000)
        except OSError:
            return
        assert all_of(connection).count(b"HTTP/1.1 ") <= 2  # the answer, and the refusal of what is no request


def test_an_answer_without_a_length_is_in_chunks(hall: LiveHall) -> None:
    for number in range(1500):
        hall.store.ban_hash(f"{number:064x}", "r")
    with connect(hall.url) as connection:
        key = f"Authorization: Bearer {hall.key}\r\n\r\n".encode()
        connection.sendall(b"GET /api/v1/ban-list HTTP/1.1\r\nHost: localhost\r\n" + key)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert answer.getheader("transfer-encoding") == "chunked" and len(json.loads(answer.read())) == 1500
        tag = answer.getheader("etag")
        known = f"If-None-Match: {tag}\r\n".encode() + key
        connection.sendall(b"GET /api/v1/ban-list HTTP/1.1\r\nHost: localhost\r\n" + known)

        assert connection.recv(65536).startswith(b"HTTP/1.1 304 Not Modified\r\n")
        connection.sendall(GET + b"\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_header_of_an_answer_cannot_hold_another_line(hall: LiveHall) -> None:
    """As a fault's own header may try to: it is an error of the hall's own, in a single answer."""
    hall.faults.add(path="/health", status=200, headers={"X-A": "b\r\nX-C: d"}, count=1)
    answer = tell(hall.url, GET + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 500 ") and b"X-C" not in answer and answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "fault", [{"cut": 5}, {"drop": "answered"}, {"drop": "unheard"}, {"slow": 2000.0}, {"status": 204}], ids=str
)
def test_faults_happen_to_plain_requests_as_to_others(hall: LiveHall, fault: dict[str, object]) -> None:
    answers = []
    for more in (b"", b"TE: trailers\r\n"):
        hall.faults.add(path="/api/v1/verify/*", count=1, **fault)
        key = f"Authorization: Bearer {hall.key}\r\nX-Correlation-Id: c\r\n".encode()
        with connect(hall.url) as connection:
            connection.sendall(b"GET /api/v1/verify/wkr_abc123 HTTP/1.1\r\nHost: localhost\r\n" + key + more + b"\r\n")
            with suppress(OSError):  # closed already
                connection.sendall(GET + b"X-Correlation-Id: d\r\nConnection: close\r\n\r\n")
            lines = all_of(connection).partition(b'{"ok"')[0].split(b"\r\n")  # the second answer has the time in it
        answers.append([line for line in lines if not line.lower().startswith(b"date")])
    assert answers[0] == answers[1]
