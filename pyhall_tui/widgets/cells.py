"""From `render`'s cells to Textual's content: the only place that maps style names to the theme. Never markup."""

from collections.abc import Iterable

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from pyhall_tui.render.text import Cell, Style

STYLES = {
    Style.PLAIN: "",
    Style.DIM: "$secondary",
    Style.STRONG: "bold",
    Style.GOOD: "$text-success",
    Style.WARNING: "$text-warning",
    Style.ERROR: "$text-error bold",
    Style.MARK: "$text-primary",
    Style.ALARM: "$text-error bold",
}


def as_content(cells: Iterable[Cell], between: str = "") -> Content:
    """Return the cells as one styled line, separated by `between`."""
    parts = [Content.styled(cell.text, STYLES[cell.style]) for cell in cells]
    return Content.styled(between, "$secondary").join(parts)


def show_line(widget: Static, content: Content) -> None:
    """Show one line of content if it changed, and lay out the screen again only if its width changed.

    `Static.update` lays out every time, which repaints the screen: once a second for a clock in the header.
    """
    before = widget.content
    if not isinstance(before, Content):
        widget.update(content)
    elif not before.is_same(content):
        widget.update(content, layout=before.cell_length != content.cell_length)


def as_lines(lines: Iterable[Iterable[Cell]], between: str = "") -> Content:
    """Return lines of cells as one styled text."""
    return Content("\n").join(as_content(line, between) for line in lines)


def cursor_ground(table: Widget) -> str:
    """Return the background of a table's row under the cursor; themes of few colors have one of their own."""
    if not table.has_focus:
        return "on $surface-lighten-1"
    own = table.app.theme_variables.get("row-cursor", "")
    return f"on {own}" if own else "on $primary 35%"
