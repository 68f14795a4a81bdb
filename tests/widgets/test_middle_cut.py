"""How ids are cut: in the middle, and so that no two look alike."""

import re
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some
from rich.cells import cell_len

from pyhall_tui.render.text import id_text
from pyhall_tui.widgets.middle_cut import MiddleCut
from tests.examples import examples
from tests.widgets.fleets import fleets, sizes

LEAST = 16
"""Cells that a table gives a column of ids at least."""


def cut(texts: list[str], width: int) -> list[str]:
    cuts = MiddleCut(texts)
    return [cuts.cut(text, width) for text in texts]


def shown_of(text: str) -> list[str]:
    """Return what is shown of a cut text, without the `…` and the number."""
    return list(re.sub(r" #\d+$", "", text).replace("…", ""))


def is_within(few: list[str], many: list[str]) -> bool:
    """Whether `few` is left if characters are taken out of `many`."""
    rest = iter(many)
    return all(each in rest for each in few)


def test_the_start_and_the_end_stay() -> None:
    assert cut(["org.yourco.embedder.prod-04"], 20) == ["org…embedder.prod-04"]


def test_what_fits_is_not_cut() -> None:
    assert cut(["org.acme.embedder"], 17) == ["org.acme.embedder"]


def test_ids_that_differ_only_in_the_middle_keep_what_differs() -> None:
    ids = [f"org.yourcompany.team-{team}.embedder.production-04" for team in "abc"]
    assert cut(ids, 20) == [f"org…{team}….production-04" for team in "abc"]


def test_ids_that_differ_in_several_places_keep_each() -> None:
    ids = [f"org.{team}.first.in.{room}.the.middle.prod-04" for team in "ab" for room in "xy"]
    assert cut(ids, 16) == ["org.a…x….prod-04", "org.a…y….prod-04", "org.b…x….prod-04", "org.b…y….prod-04"]


def test_what_tells_them_apart_may_have_no_room_and_then_a_number_does() -> None:
    ids = ["start" + "".join(f"{bit}__" for bit in f"{number:020b}") + "the.end" for number in range(0, 1 << 20, 9_973)]
    shown = cut(ids, 16)
    assert len(set(shown)) == len(ids)
    assert all(cell_len(each) <= 16 for each in shown)
    assert any(" #" in each for each in shown)


def test_a_wide_character_is_never_halved() -> None:
    ids = [f"組織.会社名.翻訳者の{name}.本番環境-04" for name in "甲乙丙"]
    shown = cut(ids, 21)
    assert len(set(shown)) == 3
    assert all(name in each for name, each in zip("甲乙丙", shown, strict=True))
    assert all(cell_len(each) <= 21 for each in shown)


def test_a_mark_stays_with_its_character() -> None:
    [shown] = cut(["x̂.a-rather-long-name.that-is-cut.x̂x̂x̂"], 16)
    assert shown.startswith("x̂") and shown.endswith("x̂x̂x̂")


def test_an_id_that_is_learned_late_is_told_from_those_shown_before() -> None:
    cuts = MiddleCut()
    ids = [f"org.yourcompany.team-{number:03}.embedder.production-04" for number in range(300)]
    assert len({cuts.cut(each, 20) for each in ids}) == 300


@pytest.mark.parametrize(
    "pair", [("a…b" * 9, "a" * 27), ("abc….prod-04", "abcdefghij.prod-04"), ("a #1" * 8, "a" * 32)]
)
def test_no_id_looks_like_the_cut_of_another(pair: tuple[str, str]) -> None:
    for width in range(12, 34):
        assert len(set(cut(list(pair), width))) == 2


@pytest.mark.thorough
@given(fleets(), some.integers())
@settings(max_examples=examples(1_000))
@example(["a.b", "a.b\ufe0f", "a.b\u034f"], 0)
@example(["café", "cafe\u0301"], 0)
@example(["a", "a ", " a", "a  b", "a b"], 0)
def test_of_any_fleet_no_two_ids_look_alike_and_more_cells_never_show_less(fleet: list[str], seed: int) -> None:
    texts = list(map(id_text, fleet))
    cuts = MiddleCut(texts)
    before: list[list[str]] = [[]] * len(texts)
    for width in sizes(seed, LEAST, 80, 8):
        shown = [cuts.cut(text, width) for text in texts]
        assert len({unicodedata.normalize("NFC", each).strip() for each in shown}) == len(texts)
        assert all(cell_len(each) <= width for each in shown)
        now = list(map(shown_of, shown))
        assert all(map(is_within, before, now)), width
        before = now


@given(some.text(max_size=60))
def test_an_ids_text_is_the_same_as_no_other_and_hides_nothing(worker_id: str) -> None:
    text = id_text(worker_id)
    assert text.isprintable() and unicodedata.is_normalized("NFC", text)
    assert text == worker_id or "‹" in text
