"""The dialog that goes from a correlation id to all that it touched."""

from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from pyhall_tui.dispatch.correlation import trace
from pyhall_tui.enroll.off_loop import off_loop
from pyhall_tui.render.trace import trace_lines
from pyhall_tui.widgets.cells import as_content
from pyhall_tui.widgets.field import Field
from pyhall_tui.workspace import Workspace


class LookUpScreen(ModalScreen[None]):
    """Give an id, press enter; with one given, its trace is shown at once."""

    BINDING_GROUP_TITLE = "Correlation"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Close", id="look_up.close", tooltip="Close this"),
    ]
    DEFAULT_CSS = """
    LookUpScreen {
        align: center middle;
        & > Vertical {
            width: 120; max-width: 98%; height: 90%; padding: 1 2;
            border: round $primary; background: $surface; border-title-color: $text; border-subtitle-color: $text-muted;
        }
        VerticalScroll { height: 1fr; scrollbar-size-vertical: 1; }
        #trace { width: 1fr; height: auto; }
    }
    """

    def __init__(self, workspace: Workspace, log: Path | None, correlation_id: str) -> None:
        super().__init__()
        self._workspace = workspace
        self._log = log
        self._wanted = correlation_id

    def compose(self) -> ComposeResult:
        with Vertical() as dialog:
            dialog.border_title = "All that a correlation id touched"
            dialog.border_subtitle = "enter looks · esc closes"
            yield Field("trace-id", "Correlation id", value=self._wanted)
            with VerticalScroll():
                yield Static(id="trace")

    def on_mount(self) -> None:
        if self._wanted:
            self._look(self._wanted)

    @on(Input.Submitted)
    def _asked(self, message: Input.Submitted) -> None:
        if message.value.strip():
            self._look(message.value.strip())

    @work(exclusive=True, exit_on_error=False, group="trace")
    async def _look(self, correlation_id: str) -> None:
        workspace = self._workspace
        folders = [Path(worker.folder) for worker in workspace.watch_list.workers if worker.folder]
        find = partial(trace, correlation_id, workspace.journal, self._log, folders)
        found = await off_loop(find, name="trace")
        lines = (as_content(line, "  ") for line in trace_lines(found, workspace.now().wall))
        self.query_one("#trace", Static).update(Content("\n").join(lines))

    def action_leave(self) -> None:
        self.dismiss(None)
