"""Reading server-sent events: whatever way the bytes come in, and nothing without a limit."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyhall_tui.registry.decode import Unreadable
from pyhall_tui.registry.server_sent_events import (
    LONGEST_RETRY,
    MOST_OF_A_LINE,
    MOST_OF_AN_EVENT,
    EventReader,
    ServerSentEvent,
)

STREAM = (
    b"\xef\xbb\xbf: a comment\n\nevent: ban\nid: 7\ndata: {\ndata: }\n\n"
    b"data:no space\nunknown: field\ndata\n\nevent: empty\n\nid: 8\ndata: last\n\n"
)
EVENTS = [
    ServerSentEvent("ban", b"{\n}", 7),
    ServerSentEvent("message", b"no space\n", None),
    ServerSentEvent("message", b"last", 8),
]


def read(*pieces: bytes) -> list[ServerSentEvent]:
    found: list[ServerSentEvent] = []
    reader = EventReader(found.append)
    for piece in pieces:
        reader.feed(piece)
    return found


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_every_line_end_is_one(end: bytes) -> None:
    assert read(STREAM.replace(b"\n", end)) == EVENTS


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_bytes_may_come_one_by_one(end: bytes) -> None:
    stream = STREAM.replace(b"\n", end)
    assert read(*(stream[at : at + 1] for at in range(len(stream)))) == EVENTS


@given(st.lists(st.integers(0, len(STREAM) * 2)), st.sampled_from([b"\n", b"\r", b"\r\n"]))
def test_where_the_bytes_are_cut_makes_no_difference(cuts: list[int], end: bytes) -> None:
    stream = STREAM.replace(b"\n", end)
    places = [0, *sorted(cuts), len(stream)]
    assert read(*(stream[a:b] for a, b in pairwise(places))) == EVENTS


@given(st.binary(max_size=400))
def test_any_bytes_are_read_without_a_fault(data: bytes) -> None:
    read(data, data)


def test_an_event_without_its_empty_line_is_not_passed_on() -> None:
    assert read(b"event: ban\ndata: {}\n") == []


@pytest.mark.parametrize("value", [b"-1", b"x", b"", b"1" * 19, "٣".encode(), b"1\x00"])
def test_an_id_that_is_not_a_short_number_is_none(value: bytes) -> None:
    assert read(b"id: " + value + b"\ndata: x\n\n") == [ServerSentEvent("message", b"x", None)]


def test_a_line_that_never_ends_is_refused_before_it_is_held() -> None:
    reader = EventReader(lambda event: None)
    with pytest.raises(Unreadable, match="a line of it is longer than"):
        for _ in range(MOST_OF_A_LINE):
            reader.feed(b"data: " * 100)


def test_an_event_that_never_ends_is_refused() -> None:
    reader = EventReader(lambda event: None)
    with pytest.raises(Unreadable, match="an event is longer than"):
        for _ in range(MOST_OF_AN_EVENT):
            reader.feed(b"data: " + b"x" * 100 + b"\n")


def test_the_wait_that_a_stream_asks_for_is_limited() -> None:
    reader = EventReader(lambda event: None)
    reader.feed(b"retry: 2500\n")
    assert reader.retry == 2.5
    reader.feed(b"retry: -1\nretry: soon\n")
    assert reader.retry == 2.5
    reader.feed(b"retry: 999999999\n")
    assert reader.retry == LONGEST_RETRY


def test_text_that_is_not_utf_8_does_no_harm() -> None:
    assert read(b"event: b\xffn\ndata: \xff\x1b[2J\n\n") == [ServerSentEvent("b�n", b"\xff\x1b[2J", None)]
