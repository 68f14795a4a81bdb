"""Pictures made of characters: sparklines, and the fleet as a bar.

Every state has its own block character, so that the pictures can be read without color.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pyhall_tui.fleet.entry import State
from pyhall_tui.monitor.stats import Point
from pyhall_tui.render.text import Cell, Style
from pyhall_tui.render.worker import LOOKS

_LEVELS = "▁▂▃▄▅▆▇█"
BLOCKS: Mapping[State, str] = {
    State.BANNED: "█",
    State.REVOKED: "▙",
    State.DRIFTED: "▓",
    State.UNKNOWN: "▚",
    State.UNATTESTED: "▒",
    State.STALE: "~",
    State.WAITING: "·",
    State.RETIRED: "-",
    State.CLEAN: "░",
}


def sparkline(values: Sequence[float | None], top: float | None = None) -> str:
    """Return one character per value: only zero is the lowest level; None is a gap.

    `top` is the value of the highest level; by default the largest value.
    """
    highest = max((value for value in values if value is not None), default=0.0) if top is None else top
    return "".join(" " if value is None else _level(value, highest) for value in values)


def _level(value: float, highest: float) -> str:
    if value <= 0 or highest <= 0:
        return _LEVELS[0]
    return _LEVELS[max(1, min(7, round(value / highest * 7)))]


def shares(counts: Mapping[State, int], width: int) -> dict[State, int]:
    """Divide `width` cells by count (largest remainder); each state that occurs gets a cell if there are enough.

    If there are fewer cells than states, what is wrong comes first.
    """
    present = {state: count for state, count in sorted(counts.items()) if count > 0}
    if not present or width <= 0:
        return {}
    present = dict(list(present.items())[:width])
    spare, total = width - len(present), sum(present.values())
    exact = {state: spare * count / total for state, count in present.items()}
    cells = {state: 1 + int(share) for state, share in exact.items()}
    left = width - sum(cells.values())
    for state in sorted(exact, key=lambda state: int(exact[state]) - exact[state])[:left]:
        cells[state] += 1
    return cells


def fleet_bar(counts: Mapping[State, int], width: int) -> list[Cell]:
    """Return the fleet as a bar of exactly `width` cells, with what is wrong first."""
    return [Cell(BLOCKS[state] * cells, LOOKS[state].style) for state, cells in shares(counts, width).items()]


def legend(states: Mapping[State, int | None]) -> list[Cell]:
    """Return what each block of these states means: block, glyph, count, word."""
    cells = []
    for state, count in sorted(states.items()):
        look = LOOKS[state]
        number = "" if count is None else f"{count} "
        cells.append(Cell(f"{BLOCKS[state]} {look.glyph} {number}{look.word.lower()}", look.style))
    return cells


def fleet_line(counts: Mapping[State, int], width: int) -> list[Cell]:
    """Return bar and legend in one line of `width` cells; only the bar if the legend leaves no room for it."""
    keys = legend({state: count for state, count in counts.items() if count})
    taken = sum(len(cell.text) + 2 for cell in keys)
    if taken > width - 10:
        return fleet_bar(counts, width)
    spaced = [part for cell in keys for part in (Cell("  "), cell)]
    return [*fleet_bar(counts, width - taken), *spaced]


def state_at(counts: Mapping[State, int], width: int, cell: int) -> State | None:
    """Return the state that `fleet_line` shows in that cell: in the bar, or with its count; None if there is none."""
    line = fleet_line(counts, width)
    present = [state for state, count in sorted(counts.items()) if count]
    bars = len(line) - 2 * len(present) if len(line) > len(present) else len(line)
    order = [*present[:bars], *(state for each in present for state in (None, each))]
    for part, state in zip(line, order, strict=False):
        if cell < len(part.text):
            return state
        cell -= len(part.text)
    return None


class Gauge(NamedTuple):
    """One labelled sparkline and the number at its end."""

    label: str
    line: str
    value: Cell


def request_gauges(points: Sequence[Point], per_second: float, width: int) -> list[Gauge]:
    """Return rate, latencies (p50 and p95, on one scale) and errors of the last minutes, to fit `width` cells in all.

    Spans without a request are gaps in the latencies.
    """
    each = max(4, min(len(points), (width - _LABELS) // 4))
    shown = points[-each:]
    asked = [point for point in shown if point.rate > 0]
    slowest = max((point.p95 for point in asked), default=0.0)
    last = asked[-1] if asked else None
    errors = sum(point.errors for point in shown)
    return [
        Gauge("req/s", sparkline([point.rate for point in shown]), Cell(f"{per_second:.1f}")),
        Gauge("p50", _latencies(shown, [point.p50 for point in shown], slowest), _milliseconds(last and last.p50)),
        Gauge("p95", _latencies(shown, [point.p95 for point in shown], slowest), _milliseconds(last and last.p95)),
        Gauge(
            "errors",
            sparkline([point.errors for point in shown]),
            Cell(str(errors), Style.ERROR if errors else Style.DIM),
        ),
    ]


_LABELS = 58
"""How many cells the labels, numbers and gaps of the four gauges take at most."""


def _latencies(points: Sequence[Point], seconds: Sequence[float], slowest: float) -> str:
    return sparkline([value if point.rate else None for point, value in zip(points, seconds, strict=True)], slowest)


def _milliseconds(seconds: float | None) -> Cell:
    if seconds is None:
        return Cell("–", Style.DIM)
    return Cell(f"{seconds * 1_000:.0f} ms" if seconds < 10 else f"{seconds:.0f} s")


def gauges_line(gauges: Sequence[Gauge]) -> list[Cell]:
    """Return the gauges side by side."""
    cells: list[Cell] = []
    for gauge in gauges:
        gap = Cell("   ") if cells else Cell("")
        cells += [gap, Cell(f"{gauge.label} ", Style.DIM), Cell(gauge.line), Cell(" "), gauge.value]
    return cells
