"""Percentiles by nearest rank."""

from collections.abc import Sequence


def percentile(ordered: Sequence[float], percent: int) -> float:
    """Return that percentile of one or more values in ascending order."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
