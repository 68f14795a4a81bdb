"""Who gets the room in a matrix: the rows' names first, then the columns' names beside each other."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from pyhall_tui.dispatch.matrix import Grid, MatrixRun, Plan, lay_out
from pyhall_tui.render.matrix import LEAST_HEAD, Line, Row, said, shared_start, without
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


class Turning:
    """A plan's grid: the longer axis down, unless all of it is on screen only if it goes across."""

    def __init__(self) -> None:
        self._plan: Plan | None = None
        self._grids: tuple[Grid, ...] = ()
        self._held = (-1, False, 0)
        """Of which state of the run `_lines` is the number."""
        self._lines = 0

    def take(self, plan: Plan) -> bool:
        """Lay out this plan; False: it is the one that is laid out."""
        if self._plan == plan:
            return False
        self._plan, self._grids, self._held = plan, (lay_out(plan), lay_out(plan, is_turned=True)), (-1, False, 0)
        return True

    def grid(self, matrix: MatrixRun, *, folds: bool, width: int, height: int) -> Grid:
        """Return the grid for that room. While it runs it is not turned: its cells would jump about."""
        upright, turned = self._grids
        across = len(upright.columns)
        if matrix.is_running or _fits(len(upright.rows), across, width, height):
            return upright
        if not _fits(len(turned.rows), len(turned.columns), width, height):
            return upright
        return upright if _fits(self._lines_of(matrix, upright, folds), across, width, height) else turned

    def _lines_of(self, matrix: MatrixRun, grid: Grid, folds: bool) -> int:
        """Return how many lines the rows take without a filter."""
        held = (matrix.revision, folds, id(matrix))
        if self._held != held:
            self._held, self._lines = held, _lines(matrix, grid) if folds else len(grid.rows)
        return self._lines


def _fits(lines: int, columns: int, width: int, height: int) -> bool:
    return lines + LEAST_HEAD <= height and TIGHT_LABEL + NARROW * columns + ALLOWED <= width


def _lines(matrix: MatrixRun, grid: Grid) -> int:
    """Return how many lines the rows take if those that are alike are folded."""
    cells = {case: said(tried) for case, tried in matrix.cells.items()}
    rows = {row: tuple(cells.get(grid.cases[row, column]) for column in grid.columns) for row in grid.rows}
    asked = [answers for answers in rows.values() if None not in answers]
    return len(set(asked)) + len(rows) - len(asked)


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
