"""A worker's evidence log, read-only: is its chain intact, and what do its receipts say?"""

import threading
from collections import deque
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import msgspec
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input, Static

from pyhall_tui.attest.evidence import ChainCheck, LogPosition, receipts, verify_log
from pyhall_tui.clock import Clock
from pyhall_tui.files.notes import Notes
from pyhall_tui.render.enroll import Line
from pyhall_tui.render.evidence import ReceiptRow, check_lines, receipt_row, receipt_values
from pyhall_tui.render.text import Cell, Style, clean, clean_lines
from pyhall_tui.render.worker import raw_json
from pyhall_tui.screens.enroll.ask import AskScreen
from pyhall_tui.screens.messages import CopyText
from pyhall_tui.threads.off_loop import off_loop
from pyhall_tui.widgets.cells import as_lines
from pyhall_tui.widgets.dialog import Dialog, DialogScreen
from pyhall_tui.widgets.field import OneLineInput
from pyhall_tui.widgets.key_bar import key_name, key_names
from pyhall_tui.widgets.line_table import Column, LineTable, Row
from pyhall_tui.widgets.time_column import with_zone
from pyhall_tui.widgets.typed_ahead import keys_wait_for

MOST = 50_000
"""How many of the newest receipts are listed: a log may have millions. A search covers all of them."""
_MARK = "evidence-mark"
COLUMNS = (
    Column("line", "   LINE", 7, sortable=False),
    Column("at", "TIME", 20, leaves=2, sortable=False),
    Column("status", "STATUS", 8, sortable=False),
    Column("capability", "CAPABILITY", 18, flex=2, leaves=3, sortable=False, is_name=True),
    Column("correlation", "CORRELATION ID", 36, flex=1, sortable=False),
    Column("worker", "WORKER", 20, flex=2, leaves=1, sortable=False, is_name=True),
)


class LogReading(NamedTuple):
    """One reading of a log."""

    check: ChainCheck
    known: LogPosition | None
    """How far it was whole before."""
    rows: dict[str, ReceiptRow]
    """By line number, the newest first."""
    total: int


