"""The matrix as a grid: one glyph per cell, a cursor, sums at the edges. Only the lines on screen are made."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size, Spacing
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from pyhall_tui.dispatch.matrix import Case, Grid
from pyhall_tui.render.text import Style, clean, id_text
from pyhall_tui.widgets.columns import fit
from pyhall_tui.widgets.middle_cut import MiddleCut, width_of


class CellLook(NamedTuple):
    """How one cell looks."""

    glyph: str
    style: Style
    framed: bool = False
    """It differs from the baseline: `[✖]`."""
    hit: bool = False
    """It is counted in the sums: it is not an allow, and passes the filter."""


_LEAST = 3
_LEAST_LABEL = 22
_SUMS = 13
"""Cells for the sums on the right."""


class MatrixGrid(ScrollView, can_focus=True):
    """Rows × columns. `look` is called for a cell only when it is drawn."""

    BINDING_GROUP_TITLE = "Matrix"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1, 0)", "Up", show=False, id="grid.up", tooltip="One row up"),
        Binding("down,j", "move(1, 0)", "Down", show=False, id="grid.down", tooltip="One row down"),
        Binding("left,h", "move(0, -1)", "Left", show=False, id="grid.left", tooltip="One column left"),
        Binding("right,l", "move(0, 1)", "Right", show=False, id="grid.right", tooltip="One column right"),
        Binding("enter", "open", "Open cell", id="grid.open", tooltip="Open the full answer of the cell"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "matrix-grid--head",
        "matrix-grid--cursor",
        *(f"matrix-grid--{style}" for style in Style),
    }
    DEFAULT_CSS = """
    MatrixGrid {
        height: 1fr; scrollbar-size-vertical: 1; scrollbar-size-horizontal: 1;
        & > .matrix-grid--head { color: $text-muted; text-style: bold; }
        & > .matrix-grid--cursor { background: $primary 60%; text-style: reverse; }
        & > .matrix-grid--plain { color: $text; }
        & > .matrix-grid--dim { color: $text-muted; }
        & > .matrix-grid--strong { color: $text; text-style: bold; }
        & > .matrix-grid--good { color: $text-success; }
        & > .matrix-grid--warning { color: $text-warning; text-style: bold; }
        & > .matrix-grid--error { color: $text-error; text-style: bold; }
        & > .matrix-grid--alarm { color: $text-error; text-style: bold; }
    }
    """

    @dataclass
    class Moved(Message):
        """The cursor is on another cell."""

        case: Case

    @dataclass
    class Opened(Message):
        """A cell was opened."""

        case: Case

    def __init__(self, look: Callable[[Case], CellLook], *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._look = look
        self._grid: Grid | None = None
        self._rows: list[str] = []
        self._at = (0, 0)
        self._label_width = 0
        self._labels = MiddleCut()
        self._column_width = _LEAST

    @property
    def cursor_case(self) -> Case | None:
        """The cell under the cursor."""
        row, column = self._at
        if self._grid is None or row >= len(self._rows):
            return None
        return self._grid.cases.get((self._rows[row], self._grid.columns[column]))

    def show(self, grid: Grid, rows: list[str]) -> None:
        """Show these rows of a grid; the cursor stays on its row if that is one of them."""
        if self._grid != grid:
            self._at, self._rows = (0, 0), []
            self._labels = MiddleCut(map(id_text, grid.rows))
        place, column = self._at
        held = next((row for row in self._rows[place : place + 1] if row in rows), None)
        self._grid, self._rows = grid, rows
        self._at = (min(place, max(0, len(rows) - 1)) if held is None else rows.index(held), column)
        self._lay_out()
        self.refresh()
        self._tell()

    def move_to(self, case: Case) -> None:
        """Put the cursor on that cell, if it is shown."""
        if self._grid is None:
            return
        for (row, column), other in self._grid.cases.items():
            if other == case and row in self._rows:
                self._at = (self._rows.index(row), self._grid.columns.index(column))
                self._keep_in_view()

    def action_move(self, down: int, right: int) -> None:
        if self._grid is None or not self._rows:
            return
        row, column = self._at
        row = max(0, min(row + down, len(self._rows) - 1))
        self._at = (row, max(0, min(column + right, len(self._grid.columns) - 1)))
        self._keep_in_view()

    def action_open(self) -> None:
        if (case := self.cursor_case) is not None:
            self.post_message(self.Opened(case))

    def on_resize(self) -> None:
        self._lay_out()

    def on_click(self, event: events.Click) -> None:
        if self._grid is None:
            return
        row = event.y - 1 + self.scroll_offset.y
        column = (event.x + self.scroll_offset.x - self._label_width) // self._column_width
        if event.y > 0 and row < len(self._rows) and 0 <= column < len(self._grid.columns):
            self._at = (row, column)
            self._keep_in_view()
            if event.chain == 2:
                self.action_open()

    def render_line(self, y: int) -> Strip:
        if self._grid is None:
            return Strip.blank(self.size.width, self.rich_style)
        left = self.scroll_offset.x
        row = y - 1 + self.scroll_offset.y
        if y == 0:
            segments = self._head()
        elif row < len(self._rows):
            segments = self._row(row)
        elif row == len(self._rows):
            segments = self._foot()
        else:
            return Strip.blank(self.size.width, self.rich_style)
        strip = Strip(segments)
        label = strip.crop(0, self._label_width)
        rest = strip.crop(self._label_width + left, left + self.size.width)
        return Strip.join([label, rest]).adjust_cell_length(self.size.width, self.rich_style)

    def _head(self) -> list[Segment]:
        assert self._grid is not None
        style = self.get_component_rich_style("matrix-grid--head")
        segments = [Segment(fit(f"{self._grid.row_title} \\ {self._grid.column_title}", self._label_width), style)]
        for number, column in enumerate(self._grid.columns, 1):
            text = clean(column) if self._column_width > _LEAST else str(number)
            segments.append(Segment(fit(f" {text}", self._column_width), style))
        return [*segments, Segment("  not allowed", style)]

    def _row(self, row: int) -> list[Segment]:
        assert self._grid is not None
        label = self._rows[row]
        is_cursor_row = row == self._at[0]
        style = self._style(Style.STRONG if is_cursor_row else Style.PLAIN)
        shown = self._labels.cut(id_text(label), self._label_width - 2)
        segments = [Segment(fit(f"{'▌' if is_cursor_row else ' '}{shown}", self._label_width), style)]
        hits = 0
        for number, column in enumerate(self._grid.columns):
            look = self._look_at(label, column)
            hits += look.hit
            segments += self._cell(look, is_cursor=(row, number) == self._at)
        return [*segments, Segment(f"  {hits or '–'}", self._style(Style.DIM))]

    def _cell(self, look: CellLook, *, is_cursor: bool) -> list[Segment]:
        text = f"[{look.glyph}]" if look.framed else f" {look.glyph} "
        style = self._style(look.style)
        if is_cursor:
            style += self.get_component_rich_style("matrix-grid--cursor", partial=True)
            if self.app.no_color:
                style += RichStyle(reverse=True)
        return [Segment(text, style), Segment(" " * (self._column_width - 3), self._style(Style.PLAIN))]

    def _foot(self) -> list[Segment]:
        assert self._grid is not None
        style = self._style(Style.DIM)
        counts: Counter[str] = Counter()
        for row in self._rows:
            for column in self._grid.columns:
                counts[column] += self._look_at(row, column).hit
        segments = [Segment(fit(" not allowed", self._label_width), style)]
        columns = self._grid.columns
        segments += [Segment(fit(f" {counts[column] or '–'}", self._column_width), style) for column in columns]
        return segments

    def _look_at(self, row: str, column: str) -> CellLook:
        assert self._grid is not None
        case = self._grid.cases.get((row, column))
        return self._look(case) if case is not None else CellLook(" ", Style.DIM)

    def _style(self, style: Style) -> RichStyle:
        return self.rich_style + self.get_component_rich_style(f"matrix-grid--{style}", partial=True)

    def _lay_out(self) -> None:
        """Give the columns names if they fit, otherwise numbers; the cursor's column is named below the grid."""
        if self._grid is None:
            return
        width, columns = self.size.width, self._grid.columns
        longest = max((width_of(id_text(row)) for row in self._rows), default=10) + 2
        named = max(width_of(clean(column)) for column in columns) + 2
        fits = min(longest, _LEAST_LABEL) + named * len(columns) + _SUMS <= width
        self._column_width = max(_LEAST + 1, named) if fits else _LEAST
        spare = width - self._column_width * len(columns) - _SUMS
        self._label_width = max(_LEAST_LABEL, min(longest, max(width // 3, spare)))
        total = self._label_width + self._column_width * len(columns) + _SUMS
        self.virtual_size = Size(total, len(self._rows) + 2)
        self.refresh()

    def _keep_in_view(self) -> None:
        row, column = self._at
        left = column * self._column_width
        region = Region(left, row, self._column_width + self._label_width, 1)
        self.scroll_to_region(region, spacing=Spacing(0, 0, 2, 0), animate=False, force=True)
        self.refresh()
        self._tell()

    def _tell(self) -> None:
        if (case := self.cursor_case) is not None:
            self.post_message(self.Moved(case))
