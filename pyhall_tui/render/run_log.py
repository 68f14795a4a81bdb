"""How a row of this run's log is shown, and as text on the clipboard."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from pyhall_tui.feeds.news import Tone
from pyhall_tui.feeds.run_log import Kind, LogRow
from pyhall_tui.render.event import moment
from pyhall_tui.render.news import tone_cell
from pyhall_tui.render.text import Cell, Style, clean, full_time, iso_time

_PLURALS: Final = {Kind.REQUEST: "requests", Kind.FAULT: "faults", Kind.NEWS: "news"}


class LogCells(NamedTuple):
    """One row's cells, by column."""

    when: Cell
    kind: Cell
    what: tuple[Cell, ...]
    status: Cell
    took: Cell
    profile: Cell
    correlation: Cell


def log_cells(row: LogRow, now_wall: float) -> LogCells:
    """Return a row's cells."""
    mark = tone_cell(row.tone)
    text = Cell(clean(row.text), Style.ALARM if row.tone is Tone.ALARM else Style.PLAIN)
    is_request = row.kind is Kind.REQUEST
    return LogCells(
        when=Cell(moment(row.at, now_wall), Style.DIM),
        kind=Cell(row.kind, Style.DIM),
        what=(text,) if is_request or not mark.text else (mark, text),
        status=Cell(clean(row.status), mark.style if is_request and mark.text else Style.PLAIN),
        took=Cell(_took(row), Style.DIM),
        profile=Cell(clean(row.profile), Style.DIM),
        correlation=Cell(clean(row.correlation_id), Style.DIM),
    )


def log_values(row: LogRow) -> dict[str, Any]:
    """Return what an export says of a row, by column."""
    return {
        "when": iso_time(row.at),
        "kind": row.kind.value,
        "what": row.text,
        "status": row.status or None,
        "took": None if row.elapsed is None else round(row.elapsed * 1_000, 1),
        "profile": row.profile or None,
        "correlation": row.correlation_id or None,
    }


def log_line(row: LogRow) -> str:
    """Return a row as one line of text, with its full time."""
    tone = "" if row.kind is Kind.REQUEST else tone_cell(row.tone).text
    parts = (full_time(row.at), row.kind, tone, clean(row.text), clean(row.status), _took(row), clean(row.profile))
    return "  ".join(part for part in (*parts, clean(row.correlation_id)) if part)


def dropped_words(dropped: Mapping[Kind, int]) -> str:
    """Return how many older rows are gone; empty if none are."""
    said = ", ".join(f"{count:,} {_PLURALS[kind]}" for kind, count in dropped.items())
    return f"older ones are gone: {said}" if said else ""


def _took(row: LogRow) -> str:
    if row.elapsed is None:
        return ""
    return f"{row.elapsed * 1_000:,.0f} ms" if row.elapsed < 10 else f"{row.elapsed:,.1f} s"
