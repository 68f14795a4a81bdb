"""What is not HTTP, or could be read in two ways, is refused once, and its connection closed."""

import pytest

from tests.hall.raw_client import all_of, connect, tell
from tests.live_hall import LiveHall

POST = b"POST /api/v1/telemetry/decisions HTTP/1.1\r\nHost: localhost\r\n"
NEXT = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
HIDDEN = b"0\r\n\r\n" + NEXT
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
REFUSED = {
    "both lengths": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + HIDDEN,
    "both, the other way round": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 60\r\n\r\n" + HIDDEN,
    "both, in capitals": POST + b"CONTENT-LENGTH: 5\r\nTRANSFER-ENCODING: CHUNKED\r\n\r\n" + HIDDEN,
    "two different lengths": POST + b"Content-Length: 0\r\nContent-Length: 41\r\n\r\n" + NEXT,
    "the same length twice": POST + b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n" + NEXT,
    "a list of two lengths": POST + b"Content-Length: 0, 41\r\n\r\n" + NEXT,
    "a length with a sign": POST + b"Content-Length: +0\r\n\r\n" + NEXT,
    "a negative length": POST + b"Content-Length: -1\r\n\r\n" + NEXT,
    "a length in hex": POST + b"Content-Length: 0x0\r\n\r\n" + NEXT,
    "an endless length": POST + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n" + NEXT,
    "a space before the colon": POST + b"Content-Length : 0\r\n\r\n" + NEXT,
    "chunked, identity": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n" + HIDDEN,
    "identity": POST + b"Transfer-Encoding: identity\r\n\r\n" + NEXT,
    "gzip, chunked": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + HIDDEN,
    "chunked twice": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + HIDDEN,
    "chunked behind a vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n" + HIDDEN,
    "chunked in HTTP/1.0": POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n" + HIDDEN,
    "a folded header": POST + b"X: a\r\n b\r\n\r\n" + NEXT,
    "a folded encoding": POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n" + HIDDEN,
    "lines that end in LF": b"GET /health HTTP/1.1\nHost: localhost\n\n" + NEXT,
    "one line that ends in LF": b"GET /health HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n" + NEXT,
    "a bare CR": b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: a\rY: b\r\n\r\n" + NEXT,
    "CR CR LF": b"GET /health HTTP/1.1\r\nHost: localhost\r\r\nX: y\r\n\r\n" + NEXT,
    "a NUL": b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n" + NEXT,
    "a NUL in the path": b"GET /hea\0lth HTTP/1.1\r\nHost: localhost\r\n\r\n" + NEXT,
    "no name of a header": b"GET /health HTTP/1.1\r\nHost: localhost\r\n: x\r\n\r\n" + NEXT,
    "a header without a colon": b"GET /health HTTP/1.1\r\nHost: localhost\r\nX\r\n\r\n" + NEXT,
    "two spaces": b"GET  /health HTTP/1.1\r\nHost: localhost\r\n\r\n" + NEXT,
    "HTTP/2's greeting": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a target with a host of its own": b"GET http://localhost/health HTTP/1.1\r\nHost: localhost\r\n\r\n" + NEXT,
    "a target that is a host": b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n" + NEXT,
    "HTTP/1.2": b"GET /health HTTP/1.2\r\nHost: localhost\r\n\r\n" + NEXT,
    "HTTP/0.9": b"GET /health\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 40,
    "an empty line first": b"\r\n" + NEXT,
    "chunks of no size": CHUNKED + b"x\r\n" + HIDDEN,
    "chunks of a negative size": CHUNKED + b"-1\r\n" + HIDDEN,
    "a chunk size with an underscore": CHUNKED + b"1_0\r\n" + HIDDEN,
    "a chunk longer than it says": CHUNKED + b"1\r\nab\r\n" + HIDDEN,
    "a chunk size that ends in LF": CHUNKED + b"1\na\r\n" + HIDDEN,
    "trailers that end in LF": CHUNKED + b"0\r\nX: y\n\n" + NEXT,
    "a length in the trailers": CHUNKED + b"0\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n" + NEXT,
}


