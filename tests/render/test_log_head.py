"""What a hall's State tab says about its decision log."""

from typing import Any

import pytest

from pyhall_tui.render.log_head import log_lines
from pyhall_tui.render.text import Style

NOW = 1_764_158_400.0
AT = "2025-11-26T11:59:20Z"
CHECKPOINT = {"origin": "hall.yourco.org", "seq": 5, "at": AT}
STATED = {"signer": "hall.yourco.org (key 6f7a0c1e)", "seq": 5, "at": AT}


def told(**log: Any) -> list[tuple[str, str]]:
    return [(name, text) for name, text, _ in log_lines({"seq": 7, "entry_hash": "ab" * 32, **log}, NOW)]


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (
            {"signed_by": "hall.yourco.org", "checkpoint": CHECKPOINT},
            "up to row 5 · 40s ago · by hall.yourco.org · 2 after it",
        ),
        (
            {"signed_by": None, "stated": STATED},
            "up to row 5 · 40s ago · by hall.yourco.org (key 6f7a0c1e) · 2 after it · not by this hall",
        ),
        ({"signed_by": "hall.yourco.org", "checkpoint": None, "stated": None}, "nothing yet"),
        ({"signed_by": None, "checkpoint": None, "stated": None}, "not signed"),
        ({}, "not signed"),
        ({"signed_by": 7, "checkpoint": {"seq": "x"}, "stated": [1]}, "nothing yet"),
        ({"signed_by": "[/b]\x1b[31m", "checkpoint": {"seq": 7, "at": "x"}}, "up to row 7 · by [/b]␛[31m"),
    ],
)
def test_the_head_and_who_signed_it(log: dict[str, Any], said: str) -> None:
    assert told(**log) == [("log", "7 rows, head abababababababab…"), ("signed", said)]


def test_a_problem_with_signing_stands_below() -> None:
    lines = list(log_lines({"seq": 1, "entry_hash": "GENESIS", "error": "the disk is full"}, NOW))
    assert lines[-1] == ("", "the disk is full", Style.ERROR)


def test_an_empty_log_says_so() -> None:
    assert told(seq=0, entry_hash="GENESIS") == [("log", "empty"), ("signed", "not signed")]


@pytest.mark.parametrize("log", [None, {}, {"seq": "7"}, {"seq": True}, {"seq": -1}])
def test_a_hall_that_says_nothing_about_its_log_gets_no_line(log: dict[str, Any] | None) -> None:
    assert list(log_lines(log, NOW)) == []
