"""What is said about marked workers: in a title, and in the question before something is done to many."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from pyhall_tui.render.text import Cell, Style, clean
from pyhall_tui.widgets.line_table import LineTable

if TYPE_CHECKING:
    from pyhall_tui.screens.enroll.ask import AskScreen

_MOST_NAMED: Final = 8
"""How many workers one question names."""


def marks_in_title(table: LineTable) -> list[Cell]:
    """Return what a title says of a table's marks; nothing if there are none."""
    hidden = f" ({count:,} hidden)" if (count := table.hidden_marks) else ""
    if not table.marked:
        return []
    return [Cell(f"• {len(table.marked):,} marked{hidden}", Style.STRONG)]


def question(verb: str, ids: Sequence[str], shown: Sequence[str], explained: str) -> "AskScreen":
    """Make the question before something is done to several workers; it names the first few of them.

    Args:
        verb: `Remove`.
        shown: the rows shown: the others are hidden by the filter.
        explained: a sentence about what happens.
    """
    from textual.content import Content

    from pyhall_tui.screens.enroll.ask import AskScreen

    hidden = set(ids).difference(shown)
    named = [f"  {clean(each, 60)}{' (hidden)' * (each in hidden)}" for each in ids[:_MOST_NAMED]]
    more = [f"  and {len(ids) - _MOST_NAMED:,} more"] if len(ids) > _MOST_NAMED else []
    said = f"{len(hidden):,} of them {'is' if len(hidden) == 1 else 'are'} hidden by the filter." if hidden else ""
    lines = [*filter(None, (explained, said)), "", *named, *more]
    title = f"{verb} {len(ids):,} worker{'s' * (len(ids) != 1)}?"
    return AskScreen(title, Content("\n".join(lines)), yes=f"{verb} {len(ids):,}", no="Cancel")
