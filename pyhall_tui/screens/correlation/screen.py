"""Everything that a correlation id touched, over whatever screen the id is on."""

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Protocol, runtime_checkable

from textual import on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input

from pyhall_tui.dispatch.correlation_trail import HallLog, Trace, hall_log, trace
from pyhall_tui.render.text import Cell
from pyhall_tui.render.trace import trace_lines
from pyhall_tui.threads.off_loop import off_loop
from pyhall_tui.widgets.cells import as_content
from pyhall_tui.widgets.dialog import Dialog, DialogScreen
from pyhall_tui.widgets.field import Field
from pyhall_tui.widgets.hanging_lines import HangingLine, HangingLines
from pyhall_tui.workspace import Workspace


@runtime_checkable
class HasCorrelationId(Protocol):
    """A screen that shows something with a correlation id."""

    @property
    def correlation_id(self) -> str:
        """The id of what is under the cursor; empty if it has none."""


def _hung(cells: Sequence[Cell]) -> HangingLine:
    """Break a line below what follows its time, or below its own indentation in a request or an answer."""
    if len(cells) > 1:
        return HangingLine(as_content([cells[0], Cell("")], "  "), as_content(cells[1:], "  "))
    line = as_content(cells)
    indent = re.match("(?:[<>] )?[ ]*", line.plain)
    return HangingLine(*line.divide([indent.end()])) if indent and indent.end() else HangingLine(Content(""), line)


class CorrelationScreen(DialogScreen[None]):
    """Asks for an id; if one is given, its trace is shown at once. What is here comes first, then the hall's answer."""

    BINDING_GROUP_TITLE = "Correlation"
    DEFAULT_CSS = "CorrelationScreen Dialog { width: 120; height: 90%; }"

    def __init__(self, workspace: Workspace, correlation_id: str) -> None:
        super().__init__()
        self._workspace = workspace
        self._wanted = correlation_id

    def compose(self) -> ComposeResult:
        with Dialog("Everything a correlation id touched", "enter searches · esc closes"):
            yield Field("trace-id", "Correlation id", value=self._wanted)
            yield HangingLines(id="trace")

    def puts_back(self) -> bool:
        """The id under the cursor is what is asked for, whatever was typed before."""
        return not self._wanted

    def on_mount(self) -> None:
        if self._wanted:
            self._look(self._wanted)

    @on(Input.Submitted)
    def _asked(self, message: Input.Submitted) -> None:
        if message.value.strip():
            self.use_typed()
            self._look(message.value.strip())

    @work(exclusive=True, exit_on_error=False, group="trace")
    async def _look(self, correlation_id: str) -> None:
        workspace = self._workspace
        folders = [Path(worker.folder) for worker in workspace.watch_list.workers if worker.folder]
        find = partial(trace, correlation_id, workspace.journal, workspace.log_file, folders)
        found = await off_loop(find, name="trace")
        self._show(found, HallLog(is_asked=False))
        self._show(found, await hall_log(correlation_id, workspace.connection.ask_in_turn))

    def _show(self, found: Trace, hall: HallLog) -> None:
        lines = trace_lines(found, self._workspace.now().wall, hall)
        self.query_one("#trace", HangingLines).show([_hung(line) for line in lines])
