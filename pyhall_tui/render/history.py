"""One worker over time: its states as last known, and a picture of them made of characters."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import NamedTuple

from pyhall_tui.fleet.drift_state import BAD_DRIFT
from pyhall_tui.fleet.entry import Entry, State
from pyhall_tui.fleet.events import FIRST_SIGHT, Event, Kind
from pyhall_tui.render.strip import BLOCKS, legend
from pyhall_tui.render.text import Cell, Style, span
from pyhall_tui.render.worker import LOOKS

_UNKNOWN_THEN = Cell("·", Style.DIM)
_SPANS = (600.0, *(hours * 3_600.0 for hours in (1, 3, 6, 12, 24, 72, 168)))


@dataclass(frozen=True)
class _Known:
    """What determines the state at some time."""

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
    """A state, and when it began and ended, in wall time."""

    state: State
    began: float
    ended: float


def history(entry: Entry, events: Sequence[Event], now_wall: float) -> list[Stretch]:
    """Return a worker's states as last known, newest first, derived back from now through its events (newest first).

    It goes back only to the oldest evidence, because nothing is known before that.
    """
    if entry.verdict is None and entry.ban is None:
        return []
    verdict = entry.verdict
    then = _Known(
        banned=entry.ban is not None,
        known=verdict is not None and verdict.known,
        status=(verdict.status if verdict else None) or "none",
        attested=verdict is not None and verdict.attested,
        drifted=entry.drift in BAD_DRIFT,
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
    """Return what was true before the event. The `before` of a folded event is that of its first."""
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
            status = "active" if before in ("known", "unattested") else before
            attested = before != "unattested" if event.kind is Kind.VANISHED else after.attested
            return replace(after, known=known, status=status if known else "", attested=attested)
        case Kind.DRIFTED | Kind.DRIFT_ENDED:
            return replace(after, drifted=before in ("drifted", "unreadable"))
        case _:
            return after


def timeline(stretches: Sequence[Stretch], now_wall: float, width: int) -> tuple[float, list[State | None]]:
    """Return the span in seconds, and the state of each of `width` cells up to now, oldest first.

    A cell shows the most urgent state in it, so that a short ban is not lost; None means unknown.
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
    """Return the timeline, its scale and its legend, a list of cells for each line."""
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
