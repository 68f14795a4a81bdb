"""The log of this run: what was asked, how it ended, what went wrong, and what the line of news said."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Static

from pyhall_tui.clock import Clock
from pyhall_tui.feeds.run_log import LogRow, RunLog
from pyhall_tui.feeds.run_log_feed import RunLogFeed, View
from pyhall_tui.render.connection import bands
from pyhall_tui.render.counts import counted
from pyhall_tui.render.run_log import dropped_words, log_cells, log_line, log_values
from pyhall_tui.render.text import clean
from pyhall_tui.screens.elsewhere import standing_elsewhere
from pyhall_tui.screens.messages import ConnectionChanged, CopyText, FleetsChanged
from pyhall_tui.screens.overview.watched import KeptProfile
from pyhall_tui.widgets.attendance import each_second
from pyhall_tui.widgets.cells import show_line
from pyhall_tui.widgets.clipboard import SelectTextScreen
from pyhall_tui.widgets.field import FilterInput
from pyhall_tui.widgets.header import StatusHeader
from pyhall_tui.widgets.key_bar import KeyBar, key_names
from pyhall_tui.widgets.key_hint import KeyHint
from pyhall_tui.widgets.line_table import Column, LineTable, Row
from pyhall_tui.widgets.time_column import with_zone
from pyhall_tui.widgets.too_small import TooSmall
from pyhall_tui.workspace import Workspace

COLUMNS: Final = (
    Column("when", "TIME", 9, sortable=False, field="at"),
    Column("kind", "KIND", 7, sortable=False),
    Column("what", "WHAT", 30, flex=6, sortable=False),
    Column("status", "STATUS", 8, flex=2, sortable=False),
    Column("took", "TOOK", 8, leaves=3, sortable=False, field="elapsed_ms"),
    Column("profile", "PROFILE", 8, leaves=2, sortable=False),
    Column("correlation", "CORRELATION", 16, leaves=1, sortable=False, field="correlation_id"),
)


class RunLogScreen(Screen[None]):
    """Lists the rows, newest first. It follows while the cursor is on the newest row, unless it is paused."""

    CSS_PATH = "run_log.tcss"
    AUTO_FOCUS = "#log"
    LISTS_NEWS = True
    BINDING_GROUP_TITLE = "Log of this run"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,backspace", "back", "Back", id="log.back", tooltip="Leave the filter, or the log"),
        Binding("slash", "filter", "Filter", key_display="/", id="log.filter", tooltip="Filter over all fields"),
        Binding("t", "view", "Kind", id="log.view", tooltip="Show only requests, faults or news, or all"),
        Binding("p", "pause", "Pause", id="log.pause", tooltip="Pause: new rows are counted, not shown"),
        Binding("y", "copy", "Copy", id="log.copy", tooltip="Copy the marked rows, or this one"),
        Binding("Y", "copy_all", "Copy all", id="log.copy_all", tooltip="Copy everything that is listed"),
    ]

    def __init__(
        self, workspace: Workspace | None, run_log: RunLog, clock: Clock, kept: Callable[[], Sequence[KeptProfile]]
    ) -> None:
        """`kept` returns all profiles that run or should run, the open one included."""
        super().__init__()
        self._workspace, self._kept = workspace, kept
        self._clock = clock
        self._feed = RunLogFeed(run_log)
        self._is_paused = False

    def compose(self) -> ComposeResult:
        yield StatusHeader(self._workspace, "")
        yield Static(id="log-standing", markup=False)
        yield FilterInput("#log", placeholder="/ filter over all fields, in plain words", id="log-filter")
        with Horizontal(id="log-narrowing"):
            yield KeyHint("", "screen.view", id="log-view")
            yield KeyHint("", "screen.pause", id="log-pausing")
            yield Static(id="log-count", markup=False)
        yield LineTable(with_zone(COLUMNS), self._row, id="log", values=self._values)
        yield Static(id="log-row", markup=False)
        yield KeyBar()
        yield TooSmall()

    @property
    def table(self) -> LineTable:
        """The table of rows."""
        return self.query_one("#log", LineTable)

    @property
    def correlation_id(self) -> str:
        """The id of the request under the cursor."""
        row = self._feed.get(self.table.cursor_key)
        return row.correlation_id if row else ""

    # -- what is shown -----------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        self._feed.pull()
        self._show_rows()
        self._show_standing()
        each_second(self, self._tick)

    def on_screen_resume(self) -> None:
        if self.is_mounted:
            self.query_one(StatusHeader).update_status()
            self._tick()

    @on(ConnectionChanged)
    @on(FleetsChanged)
    def _connection_changed(self) -> None:
        self.query_one(StatusHeader).update_status()
        self._show_standing()

    def _tick(self) -> None:
        if not self.is_current:
            return
        self._show_standing()
        follows = self._follows
        if follows and self._feed.pull():
            self._show_rows(by_itself=True)
            if self.table.keys and self.table.cursor_key != self.table.keys[0]:
                self.table.move_to(self.table.keys[0])
        else:
            self._tell_count()

    @property
    def _follows(self) -> bool:
        """Whether new rows are shown: not while it is paused, and not while you read an older row, or mark some."""
        table = self.table
        is_reading = bool(table.marked) or (table.keys and table.cursor_key != table.keys[0])
        return not self._is_paused and not is_reading

    def _show_rows(self, *, by_itself: bool = False) -> None:
        self.table.placeholder = "No row matches the filter. Esc clears it." if self._feed.total else "Nothing yet."
        self.table.show(self._feed.keys(), by_itself=by_itself)
        self._tell_count()
        self._show_whole_row()

    def _show_standing(self) -> None:
        """Show in full what the bands of other screens have no room for, and what is wrong at other profiles."""
        workspace, said = self._workspace, self.query_one("#log-standing", Static)
        lines: list[str] = []
        if workspace is not None:
            poll = workspace.profile.poll_interval
            cells = bands(
                workspace.connection.state, workspace.key_answer, self._clock.now(), poll, keys=key_names(self)
            )
            lines = [cell.text for cell in cells] + [clean(each) for each in workspace.standing]
        lines += standing_elsewhere(self._kept(), self._clock.now())
        said.display = bool(lines)
        if lines:
            show_line(said, Content("\n".join(f"▲ {line}" for line in lines)))

    def _tell_count(self) -> None:
        feed, shown = self._feed, len(self.table.keys)
        view = self.query_one("#log-view", KeyHint)
        view.update(f"kind: {feed.view}")
        view.set_class(feed.view is not View.ALL, "-active")
        pausing = self.query_one("#log-pausing", KeyHint)
        waiting = f"{feed.waiting:,} waiting"
        held = f"paused · {waiting}" if self._is_paused else f"{waiting} while you read · g newest"
        pausing.update("● live" if self._follows else f"‖ {held}")
        pausing.set_class(not self._follows, "-paused")
        said = (counted(shown, feed.total, "row"), dropped_words(feed.dropped))
        show_line(self.query_one("#log-count", Static), Content(" · ".join(filter(None, said))))

    def _row(self, key: str) -> Row:
        row = self._feed.get(key)
        return Row(dict(log_cells(row, self._clock.now().wall)._asdict()) if row else {})

    def _values(self, key: str) -> dict[str, Any] | None:
        row = self._feed.get(key)
        return log_values(row) if row else None

    @on(LineTable.Highlighted, "#log")
    def _show_whole_row(self) -> None:
        row = self._feed.get(self.table.cursor_key)
        below = self.query_one("#log-row", Static)
        below.display = row is not None
        if row is not None:
            below.update(Content(log_line(row)))
        self._tell_count()

    # -- keys --------------------------------------------------------------------------------------------------

    @on(Input.Changed, "#log-filter")
    def _filter_changed(self, message: Input.Changed) -> None:
        self._feed.text = message.value.strip()
        self._show_rows()

    def action_filter(self) -> None:
        self.set_focus(self.query_one("#log-filter", Input))

    def action_view(self) -> None:
        views = list(View)
        self._feed.view = views[(views.index(self._feed.view) + 1) % len(views)]
        self._show_rows()

    def action_pause(self) -> None:
        """Pause, or follow again, from the newest row on."""
        self._is_paused = self._follows
        if not self._is_paused:
            self.table.marked.clear()
            self._feed.pull()
            self._show_rows()
            if self.table.keys:
                self.table.move_to(self.table.keys[0])
        self._tell_count()

    def action_back(self) -> None:
        """Leave the filter's input, clear the filter, then leave the screen."""
        filter_input = self.query_one("#log-filter", Input)
        if filter_input.value:
            filter_input.value = ""
            self.table.focus()
        elif filter_input.has_focus:
            self.table.focus()
        elif self.app.screen is self:
            self.app.pop_screen()

    def action_copy(self) -> None:
        self._copy([row for key in self.table.targets() if (row := self._feed.get(key))])

    def action_copy_all(self) -> None:
        self._copy([row for key in self.table.keys if (row := self._feed.get(key))])

    def _copy(self, rows: list[LogRow]) -> None:
        if rows:
            what = "row" if len(rows) == 1 else f"list of {len(rows):,} rows"
            self.post_message(CopyText("\n".join(map(log_line, rows)), what))

    @on(LineTable.Opened, "#log")
    def _open_row(self, message: LineTable.Opened) -> None:
        if row := self._feed.get(message.key):
            self.app.push_screen(SelectTextScreen(log_line(row), "row"))