@pytest.mark.parametrize("sent", REFUSED.values(), ids=REFUSED)
def test_it_is_refused_once_and_closed(hall: LiveHall, sent: bytes) -> None:
    """F99: nothing after it counts as a request."""
    answer = tell(hall.url, sent)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 401 "))  # without a key the hall doesn't wait for a body
    assert not any(request.raw_path == "/health" for request in hall.requests)


def test_it_is_the_same_in_pieces(hall: LiveHall) -> None:
    """F99: one byte at a time."""
    with connect(hall.url) as connection:
        for byte in POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n":
            connection.sendall(bytes([byte]))
        assert all_of(connection).startswith(b"HTTP/1.1 400 ")


def test_a_refusal_in_the_middle_of_a_body_is_not_a_second_answer(hall: LiveHall) -> None:
    """F99: the request was answered already, because it has no key."""
    with connect(hall.url) as connection:
        connection.sendall(CHUNKED)
        answer = b""
        while not answer.endswith(b"}"):
            answer += connection.recv(65536)
        assert answer.startswith(b"HTTP/1.1 401 ")
        connection.sendall(b"no chunk\r\n" + HIDDEN)
        assert all_of(connection) == b""


def test_a_body_that_is_waited_for_and_turns_out_wrong_is_refused_once(hall: LiveHall) -> None:
    """F99: the same with a key."""
    with connect(hall.url) as connection:
        key = f"Authorization: Bearer {hall.key}\r\n".encode()
        connection.sendall(POST + key + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\nno chunk\r\n" + HIDDEN)
        answer = all_of(connection)
    assert answer.startswith(b"HTTP/1.1 400 ") and answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "head",
    [b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100_000, b"GET /" + b"x" * 100_000],
    ids=["header", "path"],
)
def test_a_head_beyond_any_is_refused(hall: LiveHall, head: bytes) -> None:
    """F99: whether it comes in one piece or never ends."""
    assert tell(hall.url, head).startswith(b"HTTP/1.1 431 ")
    assert tell(hall.url, head + b"\r\n\r\n").startswith(b"HTTP/1.1 431 ")


def test_what_chunks_add_to_a_body_is_bounded(hall: LiveHall) -> None:
    """F99: each chunk has one byte of body, and 10 kB of extensions that nobody reads."""
    key = f"Authorization: Bearer {hall.key}\r\n".encode()
    chunk = b"1;" + b"x" * 10_000 + b"\r\n \r\n"
    with connect(hall.url) as connection:
        connection.sendall(POST + key + b"Transfer-Encoding: chunked\r\n\r\n")
        sent = 0
        try:
            while sent < 64 * 1024 * 1024:
                connection.sendall(chunk)
                sent += len(chunk)
        except OSError:
            pass
        assert sent < 16 * 1024 * 1024  # 2 MiB, and what the system holds on the way
    assert b"HTTP/1.1 200 OK" in tell(hall.url, NEXT.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))


def test_requests_that_come_all_at_once_are_answered_in_order(hall: LiveHall) -> None:
    """F99: pipelining means one thing."""
    verify = f"GET /api/v1/verify/{{}} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {hall.key}\r\n"
    sent = "".join(verify.format(f"w-{number}") + "\r\n" for number in range(200))
    answer = tell(hall.url, sent.encode() + verify.format("last").encode() + b"Connection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 404 ") == 201
    assert [request.raw_path for request in hall.requests][:201] == [
        *(f"/api/v1/verify/w-{number}" for number in range(200)),
        "/api/v1/verify/last",
    ]


def test_a_chunked_body_of_many_chunks_is_read(hall: LiveHall) -> None:
    """F99: valid requests are not refused."""
    key = f"Authorization: Bearer {hall.key}\r\nConnection: close\r\n".encode()
    body = (
        b"".join(b"%x;a=b\r\n%b\r\n" % (len(piece), piece) for piece in (b"{", b'"a": 1', b"}")) + b"0\r\nX: y\r\n\r\n"
    )
    answer = tell(hall.url, POST + key + b"Transfer-Encoding: chunked\r\n\r\n" + body)
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert hall.requests[-1].body == b'{"a": 1}'
