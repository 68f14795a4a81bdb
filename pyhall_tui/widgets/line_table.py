"""One table for every long list, with Textual's line API: it makes only the lines that are on screen.

With 10,000 rows and 200 updates per second, `DataTable` takes 246 ms from a key to its frame; this takes 11. Rows are
keys; the `row` callable makes their cells when they are drawn. The cursor is a key too, so it stays on its row through
updates, sorts and filters.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.timer import Timer

from pyhall_tui.render.text import Cell, Style
from pyhall_tui.textual_internals import update_scrollbars
from pyhall_tui.widgets.cells import STYLES, cursor_ground
from pyhall_tui.widgets.column_widths import GAP, GUTTER
from pyhall_tui.widgets.columns import Column, Columns, Row, fit, layout_of, merged
from pyhall_tui.widgets.late import after_refresh
from pyhall_tui.widgets.table_keys import TABLE_KEYS, Marks

if TYPE_CHECKING:
    from pyhall_tui.widgets.exported import Exported

__all__ = ["Column", "LineTable", "Row"]

_HEAD, _SORTED = "$secondary bold", "$foreground bold underline"

SETTLES = 0.5
"""Seconds for which keys do nothing after the row under the cursor changed: they were meant for the old row."""


class LineTable(ScrollView, can_focus=True):
    """A table of many rows with a cursor, marks and sortable headers."""

    BINDING_GROUP_TITLE = "Table"
    BINDINGS: ClassVar[list[BindingType]] = TABLE_KEYS
    DEFAULT_CSS = """
    LineTable {
        height: 1fr;
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
    }
    """

    ACTS_ON_MARKS = True
    """Whether what is done to rows is done to the marked ones."""
    virtual_size = reactive(Size(0, 0))
    """Unlike Textual's, it causes no layout: the scrollbar is always visible, and is all that depends on it."""
    placeholder: reactive[str] = reactive("", repaint=False)
    """What is shown if there are no rows."""

    class RowMessage(Message):
        """A table's message; `control` is the table."""

        def __init__(self, table: "LineTable") -> None:
            super().__init__()
            self.table = table

        @property
        def control(self) -> "LineTable":
            return self.table

    class Highlighted(RowMessage):
        """The cursor is on another row; None if there are no rows."""

        def __init__(self, table: "LineTable", key: str | None) -> None:
            super().__init__(table)
            self.key = key

    class Opened(RowMessage):
        """A row was opened, by enter or a double click."""

        def __init__(self, table: "LineTable", key: str) -> None:
            super().__init__(table)
            self.key = key

    class HeaderPressed(RowMessage):
        """The title of a column was clicked."""

        def __init__(self, table: "LineTable", column: str) -> None:
            super().__init__(table)
            self.column = column

    class Marked(RowMessage):
        """Other rows are marked."""

    class ViewMoved(RowMessage):
        """Different rows are on screen; the receiver pulls `visible_keys`."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, LineTable.ViewMoved) and message.table is self.table

    def __init__(
        self,
        columns: Sequence[Column],
        row: Callable[[str], Row],
        *,
        id: str | None = None,  # noqa: A002
        ids: Callable[[], Sequence[str]] | None = None,
        roomy: int = 0,
        values: Callable[[str], Mapping[str, Any] | None] | None = None,
        what: str = "row",
        all_keys: Callable[[], Sequence[str]] | None = None,
    ) -> None:
        """Make an empty table. `row` is called with a key only when that row is drawn.

        Args:
            ids: returns what may stand in the columns of ids (see `Columns`).
            roomy: see `column_widths.widths`.
            values: returns a row's plain values for an export, by column, where they are more than its cells say: whole
                texts, times in ISO 8601. None: the row is gone.
            what: what one row is, in an export.
            all_keys: returns all rows, shown or not, and another list once they are others: a filter unmarks none.
        """
        super().__init__(id=id)
        self._columns = Columns(columns, ids)
        self._roomy = roomy
        self._row = row
        self._values, self._what = values, what
        self._all_keys = all_keys
        self._keys: Sequence[str] = ()
        self._place = 0
        """Where the row under the cursor was found last; `_place_of_cursor` looks whether it still is."""
        self._cursor: str | None = None
        self._moved = False
        """Until you move it, the cursor stays on the first row, whichever that is."""
        self._settling: Timer | None = None
        """Runs for a moment after the row under the cursor has changed by itself."""
        self.marked = Marks()
        self.sorted_by: str | None = None
        self.descending = False
        self._strips: dict[str, Strip] = {}
        """As last drawn; whatever changes a row, even the cursor, goes through `refresh_rows`."""
        self._styles: dict[tuple[Style, bool], RichStyle] = {}
        self._measured_lines = 0
        """How high the table was when the columns last got to know the rows that are on screen."""
        self._measured: dict[str, Row] = {}
        """Rows that were measured and not drawn yet; the first frame makes each only once."""
        self._is_to_lay_out = False
        """Whether the columns get other widths after the next frame."""

    @property
    def keys(self) -> Sequence[str]:
        """The rows shown, in order."""
        return self._keys

    @property
    def cursor_key(self) -> str | None:
        """The row under the cursor."""
        return self._cursor if self._place_of_cursor() is not None else None

    @property
    def visible_keys(self) -> Sequence[str]:
        """The rows that are on screen."""
        top = self.scroll_offset.y
        return self._keys[top : top + max(0, self.size.height - 1)]

    def watch_placeholder(self) -> None:
        if not self._keys:
            self.refresh()

    def show(self, keys: Sequence[str], *, by_itself: bool = False) -> None:
        """Show these rows in this order; the cursor stays on its row, or moves to the row that replaces it.

        If only rows outside the screen appeared, disappeared or moved, nothing is drawn. `by_itself`: the user didn't
        ask for the change, so a key pressed at that moment was meant for the old rows, and does nothing (see
        `targets`).
        """
        seen = (self.visible_keys, self.scroll_offset)
        aimed_at = (self._cursor, bool(self.marked))
        place = self._place_of_cursor() or 0
        self._measured.clear()
        self._keys = keys
        if not self._moved:
            self._set_cursor(keys[0] if keys else None)
        self.marked.forget_lost(self._keys, self._all_keys)
        self._follow_size()
        if self._place_of_cursor() is None:
            self._set_cursor(keys[min(place, len(keys) - 1)] if keys else None)
        self._keep_cursor_in_view()
        self._measure()
        if by_itself and aimed_at != (None, False) and aimed_at != (self._cursor, bool(self.marked)):
            self._unsettle()
        if seen != (self.visible_keys, self.scroll_offset):
            self.refresh()
            self.post_message(self.ViewMoved(self))

    def _unsettle(self) -> None:
        self._settle()
        self._settling = settling = self.set_timer(SETTLES, self._settle)
        # Counted from the frame that shows the other row, because a busy machine may take long to draw it.
        after_refresh(self, lambda: settling.reset() if settling is self._settling else None)

    def _settle(self) -> None:
        if self._settling is not None:
            self._settling.stop()
        self._settling = None

    def _is_settled(self) -> bool:
        """Whether the row has been under the cursor long enough for a key to be meant for it; otherwise say so."""
        if self._settling is None:
            return True
        self._moved = True
        self._settle()
        self.notify("The selected row just changed: press the key again.", timeout=3, markup=False)
        return False

    def refresh_rows(self, keys: Iterable[str] | None) -> None:
        """Draw these rows, or all, again if they are on screen and have changed; others cost nothing."""
        self._measured.clear()
        on_screen = {key: position for position, key in enumerate(self.visible_keys, self.scroll_offset.y)}
        keys = (*self._strips, *on_screen) if keys is None else keys
        drawn = {key: strip for key in keys if (strip := self._strips.pop(key, None)) is not None or key in on_screen}
        rows = {key: self._row(key) for key in drawn if key in on_screen}
        if sum(self._columns.take(key, row, is_new=True) for key, row in rows.items()):
            self._lay_out()
        for key, row in rows.items():
            if drawn[key] is None or drawn[key] != self._fresh_strip(key, row):
                self._refresh_line(on_screen[key])

    def move_to(self, key: str) -> None:
        """Put the cursor on that row, if it is shown."""
        if key in self._keys:
            self._moved = True
            self._settle()
            self._set_cursor(key)
            self._keep_cursor_in_view()

    def targets(self) -> list[str]:
        """Return the rows that an action is for: the marked ones in order, or the one under the cursor.

        Marked ones that the filter hides come last: say so (`hidden_marks`).

        It is empty for a moment after the row under the cursor changed by itself, or all marked rows disappeared; the
        table then says so.
        """
        self.marked.forget_lost(self._keys, self._all_keys)
        if self.marked:  # whichever row came under the cursor
            return self.marked.in_order(self._keys)
        return [self.cursor_key] if self._is_settled() and self.cursor_key is not None else []

    def target(self) -> str | None:
        """Return the row under the cursor, for an action on one; None as with `targets`."""
        return self.cursor_key if self._is_settled() else None

    @property
    def hidden_marks(self) -> int:
        """How many marked rows the filter hides. Rows that are gone are not marked any more."""
        self.marked.forget_lost(self._keys, self._all_keys)
        return self.marked.hidden_by(self._keys)

    def unmark(self) -> None:
        """Remove all marks."""
        self.marked.clear()
        self._marks_changed()

    def exported(self) -> "Exported":
        """Return the marked rows, or else all that are shown, and the columns shown, but with whole values."""
        from pyhall_tui.widgets.exported import Exported, records_of  # not before the first frame

        shown, hidden = [column for column, _ in self._columns.shown], self._columns.hidden
        names = [[column.field or column.key for column in columns] for columns in (shown, hidden)]
        self.marked.forget_lost(self._keys, self._all_keys)
        marked = self.marked.in_order(self._keys) if self.ACTS_ON_MARKS else []
        records = partial(records_of, [*shown, *hidden], marked or self._keys, self._row, self._values)
        return Exported(self._what, tuple(names[0]), records, tuple(names[1]), len(marked))

    def set_sort(self, column: str | None, *, descending: bool) -> None:
        """Show by which column the rows are sorted, with a symbol in its title."""
        self.sorted_by, self.descending = column, descending
        if self._columns.is_laid_out:
            self._lay_out()
        self.refresh()

    def action_cursor(self, step: int) -> None:
        self._move((self._place_of_cursor() or 0) + step)

    def action_page(self, pages: int) -> None:
        self._move((self._place_of_cursor() or 0) + pages * max(1, self.size.height - 2))

    def action_edge(self, edge: int) -> None:
        self._move(len(self._keys) - 1 if edge else 0)

    def action_open(self) -> None:
        if self.cursor_key is not None and self._is_settled():
            self.post_message(self.Opened(self, self.cursor_key))

    def action_mark(self) -> None:
        if self.cursor_key is None or not self._is_settled():
            return
        self.marked.invert([self.cursor_key])
        self.refresh_rows([self.cursor_key])
        self.post_message(self.Marked(self))
        self.action_cursor(1)

    def action_mark_shown(self) -> None:
        self.marked.add_all(self._keys)
        self._marks_changed()

    def action_invert_marks(self) -> None:
        self.marked.invert(self._keys)
        self._marks_changed()

    def _marks_changed(self) -> None:
        self._strips.clear()
        self.refresh()
        self.post_message(self.Marked(self))

    def on_mount(self) -> None:
        self.arrange_columns()

    def arrange_columns(self) -> None:
        """Have the columns that you have configured."""
        if self._columns.arrange(layout_of(self.app, self.id)):
            self.on_resize()

    def on_resize(self) -> None:
        self._strips.clear()
        self._follow_size()
        self._keep_cursor_in_view()
        self._measure()
        self._fit_columns()
        self.post_message(self.ViewMoved(self))

    def on_focus(self) -> None:
        self._redraw_cursor()

    def on_blur(self) -> None:
        self._redraw_cursor()

    def on_click(self, event: events.Click) -> None:
        if event.y == 0:
            self._press_header(event.x)
            return
        position = event.y - 1 + self.scroll_offset.y
        if position < len(self._keys):
            self._moved = True
            self._settle()
            self._set_cursor(self._keys[position])
            if event.chain == 2:
                self.action_open()

    def notify_style_update(self) -> None:
        self._strips.clear()
        self._styles.clear()
        super().notify_style_update()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self.post_message(self.ViewMoved(self))

    def render_line(self, y: int) -> Strip:
        if self._measured_lines != self.size.height:  # it is drawn before it hears of its new size
            self._measure()
        if not self._columns.is_laid_out:
            self._fit_columns()
        if y == 0:
            return self._header()
        position = y - 1 + self.scroll_offset.y
        if y == 1 and not self._keys:
            text = fit("  " + self.placeholder, self.size.width)
            return Strip([Segment(text, self._style(Style.DIM, is_cursor=False))])
        if position >= len(self._keys):
            return Strip.blank(self.size.width, self.rich_style)
        return self._strip(self._keys[position])

    def _measure(self) -> None:
        """Let the columns know the rows that are on screen now, and lay them out again if they need other widths."""
        self._measured_lines = self.size.height
        changed = False
        for key in self.visible_keys:
            if not self._columns.knows(key):
                row = self._measured[key] = self._row(key)
                changed |= self._columns.take(key, row, is_new=True)
        if changed or self._columns.is_outdated:
            self._lay_out()

    def _lay_out(self) -> None:
        """Give the columns their widths, and draw everything if they changed."""
        self._is_to_lay_out = False
        if self._fit_columns():
            self._strips.clear()
            self.refresh()

    def _fit_columns(self) -> bool:
        return self._columns.lay_out(self.size.width, roomy=self._roomy, sorted_by=self.sorted_by)

    def _strip(self, key: str) -> Strip:
        """Return the row as last drawn, or draw it."""
        strip = self._strips.get(key)
        if strip is not None:
            return strip
        row = self._measured.pop(key, None) or self._row(key)
        if self._columns.take(key, row, is_new=False) and not self._is_to_lay_out:
            self._is_to_lay_out = True
            after_refresh(self, self._lay_out)
        return self._fresh_strip(key, row)

    def _fresh_strip(self, key: str, row: Row) -> Strip:
        if len(self._strips) > 1_000:
            self._strips.clear()
        strip = self._strips[key] = self._draw(key, row, is_cursor=key == self._cursor)
        return strip

    def _draw(self, key: str, row: Row, *, is_cursor: bool) -> Strip:
        mark = "•" if key in self.marked else " "
        bar = "▌" if self.has_focus else "▏"  # its background is only another shade
        line = [Cell((bar if is_cursor else " ") + mark, Style.STRONG)]
        for column, width in self._columns.shown:
            line += self._columns.pieces(row, column, width)
        length = GUTTER + sum(width + GAP for _, width in self._columns.shown)
        strip = Strip([Segment(text, self._style(style, is_cursor)) for text, style in merged(line)], length)
        return strip.adjust_cell_length(self.size.width, self._style(Style.PLAIN, is_cursor))

    def _header(self) -> Strip:
        plain = self._looks(_HEAD)
        segments = [Segment(" " * GUTTER, plain)]
        for column, width in self._columns.shown:
            is_sorted = column.key == self.sorted_by
            sign = (" ▼" if self.descending else " ▲") if is_sorted else ""
            style = self._looks(_SORTED) if is_sorted else plain
            segments += [Segment(fit(column.title + sign, width), style), Segment(" " * GAP, plain)]
        return Strip(segments).adjust_cell_length(self.size.width, plain)

    def _style(self, style: Style, is_cursor: bool) -> RichStyle:
        cached = self._styles.get((style, is_cursor))
        if cached is None:
            bar = cursor_ground(self) if is_cursor else ""
            cached = self._styles[style, is_cursor] = self._looks(STYLES[style], bar)
        return cached

    def _looks(self, *words: str) -> RichStyle:
        """Return the style for these words on top of the table's own, from the theme.

        Component classes would do the same, but Textual makes and styles a node for each whenever the focus changes.
        """
        parse = self.app.stylesheet.parse_style
        return sum(map(parse, words), start=self.visual_style).rich_style

    def _press_header(self, x: int) -> None:
        column = self._columns.at(x)
        if column is not None and column.sortable:
            self.post_message(self.HeaderPressed(self, column.key))

    def _move(self, position: int) -> None:
        if self._keys:
            self._moved = True
            self._settle()
            self._set_cursor(self._keys[max(0, min(position, len(self._keys) - 1))])
            self._keep_cursor_in_view()

    def _place_of_cursor(self) -> int | None:
        """Return where the row under the cursor is, None if it is nowhere. An index of all rows would cost more."""
        keys = self._keys
        if not (self._place < len(keys) and keys[self._place] == self._cursor):
            if self._cursor is None or self._cursor not in keys:
                return None
            self._place = keys.index(self._cursor)
        return self._place

    def _set_cursor(self, key: str | None) -> None:
        if key == self._cursor:
            return
        before, self._cursor = self._cursor, key
        self.refresh_rows(key for key in (before, self._cursor) if key is not None)
        self.post_message(self.Highlighted(self, key))

    def _redraw_cursor(self) -> None:
        self._styles.clear()
        if self._cursor is not None:
            self.refresh_rows([self._cursor])

    def _follow_size(self) -> None:
        self.virtual_size = Size(self.size.width, len(self._keys) + 1)
        update_scrollbars(self)

    def _refresh_line(self, position: int) -> None:
        self.refresh(Region(0, position - self.scroll_offset.y + 1, self.size.width, 1))

    def _keep_cursor_in_view(self) -> None:
        position = self._place_of_cursor()
        rows = self.size.height - 1
        if position is None or rows < 1:
            return
        top = self.scroll_offset.y
        wanted = min(max(top, position - rows + 1), position)
        if wanted != top:
            self.scroll_to(y=wanted, animate=False, immediate=True)
