"""The worker's view: what do we know about it, and what can you do?"""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static, TabPane

from pyhall_tui.fleet.events import Event
from pyhall_tui.registry.models import Verdict
from pyhall_tui.render.event import event_row
from pyhall_tui.render.history import timeline_lines
from pyhall_tui.render.text import Cell, Style, clean_lines
from pyhall_tui.render.worker import raw_json
from pyhall_tui.screens.command_rows import Targets, worker_row
from pyhall_tui.screens.messages import ConnectionChanged, CopyText, EventsHappened, Go
from pyhall_tui.screens.undoing import undo_last
from pyhall_tui.screens.worker.incident_note import copy_note
from pyhall_tui.screens.worker.package_tab import PackageTab
from pyhall_tui.screens.worker.view import WorkerView
from pyhall_tui.widgets.attendance import each_second
from pyhall_tui.widgets.cells import as_content, hanging
from pyhall_tui.widgets.header import StatusHeader
from pyhall_tui.widgets.key_bar import KeyBar
from pyhall_tui.widgets.late import after_refresh
from pyhall_tui.widgets.standing_line import StandingLine
from pyhall_tui.widgets.tabbed import Tabbed
from pyhall_tui.widgets.too_small import TooSmall
from pyhall_tui.workspace import Workspace


class WorkerDetailScreen(Screen[None]):
    """Everything about one worker: its fields, its history, its raw JSON."""

    CSS_PATH = ["../../widgets/tabs.tcss", "worker.tcss"]
    BINDING_GROUP_TITLE = "Worker"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,backspace", "leave", "Back", id="worker.back", tooltip="Back to the table"),
        Binding("v", "verify", "Verify now", id="worker.verify", tooltip="Verify now"),
        Binding("t", "test", "Test dispatch", id="worker.test", tooltip="Try a dispatch with this worker"),
        Binding("y", "copy_id", "Copy id", id="worker.copy_id", tooltip="Copy the worker's id"),
        Binding("h", "copy_hash", "Copy hash", id="worker.copy_hash", tooltip="Copy the full package hash"),
        Binding("Y", "note", "Incident note", id="worker.note", tooltip="Copy an incident note, as Markdown"),
        Binding("p", "package('choose_folder')", "Folder", id="worker.folder", tooltip="Choose the package's folder"),
        Binding("d", "package('hash_now')", "Hash", show=False, id="worker.rehash", tooltip="Hash the folder now"),
        Binding("a", "package('attest')", "Attest", id="worker.attest", tooltip="Attest the folder's hash again"),
        Binding("r", "package('report')", "Report", id="worker.report", tooltip="Report the package hash for review"),
        Binding(
            "e",
            "package('open_evidence')",
            "Evidence",
            show=False,
            id="worker.evidence",
            tooltip="Open its evidence log",
        ),
        Binding("x", "remove", "Remove", id="worker.remove", tooltip="Take it off the watch list"),
        Binding(
            "u",
            "undo",
            "Undo",
            show=False,
            id="worker.undo",
            tooltip="Undo the last change of your lists (ten at most)",
        ),
        Binding("left", "tab(-1)", "Tab", show=False, id="worker.previous_tab", tooltip="Previous tab"),
        Binding("right", "tab(1)", "Tab", show=False, id="worker.next_tab", tooltip="Next tab"),
    ]

    def __init__(self, workspace: Workspace, worker_id: str) -> None:
        super().__init__()
        self._workspace = workspace
        self._worker_id = worker_id
        self._drawn = -1
        self._events: list[Event] = []

    def compose(self) -> ComposeResult:
        yield StatusHeader(self._workspace, "workers")
        yield StandingLine(self._workspace)
        with Tabbed(id="tabs"):
            with TabPane("Overview", id="overview"), Horizontal():
                yield WorkerView(self._workspace)
                with VerticalScroll(id="changes", can_focus=False):
                    yield Static(id="recent", markup=False)
            with TabPane("Package", id="package"):
                yield PackageTab(self._workspace, self._worker_id)
            with TabPane("History", id="history"), VerticalScroll():
                yield Static(id="history-text", markup=False)
            with TabPane("Raw JSON", id="raw"), VerticalScroll():
                yield Static(id="raw-text", markup=False)
        yield KeyBar()
        yield TooSmall()

    @property
    def correlation_id(self) -> str:
        """The id of the newest change, or else of the last verify."""
        entry = self._workspace.fleet.get(self._worker_id)
        newest = next((event.correlation_id for event in self._events if event.correlation_id), "")
        return newest or (entry.verdict.correlation_id if entry and entry.verdict else "")

    def command_targets(self) -> Targets:
        """Return this worker, for a command of your own."""
        return Targets([worker_row(self._workspace, self._worker_id, self._workspace.fleet.get(self._worker_id))])

    def on_mount(self) -> None:
        self._workspace.connection.look_at([self._worker_id])
        self._events = self._workspace.recent_events(self._worker_id)
        if self._workspace.packages.standing(self._worker_id) is not None:
            self._workspace.connection.read_list()  # whether the folder's hash is banned
        self._show()
        each_second(self, self._show_what_is_new)

    def _show_what_is_new(self) -> None:
        self.on_fleet_changed()
        self._show_ages()

    def on_fleet_changed(self) -> None:
        entry = self._workspace.fleet.get(self._worker_id)
        if entry is None or entry.revision != self._drawn:
            self._show()

    def on_events_happened(self, message: EventsHappened) -> None:
        if any(event.worker_id == self._worker_id for event in message.events):
            self._events = self._workspace.recent_events(self._worker_id)
            self._show()

    def on_link_changed(self, message: ConnectionChanged) -> None:
        self.query_one(StatusHeader).update_status()

    @on(Go)
    def _hand_down(self, message: Go) -> None:
        """Close this view, and pass on a message that is meant for the table."""
        if message.mode != "workers":
            return
        message.stop()
        if self.app.screen is not self:
            return  # it is closed already
        below = self.app.screen_stack[-2]
        self.app.pop_screen()
        below.post_message(Go(message.mode, message.worker_id, message.fill))

    def action_leave(self) -> None:
        """Go back to the table, once."""
        if self.app.screen is self:
            self.app.pop_screen()

    def action_verify(self) -> None:
        self._workspace.connection.verify_now([self._worker_id])
        self.notify("Verifying now.", timeout=2)

    def action_test(self) -> None:
        self.post_message(Go("dispatch", worker_id=self._worker_id))

    def action_package(self, what: str) -> None:
        """Show the package, and do there what the key requests: a method of `PackageTab`."""
        self.query_one(Tabbed).active = "package"
        getattr(self.query_one(PackageTab), what)()

    def action_copy_id(self) -> None:
        self.post_message(CopyText(self._worker_id, "worker id"))

    def action_copy_hash(self) -> None:
        entry = self._workspace.fleet.get(self._worker_id)
        if entry is None or entry.sha256 is None:
            self.notify("The registry has no hash for this worker.", severity="warning")
        else:
            self.post_message(CopyText(entry.sha256, "package hash"))

    def action_note(self) -> None:
        self.run_worker(copy_note(self, self._workspace, self._worker_id), exit_on_error=False, group="note")

    def action_remove(self) -> None:
        self.post_message(Go("workers", fill={"remove": self._worker_id}))

    def action_undo(self) -> None:
        undo_last(self, self._workspace.own_changes)

    def action_tab(self, step: int) -> None:
        tabs = ["overview", "package", "history", "raw"]
        content = self.query_one(Tabbed)
        content.active = tabs[(tabs.index(content.active) + step) % len(tabs)]

    def _show(self) -> None:
        entry = self._workspace.fleet.get(self._worker_id)
        self._drawn = entry.revision if entry else -1
        self._show_ages()
        self.query_one(PackageTab).show()
        verdict = entry.verdict if entry else None
        raw = raw_json(self._raw(verdict), verdict.raw_size) if verdict else "The registry has not answered yet."
        self.query_one("#raw-text", Static).update(Content(clean_lines(raw)))
        for name in ("#history-text", "#recent"):
            self._show_history(self.query_one(name, Static), self._events)

    def _raw(self, verdict: Verdict) -> bytes:
        """Return the answer as it came; the journal has those of earlier runs, and of a very large fleet."""
        if verdict.raw not in (b"", b"{}"):
            return verdict.raw
        return self._workspace.journal.raw_answer(self._workspace.profile.name, self._worker_id) or verdict.raw

    def _show_ages(self) -> None:
        for view in self.query(WorkerView):
            view.show(self._worker_id)

    @on(Tabbed.TabActivated)
    def on_resize(self) -> None:
        """Draw the timeline again: it is as wide as its container, whose width is known after layout."""
        after_refresh(self, self._show)

    def _show_history(self, widget: Static, events: list[Event]) -> None:
        """Show the timeline of states, and each change below it."""
        wall = self._workspace.now().wall
        entry = self._workspace.fleet.get(self._worker_id)
        width = widget.content_size.width
        lines = [as_content(cells) for cells in timeline_lines(entry, events, wall, width)] if entry and width else []
        lines.append(Content(""))
        for event in events:
            row = event_row(event, wall)
            shown = [cell for cell in (row.what, row.times, row.source, row.correlation) if cell.text]
            lines.append(hanging(as_content([row.when, row.glyph, Cell("")], "  "), as_content(shown, "  "), width))
        if not events:
            lines.append(as_content([Cell("No change seen since watching began.", Style.DIM)]))
        widget.update(Content("\n").join(lines))
