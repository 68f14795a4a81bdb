"""What is accepted off the wire is what h11 reads too, and reads the same: in whatever pieces it comes, or mixed up.

What only one of the two takes, or each takes differently, ends the connection.
"""

from itertools import pairwise
from typing import NamedTuple

import h11
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from pyhall_tui.registry.transport.answer_reader import MOST_OF_A_HEAD, AnswerReader
from tests.examples import examples


class Reading(NamedTuple):
    """How a reader understood a connection's bytes: an answer, and what came after it."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    surplus: bytes
    may_go_on: bool


def ours(pieces: list[bytes], *, ended: bool) -> Reading | None:
    """Return our reading; None if there is no whole answer."""
    reader, body = AnswerReader(), bytearray()
    try:
        for piece in pieces:
            reader.feed(piece)
            while reader.body:
                body += reader.take()
        if ended:
            reader.end()
    except httpx.RemoteProtocolError as error:
        assert str(error)
        return None
    if not reader.is_complete:
        return None
    assert reader.held == 0
    return Reading(reader.status, reader.headers, bytes(body), reader.surplus, reader.may_go_on)


def h11s(pieces: list[bytes], *, ended: bool) -> Reading | None:
    """Return h11's reading; None if there is no whole answer."""
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=MOST_OF_A_HEAD)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "h")]))
    connection.send(h11.EndOfMessage())
    answer, body = None, bytearray()
    try:
        for piece in [*pieces, *([b""] if ended else [])]:
            connection.receive_data(piece)
            while (event := connection.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                if isinstance(event, h11.Response):
                    answer = event
                elif isinstance(event, h11.Data):
                    body += event.data
                elif isinstance(event, h11.EndOfMessage):
                    assert answer is not None
                    surplus = connection.trailing_data[0] + b"".join(pieces[pieces.index(piece) + 1 :] if piece else [])
                    headers = list(answer.headers.raw_items())
                    goes_on = connection.their_state is h11.DONE
                    return Reading(answer.status_code, headers, bytes(body), surplus, goes_on)
    except h11.RemoteProtocolError:
        return None
    return None


def agree(data: bytes, cuts: list[int], *, ended: bool = True) -> Reading | None:
    """Look whether what we accept is what h11 reads, however it is cut, and return our reading."""
    pieces = cut(data, cuts)
    read = ours(pieces, ended=ended)
    whole = ours([data] if data else [], ended=ended)
    if read is not None and whole is not None:
        assert read == whole
    theirs = h11s([data] if data else [], ended=ended)
    for mine in (read, whole):
        if mine is not None:
            assert theirs is not None, f"only we accept {data!r}"
            assert comparable(mine) == comparable(theirs)
            assert theirs.may_go_on or not mine.may_go_on
    return read


def comparable(read: Reading) -> tuple[object, ...]:
    """h11 writes the one coding that it takes in lower case."""
    coding = b"transfer-encoding"
    headers = [(name, value.lower() if name.lower() == coding else value) for name, value in read.headers]
    return read.status, headers, read.body, read.surplus


def cut(data: bytes, at: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(place % (len(data) + 1) for place in at)})
    return [data[start:stop] for start, stop in pairwise(places)]


