"""One line below the header for what is wrong now, on the screens that have no bands."""

from typing import Final

from textual.content import Content
from textual.widgets import Static

from pyhall_tui.render.connection import bands, trouble_line
from pyhall_tui.widgets.attendance import each_second
from pyhall_tui.widgets.cells import STYLES, show_line
from pyhall_tui.widgets.key_bar import key_names
from pyhall_tui.workspace import Workspace

_MARGIN: Final = 2


class StandingLine(Static):
    """Says what is wrong with the connection, or can't be saved or read, for as long as that is so."""

    DEFAULT_CSS = """
    StandingLine {
        height: 1; padding: 0 1; background: $surface; display: none; text-wrap: nowrap; text-overflow: ellipsis;
    }
    """

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(markup=False)
        self._workspace = workspace

    def on_mount(self) -> None:
        self.show()
        each_second(self, self.show)

    def show(self) -> None:
        """Show what is wrong now, or nothing."""
        opened, keys = self._workspace, key_names(self)
        poll = opened.profile.poll_interval
        said = bands(opened.connection.state, opened.key_answer, opened.now(), poll, keys=keys)
        cell = trouble_line(said, opened.standing, self.app.size.width - _MARGIN, keys=keys)
        self.display = cell is not None
        if cell is not None:
            show_line(self, Content.styled(cell.text, STYLES[cell.style]))
