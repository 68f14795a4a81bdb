"""Who gets the room in a matrix: the rows' names first, then the columns' names beside each other."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from pyhall_tui.render.matrix import Line, Row, shared_start, without
from pyhall_tui.render.text import id_text
from pyhall_tui.widgets.middle_cut import MiddleCut, width_of

NARROW, EASY = 2, 3
"""Cells of a column whose name is turned: its character and a mark, and a space if there is room."""
MOST_LABEL: Final = 60
TIGHT_LABEL: Final = 16
"""Cells of the rows' names, in which those that are cut stay apart, if all columns are on screen with it."""
ALLOWED: Final = 6
"""Cells for the number of allowed ones on the right."""
_CURSOR: Final = 1
"""Cells before a row's name; as many stay free after it."""
_LIKE_A_COUNT: Final = re.compile(r" (?=\+\d+$)")
"""The space in a name that ends as a line of several rows does."""


class Room(NamedTuple):
    """How many cells a grid gives to what."""

    label: int
    """The rows' names, with the cursor's bar before them and a space after them."""
    column: int
    """Each column."""
    is_turned: bool
    """Whether the columns' names run downward."""


def room_of(width: int, longest: int, named: int, columns: int) -> Room:
    """Share a grid's `width`: in a wider one, no row's name ever gets fewer cells.

    `longest` is what the rows' names need, `named` what a column needs whose name is not turned. Names are turned until
    there is room for all of them beside the rows' whole names.
    """
    if longest + named * columns + ALLOWED <= width:
        return Room(longest, max(EASY, named), is_turned=False)
    if longest + EASY * columns + ALLOWED <= width:
        return Room(longest, EASY, is_turned=True)
    spare = width - NARROW * columns - ALLOWED
    return Room(min(longest, max(TIGHT_LABEL, spare)), NARROW, is_turned=True)


class Names:
    """The names of a grid's rows and columns, without what all of one axis begin with. No two rows look alike."""

    def __init__(self, rows: Sequence[Row], columns: Sequence[str]) -> None:
        """`rows` and `columns` are ids and the like, as they came."""
        axes = [list(map(id_text, axis)) for axis in (*zip(*rows, strict=True), columns)]
        self.starts = [shared_start(axis) for axis in axes]
        """What all names of an axis begin with: first of the axes that go down, last of the columns."""
        *down, across = [_shortened(start, axis) for start, axis in zip(self.starts, axes, strict=True)]
        labels = map("  ".join, zip(*down, strict=True))
        self._labels = {row: _LIKE_A_COUNT.sub("‹20›", label) for row, label in zip(rows, labels, strict=True)}
        self.heads = across
        self._cuts: dict[int, MiddleCut] = {}

    def longest(self, lines: Sequence[Line], title: str) -> int:
        """Return the cells that the lines' names need, and the title above them."""
        names = max((width_of(self._in_full(line)) for line in lines), default=10)
        return min(MOST_LABEL, 2 * _CURSOR + max(names, width_of(title)))

    def label(self, line: Line, held: Row, width: int) -> str:
        """Return a line's name in a column of that width: that of `held`, if it is one of its rows."""
        more = _more(line)
        cut = self._cuts.setdefault(len(more), MiddleCut(self._labels.values()))
        row = held if held in line.rows else line.rows[0]
        return cut.cut(self._labels[row], width - 2 * _CURSOR - len(more)) + more

    def _in_full(self, line: Line) -> str:
        return max((self._labels[row] for row in line.rows), key=width_of) + _more(line)


def _more(line: Line) -> str:
    return f" +{len(line.rows) - 1}" if len(line.rows) > 1 else ""


def _shortened(start: str, axis: list[str]) -> list[str]:
    """Return an axis's names without that start, unless one would then look like another, or be empty."""
    found = without(start, axis, all_share=all(name.startswith(start) for name in axis))
    is_telling = all(found) and len(set(found)) == len(set(axis))
    return found if is_telling else axis