STATUS_LINES = [
    b"HTTP/1.1 200 OK", b"HTTP/1.1 200", b"HTTP/1.1 200 ", b"HTTP/1.0 200 OK", b"HTTP/1.1 404 Not Found",
    b"HTTP/1.1 204 No Content", b"HTTP/1.1 304 Not Modified", b"HTTP/1.1 103 Early", b"HTTP/1.1 100 Continue",
    b"HTTP/1.1 101 Switch", b"HTTP/1.1 199 X", b"HTTP/1.1 999 X", b"HTTP/1.1 099 X", b"HTTP/1.1 2000 X",
    b"HTTP/2.0 200 OK", b"HTTP/0.9 200 OK", b"HTTP/1.1  200 OK", b"http/1.1 200 OK", b"ICY 200 OK", b"ICE/1.0 200 OK",
    b"RTSP/1.0 200 OK", b"HTTP/1.1 200 \xff\x80", b"HTTP/1.1 200 a\x00b", b"HTTP/1.1 200\tOK", b" HTTP/1.1 200 OK",
    b"HTTP/1.1 200 a\rb", b"HTTP/1.1 20 OK", b"", b"220 mail.example ESMTP", b"HTTP/1.12 200 OK", b"HTTP/11.1 200 OK",
]  # fmt: skip
HEADERS = [
    b"Content-Length: 5", b"Content-Length: 0", b"content-length:5", b"Content-Length: 5\t", b"Content-Length: 005",
    b"Content-Length: 5, 5", b"Content-Length: 6", b"Content-Length: -5", b"Content-Length: +5",
    b"Content-Length: 5 5", b"Content-Length: 0x5", b"Content-Length:", b"Content-Length: 99999999999999999999",
    b"Content-Length : 5", b"Content-Length: 184467440737095516165", b"Content-Length: \xb2", b"Content-Length: 5;",
    b"Content_Length: 5", b"Transfer-Encoding: chunked", b"transfer-encoding: CHUNKED",
    b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: identity", b"Transfer-Encoding: chunked, chunked",
    b"Transfer-Encoding:\x0bchunked", b"Transfer-Encoding : chunked", b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding: chunked\x00", b"X: y\r z", b"Transfer-Encoding:", b" Transfer-Encoding: chunked",
    b"X: y\r\n folded", b"X: y\r\n\tfolded", b"X: y\n Z: w", b"X: \x01", b"X: a\x7f", b"X: \xff\x85\xa0", b"X\x00: y",
    b"X: y\nZ: w", b"X", b": y", b"X:", b"X: ", b"X y: z", b"Connection: close", b"Connection: keep-alive",
    b"Connection: x, CLOSE ,y", b"Connection: upgrade", b"Upgrade: h2c", b"X: y", b"X(: y", b"\xffX: y",
    b"Location: /x", b"Content-Type: application/json", b"Proxy-Connection: close",
]  # fmt: skip
CHUNKS = [
    b"5\r\nhello\r\n", b"1\r\nh\r\n", b"05\r\nhello\r\n", b"A\r\n0123456789\r\n", b"a;x=y\r\n0123456789\r\n",
    b"5;x\r\nhello\r\n", b'5;x="y z"\r\nhello\r\n', b"5;\r\nhello\r\n", b"5 ;x\r\nhello\r\n", b"5 \r\nhello\r\n",
    b"5\t\r\nhello\r\n", b"0x5\r\nhello\r\n", b"+5\r\nhello\r\n", b"-5\r\nhello\r\n", b"5\nhello\r\n",
    b"5\r\nhello\n", b"5\r\nhelloX\r\n", b"5\r\nhello", b"5\r\nhell\r\n", b"5\r\r\nhello\r\n", b"5;a\nb\r\nhello\r\n",
    b"g\r\n", b"5;a\rb\r\nhello\r\n", b"5;\x00\r\nhello\r\n", b"5;\x7f\r\nhello\r\n",
    b"000000000000000000005\r\nhello\r\n", b"00000000000000000005\r\nhello\r\n", b"fffffffffffffffff\r\nhello\r\n",
    b"ffffffffffffffff\r\nhello\r\n", b"\r\n", b"5_0\r\nhello\r\n", b" 5\r\nhello\r\n", b"5\x0b\r\nhello\r\n",
    b"5;\xff\r\nhello\r\n", b'5;x="\r\nhello\r\n',
]  # fmt: skip
TRAILERS = [
    b"0\r\n\r\n", b"0;x\r\n\r\n", b"00\r\n\r\n", b"0\r\nX: y\r\n\r\n", b"0\r\nX: y\r\n z\r\n\r\n",
    b"0\r\nX : y\r\n\r\n", b"0\r\nContent-Length: 5\r\n\r\n", b"0\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"0\r\nX: \x00\r\n\r\n", b"0\n\n", b"0\r\n\n", b"0\r\nX: y\n\r\n", b"0\r\nX\r\n\r\n", b"0\r\n", b"", b"0\r\n\r",
    b"0 \r\n\r\n", b"0\r\nX:\r\n\r\n",
]  # fmt: skip
ENDS = [b"\r\n"] * 12 + [b"\n", b"\r", b"\r\r\n", b"\n\r\n", b""]


