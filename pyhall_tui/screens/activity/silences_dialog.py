"""The dialog that lists silences, adds some, and ends one before its time."""

from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Button, Input

from pyhall_tui.alarms.alarm import CONDITIONS
from pyhall_tui.alarms.silence_form import SilenceForm, SilenceMistakes, read
from pyhall_tui.alarms.silences import Silence
from pyhall_tui.clock import Clock
from pyhall_tui.journal.alarms import Alarms
from pyhall_tui.render.event import moment
from pyhall_tui.render.text import Cell, Style, clean, iso_time
from pyhall_tui.widgets.dialog import Buttons, Dialog, DialogScreen
from pyhall_tui.widgets.field import Field
from pyhall_tui.widgets.line_table import Column, LineTable, Row
from pyhall_tui.widgets.listed_input import ListedInput

_COLUMNS = (
    Column("what", "SILENCED", 16, flex=3, sortable=False),
    Column("until", "UNTIL", 12, sortable=False),
    Column("by", "BY", 8, flex=1, leaves=2, sortable=False),
    Column("reason", "REASON", 10, flex=3, leaves=1, sortable=False),
)


class KindInput(ListedInput):
    """Enter takes a kind that is listed or offered; without one it submits the form, as in the other fields."""

    async def action_submit(self) -> None:
        if (name := self.taken()) is None:
            await super().action_submit()
        else:
            self.value, self.cursor_position = name, len(name)
            self.action_close_list()


class KindField(Field):
    """Which kind of alarm; down lists them all below the line."""

    def __init__(self, value: str) -> None:
        super().__init__("kind", "Kind")
        self.input: KindInput = KindInput(
            lambda: tuple(CONDITIONS), value=value, placeholder="empty for all; ↓ lists them", id="kind"
        )

    def compose(self) -> ComposeResult:
        for part in super().compose():
            yield part
            if part is self.input:
                yield self.input.names


class SilencesScreen(DialogScreen[None]):
    """Works on the given alarms; changes are visible at once."""

    BINDING_GROUP_TITLE = "Silences"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("delete,x", "remove", "Remove", id="silences.remove", tooltip="End the silence under the cursor"),
    ]
    DEFAULT_CSS = """
    SilencesScreen {
        Dialog { width: 84; }
        LineTable { height: 5; margin-bottom: 1; }
        Field { margin-bottom: 0; }
    }
    """

    def __init__(self, alarms: Alarms, clock: Clock, worker: str = "", kind: str = "") -> None:
        """`worker` and `kind` are proposed: those that you were looking at."""
        super().__init__()
        self._alarms, self._clock, self._worker, self._kind = alarms, clock, worker, kind
        self._shown: dict[str, Silence] = {}

    def compose(self) -> ComposeResult:
        with Dialog("Silences", f"as {self._alarms.operator} · a silenced worker stays in the table"):
            yield LineTable(_COLUMNS, self._row, id="silences", values=self._values, what="silence")
            yield Field(
                "worker", "Worker (* for any characters)", value=self._worker, placeholder="wkr_abc123, org.acme.*"
            )
            yield KindField(self._kind)
            yield Field("namespace", "Namespace (empty for all)", placeholder="org.acme")
            yield Field("until", "Until", placeholder="2h, 30m, 18:00, 2026-11-27 18:00")
            yield Field("reason", "Reason", placeholder="upgrade until six")
            with Buttons():
                yield Button("Close", id="leave", compact=True)
                yield Button("Remove", id="remove", compact=True)
                yield Button("Silence", id="silence", variant="primary", compact=True)

    def on_mount(self) -> None:
        self.query_one("#silences", LineTable).placeholder = "Nothing is silenced."
        self._list()
        self.set_interval(1.0, self._list)
        self.query_one("#until" if self._worker or self._kind else "#worker", Input).focus()

    def _list(self) -> None:
        """Show what is silenced now: others silence too, and time passes."""
        table = self.query_one("#silences", LineTable)
        shown = {silence.id: silence for silence in self._alarms.book.silences}
        if shown != self._shown or not table.keys:
            self._shown = shown
            table.show(list(shown), by_itself=True)
        self.query_one("#remove", Button).disabled = not shown

    def _row(self, key: str) -> Row:
        silence = self._shown.get(key)
        if silence is None:
            return Row({})
        return Row(
            {
                "what": Cell(clean(silence.what)),
                "until": Cell(moment(silence.until, self._clock.now().wall)),
                "by": Cell(clean(silence.by), Style.DIM),
                "reason": Cell(clean(silence.reason), Style.DIM),
            }
        )

    def _values(self, key: str) -> dict[str, Any] | None:
        silence = self._shown.get(key)
        if silence is None:
            return None
        return {"until": iso_time(silence.until), "by": silence.by, "reason": silence.reason}

    @on(Button.Pressed, "#remove")
    def action_remove(self) -> None:
        """End the silence under the cursor."""
        silence = self._shown.get(self.query_one("#silences", LineTable).target() or "")
        if silence is not None:
            self._alarms.unsilence(silence)
            self._list()

    @on(Input.Submitted)
    @on(Button.Pressed, "#silence")
    def _silence(self) -> None:
        fields = {field.field: field for field in self.query(Field)}
        form = SilenceForm(**{name: field.value for name, field in fields.items()})
        try:
            wanted, wrong = read(form, self._clock.now().wall), {}
        except SilenceMistakes as mistakes:
            wanted, wrong = None, mistakes.by_field
        for name, field in fields.items():
            field.say(wrong.get(name, ""))
        if wanted is None:
            fields[next(iter(wrong))].input.focus()
            return
        self._alarms.silence(**wanted._asdict())
        for field in fields.values():
            field.input.value = ""
        self._list()
        self.query_one("#silences", LineTable).focus()
