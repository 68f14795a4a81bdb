"""Pictures in letters: sparklines, the fleet as a bar, a worker's states over time.

Every state has a block letter of its own, so that the pictures can be read without colours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import NamedTuple

from pyhall_tui.fleet.entry import Entry, State
from pyhall_tui.fleet.events import FIRST_SIGHT, Event, Kind
from pyhall_tui.monitor.stats import Point
from pyhall_tui.render.text import Cell, Style, span
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
_UNKNOWN_THEN = Cell("·", Style.DIM)
_SPANS = (600.0, *(hours * 3_600.0 for hours in (1, 3, 6, 12, 24, 72, 168)))


def sparkline(values: Sequence[float | None], top: float | None = None) -> str:
    """Return one letter a value: nothing at all is the lowest level, the least bit is above it; None is a gap.

    `top` is what the highest level stands for; without it the largest value.
    """
    highest = max((value for value in values if value is not None), default=0.0) if top is None else top
    return "".join(" " if value is None else _level(value, highest) for value in values)


def _level(value: float, highest: float) -> str:
    if value <= 0 or highest <= 0:
        return _LEVELS[0]
    return _LEVELS[max(1, min(7, round(value / highest * 7)))]


def shares(counts: Mapping[State, int], width: int) -> dict[State, int]:
    """Share out `width` cells by count (largest remainder); a state that occurs has a cell as long as there are any.

    What is wrong comes first where cells are fewer than states.
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
    """Return the fleet as a bar of exactly `width` cells, what is wrong first."""
    return [Cell(BLOCKS[state] * cells, LOOKS[state].style) for state, cells in shares(counts, width).items()]


def legend(states: Mapping[State, int | None]) -> list[Cell]:
    """Return what each block of these states stands for: block, glyph, how many, word."""
    cells = []
    for state, count in sorted(states.items()):
        look = LOOKS[state]
        number = "" if count is None else f"{count} "
        cells.append(Cell(f"{BLOCKS[state]} {look.glyph} {number}{look.word.lower()}", look.style))
    return cells


def fleet_line(counts: Mapping[State, int], width: int) -> list[Cell]:
    """Return bar and legend in one line of `width` cells; where the legend leaves no room for a bar, the bar alone."""
    keys = legend({state: count for state, count in counts.items() if count})
    taken = sum(len(cell.text) + 2 for cell in keys)
    if taken > width - 10:
        return fleet_bar(counts, width)
    spaced = [part for cell in keys for part in (Cell("  "), cell)]
    return [*fleet_bar(counts, width - taken), *spaced]


class Gauge(NamedTuple):
    """One labelled sparkline and the number at its end."""

    label: str
    line: str
    value: Cell


def request_gauges(points: Sequence[Point], per_second: float, width: int) -> list[Gauge]:
    """Return rate, latencies (p50, p95, on one scale) and errors of the last minutes, to fit `width` cells in all.

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
"""Cells that labels, numbers and gaps of the four gauges take at most."""


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


# -- one worker over time -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Known:
    """What the state follows from, as of some time."""

    banned: bool
    known: bool
    status: str
    attested: bool
    drifted: bool
    asked: bool = True

    def state(self) -> State:
        rules = (
            (self.banned, State.BANNED),
            (not self.asked, State.WAITING),
            (not self.known, State.UNKNOWN),
            (self.status == "revoked", State.REVOKED),
            (self.drifted, State.DRIFTED),
            (self.status == "retired", State.RETIRED),
            (self.status != "active", State.UNKNOWN),
            (not self.attested, State.UNATTESTED),
        )
        return next((state for holds, state in rules if holds), State.CLEAN)


class Stretch(NamedTuple):
    """A state and when it began and ended, wall time."""

    state: State
    began: float
    ended: float


def history(entry: Entry, events: Sequence[Event], now_wall: float) -> list[Stretch]:
    """Return a worker's states as last known, newest first, reckoned back from now through its events (newest first).

    It goes back to the oldest evidence, no further: before that nothing is known of it.
    """
    if entry.verdict is None and entry.ban is None:
        return []
    verdict = entry.verdict
    then = _Known(
        banned=entry.ban is not None,
        known=verdict is not None and verdict.known,
        status=(verdict.status if verdict else None) or "none",
        attested=verdict is not None and verdict.attested,
        drifted=entry.drift in ("drifted", "unreadable"),
        asked=verdict is not None,
    )
    stretches: list[Stretch] = []
    state, ended = entry.last_state(), now_wall
    for event in events:
        began = min(event.at, ended)
        stretches.append(Stretch(state, began, ended))
        then = _undone(then, event)
        state, ended = then.state(), began
    known_since = min(entry.known_since_wall or now_wall, ended)
    stretches.append(Stretch(state, known_since, ended))
    return [stretch for stretch in stretches if stretch.state is not State.WAITING]


def _undone(after: _Known, event: Event) -> _Known:
    """Return what held before the event. Of a folded one `before` is that of its first."""
    before = event.before
    match event.kind:
        case Kind.BANNED | Kind.UNBANNED:
            return replace(after, banned=before == "BANNED", asked=after.asked and before != FIRST_SIGHT)
        case Kind.ATTESTED | Kind.UNATTESTED:
            return replace(after, attested=before == "attested")
        case Kind.STATUS_CHANGED:
            return replace(after, status=before)
        case Kind.APPEARED | Kind.VANISHED:
            known = before != "unknown"
            return replace(after, known=known, status=("active" if before == "known" else before) if known else "")
        case Kind.DRIFTED | Kind.DRIFT_ENDED:
            return replace(after, drifted=before in ("drifted", "unreadable"))
        case _:
            return after


def timeline(stretches: Sequence[Stretch], now_wall: float, width: int) -> tuple[float, list[State | None]]:
    """Return the span in seconds, and the state of each of `width` cells up to now, oldest first.

    A cell shows the loudest state in it, so that a short ban is not lost; None is where nothing is known.
    """
    oldest = stretches[-1].began if stretches else now_wall
    seconds = next((each for each in _SPANS if now_wall - oldest <= each), _SPANS[-1])
    cells: list[State | None] = [None] * width
    first = now_wall - seconds
    for stretch in stretches:
        if stretch.ended < first or not width:
            continue
        last_cell = _cell(stretch.ended, first, seconds, width)
        for place in range(_cell(stretch.began, first, seconds, width), last_cell + 1):
            known = cells[place]
            cells[place] = stretch.state if known is None else min(known, stretch.state)
    return seconds, cells


def _cell(wall: float, first: float, seconds: float, width: int) -> int:
    return max(0, min(width - 1, int((wall - first) / seconds * width)))


def timeline_lines(entry: Entry, events: Sequence[Event], now_wall: float, width: int) -> list[list[Cell]]:
    """Return the time line, its scale and its legend, a list of cells a line."""
    stretches = history(entry, events, now_wall)
    seconds, states = timeline(stretches, now_wall, width)
    line = [
        _UNKNOWN_THEN._replace(text="·" * length) if state is None else Cell(BLOCKS[state] * length, LOOKS[state].style)
        for state, length in ((state, len(list(group))) for state, group in groupby(states))
    ]
    ago = f"{span(seconds)} ago"
    scale = [Cell(ago + "now".rjust(max(4, width - len(ago))), Style.DIM)]
    present: dict[State, int | None] = {state: None for state in states if state is not None}
    keys = [part for cell in legend(present) for part in (cell, Cell("  "))]
    if None in states:
        keys.append(Cell("· not known", Style.DIM))
    return [line, scale, keys]
