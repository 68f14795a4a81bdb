"""The matrix tab: what to ask, the counts, the grid with its key below, and what differs from a baseline."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Input, Static

from pyhall_tui.dispatch import baselines
from pyhall_tui.dispatch.baselines import Baseline, BaselineMistake, Difference
from pyhall_tui.dispatch.form import RISK_TIERS, UNSTATED
from pyhall_tui.dispatch.history import EXPORTED, dispatch_record
from pyhall_tui.dispatch.matrix import (
    ASKS_FIRST,
    MOST_CELLS,
    Case,
    CellAnswer,
    Grid,
    MatrixRun,
    NothingChosen,
    Patterns,
    Plan,
    answer_of,
    choose,
)
from pyhall_tui.dispatch.result import Result, Tried
from pyhall_tui.files.drafts import Drafts
from pyhall_tui.profiles.urls import is_loopback
from pyhall_tui.render.lab import case_words, cell_line, progress_line
from pyhall_tui.render.matrix import (
    LEAST_HEAD,
    CellView,
    Line,
    Row,
    counts,
    key_lines,
    lines_of,
    said,
    several,
    with_characters,
)
from pyhall_tui.render.text import Cell, Style, clean, id_text, in_seconds
from pyhall_tui.screens.dispatch.dialogs import ChooseScreen
from pyhall_tui.screens.dispatch.differences import DIFFERENCES, difference_row
from pyhall_tui.screens.dispatch.marked_workers import WORD, MarkedWorkers
from pyhall_tui.screens.dispatch.matrix_grid import MatrixGrid
from pyhall_tui.screens.dispatch.matrix_room import Turning
from pyhall_tui.screens.dispatch.request_form import READ_ONLY
from pyhall_tui.screens.enroll.ask import AskScreen
from pyhall_tui.widgets.cells import as_content, as_lines, broken_between
from pyhall_tui.widgets.exported import Exported
from pyhall_tui.widgets.field import Field, FilterInput
from pyhall_tui.widgets.key_bar import key_name, key_names
from pyhall_tui.widgets.late import is_there
from pyhall_tui.widgets.line_table import LineTable
from pyhall_tui.widgets.line_table import Row as TableRow
from pyhall_tui.widgets.typed_ahead import LastAnswer
from pyhall_tui.workspace import Workspace

_TIERS = (*RISK_TIERS, UNSTATED)
_DRAFT = "matrix"
_MOST_KEY_LINES = 4
_KEY_BESIDE = 38
"""Cells of the key if it stands beside the grid, because there are not enough lines for it below."""
_AROUND = 6
"""Lines above and below grid and key: the fields, what they choose, the counts, the cell."""
_AROUND_TIGHT = 3
"""The same if the fields are hidden, and a line of the key."""
_EASY_HEAD = 12
"""Lines in which the columns' turned names are easily read."""


