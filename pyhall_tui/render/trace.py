"""How everything that a correlation id touched is shown."""

from pyhall_tui.dispatch.correlation_trail import Trace
from pyhall_tui.dispatch.result import read_back
from pyhall_tui.render.decision import history_row, pretty
from pyhall_tui.render.event import EventRow, event_row
from pyhall_tui.render.text import Cell, Style, clean, full_time


def trace_lines(found: Trace, now_wall: float) -> list[list[Cell]]:
    """Return the trace in groups, decisions first, including whether the id came back unchanged."""
    if found.is_empty:
        return [[Cell("Nothing recorded here has this id.", Style.DIM)]]
    groups = [
        ("DISPATCHES", _dispatches(found, now_wall)),
        ("EVENTS", [_cells(event_row(event, now_wall)) for event in found.touched.events]),
        (
            "ENROLLMENTS",
            [_one(f"{full_time(e.at)}  {e.state.value}  {e.worker_id or '–'}") for e in found.touched.enrollments],
        ),
        (
            "VERDICTS",
            [
                _one(f"{full_time(v.at)}  {v.worker_id}  {v.verdict.status or 'unknown'}")
                for v in found.touched.verdicts
            ],
        ),
        ("LOG LINES", [_one(line) for line in found.log_lines]),
        (
            "EVIDENCE RECEIPTS",
            [_one(f"{path}:{r.line}  {r.at}  {r.status}  {r.capability}  {r.worker_id}") for path, r in found.receipts],
        ),
    ]
    lines: list[list[Cell]] = []
    for title, entries in groups:
        if entries:
            lines += [[Cell(title, Style.DIM)], *entries, [Cell("")]]
    return lines[:-1]


def _dispatches(found: Trace, now_wall: float) -> list[list[Cell]]:
    lines = []
    for row in found.touched.dispatches:
        tried = read_back(row)
        cells = history_row(tried, now_wall)
        lines.append([cells.when, *cells.result, cells.code, cells.capability, cells.worker, cells.tier, cells.elapsed])
        if tried.correlation_same is not None:
            back = clean(row.correlation_back)
            lines.append(_one("the id came back the same") if tried.correlation_same else _warn(f"✖ {back} came back"))
        lines += [_one(f"> {line}") for line in pretty(row.request_raw).splitlines()]
        lines += [_one(f"< {line}") for line in pretty(row.response_raw).splitlines()]
    return lines


def _cells(row: EventRow) -> list[Cell]:
    return [row.when, row.glyph, row.worker, row.what, row.source]


def _one(text: str) -> list[Cell]:
    return [Cell(clean(text, 500))]


def _warn(text: str) -> list[Cell]:
    return [Cell(text, Style.ERROR)]
