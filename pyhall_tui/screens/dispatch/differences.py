"""The table of what differs from a baseline."""

from typing import Final

from pyhall_tui.dispatch.baselines import Difference
from pyhall_tui.dispatch.result import Result
from pyhall_tui.render.decision import LOOKS
from pyhall_tui.render.lab import case_words
from pyhall_tui.render.text import Cell, Style, clean
from pyhall_tui.widgets.line_table import Column, Row

DIFFERENCES: Final = (
    Column("case", "DIFFERS FROM THE BASELINE", 30, flex=3, sortable=False, is_id=True, most=80),
    Column("before", "BEFORE", 12, flex=1, sortable=False),
    Column("after", "NOW", 12, flex=1, sortable=False),
)


def difference_row(difference: Difference | None) -> Row:
    """Return the row of a cell whose answer is another one now; an empty one if it no longer is."""
    if difference is None:
        return Row({})
    after = difference.after
    look = LOOKS[after.result if after else Result.ERROR]
    return Row(
        {
            "case": Cell(case_words(difference.case)),
            "before": Cell(f"{LOOKS[difference.before.result].glyph} {clean(str(difference.before))}", Style.DIM),
            "after": Cell(f"{look.glyph} {clean(str(after)) if after else 'no answer'}", look.style),
        }
    )
