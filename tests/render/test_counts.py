"""How many rows there are, and how many of them are shown."""

import pytest

from pyhall_tui.render.counts import counted


@pytest.mark.parametrize(
    ("shown", "total", "said"),
    [
        (0, 0, "0 workers"),
        (1, 1, "1 worker"),
        (47, 47, "47 workers"),
        (12, 47, "12 of 47 shown"),
        (0, 1_234, "0 of 1,234 shown"),
        (1_200, None, "1,200 shown"),
    ],
)
def test_a_count_says_of_what_or_of_how_many(shown: int, total: int | None, said: str) -> None:
    assert counted(shown, total, "worker") == said


def test_a_plural_of_its_own_and_a_total_that_is_not_known_yet() -> None:
    assert counted(3, 3, "entry", "entries") == "3 entries"
    assert counted(200, None, "event", has_more=True) == "200+ shown"
