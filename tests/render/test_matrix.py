"""A matrix's lines, characters and names: nothing that differs looks the same, and nothing is said that was not."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from pyhall_tui.dispatch.matrix import CellAnswer
from pyhall_tui.dispatch.result import Result
from pyhall_tui.render.matrix import (
    CUT,
    LEAST_HEAD,
    SHARED,
    CellView,
    Row,
    counts,
    head_height,
    key_lines,
    lines_of,
    several,
    shared_start,
    short_head,
    stacked,
    style_of,
    with_characters,
    without,
)
from pyhall_tui.render.text import Style

CODES = ("DENY_WORKER_BANNED", "DENY_WORKER_RETIRED", "NO_WORKER_FOR_CAPABILITY", "POLICY_BLOCKED", "", "é☃", None)
ANSWERS = st.builds(
    CellAnswer,
    st.sampled_from(list(Result)),
    st.sampled_from(CODES) | st.text(st.characters(codec="latin-1") | st.sampled_from("漢字"), max_size=12),
)
VIEWS = st.builds(CellView, st.none() | ANSWERS, st.booleans(), st.booleans())
DENIED = CellAnswer(Result.DENY, "DENY_WORKER_BANNED")
ALLOWED = CellAnswer(Result.ALLOW)


@st.composite
def grids(draw: st.DrawFn) -> dict[Row, tuple[CellView, ...]]:
    """Draw rows by name; there are few kinds of rows, so that many are alike."""
    columns = draw(st.integers(1, 6))
    kinds = draw(st.lists(st.tuples(*[VIEWS] * columns), min_size=1, max_size=4))
    rows = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=20))
    return {(f"w{number}",): kind for number, kind in enumerate(rows)}


@given(grids(), st.booleans())
def test_no_two_different_rows_are_folded_into_one(grid: dict[Row, tuple[CellView, ...]], folds: bool) -> None:
    for line in lines_of(grid, grid.__getitem__, folds=folds):
        assert {grid[row] for row in line.rows} == {line.cells}


@given(grids(), st.booleans())
def test_every_row_stands_in_one_line_in_the_order_given(grid: dict[Row, tuple[CellView, ...]], folds: bool) -> None:
    lines = lines_of(grid, grid.__getitem__, folds=folds)
    assert sorted(row for line in lines for row in line.rows) == sorted(grid)
    places = list(grid)
    firsts = [places.index(line.rows[0]) for line in lines]
    assert firsts == sorted(firsts)


@given(grids())
def test_rows_that_are_alike_and_answered_are_one_line(grid: dict[Row, tuple[CellView, ...]]) -> None:
    lines = lines_of(grid, grid.__getitem__, folds=True)
    answered = [line.cells for line in lines if all(cell.answer is not None for cell in line.cells)]
    assert len(answered) == len(set(answered))
    assert all(len(line.rows) == 1 for line in lines if any(cell.answer is None for cell in line.cells))


@given(grids())
def test_without_folding_each_row_has_its_line(grid: dict[Row, tuple[CellView, ...]]) -> None:
    assert [line.rows for line in lines_of(grid, grid.__getitem__, folds=False)] == [(row,) for row in grid]


@given(grids())
def test_what_a_line_says_once_is_what_each_of_its_cells_says(grid: dict[Row, tuple[CellView, ...]]) -> None:
    for line in lines_of(grid, grid.__getitem__, folds=True):
        if (once := line.said_once) is not None:
            assert {cell.answer for cell in line.cells} == {once}
            assert once.result is not Result.ALLOW
            assert not any(cell.differs or cell.is_left_out for cell in line.cells)


def test_a_denial_of_the_whole_worker_is_said_once_and_an_allow_is_not() -> None:
    def once(*cells: CellView) -> CellAnswer | None:
        return lines_of([("w",)], lambda _: cells, folds=True)[0].said_once

    assert once(*[CellView(DENIED)] * 3) == DENIED
    assert once(*[CellView(ALLOWED)] * 3) is None
    assert once(CellView(DENIED), CellView(DENIED), CellView(ALLOWED)) is None
    assert once(CellView(DENIED), CellView(DENIED), CellView()) is None
    assert once(*[CellView(DENIED, is_left_out=True)] * 3) is None


@given(st.lists(ANSWERS, max_size=120))
def test_no_two_answers_have_the_same_character_while_there_are_free_ones(answers: list[CellAnswer]) -> None:
    characters = with_characters({}, answers)
    assert set(characters) == set(answers)
    own = [each for each in characters.values() if each != SHARED]
    assert len(own) == len(set(own))
    assert all(cell_len(each) == 1 for each in characters.values())


@given(st.lists(ANSWERS, max_size=40), st.lists(ANSWERS, max_size=40))
def test_a_character_stays_what_it_is_while_more_answers_come(
    before: list[CellAnswer], after: list[CellAnswer]
) -> None:
    given_before = with_characters({}, before)
    assert with_characters(given_before, after).items() >= given_before.items()


def test_a_denials_capital_and_a_holds_small_one_come_from_the_codes_own_words() -> None:
    banned, blocked = CellAnswer(Result.DENY, "DENY_WORKER_BANNED"), CellAnswer(Result.DENY, "POLICY_BLOCKED")
    human, retired = CellAnswer(Result.HOLD, "DENY_REQUIRES_HUMAN"), CellAnswer(Result.DENY, "DENY_WORKER_RETIRED")
    characters = with_characters({}, [banned, blocked, human, retired, ALLOWED, CellAnswer(Result.DENY)])
    assert list(characters.values()) == ["W", "P", "r", "R", "●", "✖"]


def test_a_hundred_codes_have_characters_until_there_are_none() -> None:
    answers = [CellAnswer(Result.DENY, f"CODE_{number}") for number in range(100)]
    characters = list(with_characters({}, answers).values())
    assert len(set(characters[:36])) == 36 and set(characters[36:]) == {SHARED}


def test_a_ban_is_red_and_what_is_not_enrolled_is_quiet() -> None:
    codes = ("DENY_WORKER_BANNED", "NO_WORKER_FOR_CAPABILITY", "POLICY_BLOCKED", "DENY_WORKER_RETIRED")
    answers = [CellAnswer(Result.DENY, code) for code in codes]
    characters = with_characters({}, answers)
    styles = [style_of(answer, characters) for answer in answers]
    assert styles[:2] == [Style.ERROR, Style.DIM]
    assert styles[2] != styles[3]


@given(st.lists(ANSWERS, min_size=1, max_size=200), st.integers(80, 200), st.integers(1, 4))
def test_the_key_stays_in_its_lines_and_names_every_code_or_how_many_are_left(
    answers: list[CellAnswer], width: int, most: int
) -> None:
    characters = with_characters({}, answers)
    lines = key_lines(answers, characters, width, most)
    assert 1 <= len(lines) <= most
    cells = [cell for line in lines for cell in line]
    different = len(set(answers))
    if cells[-1].text.startswith("… ") and cells[-1].text.endswith(" more"):
        assert int(cells[-1].text.split()[1]) + len(cells) - 1 == different
    else:
        assert len(cells) == different
    for line in lines:
        assert len(line) == 1 or sum(cell_len(cell.text) + 2 for cell in line) - 2 <= width


def test_the_key_says_how_often_each_code_came_the_most_frequent_first() -> None:
    answers = [ALLOWED, DENIED, DENIED]
    (line,) = key_lines(answers, with_characters({}, answers), 100, 1)
    assert [cell.text for cell in line] == ["W DENY_WORKER_BANNED 2", "● allow 1"]
    assert [cell.text for cell in counts(answers)] == ["● 1 allow", "✖ 2 deny"]


@given(st.lists(st.text("ab.-", min_size=1, max_size=14), min_size=1, max_size=8, unique=True))
def test_names_without_what_most_begin_with_stay_apart_and_can_be_put_together_again(names: list[str]) -> None:
    start = shared_start(names)
    all_share = all(name.startswith(start) for name in names)
    shown = without(start, names, all_share=all_share)
    assert len(set(shown)) == len(names) and all(shown)
    mark = "" if all_share else CUT
    whole = [start + each.removeprefix(mark) if all_share or each.startswith(CUT) else each for each in shown]
    assert whole == names


@pytest.mark.parametrize(
    ("names", "start"),
    [
        (("org.yourco.mailer", "org.yourco.payout"), "org.yourco."),
        (("org.yourco.mailer", "org.yourco.mail"), "org.yourco."),
        (("org.yourco.a", "org.yourco.b", "org.yourco.c", "wkr_1"), "org.yourco."),
        (("wkr_1", "wkr_2"), ""),
        (("org.yourco.mailer", "x.alice"), ""),
        (("org.yourco.mailer",), ""),
        (("x.a", "x.b"), ""),
        (("embedder", "embargo"), ""),
        (("org.acme.", "org.acme.b"), ""),
    ],
)
def test_what_is_left_out_ends_at_a_separator_and_is_shared_by_two_of_three(names: Sequence[str], start: str) -> None:
    assert shared_start(names) == start


@pytest.mark.parametrize(
    ("name", "height", "shown"),
    [
        ("audio.transcribe", 5, "atran"),
        ("llm.text.generate", 4, "ltge"),
        ("a.b.c.d.last", 4, "abla"),
        ("....", 2, ".."),
    ],
)
def test_in_a_low_head_a_name_is_its_words_beginnings(name: str, height: int, shown: str) -> None:
    assert short_head(name, height) == shown


@given(st.text(max_size=20), st.integers(1, 12))
def test_a_short_head_fits(name: str, height: int) -> None:
    assert len(short_head(name, height)) <= height


@given(st.text(max_size=20), st.integers(1, 30))
def test_a_turned_name_fills_its_lines_with_its_end_in_the_last(name: str, height: int) -> None:
    lines = stacked(name, height)
    assert len(lines) == height
    assert name.startswith("".join(lines))


@given(st.integers(0, 200), st.integers(1, 60), st.integers(1, 60))
def test_turned_names_leave_every_line_on_screen_if_they_can_be_short(lines: int, longest: int, room: int) -> None:
    height = head_height(lines, longest, room)
    assert 1 <= height <= longest
    if lines + LEAST_HEAD <= room:
        assert height + lines <= room
    else:
        assert height <= max(1, room * 2 // 5)


def test_folded_names_are_said_until_there_are_too_many() -> None:
    assert several(["a", "b"]) == "a, b"
    assert several(list("abcdef")) == "a, b, c, d and 2 more"
