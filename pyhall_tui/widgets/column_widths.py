"""How many cells each column of a table gets: ids first, then the columns that may leave, then longer texts.

Pure, and the only rule for every table. In a wider table no id column is narrower: cells are given away in one fixed
order, and what an id column gets before the others is no more than its `most`.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

GUTTER: Final = 2
"""Cells before the first column: the cursor's bar and the mark."""
GAP: Final = 2
"""Cells after each column."""


class Wish(NamedTuple):
    """What one column needs, in cells."""

    least: int
    """With less, it is not shown. 0: nothing stands in it, so it is not shown at all."""
    natural: int
    """With this, nothing in it is cut."""
    flex: int = 0
    """Its share of the cells that are left for longer texts."""
    leaves: int = 0
    """The order in which a narrow table drops columns: 1 goes first, 0 never goes."""
    most: int = 0
    """For a column of ids: the cells that it may take before any column that leaves gets one. 0: it holds no ids."""
    first: int = 0
    """For another column that matters most: the same, after the ids."""


def widths(wishes: Sequence[Wish], room: int, *, roomy: int = 0) -> list[int]:
    """Return the width of each column in a table of `room` cells; 0: it is not shown.

    `roomy`: in a table of fewer cells, ids never get more than their `most`. For a table that shrinks once in an ever
    wider terminal, because something takes its place beside it: they then get the same before and after.
    """
    given = [wish.least if wish.leaves == 0 else 0 for wish in wishes]
    spare = room - GUTTER - sum(width + GAP for width in given if width)
    ids = [place for place, wish in enumerate(wishes) if wish.most and given[place]]
    spare = _grow(given, ids, [min(wish.natural, max(wish.most, wish.least)) for wish in wishes], spare)
    telling = [place for place, wish in enumerate(wishes) if wish.first and given[place]]
    spare = _grow(given, telling, [min(wish.natural, max(wish.first, wish.least)) for wish in wishes], spare)
    entering = sorted(
        (place for place, wish in enumerate(wishes) if wish.leaves and wish.least),
        key=lambda place: -wishes[place].leaves,
    )
    waiting = False
    for place in entering:
        if wishes[place].least + GAP <= spare:
            given[place] = wishes[place].least
            spare -= given[place] + GAP
        else:
            waiting = True
    others = [place for place, wish in enumerate(wishes) if given[place] and not wish.most]
    spare = _share(given, others, wishes, spare)
    if not waiting and room >= roomy:
        _grow(given, ids, [wish.natural for wish in wishes], spare)
    return given


def _grow(given: list[int], places: Sequence[int], up_to: Sequence[int], spare: int) -> int:
    """Give cells to these columns, one after the other; return how many are left."""
    for place in places:
        more = max(0, min(up_to[place] - given[place], spare))
        given[place] += more
        spare -= more
    return spare


def _share(given: list[int], places: Sequence[int], wishes: Sequence[Wish], spare: int) -> int:
    """Give cells to these columns by their shares, to none more than it needs; return how many are left."""
    while spare > 0:
        short = [place for place in places if given[place] < wishes[place].natural]
        if not short:
            break
        total = sum(max(1, wishes[place].flex) for place in short)
        before = spare
        for place in short:
            part = max(1, before * max(1, wishes[place].flex) // total)
            more = min(part, wishes[place].natural - given[place], spare)
            given[place] += more
            spare -= more
    return spare
