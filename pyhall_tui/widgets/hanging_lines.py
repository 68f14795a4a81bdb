"""Lines whose text is broken below its own beginning, not below the label before it."""

from collections.abc import Sequence
from typing import NamedTuple

from textual.content import Content
from textual.widgets import Static

from pyhall_tui.widgets.cells import hanging


class HangingLine(NamedTuple):
    """A line: what stands before the text, and the text."""

    label: Content
    text: Content


class HangingLines(Static):
    """Breaks its lines again whenever its width changes."""

    def __init__(self, lines: Sequence[HangingLine] = (), *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, markup=False)
        self._lines, self._fitted_to = lines, 0

    def on_mount(self) -> None:
        self.show(self._lines)

    def on_resize(self) -> None:
        if self.content_size.width != self._fitted_to:
            self.show(self._lines)

    def show(self, lines: Sequence[HangingLine]) -> None:
        """Show these lines."""
        self._lines, self._fitted_to = lines, self.content_size.width
        self.update(Content("\n").join(hanging(line.label, line.text, self._fitted_to) for line in lines))
