"""The frame around a screen's list."""

from textual import events
from textual.containers import Vertical
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip


class Frame(Vertical):
    """A frame with a title, brighter while the focus is in it.

    `:focus-within` would style everything in it again whenever the focus moves, also for the first frame.
    """

    DEFAULT_CSS = """
    Frame {
        border: round $frame;
        border-title-color: $text;
        border-title-align: left;
        border-subtitle-align: right;
        padding: 0 1;
        &.-active { border: round $primary 60%; }
    }
    .-narrow Frame, .-short Frame { padding: 0; }
    """

    class TitlePressed(Message):
        """The line with the title was clicked."""

        def __init__(self, line: str, cell: int) -> None:
            """`line` is the line as it is drawn, `cell` where in it the click was."""
            super().__init__()
            self.line, self.cell = line, cell

        def is_on(self, text: str) -> bool:
            """Whether the click was on this part of the title."""
            start = self.line.find(text)
            return 0 <= start <= self.cell < start + len(text)

    SCOPED_CSS = False  # the last rule's classes are the screen's

    def __init__(self, *, id: str) -> None:  # noqa: A002
        """Make a frame that gets the focus with its screen."""
        super().__init__(id=id, classes="-active")

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw one line for all between the borders: they are alike, and what is in the frame covers them."""
        last = self.outer_size.height - 1
        inner = super().render_lines(Region(crop.x, 1, crop.width, 1))
        lines = []
        for y in crop.line_range:
            lines += inner if 0 < y < last else super().render_lines(Region(crop.x, y, crop.width, 1))
        return lines

    def on_click(self, event: events.Click) -> None:
        x, y = event.screen_offset - self.region.offset  # a click on what is in the frame comes here, too
        if y == 0:
            [line] = self.render_lines(Region(0, 0, self.outer_size.width, 1))
            self.post_message(self.TitlePressed(line.text, x))

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self.add_class("-active")

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        self.set_class(self.has_focus_within, "-active")