class EvidenceScreen(DialogScreen[None]):
    """One log over the whole screen. How far it was whole is noted, so that a truncated log is reported next time."""

    KEEPS_TYPED = False
    AUTO_FOCUS = "#receipts"
    BINDING_GROUP_TITLE = "Evidence log"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", id="evidence.back", tooltip="Leave the search, or close the log"),
        Binding("slash", "search", "Search", key_display="/", id="evidence.search", tooltip="Find a correlation id"),
        Binding("r", "look", "Check again", id="evidence.look", tooltip="Check and read the log again"),
        Binding("m", "mark", "Accept end", id="evidence.mark", tooltip="Accept this end as known"),
        Binding("y", "copy", "Copy id", id="evidence.copy", tooltip="Copy the receipt's correlation id"),
    ]
    DEFAULT_CSS = """
    EvidenceScreen {
        Dialog { width: 96%; height: 94%; padding: 0 1; }
        OneLineInput { margin: 1 0; }
    }
    """

    def __init__(self, notes: Notes, path: Path, clock: Clock) -> None:
        super().__init__()
        self._notes, self._path, self._clock = notes, path, clock
        self._stops: dict[str, threading.Event] = {}
        self._look: LogReading | None = None
        self._rows: dict[str, ReceiptRow] = {}

    def compose(self) -> ComposeResult:
        search, look = key_name(self, "evidence.search", "/"), key_name(self, "evidence.look", "r")
        with Dialog("Evidence log, read only", f"{search} search · enter receipt · {look} check again · esc close"):
            yield Static(id="evidence-text", markup=False)
            yield OneLineInput(placeholder="/ a correlation id, then enter", id="evidence-query", compact=True)
            yield LineTable(with_zone(COLUMNS, "at"), self._row, id="receipts", values=self._values, what="receipt")

    def on_mount(self) -> None:
        self.action_look()

    def on_unmount(self) -> None:
        for stop in self._stops.values():
            stop.set()

    def action_look(self) -> None:
        """Check the log from its first line, and list its receipts."""
        self._say([(Cell(f"… reading {clean(self._path)}", Style.DIM),)])
        self._read()

    @work(exclusive=True, exit_on_error=False, group="evidence")
    async def _read(self) -> None:
        stop = self._begin("read")
        try:
            look = await off_loop(partial(_look_at, self._path, self._notes, stop), name="evidence")
        except InterruptedError:
            return
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            self._say([(Cell(f"✖ {clean(self._path)} cannot be read: {clean(reason)}.", Style.ERROR),)])
            return
        self._look = look
        lines = check_lines(str(self._path), look.check, look.known, self._clock.now().wall, keys=key_names(self))
        if look.total > len(look.rows):
            search = key_name(self, "evidence.search", "/")
            lines.append(
                (Cell(f"The newest {MOST:,} of {look.total:,} are listed; {search} searches all.", Style.DIM),)
            )
        self._say(lines)
        self._show(look.rows, "The log contains no receipts.")

    def action_search(self) -> None:
        self.set_focus(self.query_one("#evidence-query", Input))  # at once: the next key may be on its way

    @on(Input.Submitted, "#evidence-query")
    def _searched(self, message: Input.Submitted) -> None:
        wanted = message.value.strip()
        if wanted:
            self._find(wanted)
        elif self._look is not None:
            self._show(self._look.rows, "The log contains no receipts.")
        self.set_focus(self.query_one(LineTable))

    @work(exclusive=True, exit_on_error=False, group="evidence-search")
    async def _find(self, correlation_id: str) -> None:
        stop = self._begin("search")
        self._show({}, "… searching the whole log")
        try:
            rows = await off_loop(partial(_rows_of, self._path, correlation_id, stop), name="evidence")
        except InterruptedError:
            return
        except OSError as error:
            self._show({}, f"The log cannot be read: {clean((error.strerror or str(error)).lower())}.")
            return
        self._show(rows, f"No receipt has the correlation id {clean(correlation_id, 60)}. Esc shows all.")

    def action_mark(self) -> None:
        """Ask whether to accept this end as the known one."""
        check = self._look.check if self._look else None
        if check is None or check.broken is not None:
            self.notify("Only a log with an unbroken chain has an end to accept.", markup=False)
            return
        receipts = f"{check.entries:,} receipt{'s' * (check.entries != 1)}"
        question = as_lines(
            [
                (Cell(f"Later checks will report lines that are missing from what is there now ({receipts})."),),
                (
                    Cell(
                        "What was known before is forgotten: lines that are gone now will not be reported.",
                        Style.WARNING,
                    ),
                ),
            ]
        )
        ask = AskScreen("Accept this end as known?", question, yes="Accept it", no="Leave it")
        self.app.push_screen(ask, partial(self._marked, check.mark))

    def _marked(self, mark: LogPosition, yes: bool | None) -> None:
        if yes:
            self._notes.save(_MARK, _key(self._path), mark)
            self.action_look()

    def action_copy(self) -> None:
        row = self._rows.get(self.query_one(LineTable).cursor_key or "")
        if row is not None:
            self.post_message(CopyText(row.correlation.text, "correlation id"))

    def action_back(self) -> None:
        """Leave the search, then close the log (escape)."""
        query = self.query_one("#evidence-query", Input)
        if not query.value and self.focused is not query:
            self.dismiss(None)
            return
        query.value = ""
        if self._look is not None:
            self._show(self._look.rows, "The log contains no receipts.")
        self.set_focus(self.query_one(LineTable))

    @on(LineTable.Opened)
    def _opened(self, message: LineTable.Opened) -> None:
        work = self._open(int(message.key))
        keys_wait_for(self, work)

    @work(exclusive=True, exit_on_error=False, group="evidence-receipt")
    async def _open(self, number: int) -> None:
        text = await off_loop(partial(_receipt_text, self._path, number), name="evidence")
        if self.is_current:
            self.app.push_screen(ReceiptScreen(number, text))

    def _begin(self, what: str) -> threading.Event:
        """Stop the work of this kind that is running, and return what stops the next one."""
        self._stops.setdefault(what, threading.Event()).set()
        self._stops[what] = threading.Event()
        return self._stops[what]

    def _show(self, rows: dict[str, ReceiptRow], nothing: str) -> None:
        self._rows = rows
        table = self.query_one(LineTable)
        table.placeholder = nothing
        table.refresh_rows(list(rows))
        table.show(list(rows))

    def _values(self, key: str) -> dict[str, Any] | None:
        row = self._rows.get(key)
        return receipt_values(row) if row else None

    def _row(self, key: str) -> Row:
        """Return a row; from the line that breaks the chain on, rows say that nothing is proven."""
        if key not in self._rows:  # one of the previous rows, about to disappear
            return Row({})
        cells = self._rows[key]._asdict()
        broken = self._look.check.broken if self._look else None
        if broken is not None and int(key) >= broken.line:
            cells["line"] = Cell(cells["line"].text, Style.ERROR)
            cells["status"] = Cell("✖ " + cells["status"].text, Style.ERROR)
        return Row(dict(cells))

    def _say(self, lines: list[Line]) -> None:
        self.query_one("#evidence-text", Static).update(as_lines(lines))