@some.composite
def odd_answers(draw: some.DrawFn) -> bytes:
    """Compose one answer from valid parts and parts that readers disagree about."""
    parts = [draw(some.sampled_from(STATUS_LINES[:6] * 4 + STATUS_LINES)), draw(some.sampled_from(ENDS))]
    for header in draw(some.lists(some.sampled_from(HEADERS), max_size=3)):
        parts += [header, draw(some.sampled_from(ENDS))]
    parts.append(draw(some.sampled_from(ENDS)))
    if draw(some.booleans()):
        parts += draw(some.lists(some.sampled_from(CHUNKS), max_size=3))
        parts.append(draw(some.sampled_from(TRAILERS)))
    else:
        parts.append(draw(some.sampled_from([b"hello", b"hell", b"", b"hello world", b"5\r\nhello\r\n0\r\n\r\n"])))
    return b"".join(parts)


@some.composite
def nearly_right(draw: some.DrawFn) -> bytes:
    """Compose an answer with one odd thing."""
    if draw(some.booleans()):
        chunks = [*draw(some.lists(some.sampled_from(CHUNKS[:6]), max_size=3)), draw(some.sampled_from(CHUNKS))]
        framing, body = b"Transfer-Encoding: chunked\r\n", b"".join(chunks) + draw(some.sampled_from(TRAILERS))
    else:
        framing, body = b"Content-Length: 5\r\n", b"hello"
    extra = draw(some.sampled_from(HEADERS))
    return draw(some.sampled_from(STATUS_LINES[:5])) + b"\r\n" + extra + b"\r\n" + framing + b"\r\n" + body


@some.composite
def mixed_up(draw: some.DrawFn) -> bytes:
    """Take answers, glue them together, and change some bytes."""
    data = bytearray(
        b"".join(draw(some.lists(odd_answers() | nearly_right() | right_answers(), min_size=1, max_size=3)))
    )
    for _ in range(draw(some.integers(0, 3))):
        at = draw(some.integers(0, max(0, len(data) - 1)))
        put = draw(some.sampled_from([b"", b"\r", b"\n", b"\r\n", b"\x00", b" ", b":", b"0", b"\xff", b"\x0b", b";"]))
        data[at : at + draw(some.integers(0, 3))] = put
    return bytes(data)


