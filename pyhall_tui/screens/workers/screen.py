"""The workers screen: is anything wrong, and since when?"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input

from pyhall_tui.fleet.order import Group, Roster
from pyhall_tui.render.text import Cell, Style, clean
from pyhall_tui.render.worker import counts_line, worker_values
from pyhall_tui.screens.base import ModeScreen
from pyhall_tui.screens.messages import CopyText, EventsHappened, Go, OpenDemo
from pyhall_tui.screens.workers.table import COLUMNS, REORDER, WorkersTable, row_of
from pyhall_tui.widgets.attendance import each_second
from pyhall_tui.widgets.cells import as_content
from pyhall_tui.widgets.filter_line import FilterLine, FilterMistake
from pyhall_tui.widgets.frame import Frame
from pyhall_tui.widgets.late import after_refresh
from pyhall_tui.widgets.line_table import LineTable, Row
from pyhall_tui.widgets.one_at_a_time import one_at_a_time
from pyhall_tui.widgets.strip import FleetStrip
from pyhall_tui.workspace import Workspace

if TYPE_CHECKING:
    from pyhall_tui.screens.command_rows import Targets
    from pyhall_tui.screens.worker.view import WorkerView
    from pyhall_tui.screens.workers.list_changes import ListChanges

_MANY: Final = 100
"""More workers than this are verified only after a question: it is a request for each."""


class WorkersScreen(ModeScreen):
    """The whole fleet in one table, bans first."""

    MODE = "workers"
    CSS_PATH = "workers.tcss"
    AUTO_FOCUS = "#fleet"
    BINDING_GROUP_TITLE = "Workers"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "slash",
            "filter",
            "Filter",
            key_display="/",
            id="workers.filter",
            tooltip="Filter by id, name, status; state: ns: cap: hash: attested: changed<1h, ! for not",
        ),
        Binding("F", "filters", "Filters", show=False, id="workers.filters", tooltip="Filters: saved, and by state"),
        Binding("c", "counts", "Counts", show=False, id="workers.counts", tooltip="Counts by state: enter filters"),
        Binding("s", "sort", "Sort", id="workers.sort", tooltip="Sort by the next column"),
        Binding("S", "reverse", "Reverse", show=False, id="workers.reverse", tooltip="Reverse the order"),
        Binding("a", "add", "Watch", id="workers.add", tooltip="Put workers on the watch list"),
        Binding("x,delete", "remove", "Remove", id="workers.remove", tooltip="Take workers off the watch list"),
        Binding(
            "u",
            "undo",
            "Undo",
            show=False,
            id="workers.undo",
            tooltip="Undo the last change of your lists (ten at most)",
        ),
        Binding(
            "X",
            "drop_unknown",
            "Drop unknown",
            show=False,
            id="workers.drop_unknown",
            tooltip="Drop those just watched that the registry does not know",
        ),
        Binding("v", "verify", "Verify", id="workers.verify", tooltip="Verify now"),
        Binding(
            "t",
            "test",
            "Dispatch",
            id="workers.test",
            tooltip="Try a dispatch with this worker, or with all marked ones",
        ),
        Binding(
            "A",
            "attest",
            "Attest",
            show=False,
            id="workers.attest",
            tooltip="Attest the package hashes of the marked workers",
        ),
        Binding("e", "enroll", "Enroll", id="workers.enroll", tooltip="Enroll a new worker"),
        Binding("y", "copy_id", "Copy id", show=False, id="workers.copy_id", tooltip="Copy the worker's id"),
        Binding("h", "copy_hash", "Copy hash", show=False, id="workers.copy_hash", tooltip="Copy the package hash"),
        Binding(
            "Y", "note", "Incident note", show=False, id="workers.note", tooltip="Copy an incident note, as Markdown"
        ),
        Binding("r", "retry", "Retry", show=False, id="workers.retry", tooltip="Try the unreachable registry now"),
        Binding(
            "o", "hall", "Local hall", id="workers.hall", tooltip="Open the local hall: its decisions and its policy"
        ),
        Binding(
            "W", "watch_all", "Watch all", show=False, id="workers.watch_all", tooltip="Watch all workers of this hall"
        ),
    ]

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace)
        profile = workspace.profile
        namespace = profile.namespace.casefold()
        self._roster = Roster(workspace.fleet, Group(profile=profile.name.casefold(), namespace=namespace))
        self._summary: tuple[object, ...] = ()
        self._seen = -1
        self._list_changes: ListChanges | None = None
        self._accepted: dict[str, float] = {}
        self._is_hall = False
        self._beside: WorkerView | None = None

    def compose_body(self) -> ComposeResult:
        with Horizontal(id="workers-body"):
            with Frame(id="fleet-frame"):
                yield FleetStrip(self.workspace, "#fleet", id="strip")
                yield FilterLine("#fleet", placeholder="/ filter by id, name, state, hash or capability", id="filter")
                yield FilterMistake()
                yield WorkersTable(
                    COLUMNS,
                    self._row,
                    self._roster,
                    now=self.workspace.now,
                    due=self._sort_now,
                    values=self._values,
                    id="fleet",
                )
            if self.app.size.width >= self.WIDE:
                yield self._side()

    def _side(self) -> "WorkerView":
        """Make the view of the worker under the cursor; most terminals have no room for it."""
        from pyhall_tui.screens.workers.side import SideView

        self._beside = SideView(self.workspace, id="side")
        return self._beside

    def on_resize(self, event: events.Resize) -> None:
        """Show the worker under the cursor beside the table, once there is room for it."""
        if event.size.width >= self.WIDE and not self.query("#side"):
            self.query_one("#workers-body").mount(self._side())
            after_refresh(self, self._show_side)

    def on_mount(self) -> None:
        self.reorder()
        each_second(self, self._tick)
        self.set_timer(REORDER, lambda: self.run_worker(self._look_for_hall(), exit_on_error=False, group="hall"))

    async def _look_for_hall(self) -> None:
        """Check whether this is a local hall, which lists workers and shows decisions; the registry's API doesn't."""
        from pyhall_tui.monitor.hall_presence import follow_status, is_local_hall

        workspace = self.workspace
        self._is_hall = await is_local_hall(workspace.connection.ask_in_turn, workspace.clock)
        workspace.connection.is_hall = self._is_hall
        self._summary = ()
        self._summarise()
        self.query("#empty-all").set(display=self._is_hall)
        self.refresh_bindings()
        if self._is_hall:
            await follow_status(workspace.connection.ask_in_turn, workspace.clock, workspace.take_hall_trouble)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what only a local hall has if there is one."""
        return self._is_hall if action in ("hall", "watch_all") else True

    def action_hall(self) -> None:
        from pyhall_tui.screens.hall.screen import HallScreen

        self.app.push_screen(HallScreen(self.workspace))

    @one_at_a_time("watch-all")
    async def action_watch_all(self) -> None:
        from pyhall_tui.monitor.hall_presence import watch_all

        workspace = self.workspace
        said = await watch_all(workspace.connection.ask_in_turn, workspace.fleet, workspace.watched.watch)
        self.reorder()
        self.notify(said, markup=False)

    @property
    def correlation_id(self) -> str:
        """The id of the last verify of the worker under the cursor."""
        entry = self.workspace.fleet.get(self.table.cursor_key or "")
        return entry.verdict.correlation_id if entry and entry.verdict else ""

    @property
    def table(self) -> WorkersTable:
        """The fleet's table."""
        return self.query_one("#fleet", WorkersTable)

    def command_targets(self) -> "Targets":
        """Return the workers that a command of your own is for."""
        from pyhall_tui.screens.command_rows import Targets, worker_rows

        return Targets(worker_rows(self.workspace, self.table.targets()), self.table.hidden_marks)

    def fleet_changed(self) -> None:
        """Draw changes that are on screen; sort again a little later."""
        fleet = self.workspace.fleet
        changed = fleet.few_changed_since(self._seen)
        self._seen = fleet.revision
        self.table.refresh_rows(changed)
        self.table.reorder_soon()
        if self._list_changes is not None:
            self._list_changes.report()
        if changed is None or self.table.cursor_key in changed:
            self._show_side()

    def events_happened(self, message: EventsHappened) -> None:
        """Move rows whose state changed at once, rather than with the next sort."""
        self._sort_rows(by_itself=True)
        self._summarise()

    @on(Input.Changed, "#filter")
    def _filter_changed(self, message: Input.Changed) -> None:
        self.query_one(FilterMistake).say(self.table.filter_by(message.value))
        self.reorder()

    @on(LineTable.Opened)
    def _open(self, message: LineTable.Opened) -> None:
        self._open_worker(message.key)

    def _open_worker(self, worker_id: str) -> None:
        from pyhall_tui.screens.worker.screen import WorkerDetailScreen  # not before the first frame

        self.app.push_screen(WorkerDetailScreen(self.workspace, worker_id))

    @on(Go)
    def _go_to(self, message: Go) -> None:
        """Do what another screen, or a worker's view, requests: show a worker, or take one off the list."""
        if message.mode != self.MODE:
            return
        message.stop()
        if worker_id := message.fill.get("remove"):
            self.list_changes.remove([worker_id])
        elif message.worker_id is not None:
            self._show_worker(message.worker_id)
        elif (text := message.fill.get("filter")) is not None:
            self._set_filter(text)

    def _show_worker(self, worker_id: str) -> None:
        if worker_id not in self.workspace.fleet:
            self.notify(f"{clean(worker_id, 80)} is not on the watch list: put it there first.", markup=False)
            return
        if worker_id not in self.table.keys:
            self.query_one(FilterLine).value = ""
            self.table.filter_by("")
            self.reorder()
        self.table.move_to(worker_id)
        self._open_worker(worker_id)

    @on(LineTable.Highlighted)
    def _highlighted(self) -> None:
        self._show_side()

    @on(LineTable.HeaderPressed)
    @on(LineTable.Marked)
    def _marked(self) -> None:
        self._summarise()

    @on(LineTable.ViewMoved)
    def _view_moved(self) -> None:
        self.workspace.connection.look_at(self.table.visible_keys)

    def action_add(self) -> None:
        from pyhall_tui.screens.workers.add_workers import AddWorkersScreen  # not before the first frame

        self.app.push_screen(AddWorkersScreen(), self._add)

    def action_enroll(self) -> None:
        self.post_message(Go("enroll"))

    def action_open_demo(self) -> None:
        self.post_message(OpenDemo())

    @on(FleetStrip.StateChosen)
    def _state_chosen(self, message: FleetStrip.StateChosen) -> None:
        text, line = f"state:{message.state.name.lower()}", self.query_one(FilterLine)
        line.value = "" if line.value.strip() == text else text
        if not self.query_one(FleetStrip).has_focus:
            self.table.focus()

    @on(Frame.TitlePressed)
    def _title_pressed(self, message: Frame.TitlePressed) -> None:
        for state, count in self._roster.counts.items():
            if any(message.is_on(cell.text) for cell in counts_line({state: count})):
                self._state_chosen(FleetStrip.StateChosen(state))

    def action_counts(self) -> None:
        """Move to the counts; if there is no room for them, list the filters by state."""
        strip = self.query_one(FleetStrip)
        if strip.display:
            strip.focus()
        else:
            self.action_filters()

    def action_filters(self) -> None:
        """Show the filters to choose from."""
        from pyhall_tui.screens.workers.choosing_filters import choose_filter

        choose_filter(self, self.query_one(FilterLine).value, self._roster.counts, self._set_filter)

    def _set_filter(self, text: str) -> None:
        self.query_one(FilterLine).value = text
        self.table.focus()

    def action_filter(self) -> None:
        self.query_one(FilterLine).begin()

    def action_dismiss_news(self) -> None:
        """Leave the filter, then clear it, then the marks (escape). This also dismisses the news."""
        self.table.step_back(self.query_one(FilterLine))
        super().action_dismiss_news()

    def action_sort(self) -> None:
        self.table.sort_by_next()
        self._summarise()

    def action_reverse(self) -> None:
        self.table.reverse()
        self._summarise()

    def action_remove(self) -> None:
        ids = self.table.targets()
        if len(ids) > 1:
            what = "They go off the watch list, with the folders of their packages. You can undo it afterwards."
            self._ask("Remove", ids, what, self.list_changes.remove)
        elif ids:
            self.list_changes.remove(ids)

    def _ask(self, verb: str, ids: list[str], explained: str, act: Callable[[list[str]], None]) -> None:
        """Ask before something is done to several workers: exactly these, whatever is marked by then."""
        from pyhall_tui.screens.workers.marked import question

        dialog = question(verb, ids, self.table.keys, explained)
        self.app.push_screen(dialog, lambda agreed: act(ids) if agreed else None)

    def action_drop_unknown(self) -> None:
        """Ask whether to drop those just watched that the registry does not know."""
        if ids := self.list_changes.unknown():
            self._ask("Drop", ids, "The registry does not know them. You can undo it.", self.list_changes.remove)
        else:
            self.notify("The registry knows all workers that you just put on the list.", markup=False)

    def action_undo(self) -> None:
        from pyhall_tui.screens.undoing import undo_last

        undo_last(self, self.workspace.own_changes, self.reorder)

    def action_verify(self) -> None:
        ids = self.table.targets()
        if len(ids) > 1 and (len(ids) > _MANY or self.table.hidden_marks):
            self._ask("Verify", ids, "It is a request for each, sent as fast as the profile allows.", self._verify)
        elif ids:
            self._verify(ids)

    def _verify(self, ids: list[str]) -> None:
        self.workspace.connection.verify_now(ids)
        from pyhall_tui.screens.workers.list_changes import named

        self.notify(f"Verifying {named(ids)} now.", markup=False, timeout=2)

    def action_test(self) -> None:
        ids = self.table.targets()
        if len(ids) > 1:
            self.post_message(Go("dispatch", fill={"marked": ids}))
        elif ids:
            self.post_message(Go("dispatch", worker_id=ids[0]))

    @one_at_a_time("attest")
    async def action_attest(self) -> None:
        """Ask whether to attest the hashes of the marked workers' folders, or say why none can be."""
        from pyhall_tui.screens.workers.attest_marked import ask_to_attest

        await ask_to_attest(self, self.table, self._accepted)

    def action_copy_id(self) -> None:
        if ids := self.table.targets():
            self._copy(ids, "worker id")

    def action_copy_hash(self) -> None:
        from pyhall_tui.screens.workers.marked import copy_hashes

        copy_hashes(self, self.workspace.fleet, self.table.targets(), self._copy)

    def _copy(self, texts: list[str], what: str, plural: str = "s") -> None:
        if len(texts) == 1:
            self.post_message(CopyText(texts[0], what))
        elif texts:
            hidden = f" ({count:,} hidden by the filter)" if (count := self.table.hidden_marks) else ""
            self.post_message(CopyText("\n".join(texts), f"list of {len(texts):,} {what}{plural}{hidden}"))

    def action_note(self) -> None:
        from pyhall_tui.screens.worker.incident_note import copy_note

        if (worker_id := self.table.target()) is not None:
            self.run_worker(copy_note(self, self.workspace, worker_id), exit_on_error=False, group="note")

    def action_retry(self) -> None:
        self.workspace.connection.try_now()

    @property
    def list_changes(self) -> "ListChanges":
        """What puts workers on the watch list, and takes them off."""
        if self._list_changes is None:
            from pyhall_tui.screens.workers.list_changes import ListChanges  # not before the first frame

            self._list_changes = ListChanges(self)
        return self._list_changes

    def _add(self, worker_ids: tuple[str, ...] | None) -> None:
        if worker_ids:
            self.list_changes.add(worker_ids)

    def _row(self, worker_id: str) -> Row:
        fleet = self.workspace.fleet
        entry = fleet.get(worker_id)
        if entry is None:
            return Row({})
        return row_of(entry, self.workspace.now(), fleet.stale_after)

    def _values(self, worker_id: str) -> dict[str, Any] | None:
        entry = self.workspace.fleet.get(worker_id)
        return worker_values(entry, self.workspace.now(), self.workspace.fleet.stale_after) if entry else None

    def _sort_now(self) -> None:
        self._sort_rows(by_itself=True)
        self._summarise()

    def reorder(self) -> None:
        """Show the fleet as it is now."""
        self._sort_rows()
        self._summarise()

    def _sort_rows(self, *, by_itself: bool = False) -> None:
        self.table.reorder(by_itself=by_itself)
        self.query_one(FleetStrip).follow()

    def _summarise(self) -> None:
        """Show the table's counts in the frame's title and, in the same frame, in the strip."""
        fleet, by_state, shown = self.workspace.fleet, self._roster.counts, len(self._roster.ids)
        marks = self._marks()
        listed = sum(by_state.values())
        summary = (shown, listed, self.table.is_filtered, *by_state.values(), *marks)
        if summary == self._summary:
            return
        self._summary = summary
        self.query_one(FleetStrip).show(dict(by_state))
        frame = self.query_one("#fleet-frame")
        counts = [*marks, *counts_line(by_state)]
        frame.border_title = as_content(counts, " · ") if counts else Content("workers")
        total = self.table.count_line(f"{listed} worker{'s' * (listed != 1)}")
        hall = [Cell("o", Style.STRONG), Cell(" local hall · ", Style.DIM)] if self._is_hall else []
        frame.border_subtitle = as_content([*hall, Cell(total, Style.DIM)])
        self._show_emptiness(len(fleet) == 0)

    def _marks(self) -> list[Cell]:
        if not self.table.marked:
            return []
        from pyhall_tui.screens.workers.marked import marks_in_title  # not before the first frame

        return marks_in_title(self.table)

    def _show_emptiness(self, is_empty: bool) -> None:
        """Show what to do instead of the table; made at its first use, which for most users never comes."""
        table = self.table
        if table.display != is_empty:
            return
        if table.has_focus:
            self.set_focus(None)  # not the filter, where `u` would be typed
        table.display = not is_empty
        if not is_empty:
            self.query("EmptyFleet").remove()
            if self.focused is None:
                self.set_focus(table)
            return
        from pyhall_tui.screens.workers.empty import EmptyFleet

        self.query_one("#fleet-frame").mount(EmptyFleet(is_hall=self._is_hall))

    def _tick(self) -> None:
        """Draw the rows on screen again, because ages grow, and move what became stale."""
        if not self.is_current:
            return
        self._sort_now()
        self.table.refresh_rows(self.table.visible_keys)
        self._show_side()

    def _show_side(self) -> None:
        side = self._beside
        if side is not None and side.is_attached and side.display:
            side.show(self.table.cursor_key)