class ReceiptScreen(DialogScreen[None]):
    """One receipt as JSON."""

    BINDING_GROUP_TITLE = "Receipt"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "leave", "Close", id="receipt.close", tooltip="Close the receipt"),
        Binding("y", "copy", "Copy", id="receipt.copy", tooltip="Copy the receipt's JSON"),
    ]
    DEFAULT_CSS = "ReceiptScreen Dialog { width: 90; }"

    def __init__(self, line: int, text: str) -> None:
        super().__init__()
        self._line, self._text = line, text

    def compose(self) -> ComposeResult:
        with Dialog(
            f"Receipt at line {self._line:,}", f"{key_name(self, 'receipt.copy', 'y')} copy · esc close", read=True
        ):
            yield Static(clean_lines(self._text), markup=False)

    def action_copy(self) -> None:
        self.post_message(CopyText(self._text, "receipt"))


def _look_at(path: Path, notes: Notes, stop: threading.Event) -> LogReading:
    """Check and list a log, in a thread; if it is whole, note its mark."""
    known = notes.load(_MARK, _key(path), LogPosition)
    check = verify_log(path, known=known, cancelled=stop.is_set)
    newest: deque[tuple[str, ReceiptRow]] = deque(maxlen=MOST)
    total = 0
    for receipt in receipts(path):
        _raise_if(stop)
        newest.appendleft((str(receipt.line), receipt_row(receipt)))
        total += 1
    if check.whole and check.entries and check.mark != known:
        notes.save(_MARK, _key(path), check.mark)
    return LogReading(check, known, dict(newest), total)


def _key(path: Path) -> str:
    return str(path.resolve())


def _rows_of(path: Path, correlation_id: str, stop: threading.Event) -> dict[str, ReceiptRow]:
    found: deque[tuple[str, ReceiptRow]] = deque(maxlen=MOST)
    for receipt in receipts(path, correlation_id=correlation_id):
        _raise_if(stop)
        found.appendleft((str(receipt.line), receipt_row(receipt)))
    return dict(found)


def _raise_if(stop: threading.Event) -> None:
    if stop.is_set():
        raise InterruptedError


def _receipt_text(path: Path, line: int) -> str:
    """Return a line's receipt as indented JSON; the log may have changed since it was listed."""
    found = next((receipt for receipt in receipts(path) if receipt.line == line), None)
    return raw_json(msgspec.json.encode(found.fields)) if found else "This line is no longer in the log."
