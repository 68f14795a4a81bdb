"""Percentiles are measured values, by nearest rank."""

import pytest

from pyhall_tui.percentile import percentile


@pytest.mark.parametrize(("percent", "value"), [(0, 1.0), (50, 2.0), (75, 3.0), (95, 4.0), (100, 4.0)])
def test_of_four_values(percent: int, value: float) -> None:
    assert percentile([1.0, 2.0, 3.0, 4.0], percent) == value


def test_of_a_single_value_each_is_that_one() -> None:
    assert [percentile([7.0], percent) for percent in (0, 50, 99)] == [7.0, 7.0, 7.0]


def test_of_a_thousand_values_the_99th_is_the_tenth_from_the_top() -> None:
    assert percentile(range(1, 1001), 99) == 990
