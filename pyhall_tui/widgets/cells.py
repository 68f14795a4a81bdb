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


_NARROWEST_TEXT = 12
"""Cells that a text needs beside its label; with less, it is broken at the left edge."""


def hanging(label: Content, text: Content, width: int) -> Content:
    """Return a text after its label, broken below its own beginning; `width` in cells, 0: it is not known yet."""
    indent = label.cell_length
    if width - indent < _NARROWEST_TEXT or indent + text.cell_length <= width:
        return label + text
    return label + Content("\n" + " " * indent).join(line.rstrip() for line in text.wrap(width - indent))


def broken_between(cells: Iterable[Cell], between: str, width: int) -> Content:
    """Return cells on as many lines as they need; no line ends or begins with what separates them."""
    lines: list[list[Cell]] = [[]]
    for cell in (each for each in cells if each.text.strip()):
        if lines[-1] and as_content([*lines[-1], cell], between).cell_length > width > 0:
            lines.append([])
        lines[-1].append(cell)
    return as_lines(lines, between)


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
