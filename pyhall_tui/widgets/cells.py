"""From `render`'s cells to Textual's content: the one place where a style name meets the theme. Never markup."""

from collections.abc import Iterable

from textual.content import Content
from textual.widgets import Static

from pyhall_tui.render.text import Cell, Style

STYLES = {
    Style.PLAIN: "",
    Style.DIM: "$secondary",
    Style.STRONG: "bold",
    Style.GOOD: "$text-success",
    Style.WARNING: "$text-warning",
    Style.ERROR: "$text-error bold",
    Style.ALARM: "$text-error bold",
}


def as_content(cells: Iterable[Cell], between: str = "") -> Content:
    """Return the cells as one styled line, with `between` set between them."""
    parts = [Content.styled(cell.text, STYLES[cell.style]) for cell in cells]
    return Content.styled(between, "$secondary").join(parts)


def show_line(widget: Static, content: Content) -> None:
    """Show content of one line where it is other than before, and lay the screen out anew only where its width is.

    `Static.update` lays out each time, and the screen is painted then: once a second for a clock in the header.
    """
    before = widget.content
    if not isinstance(before, Content):
        widget.update(content)
    elif not before.is_same(content):
        widget.update(content, layout=before.cell_length != content.cell_length)


def as_lines(lines: Iterable[Iterable[Cell]]) -> Content:
    """Return lines of cells as one styled text."""
    return Content("\n").join(as_content(line) for line in lines)
