"""The ban list itself: what is banned, is it whole, and which of mine carry it?"""

from functools import partial
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Input, Static

from pyhall_tui.bans.carriers import Carriers
from pyhall_tui.bans.rows import BanRows, NotWanted, newest_first, search
from pyhall_tui.registry.models import BanList
from pyhall_tui.render.ban_list import ListState, ban_row, ban_values, entry_lines, list_lines
from pyhall_tui.render.counts import counted
from pyhall_tui.render.package import READ_ONLY
from pyhall_tui.render.text import clean
from pyhall_tui.screens.ban_list.check_dialog import CheckScreen
from pyhall_tui.screens.hash_reports import hash_sender, sent_reports
from pyhall_tui.screens.messages import ConnectionChanged, CopyText, FleetChanged, Go
from pyhall_tui.screens.worker.report_dialog import ReportScreen
from pyhall_tui.threads.off_loop import off_loop
from pyhall_tui.widgets.attendance import each_second
from pyhall_tui.widgets.cells import as_lines, show_line
from pyhall_tui.widgets.field import FilterInput
from pyhall_tui.widgets.header import StatusHeader
from pyhall_tui.widgets.key_bar import KeyBar
from pyhall_tui.widgets.line_table import Column, LineTable, Row
from pyhall_tui.widgets.standing_line import StandingLine
from pyhall_tui.widgets.too_small import TooSmall
from pyhall_tui.workspace import Workspace

COLUMNS = (
    Column("reported", "REPORTED", 11, sortable=False, field="reported_at"),
    Column("hash", "HASH", 16, sortable=False, field="sha256"),
    Column("mine", "MINE", 6, sortable=False),
    Column("reason", "REASON", 16, flex=5, sortable=False),
    Column("source", "SOURCE", 12, flex=1, leaves=2, sortable=False),
    Column("review", "REVIEW", 10, leaves=1, sortable=False),
)
_MANY, _TYPED = 10_000, 0.3
"""Entries from which on a search waits for so many seconds without a key."""
_PAUSE = 10.0
"""Times as long as it took, a list's order is left alone, so that a long one takes a tenth of the time at most."""


