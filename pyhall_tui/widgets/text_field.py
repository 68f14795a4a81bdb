"""A field with several lines; separate from the one-line fields, because Textual's area is a large import."""

from textual import events
from textual.strip import Strip
from textual.widgets import TextArea

from pyhall_tui.widgets.field import edit_at_once
from pyhall_tui.widgets.sanitizing import without_controls


class TextField(TextArea):
    """A text area that keeps edits in the order in which they were typed."""

    async def on_key(self, event: events.Key) -> None:
        await edit_at_once(self, event)

    def render_line(self, y: int) -> Strip:
        return without_controls(super().render_line(y))
