"""The matrix as a grid: a character per cell, named columns, a cursor. Only the lines on screen are made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size, Spacing
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from pyhall_tui.dispatch.matrix import Case, CellAnswer, Grid
from pyhall_tui.dispatch.result import Result
from pyhall_tui.render.decision import LOOKS
from pyhall_tui.render.matrix import (
    CUT,
    DIFFERS,
    LEAST_HEAD,
    CellView,
    Line,
    Row,
    head_height,
    short_head,
    stacked,
    style_of,
)
from pyhall_tui.render.text import Style, clean, id_text
from pyhall_tui.screens.dispatch.matrix_room import ALLOWED, NARROW, Names, Room, room_of
from pyhall_tui.widgets.columns import fit
from pyhall_tui.widgets.middle_cut import MiddleCut, width_of

_ENOUGH_FOR_BOTH_ENDS = 12
"""Lines in which turned names that are cut stay apart."""
_SCROLLBAR = 1


class MatrixGrid(ScrollView, can_focus=True):
    """Rows × columns; names stay in view while the cells scroll."""

    BINDING_GROUP_TITLE = "Matrix"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1, 0)", "Up", show=False, id="grid.up", tooltip="One row up"),
        Binding("down,j", "move(1, 0)", "Down", show=False, id="grid.down", tooltip="One row down"),
        Binding("left,h", "move(0, -1)", "Left", show=False, id="grid.left", tooltip="One column left"),
        Binding("right,l", "move(0, 1)", "Right", show=False, id="grid.right", tooltip="One column right"),
        Binding("home", "move(0, -10000)", "First column", show=False, id="grid.first", tooltip="The first column"),
        Binding("end", "move(0, 10000)", "Last column", show=False, id="grid.last", tooltip="The last column"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="grid.page_up", tooltip="One page up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="grid.page_down", tooltip="One page down"),
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
        & > .matrix-grid--head { color: $text-muted; }
        & > .matrix-grid--cursor { text-style: reverse; }
        & > .matrix-grid--plain { color: $text; }
        & > .matrix-grid--dim { color: $text-muted; }
        & > .matrix-grid--strong { color: $text; text-style: bold; }
        & > .matrix-grid--good { color: $text-success; }
        & > .matrix-grid--warning { color: $text-warning; text-style: bold; }
        & > .matrix-grid--error { color: $text-error; text-style: bold; }
        & > .matrix-grid--mark { color: $text-primary; }
        & > .matrix-grid--alarm { color: $text-error; text-style: bold; }
    }
    """

    @dataclass
    class Moved(Message):
        """The cursor is on another cell."""

        case: Case
        alike: tuple[Row, ...]
        """The other rows that stand in the same line."""

    @dataclass
    class Opened(Message):
        """A cell was opened."""

        case: Case

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._grid: Grid | None = None
        self._lines: list[Line] = []
        self._characters: Mapping[CellAnswer, str] = {}
        self._at = (0, 0)
        self._held: Row = ()
        """The row under the cursor: its line may come to have others before it."""
        self._names = Names((), ())
        self._head_cut = MiddleCut()
        self._head_height = 1
        self._label_width, self._column_width, self._is_turned = Room(1, NARROW, is_turned=False)
        self._styles: dict[Style, RichStyle] = {}
        """The styles of the lines being drawn: they follow the theme."""

    @property
    def width_needed(self) -> int:
        """The cells in which the grid fits with all its columns, and the rows' whole names."""
        return self._longest() + NARROW * len(self._names.heads) + ALLOWED + _SCROLLBAR

    @property
    def cursor_case(self) -> Case | None:
        """The cell under the cursor."""
        if self._grid is None or not self._lines:
            return None
        return self._grid.cases.get((self._held, self._grid.columns[self._at[1]]))

    def show(self, grid: Grid, lines: Sequence[Line], characters: Mapping[CellAnswer, str]) -> None:
        """Show these lines of a grid; the cursor stays on its row if it is in one of them."""
        if self._grid is not grid:
            self._at, self._held = self._place_in(grid)
            self._names = Names(grid.rows, grid.columns)
            self._head_cut = MiddleCut(self._names.heads)
        row, column = self._at
        self._grid, self._lines, self._characters = grid, list(lines), characters
        found = next((place for place, line in enumerate(lines) if self._held in line.rows), None)
        row = found if found is not None else max(0, min(row, len(lines) - 1))
        self._at = (row, column)
        if found is None:
            self._held = lines[row].rows[0] if lines else ()
        self._lay_out()
        self._tell()

    def _place_in(self, grid: Grid) -> tuple[tuple[int, int], Row]:
        """Return where the cell under the cursor is in another grid, which may be the same one turned."""
        case = self.cursor_case
        found = next((place for place, other in grid.cases.items() if other == case), None)
        return ((0, 0), ()) if found is None else ((0, grid.columns.index(found[1])), found[0])

    @property
    def _below(self) -> int:
        """The number of lines that are below the last one on screen."""
        return max(0, len(self._lines) + self._head_height - self._visible.height - self.scroll_offset.y)

    @property
    def _visible(self) -> Size:
        return self.scrollable_content_region.size

    def action_move(self, down: int, right: int) -> None:
        if self._grid is None or not self._lines:
            return
        row, column = self._at
        self._go(row + down, column + right)

    def action_page(self, pages: int) -> None:
        self.action_move(pages * max(1, self.size.height - self._head_height - 1), 0)

    def _go(self, row: int, column: int) -> None:
        assert self._grid is not None
        row = max(0, min(row, len(self._lines) - 1))
        if row != self._at[0]:
            self._held = self._lines[row].rows[0]
        self._at = (row, max(0, min(column, len(self._grid.columns) - 1)))
        left = self._at[1] * self._column_width
        region = Region(left, row, self._column_width + self._label_width, 1)
        self.scroll_to_region(region, spacing=Spacing(0, 0, self._head_height, 0), animate=False, force=True)
        self.refresh()
        self._tell()

    def action_open(self) -> None:
        if (case := self.cursor_case) is not None:
            self.post_message(self.Opened(case))

    def on_resize(self) -> None:
        self._lay_out()

    def on_click(self, event: events.Click) -> None:
        if self._grid is None:
            return
        row = event.y - self._head_height + self.scroll_offset.y
        column = (event.x + self.scroll_offset.x - self._label_width) // self._column_width
        is_below, is_beside = event.y >= self._head_height, event.x >= self._label_width
        if is_below and is_beside and row < len(self._lines) and column < len(self._grid.columns):
            self._go(row, column)
            if event.chain == 2:
                self.action_open()

    # -- drawing -----------------------------------------------------------------------------------------------

    def render_lines(self, crop: Region) -> list[Strip]:
        """Work each style out once for all cells: a running matrix draws a thousand of them five times a second."""
        self._styles = {}
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        if self._grid is None:
            return Strip.blank(self.size.width, self.rich_style)
        left = self.scroll_offset.x
        row = y - self._head_height + self.scroll_offset.y
        if y < self._head_height:
            segments = self._head(y)
        elif row < len(self._lines):
            segments = self._row(row)
        else:
            return Strip.blank(self.size.width, self.rich_style)
        strip = Strip(segments)
        label = strip.crop(0, self._label_width)
        rest = strip.crop(self._label_width + left, left + self.size.width)
        return Strip.join([label, rest]).adjust_cell_length(self.size.width, self.rich_style)

    def _head(self, y: int) -> list[Segment]:
        assert self._grid is not None
        style = self.get_component_rich_style("matrix-grid--head")
        segments = [Segment(fit(f" {self._corner(y)}", self._label_width - 1) + " ", style)]
        for number, name in enumerate(self._names.heads):
            text = stacked(self._shortened(name), self._head_height)[y] if self._is_turned else name
            own = self._style(Style.STRONG) + RichStyle(reverse=True) if number == self._at[1] else style
            segments += [Segment(text, own), Segment(" " * (self._column_width - width_of(text)), style)]
        is_last = y == self._head_height - 1
        return [*segments, Segment(fit(f"  {LOOKS[Result.ALLOW].glyph}" if is_last else "", ALLOWED), style)]

    def _shortened(self, name: str) -> str:
        """Return a turned name in the lines that there are; with few of them, its words' beginnings."""
        enough = self._head_height >= _ENOUGH_FOR_BOTH_ENDS
        return self._head_cut.cut(name, self._head_height) if enough else short_head(name, self._head_height)

    def _corner(self, y: int) -> str:
        """Return what stands above the rows' names: the axes, what their names begin with, the cursor's in full."""
        assert self._grid is not None
        *down, across = [f"{CUT} {start}" if start else "" for start in self._names.starts]
        rows, columns = f"{self._grid.row_title}  {'  '.join(filter(None, down))}", f"{self._grid.column_title} →"
        if self._head_height == 1:
            return f"{self._grid.row_title} \\ {columns}"
        from_below = self._head_height - 1 - y
        lines = [f"{rows.rstrip()} ↓", f"{columns}  {across}".rstrip(), f"▸ {id_text(self._grid.columns[self._at[1]])}"]
        if more := self._below:
            lines.insert(min(3, self._head_height - 1), f"{more:,} more below")
        return lines[from_below] if from_below < len(lines) else ""

    def _row(self, row: int) -> list[Segment]:
        line = self._lines[row]
        is_cursor_row = row == self._at[0]
        style = self._style(Style.STRONG if is_cursor_row else Style.PLAIN)
        label = self._names.label(line, self._held, self._label_width)
        segments = [Segment(fit(f"{'▌' if is_cursor_row else ' '}{label}", self._label_width), style)]
        once = line.said_once
        segments += self._cells(row, line.cells) if once is None else self._once(row, once, len(line.cells))
        allowed = sum(cell.answer is not None and cell.answer.result is Result.ALLOW for cell in line.cells)
        return [*segments, Segment(fit(f"  {allowed or '–'}", ALLOWED), self._style(Style.DIM))]

    def _cells(self, row: int, cells: Sequence[CellView]) -> list[Segment]:
        segments = []
        for number, cell in enumerate(cells):
            text, style = self._cell(cell)
            own = self._under_cursor(style) if (row, number) == self._at else style
            segments += [Segment(text, own), Segment(" " * (self._column_width - 2), self._style(Style.PLAIN))]
        return segments

    def _cell(self, cell: CellView) -> tuple[str, RichStyle]:
        mark = DIFFERS if cell.differs else " "
        if cell.answer is None or cell.is_left_out:
            return f"{' ' if cell.is_left_out else '·'}{mark}", self._style(Style.DIM)
        return f"{self._characters[cell.answer]}{mark}", self._style(style_of(cell.answer, self._characters))

    def _once(self, row: int, answer: CellAnswer, columns: int) -> list[Segment]:
        """Return a line in which every cell says the same, in words."""
        width = columns * self._column_width
        character = self._characters[answer]
        word = clean(answer.code, 60) if answer.code else answer.result.value
        text = fit(f"{character} {word} ", width)
        if len(text.rstrip()) + 4 < width:
            text = text.rstrip() + " " + "─" * (width - width_of(text.rstrip()) - 2) + " "
        style = self._style(style_of(answer, self._characters))
        if row != self._at[0]:
            return [Segment(text, style)]
        left = self._at[1] * self._column_width
        whole = Strip([Segment(text, style)])
        under = "".join(segment.text for segment in whole.crop(left, left + 2))
        return [
            *whole.crop(0, left),
            Segment(under, self._under_cursor(style)),
            *whole.crop(left + 2, width),
        ]

    def _under_cursor(self, style: RichStyle) -> RichStyle:
        style += self.get_component_rich_style("matrix-grid--cursor", partial=True)
        return style + RichStyle(reverse=True) if self.app.no_color else style

    def _style(self, style: Style) -> RichStyle:
        if style not in self._styles:
            partial = self.get_component_rich_style(f"matrix-grid--{style}", partial=True)
            self._styles[style] = self.rich_style + partial
        return self._styles[style]

    def _lay_out(self) -> None:
        """Share the room there is."""
        if self._grid is None:
            return
        columns = len(self._names.heads)
        named = max(map(width_of, self._names.heads)) + 2
        has_scrollbar = len(self._lines) + LEAST_HEAD > self.size.height
        room = room_of(self.size.width - has_scrollbar * _SCROLLBAR, self._longest(), named, columns)
        self._label_width, self._column_width, self._is_turned = room
        self._head_height = self._tallest() if self._is_turned else 1
        total = self._label_width + self._column_width * columns + ALLOWED
        self.virtual_size = Size(total, len(self._lines) + self._head_height)
        self.refresh()

    def _tallest(self) -> int:
        """Return how many lines the turned names take: no more than is then shown of them, and beside them the axes."""
        names = self._names.heads
        self._head_height = height = head_height(len(self._lines), max(map(len, names)), self.size.height)
        return min(height, max(LEAST_HEAD, *(len(self._shortened(name)) for name in names)))

    def _longest(self) -> int:
        assert self._grid is not None
        return self._names.longest(self._lines, f"{self._grid.row_title} \\ {self._grid.column_title} →")

    def _tell(self) -> None:
        if (case := self.cursor_case) is not None:
            alike = self._lines[self._at[0]].rows
            self.post_message(self.Moved(case, tuple(row for row in alike if row != self._held)))
