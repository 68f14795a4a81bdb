"""The widths of a table's columns."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from hypothesis.strategies import DrawFn, composite

from pyhall_tui.widgets.column_widths import GAP, GUTTER, Wish, widths
from tests.examples import examples


@composite
def wishes(draw: DrawFn) -> list[Wish]:
    """Draw the columns of a table: one of ids, others of a fixed form or of texts, of which some are empty."""
    others = []
    for place in range(draw(some.integers(1, 7))):
        least = draw(some.integers(0, 20))
        natural = least + draw(some.integers(0, 40)) if least else 0
        leaves = draw(some.sampled_from([0, place + 1]))
        others.append(Wish(least, natural, draw(some.integers(0, 4)), leaves))
    least = draw(some.integers(8, 22))
    ids = Wish(least, least + draw(some.integers(0, 240)), 4, 0, draw(some.integers(10, 64)))
    place = draw(some.integers(0, len(others)))
    return [*others[:place], ids, *others[place:]]


@pytest.mark.thorough
@given(wishes())
@settings(max_examples=examples(400))
def test_a_wider_table_never_shows_less_of_an_id(columns: list[Wish]) -> None:
    place = next(place for place, wish in enumerate(columns) if wish.most)
    given_ids = [widths(columns, room)[place] for room in range(60, 300)]
    assert given_ids == sorted(given_ids)


@given(wishes(), some.integers(60, 300))
def test_no_column_gets_more_than_it_needs_and_all_together_no_more_than_there_is(
    columns: list[Wish], room: int
) -> None:
    given_all = widths(columns, room)
    assert all(width <= max(wish.natural, wish.least) for width, wish in zip(given_all, columns, strict=True))
    kept = [wish for wish in columns if wish.leaves == 0]
    least = GUTTER + sum(wish.least + GAP for wish in kept if wish.least)
    assert GUTTER + sum(width + GAP for width in given_all if width) <= max(room, least)


def test_a_column_in_which_nothing_stands_gives_its_cells_away() -> None:
    ids, empty, full = Wish(22, 40, 6, 0, 48), Wish(0, 0), Wish(14, 14, 0, 2)
    assert widths([ids, empty], 50) == [40, 0]
    assert widths([ids, full], 50) == [40, 0]
    assert widths([ids, full], 60) == [40, 14]


def test_ids_come_before_the_columns_that_leave_and_those_before_even_longer_ids() -> None:
    ids, name = Wish(22, 90, 6, 0, 48), Wish(16, 30, 2, 5)
    assert widths([ids, name], 60) == [48, 0]
    assert widths([ids, name], 70) == [48, 16]
    assert widths([ids, name], 84) == [48, 30]
    assert widths([ids, name], 130) == [90, 30]


def test_the_column_that_leaves_last_comes_first() -> None:
    ids, first, last = Wish(10, 10, 1, 0, 48), Wish(8, 8, 0, 1), Wish(8, 8, 0, 2)
    assert widths([ids, first, last], 24) == [10, 0, 8]


def test_a_table_that_is_about_to_shrink_gives_ids_no_more_than_they_keep() -> None:
    ids = Wish(22, 120, 6, 0, 63)
    assert widths([ids], 145, roomy=150) == [63]
    assert widths([ids], 150, roomy=150) == [120]