class MatrixTab(Vertical):
    """Asks many cells; it shows `workspace.lab.matrix`, which continues without it."""

    BINDING_GROUP_TITLE = "Matrix"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r", "run", "Run", id="matrix.run", tooltip="Run the matrix, or resume a stopped one"),
        Binding("x", "stop", "Stop", id="matrix.stop", tooltip="Stop; the results so far are kept"),
        Binding("b", "baselines", "Baselines", id="matrix.baselines", tooltip="Save a baseline, or compare with one"),
        Binding("a", "only('allowed')", "Only allowed", id="matrix.allowed", tooltip="Show only what is allowed"),
        Binding(
            "d",
            "only('differing')",
            "Only differing",
            id="matrix.differing",
            tooltip="Show only what differs from the baseline; without one, rows whose answers differ",
        ),
        Binding("i", "edit", "Fields", id="matrix.edit", tooltip="Go to the fields above, and show them"),
        Binding("z", "fold", "Fold", id="matrix.fold", tooltip="Fold rows that are alike, or show each"),
        Binding("slash", "filter", "Filter", key_display="/", id="matrix.filter", tooltip="Filter the cells"),
    ]

    class Opened(Message):
        """Show the full answer of a cell."""

        def __init__(self, tried: Tried) -> None:
            super().__init__()
            self.tried = tried

    def __init__(self, workspace: Workspace, drafts: Drafts, baseline_folder: Path) -> None:
        super().__init__(id="matrix-tab")
        self._workspace = workspace
        self._last_start = LastAnswer()
        self._drafts = drafts
        self._folder = baseline_folder
        self._baseline: Baseline | None = None
        self._baseline_name = ""
        self._differences: dict[Case, Difference] = {}
        self._turning = Turning()
        self._grid: Grid | None = None
        self._characters: dict[CellAnswer, str] = {}
        self._only = ""
        """`allowed` or `differing`, if only those are shown."""
        self._folds = True
        self._drawn = -1
        self._marked = MarkedWorkers()

    def compose(self) -> ComposeResult:
        kept = self._drafts.load(_DRAFT)
        with Horizontal(id="matrix-fields"):
            yield Field("capabilities", "Capabilities", value=str(kept.get("capabilities", "*")))
            yield Field("workers", "Workers", value=str(kept.get("workers", "*")))
            yield Field("tiers", "Risk tiers", value=str(kept.get("tiers", "low")))
            yield Button(f"Run  {key_name(self, 'matrix.run', 'ctrl+r')}", id="run", variant="primary", compact=True)
            yield Button("Stop  x", id="stop", compact=True)
        yield Static(id="matrix-plan", markup=False)
        yield Static(id="matrix-progress")
        yield LineTable(DIFFERENCES, self._difference_row, id="differences")
        with Container(id="matrix-body"):
            yield MatrixGrid(id="grid")
            yield Static(id="matrix-key")
        yield Static(id="matrix-cell")
        yield FilterInput("MatrixGrid", placeholder="/ filter: deny, hold, error, or a code", id="matrix-filter")

    def on_mount(self) -> None:
        self.set_interval(0.2, self._look_again)
        self._show_filter()
        self.count()
        self._show_all()

    # -- what to ask -------------------------------------------------------------------------------------------

    def plan(self) -> Plan:
        """Return what the fields choose.

        Raises:
            NothingChosen: they choose nothing; the message is a sentence.
        """
        tiers = self._values("tiers")
        if unknown := [tier for tier in tiers if tier not in (*_TIERS, "*")]:
            raise NothingChosen(f"{clean(unknown[0], 40)} is not one of {', '.join(_TIERS)}.")
        return Plan(
            namespace=self._workspace.profile.namespace,
            patterns=Patterns(tuple(self._values("workers")), tuple(self._values("capabilities"))),
            capabilities=choose(self._values("capabilities"), self._known_capabilities(), "capability"),
            workers=self._marked.chosen(self._values("workers"), self._watched(), self._workspace.fleet.__contains__),
            risk_tiers=RISK_TIERS if "*" in tiers else tuple(t for t in _TIERS if t in tiers) or ("low",),
        )

    @on(Input.Changed, "#capabilities")
    @on(Input.Changed, "#workers")
    @on(Input.Changed, "#tiers")
    def count(self) -> None:
        """Show how many cells the fields choose, and how long they will take."""
        try:
            plan = self.plan()
        except NothingChosen as nothing:
            self._say(Cell(f"✖ {clean(nothing)}", Style.ERROR))
            return
        seconds = len(plan) / self._workspace.profile.requests_per_second
        counts = " × ".join(
            (
                _number(len(plan.capabilities), "capability", "capabilities"),
                _number(len(plan.workers), "worker", "workers"),
                _number(len(plan.risk_tiers), "tier", "tiers"),
            )
        )
        total = _number(len(plan), "dispatch", "dispatches")
        gone = self._marked.said(self._values("workers"), self._workspace.fleet.__contains__)
        self._say(Cell(f"{counts} = {total}, {in_seconds(seconds)} or more{gone}", Style.DIM))

    def take_marked(self, worker_ids: Sequence[str]) -> None:
        """Put these workers into the field; what to try on them is up to you."""
        self._marked.take(worker_ids)
        self._field("workers").input.value = WORD
        self.count()

    @on(Input.Submitted, "#capabilities")
    @on(Input.Submitted, "#workers")
    @on(Input.Submitted, "#tiers")
    @on(Button.Pressed, "#run")
    def action_run(self) -> None:
        if self._last_start.was_unseen(self):
            return
        matrix = self._workspace.lab.matrix
        try:
            plan = self.plan()
        except NothingChosen as nothing:
            self._say(Cell(f"✖ {clean(nothing)}", Style.ERROR))
            return
        self.count()
        if matrix is not None and not matrix.is_complete and matrix.plan == plan:
            self._workspace.lab.go_on()
            return
        if WORD not in plan.patterns.workers:  # it stands for none in the next run
            self._drafts.save(_DRAFT, {name: self._field(name).value for name in ("capabilities", "workers", "tiers")})
        self._baseline, self._baseline_name = None, ""
        self._ask_and_start(plan)

    def _ask_and_start(self, plan: Plan) -> None:
        """Start the matrix; many dispatches to another machine need a confirmation, because they are not harmless."""
        profile = self._workspace.profile
        if profile.read_only:
            self._say(Cell(READ_ONLY, Style.WARNING))
        elif not plan.namespace:
            self._say(Cell("✖ The profile has no namespace: set it there, or set PYHALL_NAMESPACE.", Style.ERROR))
        elif len(plan) > MOST_CELLS:
            self._say(Cell(f"✖ {len(plan):,} dispatches are too many: the limit is {MOST_CELLS:,}.", Style.ERROR))
        elif WORD in plan.patterns.workers or (len(plan) > ASKS_FIRST and not is_loopback(profile.registry_url)):
            total, to = _number(len(plan), "dispatch", "dispatches"), _number(len(plan.workers), "worker", "workers")
            question = f"This sends {total} to {clean(profile.registry_url)}, about {to}. The registry may record each."
            screen = AskScreen("Run the matrix?", Content(question), yes=f"Send {len(plan):,}", no="Don't send")
            self.app.push_screen(screen, lambda yes: self._start(plan) if yes else None)
        else:
            self._start(plan)

    def _start(self, plan: Plan) -> None:
        self._workspace.lab.start_matrix(plan)
        self._last_start.came()
        self._show_all()
        self.query_one(MatrixGrid).focus()

    @on(Button.Pressed, "#stop")
    def action_stop(self) -> None:
        self._workspace.lab.stop_matrix()

    # -- answers -----------------------------------------------------------------------------------------------

    def _look_again(self) -> None:
        """Draw again if cells were answered, and update the running time."""
        matrix = self._workspace.lab.matrix
        if matrix is None or not self.screen.is_current or not self.is_on_screen:
            return
        if matrix.is_running or matrix.revision != self._drawn:
            self._show_all()

    def _show_all(self) -> None:
        matrix = self._workspace.lab.matrix
        self.query_one("#stop", Button).disabled = matrix is None or not matrix.is_running
        self.query_one("#differences").display = self._baseline is not None
        if matrix is None:
            run = key_name(self, "matrix.run", "ctrl+r")
            hint = f"Choose with * and ?, then {run}.\n● allow  ✖ deny  ◆ hold  ≠ other  ! error  ? unknown"
            self.query_one("#matrix-progress", Static).update(as_content([Cell(hint, Style.DIM)]))
            return
        self._drawn = matrix.revision
        if self._turning.take(matrix.plan):
            self._characters = {}
        differences = self.query_one("#differences")
        room = self.size.height - _AROUND_TIGHT - differences.outer_size.height * differences.display
        self._grid = self._turning.grid(matrix, folds=self._folds, width=self.size.width, height=room)
        self._compare()
        self._show_lines(matrix, self._grid)

    def _show_lines(self, matrix: MatrixRun, grid: Grid) -> None:
        """Show counts, grid and key. Rows are folded only when the run has ended: they would jump about."""
        answers = [said(tried) for tried in matrix.cells.values()]
        self._characters = with_characters(self._characters, answers)
        rows = [row for row in grid.rows if self._is_row_shown(row)]
        lines = lines_of(rows, self._views, folds=self._folds and not matrix.is_running)
        progress = [
            *progress_line(matrix, self.size.width, keys=key_names(self)),
            *counts(answers),
            *self._shown(grid, rows, lines),
        ]
        self.query_one("#matrix-progress", Static).update(broken_between(progress, "  ", self.content_size.width))
        self.query_one(MatrixGrid).show(grid, lines, self._characters)
        self._show_key(answers, len(lines))

    def _show_key(self, answers: Sequence[CellAnswer], lines: int) -> None:
        """Show what the characters mean below the grid; beside it if the lines are needed and there is room."""
        most = max(1, min(_MOST_KEY_LINES, self.size.height // 8))
        is_tight = _AROUND + lines + _EASY_HEAD + most > self.size.height
        if is_tight:  # the grid's lines come first
            most = max(1, min(most, self.size.height - _AROUND_TIGHT + 1 - lines - LEAST_HEAD))
        is_beside = is_tight and self.query_one(MatrixGrid).width_needed + _KEY_BESIDE <= self.size.width
        self.set_class(is_tight, "-tight")
        self.set_class(is_beside, "-beside")
        width, most = (_KEY_BESIDE, self.size.height // 2) if is_beside else (self.size.width, most)
        key = key_lines(answers, self._characters, width - 2, most)
        self.query_one("#matrix-key", Static).update(as_lines(key, "  "))

    def _shown(self, grid: Grid, rows: Sequence[Row], lines: Sequence[Line]) -> list[Cell]:
        """Return how many of the rows are shown, and why not all."""
        said = []
        if self._only or len(rows) < len(grid.rows):
            only = f", only {self._only}" if self._only else ""
            said.append(Cell(f"{len(rows):,} of {_number(len(grid.rows), 'row', 'rows')}{only}", Style.WARNING))
        if len(lines) < len(rows):
            said.append(Cell(f"{len(rows):,} rows in {_number(len(lines), 'line', 'lines')}, z unfolds", Style.DIM))
        return said

    def action_edit(self) -> None:
        self._field("capabilities").input.focus()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Show the fields while the cursor is in one of them: in a low terminal the grid has their lines otherwise."""
        self.set_class(self.query_one("#matrix-fields") in event.widget.ancestors, "-editing")

    def on_descendant_blur(self) -> None:
        self._show_filter()

    def _show_filter(self) -> None:
        line = self.query_one("#matrix-filter", Input)
        line.display = line.has_focus or bool(line.value)

    def on_resize(self) -> None:
        self._show_all()

    def action_only(self, which: str) -> None:
        """Show only what is allowed, or what differs; the same key shows everything again."""
        self._only = "" if self._only == which else which
        self._show_all()

    def action_fold(self) -> None:
        self._folds = not self._folds
        self._show_all()

    def _compare(self) -> None:
        matrix = self._workspace.lab.matrix
        if self._baseline is None or matrix is None:
            self._differences = {}
            return
        now = {case: answer_of(tried) for case, tried in matrix.cells.items()}
        asked = Baseline(self._baseline.namespace, {c: a for c, a in self._baseline.answers.items() if c in now})
        self._differences = {one.case: one for one in baselines.differences(asked, now)}
        table = self.query_one("#differences", LineTable)
        keys = [repr(tuple(case)) for case in self._differences]
        self._by_key = dict(zip(keys, self._differences.values(), strict=True))
        table.border_title = Content(f"{len(keys)} differ{'s' * (len(keys) == 1)} from {clean(self._baseline_name)}")
        table.show(keys, by_itself=True)

    def _difference_row(self, key: str) -> TableRow:
        return difference_row(self._by_key.get(key))

    def _views(self, row: Row) -> tuple[CellView, ...]:
        matrix, grid = self._workspace.lab.matrix, self._grid
        assert matrix is not None and grid is not None
        cases = [grid.cases.get((row, column)) for column in grid.columns]
        return tuple(CellView(is_left_out=True) if case is None else self._view(matrix, case) for case in cases)

    def _view(self, matrix: MatrixRun, case: Case) -> CellView:
        tried = matrix.cells.get(case)
        if tried is None:
            return CellView()
        return CellView(said(tried), case in self._differences, not self._passes(case, tried))

    def _passes(self, case: Case, tried: Tried) -> bool:
        if self._only == "allowed" and tried.result is not Result.ALLOW:
            return False
        if self._only == "differing" and self._baseline is not None and case not in self._differences:
            return False
        wanted = self.query_one("#matrix-filter", Input).value.strip().casefold()
        return wanted in tried.result.value or wanted in (tried.row.deny_code or "").casefold()

    def _is_row_shown(self, row: Row) -> bool:
        if not self._only and not self.query_one("#matrix-filter", Input).value.strip():
            return True
        views = self._views(row)
        if self._only == "differing" and self._baseline is None and len({view.answer for view in views}) < 2:
            return False
        return any(view.answer is not None and not view.is_left_out for view in views)

    @on(Input.Changed, "#matrix-filter")
    def _filter_changed(self) -> None:
        self._show_all()

    @on(MatrixGrid.Moved)
    def _moved(self, message: MatrixGrid.Moved) -> None:
        if not is_there(self):
            return
        matrix = self._workspace.lab.matrix
        tried = matrix.cells.get(message.case) if matrix else None
        line = cell_line(message.case, tried, self._differences.get(message.case))
        if message.alike:
            names = several(["  ".join(map(id_text, row)) for row in message.alike])
            line.append(Cell(f"and the same for {names}", Style.DIM))
        self.query_one("#matrix-cell", Static).update(as_content(line, "  "))

    @on(MatrixGrid.Opened)
    def _opened(self, message: MatrixGrid.Opened) -> None:
        self._open(message.case)

    @on(LineTable.Opened, "#differences")
    def _difference_opened(self, message: LineTable.Opened) -> None:
        message.stop()
        self._open(self._by_key[message.key].case)

    def _open(self, case: Case) -> None:
        matrix = self._workspace.lab.matrix
        if matrix is not None and case in matrix.cells:
            self.post_message(self.Opened(matrix.cells[case]))

    def exported(self) -> Exported | None:
        """The cells that are shown, one a row, as answered so far."""
        matrix, grid = self._workspace.lab.matrix, self._grid
        if matrix is None or grid is None:
            return None
        rows = filter(self._is_row_shown, grid.rows)
        shown = [case for row in rows for column in grid.columns if (case := grid.cases.get((row, column)))]
        answered = [(case, tried) for case in shown if (tried := matrix.cells.get(case)) and self._passes(case, tried)]
        names = ("risk_tier", *EXPORTED)
        return Exported("cell", names, lambda: (_cell_record(case, tried) for case, tried in answered))

    def action_filter(self) -> None:
        line = self.query_one("#matrix-filter", Input)
        line.display = True
        line.focus()

    # -- baselines ---------------------------------------------------------------------------------------------

    def action_baselines(self) -> None:
        matrix = self._workspace.lab.matrix
        label = f"Save these {len(matrix.cells):,} answers as" if matrix is not None and matrix.cells else ""
        screen = ChooseScreen("Baselines", baselines.names(self._folder), save_label=label, check=self._wrong_name)
        self.app.push_screen(screen, self._baseline_chosen)

    def _wrong_name(self, name: str) -> str:
        try:
            baselines.path_of(name, self._folder)
        except BaselineMistake as mistake:
            return clean(mistake)
        return ""

    def _baseline_chosen(self, choice: tuple[str, str] | None) -> None:
        if choice is None:
            return
        what, name = choice
        try:
            path = baselines.path_of(name, self._folder)
            self._save_baseline(path) if what == "save" else self._run_baseline(name, path)
        except BaselineMistake as mistake:
            self.notify(clean(mistake), severity="error", markup=False)

    def _save_baseline(self, path: Path) -> None:
        matrix = self._workspace.lab.matrix
        if matrix is None:
            return
        answers = {case: answer_of(tried) for case, tried in matrix.cells.items() if tried.result.is_answer}
        baselines.write(path, Baseline(matrix.plan.namespace, answers, matrix.plan.patterns))
        left = len(matrix.plan) - len(answers)
        without = f" Left out, without an answer: {left:,}." if left else ""
        self.notify(f"{_number(len(answers), 'answer', 'answers')} saved in {clean(path)}.{without}", markup=False)

    def _run_baseline(self, name: str, path: Path) -> None:
        baseline = baselines.read(path)
        if baseline.namespace != self._workspace.profile.namespace:
            raise BaselineMistake(f"{name} is for {baseline.namespace}, not for {self._workspace.profile.namespace}.")
        if new := baselines.never_asked(baseline, self._watched(), self._known_capabilities()):
            named = f"the first is {case_words(new[0])}"
            cells = _number(len(new), "cell", "cells")
            self.notify(f"New, not yet asked: {cells}; {clean(named)}.", severity="warning", markup=False)
        self._baseline, self._baseline_name = baseline, name
        self._ask_and_start(baseline.plan())

    # -- small things ------------------------------------------------------------------------------------------

    def _field(self, name: str) -> Field:
        return self.query_one(f"#field-{name}", Field)

    def _values(self, name: str) -> list[str]:
        return [part for part in self._field(name).value.replace(",", " ").split() if part]

    def _watched(self) -> list[str]:
        return [entry.worker_id for entry in self._workspace.fleet]

    def _known_capabilities(self) -> Sequence[str]:
        verdicts = [entry.verdict for entry in self._workspace.fleet if entry.verdict is not None]
        seen = {capability for verdict in verdicts for capability in verdict.capabilities}
        return sorted(seen.union(self._workspace.profile.capabilities))

    def _say(self, cell: Cell) -> None:
        plan = self.query_one("#matrix-plan", Static)
        plan.update(as_content([cell]))
        plan.set_class(cell.style is not Style.DIM, "-wrong")


def _cell_record(case: Case, tried: Tried) -> dict[str, Any]:
    return {"risk_tier": case.risk_tier, **dispatch_record(tried.row)}


def _number(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
