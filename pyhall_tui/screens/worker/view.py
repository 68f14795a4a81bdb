"""What is known about one worker, in one column; separate from its screen, which is imported when it opens."""

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from pyhall_tui.fleet.entry import Entry
from pyhall_tui.render.text import Cell, Style, clean
from pyhall_tui.render.worker import LABEL, WorkerField, state_cells, worker_fields
from pyhall_tui.widgets.cells import as_content, hanging
from pyhall_tui.workspace import Workspace


def _line(field: WorkerField, width: int) -> Content:
    label = [] if field.label is None else [Cell(field.label.ljust(LABEL - 1) + " ", Style.DIM)]
    return hanging(as_content(label), as_content([field.value]), width)


def _overview(entry: Entry, workspace: Workspace, width: int) -> Content:
    now, stale_after = workspace.now(), workspace.fleet.stale_after
    glyph, word = state_cells(entry, now.mono, stale_after)
    lines = [as_content([glyph, Cell(word.text, glyph.style), Cell(clean(entry.worker_id), Style.STRONG)], " ")]
    for title, fields in worker_fields(entry, now, stale_after, width=width):
        lines += [Content(""), as_content([Cell(title.upper(), Style.DIM)])]
        lines += [_line(field, width) for field in fields]
    return Content("\n").join(lines)


class _Fields(Static):
    """Says when its width changes, as it does when the scroll bar beside it comes or goes."""

    def __init__(self, fitted: Callable[[], None]) -> None:
        super().__init__(markup=False)
        self._fitted, self._width = fitted, 0

    def on_resize(self) -> None:
        if self.size.width != self._width:
            self._width = self.size.width
            self._fitted()


class WorkerView(VerticalScroll):
    """Every field of one worker; beside the table, it follows the cursor."""

    DEFAULT_CSS = """
    WorkerView {
        border: round $frame; padding: 0 1; height: 1fr;
        & > Static { width: 1fr; height: auto; }
    }
    """

    def __init__(self, workspace: Workspace, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, can_focus=False)
        self._workspace = workspace
        self._text = _Fields(self._show_again)
        self._worker_id: str | None = None

    def compose(self) -> ComposeResult:
        yield self._text

    def _show_again(self) -> None:
        """Break the lines for the new width."""
        self.show(self._worker_id)

    def show(self, worker_id: str | None) -> None:
        """Show what is currently known about that worker."""
        self._worker_id = worker_id
        entry = self._workspace.fleet.get(worker_id or "")
        content = (
            _overview(entry, self._workspace, self._text.size.width)
            if entry
            else Content.styled("No worker.", "$secondary")
        )
        self._text.update(content)
