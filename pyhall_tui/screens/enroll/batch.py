"""The batch tab: its rows, the progress of each, and what the operator has to decide."""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import ClassVar, TypeVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Button, Input, ProgressBar, Static

from pyhall_tui.enroll.batch import BatchRun, EnrollingRegistry, Item, RowState, batch_lock, counts, lost_memory, plan
from pyhall_tui.enroll.batch_rows import BatchUnreadable, read_rows
from pyhall_tui.enroll.last_run import LastRun
from pyhall_tui.enroll.report import COLUMNS as REPORTED
from pyhall_tui.enroll.report import report_line, write_report
from pyhall_tui.files.drafts import Drafts
from pyhall_tui.files.given_path import given_path
from pyhall_tui.files.regular_file import reason
from pyhall_tui.files.safe_file import FileBusy, locked
from pyhall_tui.journal.rows import NotKept
from pyhall_tui.profiles.watch_list import cannot_be_watched
from pyhall_tui.render.batch import batch_cells, counts_words, row_in_full, what_next
from pyhall_tui.render.text import Cell, Style, clean
from pyhall_tui.screens.enroll.ask import AskScreen
from pyhall_tui.screens.enroll.pick_package import FolderSuggester, PickPackageScreen
from pyhall_tui.screens.enroll.steady_field import SteadyField
from pyhall_tui.screens.messages import Go
from pyhall_tui.threads.off_loop import off_loop
from pyhall_tui.widgets.cells import as_content, as_lines
from pyhall_tui.widgets.exported import Exported
from pyhall_tui.widgets.key_bar import key_name
from pyhall_tui.widgets.line_table import Column, LineTable, Row
from pyhall_tui.workspace import Workspace

T = TypeVar("T")

COLUMNS = (
    Column("number", "ROW", 5, sortable=False),
    Column("state", "STATE", 11, sortable=False),
    Column("name", "NAME", 18, flex=2, sortable=False, is_id=True, most=24),
    Column("worker", "WORKER", 18, flex=1, leaves=3, sortable=False, is_id=True),
    Column("hash", "HASH", 8, leaves=2, sortable=False),
    Column("capabilities", "CAPABILITIES", 20, flex=1, leaves=1, sortable=False),
    Column("told", "RESULT", 16, flex=4, sortable=False),
)
_FORM = "batch"
_REDRAW = 0.2
"""Seconds between two drawings of what changed."""


class BatchTable(LineTable):
    """The rows, and the operator's decisions about those with an unknown outcome."""

    BINDING_GROUP_TITLE = "Batch"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "decide(True)", "It is enrolled", id="batch.enrolled", tooltip="I checked: it is enrolled"),
        Binding("r", "decide(False)", "Send again", id="batch.again", tooltip="I checked: it is not, send it again"),
    ]

    class Decided(Message):
        """The operator's decision about the rows in `targets`."""

        def __init__(self, enrolled: bool) -> None:
            super().__init__()
            self.enrolled = enrolled

    def action_decide(self, enrolled: bool) -> None:
        """State the outcome of the marked rows, or of the one under the cursor."""
        self.post_message(self.Decided(enrolled))


