"""The marks of a table: what is counted once, and counted again after any change."""

from collections.abc import Iterator, Sequence

import pytest

from pyhall_tui.widgets.table_keys import Marks


class Rows(Sequence[str]):
    """Rows that count how often they are gone through."""

    def __init__(self, *keys: str) -> None:
        self._keys, self.looks = keys, 0

    def __len__(self) -> int:
        return len(self._keys)

    def __getitem__(self, place: int) -> str:  # type: ignore[override]
        return self._keys[place]

    def __iter__(self) -> Iterator[str]:
        self.looks += 1
        return iter(self._keys)


def test_hidden_marks_are_counted_once_for_the_same_rows() -> None:
    marks, shown = Marks(["a", "b", "z"]), Rows("a", "b", "c")
    assert [marks.hidden_by(shown) for _ in range(5)] == [1] * 5
    assert shown.looks == 1
    assert marks.hidden_by(Rows("a")) == 2


def test_if_all_rows_are_shown_none_is_gone_through_for_hidden_marks() -> None:
    marks, shown = Marks(["a", "b"]), Rows("b", "a", "c")
    marks.forget_lost(shown, lambda: ["a", "b", "c"])
    assert marks.hidden_by(shown) == 0 and not shown.looks
    assert marks.hidden_by(Rows("a", "c")) == 1


@pytest.mark.parametrize(
    ("change", "hidden"),
    [
        (lambda marks: marks.invert(["a", "y"]), 2),
        (lambda marks: marks.add_all(["x", "y"]), 3),
        (lambda marks: marks.set_to(["x", "y"]), 2),
        (lambda marks: marks.clear(), 0),
        (lambda marks: marks.forget_lost((), lambda: ["a"]), 0),
    ],
)
def test_they_are_counted_again_after_any_change_of_the_marks(change: object, hidden: int) -> None:
    marks, shown = Marks(["a", "b", "z"]), Rows("a", "b", "c")
    assert marks.hidden_by(shown) == 1
    change(marks)  # type: ignore[operator]
    assert marks.hidden_by(shown) == hidden


def test_a_row_that_is_gone_loses_its_mark_and_one_that_a_filter_hides_keeps_it() -> None:
    marks = Marks(["a", "b"])
    marks.forget_lost(["a"], lambda: ["a", "b"])
    assert marks == {"a", "b"}
    marks.forget_lost(["a"], lambda: ["a"])
    assert marks == {"a"}


def test_if_nobody_knows_what_else_there_is_a_row_that_is_not_shown_loses_its_mark() -> None:
    marks = Marks(["a", "b"])
    marks.forget_lost(["a", "c"], None)
    assert marks == {"a"}


def test_a_mark_that_comes_later_is_looked_for_among_the_same_rows() -> None:
    marks, rows = Marks(["a"]), ["a"]
    marks.forget_lost((), lambda: rows)
    marks.add_all(["gone"])
    marks.forget_lost((), lambda: rows)
    assert marks == {"a"}


def test_marked_rows_are_in_the_order_shown_and_hidden_ones_follow_by_name() -> None:
    assert Marks(["a", "z", "b", "y"]).in_order(["b", "c", "a"]) == ["b", "a", "y", "z"]