@some.composite
def right_answers(draw: some.DrawFn) -> bytes:
    """Compose a valid answer."""
    body = draw(some.binary(max_size=60))
    status = draw(some.sampled_from([b"200 OK", b"404 Not Found", b"500", b"429 Slow \xc3\xbc down"]))
    interim = draw(some.lists(some.sampled_from([b"103 Early Hints\r\nLink: </x>", b"100 Continue"]), max_size=2))
    head = b"".join(b"HTTP/1.1 %b\r\n\r\n" % each for each in interim) + b"HTTP/1.1 " + status + b"\r\nX: y z\r\nE:\r\n"
    if draw(some.booleans()):
        return head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    pieces = cut(body, draw(some.lists(some.integers(0, 60), max_size=4)))
    extension = draw(some.sampled_from([b"", b";x", b";x=y"]))
    chunks = b"".join(b"%x%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces if piece)
    trailers = draw(some.sampled_from([b"", b"T: u\r\n"]))
    return head + b"transfer-encoding: chunked\r\n\r\n" + chunks + b"0\r\n" + trailers + b"\r\n"


CUTS = some.lists(some.integers(0, 400), max_size=8)


@settings(max_examples=examples(2_000))
@given(odd_answers() | nearly_right() | mixed_up(), CUTS, some.booleans())
@pytest.mark.thorough
def test_what_we_accept_h11_reads_the_same(data: bytes, cuts: list[int], ended: bool) -> None:
    agree(data, cuts, ended=ended)


@settings(max_examples=examples(500))
@given(some.binary(max_size=200), CUTS, some.booleans())
def test_noise_is_not_an_answer(data: bytes, cuts: list[int], ended: bool) -> None:
    agree(data, cuts, ended=ended)
    agree(b"HTTP/1.1 200 OK\r\n" + data, cuts, ended=ended)
    agree(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + data, cuts, ended=ended)


@settings(max_examples=examples(500))
@given(right_answers(), CUTS, some.sampled_from([b"", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"junk"]))
def test_a_right_answer_is_read_however_it_is_cut(data: bytes, cuts: list[int], behind: bytes) -> None:
    """And what came after it is known not to be part of it."""
    read = agree(data + behind, cuts, ended=False)
    assert read is not None and read.surplus == behind and read.may_go_on


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"HTTP/1.1 200 OK\nContent-Length: 0\n\n", id="line ends without CR"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n", id="a blank before a colon"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", id="one length twice"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", id="two lengths"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello", id="a list of lengths"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            id="length and chunks",
        ),
        pytest.param(b"HTTP/1.1 304 X\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", id="both, no body"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", id="another coding"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: y\r\n Content-Length: 9\r\nContent-Length: 0\r\n\r\n", id="a folded line"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 0\r\n\r\n", id="NUL in a header"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n", id="CR in a header"),
        pytest.param(CHUNKED + b"5 \r\nhello\r\n0\r\n\r\n", id="a blank behind a chunk's size"),
        pytest.param(CHUNKED + b"000000000000000000005\r\nhello\r\n0\r\n\r\n", id="21 digits of a chunk's size"),
        pytest.param(CHUNKED + b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n", id="a chunk's size beyond 64 bits"),
        pytest.param(CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n", id="a chunk's size with a sign"),
        pytest.param(CHUNKED + b"5\r\nhelloXX0\r\n\r\n", id="no line end behind a chunk"),
        pytest.param(CHUNKED + b"5;x=\x00\r\nhello\r\n0\r\n\r\n", id="NUL in a chunk's extension"),
        pytest.param(CHUNKED + b"5\nhello\r\n0\r\n\r\n", id="a chunk's line without CR"),
        pytest.param(CHUNKED + b"0\r\nX: a\r\n b\r\n\r\n", id="a folded trailer"),
        pytest.param(b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", id="another version"),
        pytest.param(b"RTSP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", id="another protocol"),
    ],
)
@pytest.mark.parametrize("by_bytes", [False, True])
def test_what_two_readers_might_take_differently_is_refused_at_once(data: bytes, by_bytes: bool) -> None:
    """Not only when the connection ends: otherwise each such answer would take a whole time-out."""
    reader = AnswerReader()
    with pytest.raises(httpx.RemoteProtocolError):
        for piece in [data[at : at + 1] for at in range(len(data))] if by_bytes else [data]:
            reader.feed(piece)


@pytest.mark.parametrize(
    "begun",
    [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 103 Early\r\nX: ", CHUNKED + b"5;", CHUNKED + b"0\r\nX: "],
    ids=["head", "interim head", "chunk's line", "trailer"],
)
def test_no_line_is_longer_than_its_bound(begun: bytes) -> None:
    reader = AnswerReader()
    reader.feed(begun)
    with pytest.raises(httpx.RemoteProtocolError, match="too long"):
        for _ in range(MOST_OF_A_HEAD // 1_000 + 1):
            reader.feed(b"x" * 1_000)
    lines = AnswerReader()
    lines.feed(begun + b"y\r\n")
    if b"X" in begun:
        with pytest.raises(httpx.RemoteProtocolError, match="too long"):
            for _ in range(MOST_OF_A_HEAD // 1_000 + 1):
                lines.feed(b"X: " + b"x" * 1_000 + b"\r\n")
