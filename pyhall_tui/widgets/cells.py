"""From `render`'s cells to Textual's content: the one place where a style name meets the theme. Never markup."""

from collections.abc import Iterable

from textual.content import Content

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
