"""The history tab: all dispatches in the journal, also from earlier runs."""

from functools import partial
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from pyhall_tui.dispatch.history import EXPORTED, compare, dispatch_record, each_dispatch, question
from pyhall_tui.dispatch.result import Tried, read_back
from pyhall_tui.journal.rows import DispatchRow
from pyhall_tui.render.decision import history_row
from pyhall_tui.render.text import Cell, Style, clean
from pyhall_tui.screens.command_rows import Dispatched, Targets, dispatch_targets
from pyhall_tui.screens.dispatch.columns import COLUMNS
from pyhall_tui.screens.dispatch.dialogs import TextScreen
from pyhall_tui.threads.off_loop import off_loop
from pyhall_tui.widgets.cells import as_content
from pyhall_tui.widgets.exported import Exported
from pyhall_tui.widgets.field import FilterInput
from pyhall_tui.widgets.line_table import LineTable, Row
from pyhall_tui.widgets.seen_ids import SeenIds
from pyhall_tui.widgets.time_column import with_zone
from pyhall_tui.workspace import Workspace

_SHOWN = 2_000
_SETTLED = 0.15


class HistoryTab(Vertical):
    """Search, compare, send again, export."""

    BINDING_GROUP_TITLE = "History"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search", key_display="/", id="history.search", tooltip="Search the history"),
        Binding("c", "compare", "Compare", id="history.compare", tooltip="Compare the two marked ones field by field"),
        Binding("s", "again", "Send again", id="history.again", tooltip="Fill the form with this one and send it"),
        Binding("f", "lookup", "Correlation", id="history.lookup", tooltip="Everything this correlation id touched"),
        Binding(
            "E",
            "app.open('export')",
            "Export",
            id="history.export",
            tooltip="Export what the search finds: to a file, or copied",
        ),
    ]

    class Opened(Message):
        """Show a dispatch, and put its request into the form; with `send`, send it again."""

        def __init__(self, tried: Tried, *, send: bool = False) -> None:
            super().__init__()
            self.tried = tried
            self.send = send

    class LookUp(Message):
        """Show everything that an id touched."""

        def __init__(self, correlation_id: str) -> None:
            super().__init__()
            self.correlation_id = correlation_id

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(id="history-tab")
        self._workspace = workspace
        self._rows: dict[str, Tried] = {}
        self._seen_ids = SeenIds()

    def compose(self) -> ComposeResult:
        yield FilterInput("#history-rows", placeholder="/ worker:… capability:… code:… id:… or any text", id="search")
        yield LineTable(with_zone(COLUMNS), self._row, id="history-rows", ids=self._seen_ids)
        yield Static(id="kept-count")

    def read(self) -> None:
        """Ask the journal again."""
        self._read(self.query_one("#search", Input).value)

    @on(Input.Changed, "#search")
    def _typed(self) -> None:
        self.set_timer(_SETTLED, self.read)

    @work(exclusive=True, exit_on_error=False, group="history")
    async def _read(self, text: str) -> None:
        workspace = self._workspace
        journal, profile = workspace.journal, workspace.profile.name
        ask = partial(journal.dispatches, profile, limit=_SHOWN, **question(text))
        rows: list[DispatchRow] = await off_loop(ask, name="history")
        self._rows = {str(row.id): read_back(row) for row in rows}
        self._seen_ids.see(row.worker_id for row in rows)
        self.query_one("#history-rows", LineTable).show(list(self._rows), by_itself=True)
        all_of_them = "all that the search finds" if text.strip() else "all in the journal"
        more = f"the newest {_SHOWN:,}; search for older ones" if len(rows) == _SHOWN else all_of_them
        dispatches = f"{len(rows):,} dispatch{'es' * (len(rows) != 1)}"
        found = f"{dispatches}: {more}. space marks, c compares two." if rows else "No dispatches found."
        self.query_one("#kept-count", Static).update(as_content([Cell(found, Style.DIM)]))

    def _row(self, key: str) -> Row:
        tried = self._rows.get(key)
        return Row(history_row(tried, self._workspace.now().wall)._asdict()) if tried else Row({})

    @on(LineTable.Opened, "#history-rows")
    def _open(self, message: LineTable.Opened) -> None:
        message.stop()
        self.post_message(self.Opened(self._rows[message.key]))

    def command_targets(self) -> Targets:
        """Return the dispatches that a command of your own is for, each as its worker's row."""
        found = [self._rows[key].row for key in self.query_one("#history-rows", LineTable).targets()]
        rows = [Dispatched(row.worker_id or "", row.correlation_id, row.capability) for row in found]
        return dispatch_targets(self._workspace, rows)

    def action_again(self) -> None:
        if (tried := self._under_cursor()) is not None:
            self.post_message(self.Opened(tried, send=True))

    def action_lookup(self) -> None:
        if (tried := self._under_cursor()) is not None:
            self.post_message(self.LookUp(tried.row.correlation_id))

    def action_search(self) -> None:
        self.screen.set_focus(self.query_one("#search", Input))  # at once: the next key may be on its way already

    def action_compare(self) -> None:
        keys = self.query_one("#history-rows", LineTable).targets()
        if len(keys) != 2:
            self.notify("Mark two with space, then compare them.", markup=False)
            return
        lines = []
        for field in compare(self._rows[keys[1]], self._rows[keys[0]]):
            sign = Cell("≠ " if field.differs else "  ", Style.WARNING)
            values = clean(field.first, 200) + (f"  →  {clean(field.second, 200)}" if field.differs else "")
            style = Style.STRONG if field.differs else Style.DIM
            lines.append(as_content([sign, Cell(f"{clean(field.field):<24}", Style.DIM), Cell(values, style)]))
        self.app.push_screen(TextScreen("Older → newer", Content("\n").join(lines)))

    def exported(self) -> Exported:
        """What the search finds, older dispatches in the journal included."""
        workspace, text = self._workspace, self.query_one("#search", Input).value
        find = partial(each_dispatch, workspace.journal, workspace.profile.name, text)
        return Exported("decision", EXPORTED, lambda: map(dispatch_record, find()), from_journal=True)

    def _under_cursor(self) -> Tried | None:
        return self._rows.get(self.query_one("#history-rows", LineTable).target() or "")
