"""Text beside a label is broken below its own beginning, and what separates words never ends a line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.content import Content

from pyhall_tui.render.text import Cell
from pyhall_tui.widgets.cells import broken_between, hanging

LABEL = Content("label   ")


def test_a_text_is_broken_below_its_beginning() -> None:
    shown = hanging(LABEL, Content("one two three four"), 20)
    assert shown.plain.splitlines() == ["label   one two", "        three four"]


@pytest.mark.parametrize("width", [0, 19, 26])
def test_it_stays_one_line_if_it_fits_or_if_the_label_leaves_too_little_room(width: int) -> None:
    assert hanging(LABEL, Content("one two three four"), width).plain == "label   one two three four"


@given(st.lists(st.text("abcdefg", min_size=1, max_size=30), min_size=1, max_size=20), st.integers(20, 60))
def test_no_line_is_wider_and_no_word_is_lost(words: list[str], width: int) -> None:
    shown = hanging(LABEL, Content(" ".join(words)), width)
    assert all(len(line) <= width for line in shown.plain.splitlines())
    assert "".join(shown.plain.split()) == "label" + "".join(words)


@given(st.lists(st.text("abc ", max_size=20), max_size=12), st.integers(0, 60))
def test_no_line_begins_or_ends_with_what_separates(words: list[str], width: int) -> None:
    for line in broken_between(map(Cell, words), " · ", width).plain.splitlines():
        assert not line.strip().startswith("·") and not line.strip().endswith("·")
