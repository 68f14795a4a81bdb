"""How everything that a correlation id touched is shown."""

from pyhall_tui.dispatch.correlation_trail import HallLog, Trace
from pyhall_tui.dispatch.result import read_back
from pyhall_tui.fleet.events import Kind
from pyhall_tui.registry.local_hall import MOST_DECISIONS, HallDecision
from pyhall_tui.render.decision import history_row, pretty
from pyhall_tui.render.event import EventRow, event_row
from pyhall_tui.render.hall import decision_row
from pyhall_tui.render.text import Cell, Style, clean, full_time

_SENT = (Kind.ATTEST_SENT, Kind.HASH_REPORTED)


def trace_lines(found: Trace, now_wall: float, hall: HallLog | None = None) -> list[list[Cell]]:
    """Return the trace in groups, decisions first, including whether the id came back unchanged.

    Of a line of several cells, the first is when it was; the rest is read as one text.
    """
    hall = hall or HallLog(is_hall=False)
    said = _of_hall(hall)
    if found.is_empty and not hall.decisions:
        return [[Cell("Nothing recorded here has this id.", Style.DIM)], *([said] if said else [])]
    events = found.touched.events
    groups = [
        ("DECISIONS OF THE HALL", [_decision(each, now_wall) for each in hall.decisions]),
        ("DISPATCHES", _dispatches(found, now_wall)),
        ("EVENTS", [_cells(event_row(each, now_wall)) for each in events if each.kind not in _SENT]),
        ("ATTESTATIONS AND REPORTS", [_cells(event_row(each, now_wall)) for each in events if each.kind in _SENT]),
        (
            "ENROLLMENTS",
            [_timed(e.at, f"{e.state.value}  {e.worker_id or '–'}") for e in found.touched.enrollments],
        ),
        (
            "VERDICTS",
            [_timed(v.at, f"{v.worker_id}  {v.verdict.status or 'unknown'}") for v in found.touched.verdicts],
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
    return [*lines, said] if said else lines[:-1]


def _of_hall(hall: HallLog) -> list[Cell]:
    """Return what to say of the hall's log, if it has no decision to show."""
    if not hall.is_asked:
        return [Cell("Asking whether this is a hall with decisions …", Style.DIM)]
    if hall.problem:
        return [Cell(clean(hall.problem, 500), Style.WARNING)]
    if hall.is_hall and not hall.decisions:
        return [Cell(f"None of the hall's last {MOST_DECISIONS} decisions has this id.", Style.DIM)]
    return []


def _decision(decision: HallDecision, now_wall: float) -> list[Cell]:
    row = decision_row(decision, now_wall)
    return [row.when, *row.outcome, row.code, row.capability, row.worker, row.tier, row.rule]


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


def _timed(at: float, text: str) -> list[Cell]:
    return [Cell(full_time(at)), *_one(text)]


def _one(text: str) -> list[Cell]:
    return [Cell(clean(text, 500))]


def _warn(text: str) -> list[Cell]:
    return [Cell(text, Style.ERROR)]
