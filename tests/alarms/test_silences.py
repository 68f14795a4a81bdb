"""What a silence covers, until when, and how to type its time."""

from datetime import datetime

import pytest

from pyhall_tui.alarms.silences import Silence, until
from tests.journal.makers import NOW

HOUR = 3_600.0


def silence(**fields: object) -> Silence:
    return Silence(**{"id": "s1", "began_at": NOW, "until": NOW + HOUR, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "covered", "not_covered"),
    [
        ({"worker": "wkr_1"}, [("banned", "wkr_1")], [("banned", "wkr_12"), ("registry lost", "")]),
        ({"worker": "wkr_*"}, [("banned", "wkr_12")], [("banned", "org.wkr_1"), ("registry lost", "")]),
        ({"worker": "w[1]?"}, [("banned", "w[1]?")], [("banned", "w1x")]),
        ({"namespace": "org.acme"}, [("banned", "w"), ("registry lost", "")], []),
        ({"namespace": "org.other"}, [], [("banned", "w")]),
        ({"condition": "drifted"}, [("drifted", "w")], [("banned", "w")]),
        ({"condition": "drifted", "worker": "w"}, [("drifted", "w")], [("drifted", "v"), ("banned", "w")]),
        ({}, [("drifted", "w"), ("registry lost", "")], []),
    ],
)
def test_an_alarm_must_fit_all_that_a_silence_names(
    fields: dict[str, str], covered: list[tuple[str, str]], not_covered: list[tuple[str, str]]
) -> None:
    one = silence(**fields)
    assert all(one.covers(condition, subject, "org.acme") for condition, subject in covered)
    assert not any(one.covers(condition, subject, "org.acme") for condition, subject in not_covered)


@pytest.mark.parametrize(
    ("at", "holds"), [(0, True), (HOUR - 1, True), (HOUR, False), (-30, True), (-HOUR, False), (366 * 86_400, False)]
)
def test_it_holds_from_its_beginning_to_its_end_and_not_after_the_clock_was_set_back(at: float, holds: bool) -> None:
    assert silence().is_active(NOW + at) is holds


def test_one_that_was_removed_holds_no_more() -> None:
    assert not silence(ended_at=NOW).is_active(NOW + 1)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2h", 7_200), ("30m", 1_800), ("for 1h 30m", 5_400), ("1.5h", 5_400), ("1D", 86_400), (" 90s ", 90)],
)
def test_a_span_counts_from_now(text: str, seconds: float) -> None:
    assert until(text, NOW) == NOW + seconds


def test_a_time_of_day_is_the_next_one_in_local_time() -> None:
    now = datetime(2026, 11, 26, 17, 30).timestamp()
    assert until("until 18:00", now) == now + HOUR / 2
    assert until("17:30", now) == now + 24 * HOUR
    assert until("2026-11-27 18:00", now) == now + 24.5 * HOUR


@pytest.mark.parametrize("text", ["", "soon", "0m", "-2h", "25:00", "2020-01-01", "400d", "2h later", "9999999999999d"])
def test_anything_else_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        until(text, NOW)