class BanListScreen(Screen[None]):
    """Browses the last ban list received, newest report first. Long lists are ordered and searched in a thread."""

    CSS_PATH = "ban_list.tcss"
    AUTO_FOCUS = "#bans"
    BINDING_GROUP_TITLE = "Ban list"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,backspace,b", "back", "Back", id="bans.back", tooltip="Leave the search, or the ban list"),
        Binding("slash", "search", "Search", key_display="/", id="bans.search", tooltip="Search hash, reason, source"),
        Binding("c", "check", "Check", id="bans.check", tooltip="Check a pasted hash, or a package"),
        Binding("m", "mine", "Mine", id="bans.mine", tooltip="Only what your workers carry, or everything"),
        Binding("r", "report", "Report", id="bans.report", tooltip="Report a package hash for review"),
        Binding("y", "copy", "Copy hash", id="bans.copy", tooltip="Copy the hash, or the marked ones"),
    ]

    def __init__(self, workspace: Workspace, query: str = "") -> None:
        super().__init__()
        self._workspace = workspace
        self._carriers = Carriers(workspace.fleet, self._local_hash)
        self._bans = BanList(entries={})
        """What the rows are of."""
        self._rows = self._found = newest_first({})
        self._query = query
        self._only_mine = False
        self._is_ordered = False
        self._order_again = 0.0
        """When the next list may be ordered, on the monotonic clock."""
        self._search_number = 0
        self._typing: Timer | None = None
        """Waits in a long list until nobody types any more."""
        self._counted = -1

    def compose(self) -> ComposeResult:
        yield StatusHeader(self._workspace, "workers")
        yield StandingLine(self._workspace)
        yield Static(id="ban-state", markup=False)
        with Horizontal(id="ban-bar"):
            yield self._filter()
            yield Static(id="ban-count", markup=False)
        yield LineTable(COLUMNS, self._row, id="bans", values=self._values, what="ban")
        yield Static(id="ban-entry", markup=False)
        yield KeyBar()
        yield TooSmall()

    def _filter(self) -> FilterInput:
        field = FilterInput("#bans", placeholder="/ search by hash, reason or source", id="ban-filter")
        field.value = self._query
        return field

    def on_mount(self) -> None:
        self.table.placeholder = "Loading …"
        self._workspace.connection.read_list()
        self._tick()
        each_second(self, self._tick)

    @property
    def table(self) -> LineTable:
        """The table of bans."""
        return self.query_one("#bans", LineTable)

    @property
    def correlation_id(self) -> str:
        """The id of the request that brought the list."""
        return self._listing.correlation_id

    @property
    def _listing(self) -> BanList:
        return self._workspace.fleet.listing or BanList(entries={})

    # -- what is shown -----------------------------------------------------------------------------------------

    @on(FleetChanged)
    def _fleet_changed(self) -> None:
        self._follow_list()
        if self._counted != self._workspace.fleet.news:
            self._show_mine()

    @on(ConnectionChanged)
    def _connection_changed(self) -> None:
        self.query_one(StatusHeader).update_status()
        self._show_state()

    def on_screen_resume(self) -> None:
        if self.is_mounted:
            self.query_one(StatusHeader).update_status()
            self._tick()

    def _tick(self) -> None:
        self._show_state()
        self._follow_list()
        self._show_entry()

    def _show_state(self) -> None:
        lines = list_lines(self.list_state, self._workspace.now())
        show_line(self.query_one("#ban-state", Static), as_lines(lines))

    @property
    def list_state(self) -> ListState:
        """What is known of the list itself."""
        workspace = self._workspace
        fleet, state = workspace.fleet, workspace.connection.state
        return ListState(fleet.listing, workspace.list_asked, state, workspace.profile)

    def _follow_list(self) -> None:
        """Put a new list in order, unless the last one took so long that it is too soon."""
        mono = self._workspace.now().mono
        if self._is_ordered and self._listing.entries is self._bans.entries:
            return
        if self._workspace.fleet.listing is None:
            self.table.placeholder = "There is no ban list to show."
            self._tell_count()
        elif mono >= self._order_again:
            self._order_again = float("inf")
            self._order()

    @work(exit_on_error=False, group="order")
    async def _order(self) -> None:
        bans, began = self._listing, self._workspace.now().mono
        try:
            rows = await off_loop(partial(newest_first, bans.entries, lambda: self.is_running), name="ban-list-order")
        except NotWanted:
            return
        finally:
            now = self._workspace.now().mono
            self._order_again = now + _PAUSE * (now - began)
        if self._query:
            rows, found = rows, await self._searched(rows, bans)
        else:
            found = rows
        self._is_ordered, self._bans, self._rows = True, bans, rows
        if found is not None:
            self._found = found
        self._show_rows(is_new=True)

    async def _searched(self, rows: BanRows, bans: BanList) -> BanRows | None:
        """Return what the query finds; None if there is another query meanwhile."""
        self._search_number += 1
        number = self._search_number
        find = partial(
            search, rows, bans.entries, self._query, lambda: self.is_running and number == self._search_number
        )
        try:
            return await off_loop(find, name="ban-list-search")
        except NotWanted:
            return None

    @on(Input.Changed, "#ban-filter")
    def _query_changed(self, message: Input.Changed) -> None:
        self._query = message.value.strip()
        self._search_number += 1  # what is searched now is not wanted any more
        if self._typing is not None:
            self._typing.stop()
            self._typing = None
        if len(self._rows) > _MANY:
            self._typing = self.set_timer(_TYPED, self._search)
        else:
            self._search()

    @work(exit_on_error=False, group="search")
    async def _search(self) -> None:
        self._tell_count("searching …")
        found = await self._searched(self._rows, self._bans)
        if found is not None:
            self._found = found
            self._show_rows()

    def _show_rows(self, *, is_new: bool = False) -> None:
        """Show what was found, or what of it is yours."""
        self._counted = self._workspace.fleet.news
        rows = self._found.of(self._carriers.counts) if self._only_mine else self._found
        self.table.placeholder = self._why_empty()
        self.table.notify_style_update()  # drops drawn rows: an entry may say something else now
        self.table.show(rows, by_itself=is_new)
        self.table.refresh()
        self._tell_count()
        self._show_entry()

    def _show_mine(self) -> None:
        self._counted = self._workspace.fleet.news
        if self._only_mine:
            self._show_rows(is_new=True)
        else:
            self.table.refresh_rows(self.table.visible_keys)
            self._show_entry()

    def _why_empty(self) -> str:
        if not self._is_ordered:
            return "Loading …"
        if self._query:
            return f"No entry has “{clean(self._query, 40)}”. Esc clears the search."
        return "None of your workers carries a banned hash." if self._only_mine else "The ban list is empty."

    def _tell_count(self, word: str = "") -> None:
        shown, total = len(self.table.keys), len(self._rows)
        mine = "mine · " if self._only_mine else ""
        count = counted(shown, total, "entry", "entries")
        self.query_one("#ban-count", Static).update(Content(word or f"{mine}{count}"))

    def _row(self, sha256: str) -> Row:
        entry = self._bans.entries.get(sha256)
        if entry is None:
            return Row({})
        row = ban_row(entry, self._carriers.counts[sha256], self._workspace.now().wall)
        return Row(dict(row._asdict()))

    def _values(self, sha256: str) -> dict[str, Any] | None:
        entry = self._bans.entries.get(sha256)
        return ban_values(entry, self._carriers.counts[sha256]) if entry else None

    @on(LineTable.Highlighted, "#bans")
    def _show_entry(self) -> None:
        below = self.query_one("#ban-entry", Static)
        sha256 = self.table.cursor_key
        entry = self._bans.entries.get(sha256) if sha256 is not None else None
        below.display = entry is not None
        if entry is not None:
            fleet = self._workspace.fleet
            carriers = self._carriers.of(entry.sha256)
            lines = entry_lines(entry, carriers, self._workspace.now().mono, fleet.stale_after)
            show_line(below, as_lines(lines))

    def _local_hash(self, worker_id: str) -> str | None:
        standing = self._workspace.packages.standing(worker_id)
        return standing.drift.sha256 if standing else None

    # -- keys --------------------------------------------------------------------------------------------------

    def action_search(self) -> None:
        self.set_focus(self.query_one("#ban-filter", Input))

    def action_back(self) -> None:
        """Leave the search, clear it, then show everything again, then leave the screen."""
        filter_input = self.query_one("#ban-filter", Input)
        if filter_input.value:
            filter_input.value = ""
            self.table.focus()
        elif filter_input.has_focus:
            self.table.focus()
        elif self._only_mine:
            self.action_mine()
        elif self.app.screen is self:
            self.app.pop_screen()

    def action_mine(self) -> None:
        self._only_mine = not self._only_mine
        self._show_rows()

    def action_copy(self) -> None:
        if hashes := self.table.targets():
            what = "package hash" if len(hashes) == 1 else f"list of {len(hashes):,} hashes"
            self.post_message(CopyText("\n".join(hashes), what))

    def action_check(self) -> None:
        self.app.push_screen(CheckScreen(self._workspace, self._carriers, lambda: self.list_state))

    def action_report(self) -> None:
        workspace = self._workspace
        if workspace.profile.read_only:
            self.notify(READ_ONLY, severity="warning", markup=False)
            return
        form = ReportScreen(workspace.notes, hash_sender(workspace), sent_reports(workspace), None, "")
        self.app.push_screen(form, self._reported)

    def _reported(self, taken: bool | None) -> None:
        if taken:
            self.notify("Reported. It bans nothing by itself: it is reviewed first.", markup=False)

    @on(LineTable.Opened, "#bans")
    def _open_carriers(self, message: LineTable.Opened) -> None:
        """Go to the worker that carries it; to several as a search for the hash."""
        carriers = self._carriers.of(message.key)
        if not carriers:
            self.notify("None of your workers carries this hash.", timeout=3, markup=False)
            return
        self.app.pop_screen()
        one = carriers[0].worker_id if len(carriers) == 1 else None
        fill = {} if one else {"filter": f"sha256:{message.key}"}
        self.app.post_message(Go("workers", worker_id=one, fill=fill))
