"""What the local hall's screen says about a rule."""

import pytest

from pyhall_tui.registry.local_hall import HallRule
from pyhall_tui.render.hall import rule_lines


@pytest.mark.parametrize(
    ("hours", "days", "words"),
    [
        ("22:00-06:00", ["fri"], "22:00 to 06:00 of the next day, beginning on fri in UTC"),
        ("22:00-06:00", [], "22:00 to 06:00 of the next day in UTC"),
        ("18:00-00:00", ["fri"], "18:00-00:00 fri in UTC"),
        ("08:00-18:00", ["mon", "tue"], "08:00-18:00 mon, tue in UTC"),
    ],
)
def test_when_a_rule_is_open_is_said_in_words(hours: str, days: list[str], words: str) -> None:
    """F85"""
    rule = HallRule(id="r", outcome="allow", hours=hours, days=days, timezone="UTC")
    told = ["".join(cell.text for cell in line) for line in rule_lines(rule)]
    assert any(words in line for line in told), told
