"""A paste arrives as one text, however the terminal delivers it and whatever is in it."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual._xterm_parser import XTermParser

from pyhall_tui.paste_stream import PasteStream

START, END = "\x1b[200~", "\x1b[201~"


def passed(*parts: str) -> str:
    stream = PasteStream()
    return "".join(stream.take(part) for part in parts)


def split(text: str, cuts: list[int]) -> list[str]:
    edges = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    return [text[a:b] for a, b in pairwise(edges)]


@pytest.mark.parametrize(
    ("pasted", "arrives"),
    [
        ("plain", "plain"),
        ("", ""),
        ("one \x1b[31mtwo\rfour", "one ␛[31mtwo\rfour"),
        ("\x1b", "␛"),
        ("\x1b\x1b[20", "␛␛[20"),
        ("a" + START + "b", "a␛[200~b"),
    ],
)
def test_an_escape_character_in_a_paste_is_shown_and_never_a_key(pasted: str, arrives: str) -> None:
    assert passed("x", START + pasted + END + "y") == "x" + START + arrives + END + "y"


@given(
    texts=st.lists(st.text(alphabet="ab\x1b[201~\r", max_size=12)),
    cuts=st.lists(st.integers(0, 90)),
)
def test_it_is_the_same_however_it_is_delivered(texts: list[str], cuts: list[int]) -> None:
    whole = "k".join(START + text.replace(END, "") + END for text in texts)
    assert passed(*split(whole, cuts)) == passed(whole)


@given(
    keys=st.text(alphabet="ab\x1b[OA19~\r", max_size=30).filter(lambda keys: START not in keys),
    cuts=st.lists(st.integers(0, 30)),
)
def test_keys_are_passed_on_at_once_and_unchanged(keys: str, cuts: list[int]) -> None:
    stream = PasteStream()
    for part in split(keys, cuts):
        assert stream.take(part) == part


WHOLE = START + "one \x1b[31mtwo\rfour" + END


@pytest.mark.parametrize("cut", range(len(START), len(WHOLE) + 1))
def test_textuals_parser_makes_one_paste_of_it_on_a_line_that_pauses_anywhere(cut: int) -> None:
    stream, parser = PasteStream(), XTermParser()
    made: list[object] = []
    for part in (WHOLE[:cut], WHOLE[cut:]):
        if text := stream.take(part):
            made += parser.feed(text)
        if parser._timeout_time is not None:
            parser._timeout_time = 0.0  # it waits no longer for the rest of a key
        made += parser.tick()
    assert [each.text for each in made if isinstance(each, events.Paste)] == ["one ␛[31mtwo\rfour"]
