"""What is known of the profile under the cursor, below the table of profiles."""

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from pyhall_tui.render.text import Cell
from pyhall_tui.widgets.cells import broken_between


class ProfileDetail(Static):
    """Lines of cells. Whenever its width changes, it breaks them again between the cells."""

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id, markup=False)
        self._lines: Sequence[Sequence[Cell]] = ()

    def on_resize(self) -> None:
        self.show(self._lines)

    def show(self, lines: Sequence[Sequence[Cell]]) -> None:
        """Show these lines."""
        self._lines = lines
        content = Content("\n").join(broken_between(line, " · ", self.content_size.width) for line in lines)
        if not (isinstance(self.content, Content) and self.content.is_same(content)):
            self.update(content, layout=False)  # its height is fixed
