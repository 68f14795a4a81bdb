"""An event as it is shown: in the activity list, in a worker's history, in a toast, in an export."""

from typing import NamedTuple

from pyhall_tui.fleet.events import Event, Kind, Severity
from pyhall_tui.render.text import Cell, Style, clean, short_hash, time_of_day

GLYPHS = {
    Severity.ALARM: Cell("✖", Style.ALARM),
    Severity.WARNING: Cell("▲", Style.WARNING),
    Severity.NOTICE: Cell("●", Style.PLAIN),
    Severity.INFO: Cell("·", Style.DIM),
}


class EventRow(NamedTuple):
    """The cells of one event, by column."""

    when: Cell
    glyph: Cell
    worker: Cell
    what: Cell
    source: Cell
    correlation: Cell


def event_row(event: Event, now_wall: float) -> EventRow:
    """Return one event's cells; where it stands for several, their count is in it."""
    style = GLYPHS[event.severity].style
    times = f" ×{event.count}" if event.count > 1 else ""
    return EventRow(
        when=Cell(time_of_day(event.at, now_wall), Style.DIM),
        glyph=GLYPHS[event.severity],
        worker=Cell(clean(event.worker_id) if event.worker_id else "registry"),
        what=Cell(change(event) + times, Style.PLAIN if style is Style.DIM else style),
        source=Cell(event.source, Style.DIM),
        correlation=Cell(clean(event.correlation_id) or "–", Style.DIM),
    )


def change(event: Event) -> str:
    """Return what changed from what to what: `clean → BANNED: exfiltrates`."""
    before, after = (clean(text) for text in (event.before, event.after))
    if event.kind is Kind.HASH_CHANGED:
        before, after = f"hash {short_hash(before)}", short_hash(after)
    detail = f": {clean(event.detail)}" if event.detail else ""
    return f"{before} → {after}{detail}"


def sentence(event: Event) -> str:
    """Return one sentence for a toast: who, what, by whom, why."""
    who = clean(event.worker_id) if event.worker_id else "The registry"
    if event.kind is Kind.BANNED:
        why = f": {clean(event.detail)}" if event.detail else ""
        return f"{who} is BANNED ({event.source}){why}"
    return f"{who}: {change(event)} ({event.source})"
