"""How a live run, a matrix and a comparison are shown."""

from collections.abc import Sequence

from pyhall_tui.dispatch.baselines import Difference
from pyhall_tui.dispatch.live import LiveRun, Percentiles
from pyhall_tui.dispatch.matrix import Case, MatrixRun
from pyhall_tui.dispatch.result import Result, Tried
from pyhall_tui.render.decision import LOOKS, milliseconds, result_cells
from pyhall_tui.render.strip import sparkline
from pyhall_tui.render.text import Cell, KeyNames, Style, clean, in_seconds, own_key, time_of_day

_CHANGES = 3


def live_lines(run: LiveRun, width: int, now_wall: float) -> list[list[Cell]]:
    """Return the strip of a live run: its state, its answers, its latencies, its changes."""
    state = Cell("LIVE", Style.STRONG) if run.is_running else Cell("stopped", Style.DIM)
    sent = sum(run.counts.values())
    head = [state, Cell(f"every {run.interval:g} s", Style.DIM), Cell(f"{sent} sent", Style.DIM), *_counts(run)]
    newest = list(run.samples)[-max(1, width - 10) :]
    answers = [Cell("answers   ", Style.DIM), *_merged([LOOKS[sample.result] for sample in newest])]
    latencies = [Cell("latency   ", Style.DIM), Cell(sparkline([sample.elapsed_ms for sample in newest]))]
    lines = [head, answers, latencies, [Cell(percentiles_line(run.percentiles()), Style.DIM)]]
    for sample in list(run.changes)[-_CHANGES:][::-1]:
        when = Cell(f"{time_of_day(sample.at, now_wall):<10}", Style.DIM)
        lines.append([when, Cell(f"became {clean(sample.word)}", LOOKS[sample.result].style)])
    return lines


def percentiles_line(percentiles: Percentiles) -> str:
    """Return the three latencies."""
    p50, p95, p99 = (milliseconds(value) for value in percentiles)
    return f"p50 {p50}   p95 {p95}   p99 {p99}"


def live_mark(run: LiveRun | None) -> Cell | None:
    """Return what the header says about a live run; None if none is running."""
    if run is None or not run.is_running:
        return None
    glyph = LOOKS[run.last.result].glyph if run.last else "…"
    return Cell(f"{glyph} live dispatch {run.interval:g} s", Style.WARNING)


def _counts(run: LiveRun) -> list[Cell]:
    came = [(LOOKS[result], run.counts[result]) for result in Result if run.counts[result]]
    return [Cell(f"{look.glyph} {count}", look.style) for look, count in came]


def _merged(looks: Sequence[tuple[str, str, Style]]) -> list[Cell]:
    cells: list[Cell] = []
    for glyph, _, style in looks:
        if cells and cells[-1].style is style:
            cells[-1] = Cell(cells[-1].text + glyph, style)
        else:
            cells.append(Cell(glyph, style))
    return cells


def progress_line(run: MatrixRun, width: int, *, keys: KeyNames = own_key) -> list[Cell]:
    """Return a matrix's progress: a bar while it is running, the count, the time left."""
    done, total = len(run.cells), len(run.plan)
    if not run.is_running:
        resume = keys("matrix.run", "ctrl+r")
        words = "done" if run.is_complete else f"stopped: results are kept, {resume} resumes"
        return [Cell(f"{done:,}/{total:,} · {words}", Style.DIM)]
    bar_width = max(10, min(24, width // 6))
    full = bar_width * done // max(1, total)
    left = run.remaining()
    words = f"{in_seconds(left)} left" if left is not None else "…"
    return [Cell("█" * full + "░" * (bar_width - full)), Cell(f"{done:,}/{total:,} · {words}", Style.DIM)]


def case_words(case: Case) -> str:
    """Return a cell in words."""
    return f"{clean(case.capability)} · {clean(case.worker_id)} · {clean(case.risk_tier)}"


def cell_line(case: Case, tried: Tried | None, difference: Difference | None) -> list[Cell]:
    """Return one cell of a matrix in words: the request, the answer, the previous answer."""
    asked = Cell(case_words(case), Style.STRONG)
    if tried is None:
        return [asked, Cell("not asked yet", Style.DIM)]
    code = [Cell(clean(tried.row.deny_code or tried.row.error, 120))] if tried.row.deny_code or tried.row.error else []
    before = [Cell(f"≠ was {clean(str(difference.before))}", Style.WARNING)] if difference else []
    return [asked, *result_cells(tried.result), *code, *before]
