"""Foreign text made safe for a terminal; times in readable form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from pyhall_tui.render.text import age, clean, clean_lines, in_seconds, span, time_of_day


@given(st.text(max_size=60))
def test_no_control_byte_and_no_invisible_character_is_left(text: str) -> None:
    """F09."""
    assert clean(text).isprintable()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ok\x1b[2J\x1b]0;PWNED\x07", "ok␛[2J␛]0;PWNED␇"),
        ("\x9b31m", "·31m"),
        ("a\u2060b", "a·b"),
        ("👩\u200d👧", "👩·👧"),
        ("⚠\ufe0f", "⚠"),
        ("漢\U000e0100", "漢"),
        ("👍\U0001f3fd", "👍·"),
        ("\U0001f1e9\U0001f1ea", "DE"),
        ("\u3164\u1160\u034f", "···"),
        ("\u202egnp.exe", "·gnp.exe"),
        ('{"flags": [true, false]}', '{"flags": [true, false]}'),
        ("a\nb", "a␊b"),
        ("a\u00a0b", "a b"),
        ("日本 e\u0301", "日本 e\u0301"),
    ],
)
def test_what_must_not_reach_the_terminal_has_a_visible_substitute(text: str, expected: str) -> None:
    """F08, F09, F10."""
    assert clean(text) == expected


@given(st.text(st.characters(categories=("L", "M", "N", "P", "S", "Z", "C")), max_size=30))
def test_a_text_is_as_wide_as_its_characters_one_by_one(text: str) -> None:
    """F10: otherwise terminals would disagree about where the next column starts, depending on ligatures."""
    cleaned = clean(text)
    assert cell_len(cleaned) == sum(map(cell_len, cleaned))


def test_a_long_text_is_cut_with_a_sign() -> None:
    assert clean("x" * 100, 10) == "x" * 10 + "…"


def test_line_breaks_are_kept_for_several_lines() -> None:
    assert clean_lines("a\r\n\tb\x1b") == "a\n    b␛"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-90, "just now"),
        (0.4, "just now"),
        (9.9, "9s ago"),
        (60, "1m ago"),
        (7_199, "1h ago"),
        (86_400 * 12, "12d ago"),
    ],
)
def test_an_age_has_one_unit_and_is_never_negative(seconds: float, expected: str) -> None:
    """F23."""
    assert age(seconds) == expected


def test_a_wait_is_rounded_up_and_a_span_down() -> None:
    assert (in_seconds(2.1), in_seconds(-5), span(119)) == ("3s", "0s", "1m")


def test_when_is_as_short_as_it_is_unmistakable(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_795_000_000.0  # 18 November 2026
    assert time_of_day(now - 60, now).count(":") == 2
    assert time_of_day(now - 86_400, now) == "yesterday"
    assert time_of_day(now - 86_400 * 10, now) == "8 Nov"
    assert time_of_day(now - 86_400 * 400, now).endswith("2025")
    assert time_of_day(0, now) == "–"
