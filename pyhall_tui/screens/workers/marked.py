"""What is said about marked workers: in a title, and in the question before something is done to many."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from textual.screen import Screen

from pyhall_tui.fleet.fleet import Fleet
from pyhall_tui.render.text import Cell, Style, clean
from pyhall_tui.threads.slices import slices
from pyhall_tui.widgets.line_table import LineTable
from pyhall_tui.widgets.table_keys import Marks
from pyhall_tui.widgets.typed_ahead import keys_wait_for

if TYPE_CHECKING:
    from pyhall_tui.screens.enroll.ask import AskScreen

_AT_A_TIME: Final = 2_000
"""Workers whose hashes are looked up between two frames."""
_MOST_NAMED: Final = 8
"""How many workers one question names."""


def marks_in_title(table: LineTable) -> list[Cell]:
    """Return what a title says of a table's marks; nothing if there are none."""
    hidden = f" ({count:,} hidden)" if (count := table.hidden_marks) else ""
    if not table.marked:
        return []
    return [Cell(f"• {len(table.marked):,} marked{hidden}", Style.STRONG)]


def copy_hashes(
    screen: Screen[None], fleet: Fleet, ids: Sequence[str], copy: Callable[[list[str], str, str], None]
) -> None:
    """Copy the package hashes of workers, each once; `copy` is given the texts, what they are, and its plural's end."""

    async def work() -> None:
        hashes: dict[str, None] = {}
        async for some in slices(ids, _AT_A_TIME):
            entries = map(fleet.get, some)
            hashes.update(dict.fromkeys(entry.sha256 for entry in entries if entry is not None and entry.sha256))
        copy([*hashes], "package hash", "es")

    keys_wait_for(screen, screen.run_worker(work(), group="hashes", exclusive=True, exit_on_error=False))


def question(verb: str, ids: Sequence[str], shown: Sequence[str], explained: str) -> "AskScreen":
    """Make the question before something is done to several workers; it names the first few of them.

    Args:
        verb: `Remove`.
        shown: the rows shown: the others are hidden by the filter.
        explained: a sentence about what happens.
    """
    from textual.content import Content

    from pyhall_tui.screens.enroll.ask import AskScreen

    hidden = Marks(ids).hidden_by(shown)
    named = [f"  {clean(each, 60)}{' (hidden)' * (each not in shown)}" for each in ids[:_MOST_NAMED]]
    more = [f"  and {len(ids) - _MOST_NAMED:,} more"] if len(ids) > _MOST_NAMED else []
    said = f"{hidden:,} of them {'is' if hidden == 1 else 'are'} hidden by the filter." if hidden else ""
    lines = [*filter(None, (explained, said)), "", *named, *more]
    title = f"{verb} {len(ids):,} worker{'s' * (len(ids) != 1)}?"
    return AskScreen(title, Content("\n".join(lines)), yes=f"{verb} {len(ids):,}", no="Cancel")
