"""What a benchmark found: a figure beside its baseline of the same run, and the table of them."""

import statistics
from collections.abc import Sequence
from typing import NamedTuple


class Row(NamedTuple):
    """One figure. `ratio` is the figure divided by its baseline."""

    name: str
    value: float
    unit: str
    baseline: float | None = None
    baseline_name: str = ""
    target: str = ""
    met: bool | None = None
    """Whether the target was met; None where there is none."""
    note: str = ""

    @property
    def ratio(self) -> float | None:
        return self.value / self.baseline if self.baseline else None


def paired(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the median of the ratios of runs made one right after the other: load on the machine falls out."""
    return statistics.median(one / other for one, other in zip(ours, theirs, strict=True))


_HEADS = ("figure", "value", "baseline", "ratio", "target", "")


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a table in Markdown, its columns aligned."""
    lines = [_HEADS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADS))]
    ruled = [lines[0], tuple("-" * width for width in widths), *lines[1:]]
    text = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in ruled
    ]
    notes = [f"  {row.name}: {row.note}" for row in rows if row.note]
    return "\n".join([*text, *notes])


def _cells(row: Row) -> tuple[str, ...]:
    baseline = "" if row.baseline is None else f"{_number(row.baseline)} {row.unit} ({row.baseline_name})"
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    met = {True: "met", False: "MISSED", None: ""}[row.met]
    return (row.name, f"{_number(row.value)} {row.unit}", baseline, ratio, row.target, met)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