class BatchPane(Vertical):
    """A path, the rows in it, and the result of each."""

    def __init__(self, workspace: Workspace, drafts: Drafts) -> None:
        super().__init__(id="batch-pane")
        self._workspace = workspace
        self._drafts = drafts
        self._items: list[Item] = []
        self._source: Path | None = None
        self._run: BatchRun | None = None
        self._forgotten = ""
        """Why earlier enrollments are unknown, so that nothing is sent."""
        self._busy = ""
        """What is running: `checking`, `running`, or nothing."""
        self._limited = ""
        """What to say about a rate limit that delays the run."""
        self._changed: set[str] = set()
        self._keys: dict[int, str] = {}
        """The table key of each row, by its number."""
        self._progress = (0, 0)
        self._field = SteadyField("batch-path", "Batch: JSON Lines, CSV, or a folder of packages")

    def compose(self) -> ComposeResult:
        yield self._field
        with Horizontal(id="batch-bar"):
            yield Static(id="batch-counts", markup=False)
            yield ProgressBar(show_eta=False, id="batch-progress")
        yield BatchTable(COLUMNS, self._row, id="batch-rows", what="row")
        yield Static(id="batch-row", markup=False)
        yield Static(id="batch-next", markup=False)
        with Horizontal(id="batch-buttons"):
            yield Button("Check", id="batch-check", compact=True)
            yield Button(
                f"Enroll  {key_name(self, 'enroll.send', 'ctrl+s')}", id="batch-start", variant="primary", compact=True
            )
            yield Button("Stop", id="batch-stop", compact=True)
            yield Button(f"Enrolled  {key_name(self, 'batch.enrolled', 'e')}", id="batch-enrolled", compact=True)
            yield Button("Again  r", id="batch-again", compact=True)
            yield Button("Report…", id="batch-report", compact=True)

    def on_mount(self) -> None:
        self._field.input.suggester = FolderSuggester()
        self._field.input.placeholder = "workers.jsonl"
        self._field.input.value = str(self._drafts.load(_FORM).get("path", ""))
        self.set_interval(_REDRAW, self._redraw)
        self._show()

    def focus_first(self) -> None:
        """Go to the path, or to the rows if there are any."""
        (self._table if self._items else self._field.input).focus()

    def pick(self) -> None:
        """Pick the batch from the tree."""
        start = self._source or Path.cwd()
        picker = PickPackageScreen("A batch: a file, or a folder of packages", "Check it", start)
        self.app.push_screen(picker, self._picked)

    def _picked(self, path: Path | None) -> None:
        if path is not None:
            self._field.input.value = str(path)
            self.check()

    @on(Input.Changed, "#batch-path")
    def _typed(self, message: Input.Changed) -> None:
        self._drafts.save(_FORM, {"path": message.value})

    @on(Input.Submitted, "#batch-path")
    @on(Button.Pressed, "#batch-check")
    def check(self) -> None:
        """Read the batch and check all its rows; send nothing."""
        typed = self._field.value
        if self._busy:
            return
        if not typed:
            self._field.say(f"Type the path of a batch, or press {key_name(self, 'enroll.pick', 'ctrl+o')} to pick it.")
            return
        self._source = given_path(typed)
        self._set_busy("checking")
        self.screen.set_focus(self._table)  # at once: what is typed after Enter is not part of the path
        self._check(self._source)

    @work(exclusive=True, exit_on_error=False, group="batch")
    async def _check(self, source: Path) -> None:
        left = threading.Event()
        try:
            self._items = await off_loop(partial(self._planned, source, left.is_set), name="batch")
        except BatchUnreadable as error:
            self._items = []
            self._field.say(clean(error, 500))
        else:
            self._field.say("")
        finally:
            left.set()  # nobody waits for the hash any more
            self._run = None
            self._set_busy("")
        self._keys = {item.row.number: str(index) for index, item in enumerate(self._items)}
        self._table.show(list(self._keys.values()))
        self._table.refresh_rows(self._table.keys)
        if not self._items and self._table.has_focus:
            self._field.input.focus()

    def _planned(self, source: Path, cancelled: Callable[[], bool]) -> list[Item]:
        rows = read_rows(source, self._workspace.profile, on_progress=self._note_progress, cancelled=cancelled)
        self._forgotten = ""
        try:
            return plan(rows, self._workspace.journal)
        except NotKept as error:
            self._forgotten = clean(error, 1_000)
            return plan(rows, None)

    # -- running -----------------------------------------------------------------------------------------------

    @on(Button.Pressed, "#batch-start")
    def start(self) -> None:
        """Enroll the ready rows, after a confirmation."""
        profile, found = self._workspace.profile, counts(self._items)
        if self._busy:
            return
        if profile.read_only:
            self._tell("✖ This profile is read-only: it enrolls nothing.")
        elif not self._items:
            self.check()
        elif self._forgotten:
            self._tell(f"✖ {self._forgotten}")
        elif not self._workspace.connection.is_connected:
            self._tell("✖ Not connected yet: still waiting for the profile's key. Nothing was sent.")
        elif not found.get(RowState.READY):
            self._tell("There is nothing to send: no row is ready.")
        else:
            self._ask_first(found)

    def _ask_first(self, found: dict[RowState, int]) -> None:
        profile = self._workspace.profile
        marked = ", which is marked as production" if profile.production else ""
        where = f"{clean(profile.namespace)} at {clean(profile.registry_url)}{marked}"
        rows = f"{found[RowState.READY]:,} of {len(self._items):,} row{'s' * (len(self._items) != 1)}"
        lines = [(Cell(f"This enrolls in {where}: {rows}."),)]
        if found.get(RowState.WRONG):
            lines.append((Cell(f"▲ Wrong, and left out: {found[RowState.WRONG]:,}.", Style.WARNING),))
        if found.get(RowState.UNKNOWN):
            lines.append((Cell(f"? Unknown, and not sent again: {found[RowState.UNKNOWN]:,}.", Style.WARNING),))
        if lost := lost_memory(self._items, self._workspace.journal, self._last_run):
            lines.append((Cell(f"▲ {clean(lost, 1_000)} Check the registry first.", Style.WARNING),))
        ask = AskScreen("Run the batch?", as_lines(lines), yes="Enroll them", no="Don't send")
        self.app.push_screen(ask, self._run_if)

    def _run_if(self, yes: bool | None) -> None:
        if yes and not self._busy:
            self._set_busy("running")
            self._run_batch()

    @work(exclusive=True, exit_on_error=False, group="batch")
    async def _run_batch(self) -> None:
        lock = locked(batch_lock(self._drafts, self._workspace.profile))
        try:
            await off_loop(lock.__enter__, name="lock")
        except OSError as error:
            self._set_busy("")
            busy = "Another pyhall-tui is enrolling a batch in this namespace: wait for it, or stop it."
            why = f"The state folder can't be used ({reason(error)}), so nothing is sent."
            self._tell(f"✖ {busy if isinstance(error, FileBusy) else clean(why, 1_000)}")
            return
        refused = ""
        try:
            await self._run_locked()
        except NotKept as error:
            refused = f"✖ {clean(error, 1_000)}"
        finally:
            lock.__exit__(None, None, None)
            self._set_busy("")
            if refused and self.is_attached:
                self._tell(refused)

    async def _run_locked(self) -> None:
        # Planned again: another program may have sent some rows meanwhile.
        rows = [item.row for item in self._items]
        self._items = await off_loop(partial(plan, rows, self._workspace.journal), name="batch")
        self._table.refresh_rows(self._table.keys)
        await self._made().run()
        new = [item.worker_id for item in self._items if item.worker_id and not item.earlier]
        await self._workspace.watched.watch(new)
        if odd := cannot_be_watched(new):
            self.notify(odd, severity="warning", timeout=15, markup=False)

    @property
    def _last_run(self) -> LastRun:
        return LastRun(batch_lock(self._drafts, self._workspace.profile), self._workspace.journal)

    def _made(self) -> BatchRun:
        """Return a run over the rows as they are now."""
        if self._run is None or self._run.items is not self._items or self._run.stopped_because:
            loop = asyncio.get_running_loop()

            def on_change(item: Item) -> None:
                with contextlib.suppress(RuntimeError):  # the app has ended
                    loop.call_soon_threadsafe(self._note_change, item)

            self._run = BatchRun(
                self._items,
                batch=str(self._source),
                profile=self._workspace.profile,
                journal=self._workspace.journal,
                clock=self._workspace.clock,
                in_turn=self._in_turn,
                last_run=self._last_run,
                on_change=on_change,
                on_limited=self._tell_limited,
            )
        return self._run

    def _tell_limited(self, seconds: float) -> None:
        when = datetime.fromtimestamp(self._workspace.now().wall + seconds)
        self._limited = f"▲ The registry limits the rate (429): next try in {seconds:,.0f} s, at {when:%H:%M:%S}."
        if self.is_attached:
            self._show()

    async def _in_turn(self, call: Callable[[EnrollingRegistry], Awaitable[T]]) -> T:
        async def asked(client: EnrollingRegistry) -> T:
            return await call(client)

        return await self._workspace.connection.ask_in_turn(asked)

    @on(Button.Pressed, "#batch-stop")
    def stop(self) -> None:
        """Send no more, but wait for requests under way."""
        if self._run is not None and self._busy == "running":
            self._run.stop()

    @on(Button.Pressed, "#batch-enrolled")
    def _are_enrolled(self) -> None:
        self.decide(enrolled=True)

    @on(Button.Pressed, "#batch-again")
    def _send_again(self) -> None:
        self.decide(enrolled=False)

    @on(BatchTable.Decided)
    def _decided(self, message: BatchTable.Decided) -> None:
        self.decide(enrolled=message.enrolled)

    def decide(self, *, enrolled: bool) -> None:
        """Apply the operator's decision to the marked rows, or the one under the cursor, if the outcome is unknown."""
        numbers = [self._items[int(key)].row.number for key in self._table.targets()]
        if not self._busy and numbers:
            self._busy = "deciding"
            self._decide(numbers, enrolled)

    @work(exclusive=True, exit_on_error=False, group="batch")
    async def _decide(self, numbers: Sequence[int], enrolled: bool) -> None:
        try:
            await self._made().decide(numbers, enrolled=enrolled)
        except NotKept as error:
            self._tell(f"✖ {clean(error)}")
        finally:
            self._busy = ""
        self._table.marked.clear()
        self._table.refresh_rows(self._table.keys)
        self._show()

    @on(Button.Pressed, "#batch-report")
    def report(self) -> None:
        """Ask where to write the report, and write it."""
        if self._items:
            start = (self._source or Path.cwd()).with_suffix(".report.csv")
            picker = PickPackageScreen("Write the report: .csv, otherwise JSON Lines", "Write it", start, new=True)
            self.app.push_screen(picker, self._write_report)

    def _write_report(self, path: Path | None) -> None:
        if path is None:
            return
        try:
            write_report(path, self._items)
        except OSError as error:
            told = f"The report could not be written: {clean(error.strerror or error)}."
            self.notify(told, severity="error", markup=False)
        else:
            self.notify(f"The report is in {clean(path)}.", markup=False)

    def exported(self) -> Exported | None:
        """The report, row by row."""
        items = list(self._items)
        return Exported("row", REPORTED, lambda: map(report_line, items)) if items else None

    # -- drawing -----------------------------------------------------------------------------------------------

    @property
    def _table(self) -> BatchTable:
        return self.query_one(BatchTable)

    def _row(self, key: str) -> Row:
        index = int(key)  # a row of the last batch may be drawn once more while it is replaced
        return Row(dict(batch_cells(self._items[index])._asdict()) if index < len(self._items) else {})

    def _note_progress(self, done: int, total: int) -> None:
        """Note the progress of the checks, on their thread; a timer draws it."""
        self._progress = (done, total)

    def _note_change(self, item: Item) -> None:
        if item.state in (RowState.ENROLLED, RowState.REFUSED, RowState.UNKNOWN):
            self._limited = ""
        self._changed.add(self._keys[item.row.number])

    def _redraw(self) -> None:
        if self._busy == "checking":
            done, total = self._progress
            self._show_bar(done, total)
            self.query_one("#batch-counts", Static).update(f"checking row {done:,} of {total:,}…")
        elif self._changed:
            self._table.refresh_rows(self._changed)
            self._changed.clear()
            self._show()

    def _set_busy(self, what: str) -> None:
        self._busy, self._limited = what, ""
        if self.is_attached:
            self._show()

    def _show(self) -> None:
        """Draw counts, progress, next steps, and which buttons are enabled."""
        found = counts(self._items)
        ended = sum(found.get(state, 0) for state in (RowState.ENROLLED, RowState.REFUSED, RowState.UNKNOWN))
        words = counts_words(found) or [Cell("Nothing has been checked yet.", Style.DIM)]
        self.query_one("#batch-counts", Static).update(as_content(words, " · "))
        self._show_bar(ended, len(self._items) - found.get(RowState.WRONG, 0))
        running = self._busy == "running"
        if running:
            self._tell(*([self._limited] if self._limited else []))
        else:
            forgotten = [f"✖ {self._forgotten}"] if self._forgotten else []
            self._tell(*forgotten, *what_next(self._items, self._run.stopped_because if self._run else ""))
        self._show_in_full()
        for name, usable in (
            ("check", not self._busy),
            ("start", not self._busy and bool(found.get(RowState.READY))),
            ("stop", running),
            ("enrolled", not self._busy and bool(found.get(RowState.UNKNOWN))),
            ("again", not self._busy and bool(found.get(RowState.UNKNOWN))),
            ("report", bool(self._items)),
        ):
            self.query_one(f"#batch-{name}", Button).disabled = not usable

    def _item(self, key: str | None) -> Item | None:
        """Return a row of the table; None if there is none, or it belongs to the previous batch."""
        return self._items[int(key)] if key is not None and int(key) < len(self._items) else None

    @on(LineTable.Opened)
    def _open(self, message: LineTable.Opened) -> None:
        item = self._item(message.key)
        worker_id = item.worker_id if item else None
        if worker_id is not None and worker_id in self._workspace.fleet:
            self.post_message(Go("workers", worker_id=worker_id))
        else:
            self.notify("Only a worker that is enrolled and watched can be opened.", markup=False)

    @on(LineTable.Highlighted)
    def _show_in_full(self) -> None:
        """Show completely what the cells of the row under the cursor have no room for."""
        item = self._item(self._table.cursor_key)
        told = self.query_one("#batch-row", Static)
        told.display = item is not None
        if item is not None:
            told.update(row_in_full(item))

    def _show_bar(self, done: int, total: int) -> None:
        bar = self.query_one(ProgressBar)
        bar.display = bool(total)
        bar.update(total=max(1, total), progress=done)

    def _tell(self, *sentences: str) -> None:
        told = self.query_one("#batch-next", Static)
        told.update("\n".join(sentences))
        told.display = bool(sentences)
