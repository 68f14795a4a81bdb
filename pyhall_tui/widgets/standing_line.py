"""One line below the header for what can't be saved or read, on the screens that have no bands."""

from typing import Final

from textual.content import Content
from textual.widgets import Static

from pyhall_tui.render.connection import trouble_band
from pyhall_tui.widgets.attendance import each_second
from pyhall_tui.widgets.cells import STYLES, show_line
from pyhall_tui.workspace import Workspace

_MARGIN: Final = 2


class StandingLine(Static):
    """Says the worst of what stands, for as long as it stands."""

    DEFAULT_CSS = "StandingLine { height: 1; padding: 0 1; background: $surface; }"

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(markup=False)
        self._workspace = workspace
        self.display = False

    def on_mount(self) -> None:
        self.show()
        each_second(self, self.show)

    def show(self) -> None:
        """Show what stands now, or nothing."""
        cell = trouble_band(self._workspace.standing, self.app.size.width - _MARGIN)
        self.display = cell is not None
        if cell is not None:
            show_line(self, Content.styled(cell.text, STYLES[cell.style]))
