"""Pictures of an answer in every state, and of a matrix: what an operator sees, even without color."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from textual.app import App, ComposeResult
from textual.containers import Horizontal
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from pyhall_tui import screens, widgets
from pyhall_tui.dispatch.matrix import Case, CellAnswer, Grid, Plan, lay_out
from pyhall_tui.dispatch.result import Result, Tried
from pyhall_tui.journal.rows import DispatchRow
from pyhall_tui.render.matrix import CellView, Line, Row, lines_of, said, with_characters
from pyhall_tui.screens.dispatch.answer import AnswerView
from pyhall_tui.screens.dispatch.matrix_grid import MatrixGrid
from pyhall_tui.shell.theme import DARK
from tests.waiting import until

ROW = DispatchRow(
    at=1_774_000_000.0,
    namespace="org.yourco",
    capability="llm.text.generate",
    worker_id="wkr_abc123",
    context='{"risk_tier":"low"}',
    correlation_id="req-1",
    correlation_back="req-1",
    elapsed_ms=41.2,
    request_raw=b'{"capability":"llm.text.generate"}',
)
STATES: Mapping[Result, Mapping[str, Any]] = {
    Result.ALLOW: {"outcome": "allow", "decision_id": "dec_1"},
    Result.DENY: {"outcome": "deny", "deny_code": "POLICY_BLOCKED", "reason": "Restricted [/x] by policy"},
    Result.HOLD: {"outcome": "STEWARD_HOLD", "deny_code": "DENY_REQUIRES_HUMAN", "reason": "Ask the steward"},
    Result.OTHER: {"outcome": "perhaps", "correlation_back": "req-other"},
    Result.ERROR: {"error": "The registry answered 403: no", "status": 403, "correlation_back": None},
    Result.UNKNOWN: {"error": "The connection broke.", "may_have_reached": True, "correlation_back": None},
}


class DispatchScreen(Screen[None]):
    """Stands for the screen of that name, whose style sheet dresses its parts: one widget alone."""

    CSS_PATH = [
        str(Path(widgets.__file__).parent / "tabs.tcss"),
        str(Path(screens.__file__).parent / "dispatch" / "dispatch.tcss"),
    ]

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self._widget = widget

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield self._widget


class Picture(App[None]):
    """Shows one widget of the dispatch screen."""

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return {"frame": "#3a3e43"}  # the program's own themes have it

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self._widget = widget

    def on_mount(self) -> None:
        self.register_theme(DARK)
        self.theme = DARK.name
        self.push_screen(DispatchScreen(self._widget))


def tried(result: Result) -> Tried:
    advice = "Use a key of this namespace." if result is Result.ERROR else ""
    return Tried(row=msgspec.structs.replace(ROW, **STATES[result]), result=result, advice=advice)


@pytest.mark.parametrize("result", list(Result))
@pytest.mark.thorough
def test_an_answer(result: Result, snap_compare: Callable[..., bool]) -> None:
    """F26: word, glyph and border are each state's own."""
    view = AnswerView(Static())

    async def show(pilot: Pilot[None]) -> None:
        await until(lambda: view.is_mounted and bool(view.query("#raw-text")))
        view.show_answer(tried(result))
        await pilot.pause()

    assert snap_compare(Picture(view), run_before=show, terminal_size=(64, 20))


def matrix_of(plan: Plan, answers: Mapping[Case, CellAnswer]) -> tuple[Grid, list[Line], dict[CellAnswer, str]]:
    """Return what is shown of a matrix with these answers, completely folded."""
    grid = lay_out(plan)

    def views(row: Row) -> tuple[CellView, ...]:
        return tuple(CellView(answers[grid.cases[row, column]]) for column in grid.columns)

    return grid, lines_of(grid.rows, views, folds=True), with_characters({}, answers.values())


def test_a_matrix(snap_compare: Callable[..., bool]) -> None:
    """Every result has its own character, its own name in the key, and its color."""
    plan = Plan(
        namespace="org.yourco",
        capabilities=("llm.text.generate", "mail.send", "payments.transfer"),
        workers=("wkr_abc123",),
        risk_tiers=("low", "high"),
    )
    answers = {case: said(tried(result)) for case, result in zip(plan.cases(), Result, strict=True)}
    grid = MatrixGrid()

    async def show(pilot: Pilot[None]) -> None:
        await until(lambda: grid.is_mounted)
        grid.show(*matrix_of(plan, answers))
        await pilot.pause()

    assert snap_compare(Picture(grid), run_before=show, terminal_size=(64, 10))


async def test_the_matrix_cursor_stays_on_its_cell_while_rows_come_into_the_filter() -> None:
    """F24: answers come while a filter shows only some of the rows."""
    plan = Plan(namespace="x.a", capabilities=("one", "two", "three"), workers=("w",), risk_tiers=("low", "high"))
    allow, deny = CellAnswer(Result.ALLOW), CellAnswer(Result.DENY, "NO")
    answers = {case: allow if case.risk_tier == "low" else deny for case in plan.cases()}
    laid, _, characters = matrix_of(plan, answers)
    first, second, third = laid.rows
    grid = MatrixGrid()

    def lines(*rows: Row) -> list[Line]:
        return lines_of(
            rows, lambda row: tuple(CellView(answers[laid.cases[row, c]]) for c in laid.columns), folds=False
        )

    async with Picture(grid).run_test() as pilot:
        grid.show(laid, lines(second, third), characters)
        grid.action_move(0, 1)
        aimed_at = grid.cursor_case
        grid.show(laid, lines(first, second, third), characters)
        assert grid.cursor_case == aimed_at
        grid.show(laid, lines(first, third), characters)
        await pilot.pause()
        assert grid.cursor_case == laid.cases[third, laid.columns[1]]
