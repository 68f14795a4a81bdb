"""Lines that are drawn again at every key, but laid out again only if their number of rows may have changed."""

from collections.abc import Sequence

from rich.cells import cell_len
from textual.widgets import Static

from pyhall_tui.render.enroll import Line
from pyhall_tui.widgets.cells import as_lines


class LinesView(Static):
    """Shows lines from `render`. A layout of the whole screen takes 20 ms, which is too long for each typed key."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, markup=False)
        self._lines: tuple[Line, ...] = ()
        self._shape: tuple[str, ...] | None = None

    def show(self, lines: Sequence[Line]) -> None:
        """Show these lines instead."""
        if self._shape is not None and tuple(lines) == self._lines:
            return
        self._lines = tuple(lines)
        texts = ("".join(cell.text for cell in line) for line in self._lines)
        shape = tuple(text if cell_len(text) > self.size.width else "" for text in texts)
        self.update(as_lines(self._lines), layout=shape != self._shape)
        self._shape = shape

    def on_resize(self) -> None:
        self._shape = None  # the old wrapping is no longer valid
