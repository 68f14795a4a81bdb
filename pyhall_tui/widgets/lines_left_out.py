"""What a line says about a paste of more than one line."""

from collections.abc import Sequence

from textual.message import Message
from textual.widget import Widget


class LinesLeftOut(Message):
    """A paste into one line had more lines; these were left out."""

    def __init__(self, line: Widget, lines: Sequence[str]) -> None:
        super().__init__()
        self.line, self.lines = line, lines

    @property
    def control(self) -> Widget:
        return self.line

    @property
    def sentence(self) -> str:
        """What to tell the user."""
        return f"Only the first line was taken; {len(self.lines)} more line{'s' * (len(self.lines) > 1)} left out."
