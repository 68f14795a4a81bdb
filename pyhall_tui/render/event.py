"""How an event is shown: in the activity list, in a worker's history."""

from datetime import datetime
from typing import NamedTuple

from pyhall_tui.fleet.events import FIRST_SIGHT, Event, Kind, Severity
from pyhall_tui.render.text import Cell, Style, clean, full_time, id_text, short_hash

GLYPHS = {
    Severity.ALARM: Cell("✖", Style.ALARM),
    Severity.WARNING: Cell("▲", Style.WARNING),
    Severity.NOTICE: Cell("●", Style.PLAIN),
    Severity.INFO: Cell("·", Style.DIM),
}
WORDS = {
    Severity.ALARM: "ALARM",
    Severity.WARNING: "warning",
    Severity.NOTICE: "notice",
    Severity.INFO: "info",
}
BAR = "▎"
"""The mark at the left edge of unacknowledged events."""


class EventRow(NamedTuple):
    """The cells of one event, by column."""

    when: Cell
    severity: tuple[Cell, Cell]
    worker: Cell
    what: Cell
    source: Cell
    correlation: Cell
    times: Cell

    @property
    def glyph(self) -> Cell:
        """Only the severity's symbol."""
        return self.severity[0]


def event_row(event: Event, now_wall: float) -> EventRow:
    """Return one event's cells; if it stands for several events, their count is one of them."""
    glyph = GLYPHS[event.severity]
    return EventRow(
        when=Cell(moment(event.at, now_wall), Style.DIM),
        severity=(glyph, Cell(WORDS[event.severity], glyph.style)),
        worker=Cell(_who(event)),
        what=Cell(
            change(event).removeprefix(f"{FIRST_SIGHT} "), Style.PLAIN if glyph.style is Style.DIM else glyph.style
        ),
        source=Cell(clean(event.source), Style.DIM),
        correlation=Cell(clean(event.correlation_id) or "–", Style.DIM),
        times=Cell(f"×{event.count}" if event.count > 1 else "", Style.DIM),
    )


def moment(wall: float, now_wall: float) -> str:
    """Return a local time short enough for a column, with the day unless it is today: `12:04:11`, `24 Nov 12:04`,
    `24 Nov 2025`."""
    if wall <= 0:
        return "–"
    then, now = (datetime.fromtimestamp(at).astimezone() for at in (wall, now_wall))
    if then.date() == now.date():
        return then.strftime("%H:%M:%S")
    return f"{then.day} {then:%b %H:%M}" if then.year == now.year else f"{then.day} {then:%b %Y}"


def change(event: Event) -> str:
    """Return what changed, such as `clean → BANNED: exfiltrates`."""
    before, after = (clean(text) for text in (event.before, event.after))
    if event.kind is Kind.HASH_CHANGED:
        before, after = f"hash {short_hash(before)}", short_hash(after)
    detail = f": {clean(event.detail)}" if event.detail else ""
    return f"{before} → {after}{detail}"


def sentence(event: Event) -> str:
    """Return one sentence: who, what, according to whom, why."""
    if event.kind is Kind.VERIFY_FAILING:
        return f"Most verifies fail. {clean(event.detail)}"
    who = clean(event.worker_id) if event.worker_id else "The registry"
    if event.kind is Kind.BANNED:
        why = f": {clean(event.detail)}" if event.detail else ""
        return f"{who} is BANNED ({clean(event.source)}){why}"
    return f"{who}: {change(event)} ({clean(event.source)})"


def line(event: Event) -> str:
    """Return one event as a line of text for the clipboard, with the full time."""
    times = f" ×{event.count}" if event.count > 1 else ""
    parts = [
        full_time(event.at),
        f"{GLYPHS[event.severity].text} {WORDS[event.severity]}",
        _who(event),
        change(event) + times,
        f"({clean(event.source)})",
        clean(event.correlation_id),
    ]
    return "  ".join(part for part in parts if part)


def _who(event: Event) -> str:
    if event.kind in (Kind.SILENCED, Kind.SILENCE_ENDED):
        return id_text(event.worker_id or "–")
    if event.kind in (Kind.ALERTS_FAILING, Kind.ALERTS_RECOVERED):
        return "alerts"
    return id_text(event.worker_id) if event.worker_id else "registry"
