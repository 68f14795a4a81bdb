"""The alarms themselves: what fires, who has seen it, what is silenced, what ended and by what?"""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Static

from pyhall_tui.alarms.alarm import Alarm, Condition, Standing
from pyhall_tui.alarms.listing import Listed, Showing, count_all, listed
from pyhall_tui.render.alarm import (
    STANDING_WORDS,
    alarm_line,
    alarm_lines,
    alarm_row,
    alarm_values,
    sentence,
    silences_line,
    standing_counts,
)
from pyhall_tui.render.counts import counted
from pyhall_tui.render.event import BAR
from pyhall_tui.render.text import Cell, Style, clean
from pyhall_tui.screens.activity.acknowledge_dialog import AcknowledgeScreen
from pyhall_tui.screens.activity.silences_dialog import SilencesScreen
from pyhall_tui.screens.elsewhere import elsewhere_line, firing_elsewhere
from pyhall_tui.screens.messages import AlarmsChanged, ConnectionChanged, CopyText, FleetsChanged, Go, OpenProfile
from pyhall_tui.screens.overview.watched import KeptProfile
from pyhall_tui.screens.undoing import undo_last
from pyhall_tui.threads.off_loop import off_loop
from pyhall_tui.widgets.attendance import each_second
from pyhall_tui.widgets.cells import as_content, as_lines, show_line
from pyhall_tui.widgets.field import FilterInput
from pyhall_tui.widgets.header import StatusHeader
from pyhall_tui.widgets.key_bar import KeyBar, key_name
from pyhall_tui.widgets.key_hint import KeyHint
from pyhall_tui.widgets.line_table import Column, LineTable, Row
from pyhall_tui.widgets.standing_line import StandingLine
from pyhall_tui.widgets.time_column import with_zone
from pyhall_tui.widgets.too_small import TooSmall
from pyhall_tui.workspace import Workspace

COLUMNS = (
    Column("severity", "SEVERITY", 9, sortable=False),
    Column("standing", "STATE", 12, sortable=False),
    Column("condition", "CONDITION", 18, sortable=False),
    Column("worker", "WORKER", 16, flex=4, sortable=False, is_id=True, field="worker_id"),
    Column("since", "SINCE", 12, sortable=False, field="fired_at"),
    Column("times", "", 4, leaves=3, sortable=False),
    Column("source", "SOURCE", 9, leaves=1, sortable=False),
    Column("how", "HOW", 16, flex=4, leaves=2, sortable=False),
)
_MOST_ENDED = 10_000
"""How many alarms that ended in earlier runs are listed: the newest."""
_REDRAW, _PAUSE = 0.1, 10.0
"""Seconds for which changes are collected, and how many times as long as the last listing took, if that is more."""


class AlarmsScreen(Screen[None]):
    """Lists the alarms of the open profile, most urgent first."""

    CSS_PATH = "alarms.tcss"
    AUTO_FOCUS = "#alarms"
    LISTS_ALARMS = "open"
    BINDING_GROUP_TITLE = "Alarms"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,backspace,exclamation_mark", "back", "Back", id="alarms.back", tooltip="Leave the filter, or alarms"
        ),
        Binding("slash", "filter", "Filter", key_display="/", id="alarms.filter", tooltip="Filter over all fields"),
        Binding("s", "standing", "State", id="alarms.standing", tooltip="Show only alarms in the next state"),
        Binding("t", "kind", "Kind", id="alarms.kind", tooltip="Show only the next kind of alarm"),
        Binding("a", "acknowledge", "Ack", id="alarms.acknowledge", tooltip="Acknowledge the marked alarms, or this"),
        Binding("u", "undo", "Undo", id="alarms.undo", tooltip="Undo the last change of your lists (ten at most)"),
        Binding("S", "silences", "Silences", id="alarms.silences", tooltip="Silence this alarm; list and end silences"),
        Binding("o", "elsewhere", "Others", show=False, id="alarms.elsewhere", tooltip="Next profile with alarms"),
        Binding("y", "copy", "Copy", id="alarms.copy", tooltip="Copy the marked alarms, or this one, as text"),
    ]

    def __init__(self, workspace: Workspace, kept: Callable[[], Sequence[KeptProfile]]) -> None:
        """`kept` returns all profiles that run, the open one included."""
        super().__init__()
        self._workspace, self._kept = workspace, kept
        self._ended: list[Alarm] | None = None
        """Those of the journal, which also has earlier runs' ones; None until they are read."""
        self._shown: dict[str, Listed] = {}
        self._showing = Showing()
        self._redraw_in = _REDRAW
        self._redraw_pending = False

    def compose(self) -> ComposeResult:
        yield StatusHeader(self._workspace, "activity")
        yield StandingLine(self._workspace)
        yield Static(id="alarm-state", markup=False)
        with Horizontal(id="alarm-bar"):
            yield FilterInput("#alarms", placeholder="/ filter over all fields, in plain words", id="alarm-filter")
            yield KeyHint("", "screen.standing", id="by-standing")
            yield KeyHint("", "screen.kind", id="by-condition")
            yield Static(id="alarm-count", markup=False)
        yield LineTable(with_zone(COLUMNS, "since"), self._row, id="alarms", values=self._values, what="alarm")
        yield Static(id="alarm-detail", markup=False)
        yield KeyBar()
        yield TooSmall()

    def on_mount(self) -> None:
        self._list()
        self._read_ended()
        each_second(self, self._show_state)

    @property
    def table(self) -> LineTable:
        """The table of alarms."""
        return self.query_one("#alarms", LineTable)

    @property
    def correlation_id(self) -> str:
        """The id of what the alarm under the cursor fired with."""
        one = self._under_cursor()
        return one.alarm.correlation_id if one else ""

    # -- what is shown -----------------------------------------------------------------------------------------

    @work(exclusive=True, exit_on_error=False, group="ended")
    async def _read_ended(self) -> None:
        workspace = self._workspace
        journal, profile, book = workspace.journal, workspace.profile.name, workspace.alarms.book
        firing = sum(book.count_all(standing) for standing in Standing if standing is not Standing.RESOLVED)

        def ask() -> list[Alarm]:
            journal.flush()
            kept = journal.alarms.all(profile, firing + _MOST_ENDED)
            return [alarm for alarm in kept or () if not alarm.is_firing]

        self._ended = await off_loop(ask, name="alarms")
        self._list(by_itself=True)

    @on(AlarmsChanged)
    def _alarms_changed(self) -> None:
        if not self._redraw_pending:
            self._redraw_pending = True
            self.set_timer(self._redraw_in, partial(self._list, by_itself=True))

    @on(ConnectionChanged)
    def _connection_changed(self) -> None:
        self.query_one(StatusHeader).update_status()

    @on(FleetsChanged)
    def _changed_elsewhere(self) -> None:
        self._show_state()

    def on_screen_resume(self) -> None:
        if self.is_mounted:
            self._list(by_itself=True)

    def _list(self, *, by_itself: bool = False) -> None:
        """List the alarms as they stand now. `by_itself`: you did not ask for it."""
        self._redraw_pending = False
        if not self.is_mounted:
            return
        began = self._workspace.now().mono
        found = listed(self._workspace.alarms.book, self._ended or (), self._showing)
        self._shown = {one.alarm.id: one for one in found}
        self.table.placeholder = self._why_empty()
        keys = list(self._shown)
        if keys != list(self.table.keys):
            self.table.show(keys, by_itself=by_itself)
        self.table.refresh_rows(self.table.visible_keys)
        self._redraw_in = max(_REDRAW, _PAUSE * (self._workspace.now().mono - began))
        self._tell_narrowing()
        self._show_state()
        self._show_detail()
        self.query_one(StatusHeader).update_status()

    def _why_empty(self) -> str:
        if self._showing != Showing():
            return "No alarm matches the filter. Esc clears it."
        if self._ended is None:
            return "Loading …"
        return f"No alarm of {self._whose} has fired yet."

    @property
    def _whose(self) -> str:
        return clean(self._workspace.profile.name, 40)

    def _tell_narrowing(self) -> None:
        asked = self._showing
        self._hint("#by-standing", "state", _word(asked.standing), active=asked.standing is not None)
        self._hint("#by-condition", "kind", asked.condition or "all", active=asked.condition is not None)
        total = count_all(self._workspace.alarms.book, self._ended or ())
        self.query_one("#alarm-count", Static).update(Content(counted(len(self._shown), total, "alarm")))

    def _hint(self, selector: str, label: str, value: str, *, active: bool) -> None:
        hint = self.query_one(selector, KeyHint)
        hint.update(f"{label}: {value}")
        hint.set_class(active, "-active")

    def _show_state(self) -> None:
        """Count by state what there is in all, and say what is silenced."""
        book, now = self._workspace.alarms.book, self._workspace.now().wall
        ended = (one for one in self._ended or () if book.held(one.condition, one.subject) is None)
        counted = Counter({standing: book.count_all(standing) for standing in Standing})
        counted[Standing.RESOLVED] += sum(1 for _ in ended)
        lines = [as_content(standing_counts(counted, self._whose), " · ")]
        if elsewhere := elsewhere_line(firing_elsewhere(self._kept()), "o"):
            lines.append(as_content(elsewhere))
        if silenced := silences_line(book.silences, now, key=key_name(self, "alarms.silences", "S")):
            lines.append(as_content(silenced))
        show_line(self.query_one("#alarm-state", Static), Content("\n").join(lines))

    def _row(self, key: str) -> Row:
        one = self._shown.get(key)
        if one is None:
            return Row({})
        row = alarm_row(one, self._workspace.alarms.book.silenced_by(one.alarm), self._workspace.now().wall)
        is_open = one.standing is Standing.FIRING
        bar = Cell(BAR if is_open else " ", Style.WARNING)
        return Row({**row._asdict(), "severity": (bar, *row.severity)}, alarm=is_open, strong=is_open)

    def _values(self, key: str) -> dict[str, Any] | None:
        one = self._shown.get(key)
        return alarm_values(one) if one else None

    @on(LineTable.Highlighted, "#alarms")
    def _show_detail(self) -> None:
        """Show everything about the alarm under the cursor."""
        below, one = self.query_one("#alarm-detail", Static), self._under_cursor()
        below.display = one is not None
        if one is not None:
            silence = self._workspace.alarms.book.silenced_by(one.alarm)
            show_line(below, as_lines(alarm_lines(one, silence, self._workspace.now().wall)))

    # -- filter ------------------------------------------------------------------------------------------------

    @on(Input.Changed, "#alarm-filter")
    def _filter_changed(self, message: Input.Changed) -> None:
        self._narrow(self._showing._replace(text=message.value.strip()))

    def _narrow(self, showing: Showing) -> None:
        if showing != self._showing:
            self._showing = showing
            self._list()

    def action_filter(self) -> None:
        self.set_focus(self.query_one("#alarm-filter", Input))

    def action_standing(self) -> None:
        states: list[Standing | None] = [None, *Standing]
        here = states.index(self._showing.standing)
        self._narrow(self._showing._replace(standing=states[(here + 1) % len(states)]))

    def action_kind(self) -> None:
        kinds: list[Condition | None] = [None, *Condition]
        here = kinds.index(self._showing.condition)
        self._narrow(self._showing._replace(condition=kinds[(here + 1) % len(kinds)]))

    def action_back(self) -> None:
        """Leave the filter, clear it, then the marks, then leave the screen."""
        filter_input = self.query_one("#alarm-filter", Input)
        if filter_input.has_focus and not filter_input.value:
            self.table.focus()
        elif self._showing != Showing():
            filter_input.value = ""
            self._narrow(Showing())
            self.table.focus()
        elif self.table.marked:
            self._unmark()
        elif self.app.screen is self:
            self.app.pop_screen()

    # -- actions on alarms -------------------------------------------------------------------------------------

    def _under_cursor(self) -> Listed | None:
        return self._shown.get(self.table.cursor_key or "")

    def _unmark(self) -> None:
        marked = set(self.table.marked)
        self.table.marked.clear()
        self.table.refresh_rows(marked)

    def action_acknowledge(self) -> None:
        """Acknowledge the marked alarms, or the one under the cursor, with a note."""
        if not (targets := [self._shown[key] for key in self.table.targets() if key in self._shown]):
            return
        alarms = [one.alarm for one in targets if one.alarm.is_firing and not one.alarm.is_acknowledged]
        if not alarms:
            self.notify("Nothing to acknowledge here: it is over, or somebody has.", timeout=4, markup=False)
            return
        what = sentence(alarms[0]) if len(alarms) == 1 else f"{len(alarms)} alarms"
        dialog = AcknowledgeScreen(clean(what, 60), self._workspace.alarms.operator)
        self.app.push_screen(dialog, lambda note: None if note is None else self._acknowledge(alarms, note))

    def _acknowledge(self, alarms: list[Alarm], note: str) -> None:
        following = self._next_open({alarm.id for alarm in alarms})
        self._workspace.alarms.acknowledge_alarms(alarms, note)
        self._unmark()
        self._list()
        if following is not None:
            self.table.move_to(following)

    def _next_open(self, beside: set[str]) -> str | None:
        """Return the alarm below the cursor, or else above it, that still needs somebody; None if there is none."""
        keys = list(self._shown)
        here = keys.index(self.table.cursor_key) if self.table.cursor_key in self._shown else 0
        around = [*keys[here:], *reversed(keys[:here])]
        return next((key for key in around if key not in beside and self._is_open(key)), None)

    def _is_open(self, key: str) -> bool:
        return self._shown[key].standing is Standing.FIRING

    def action_undo(self) -> None:
        """Undo the last change of our own lists; what others did since stays."""
        undo_last(self, self._workspace.own_changes, self._list)

    def action_silences(self) -> None:
        """List what is silenced, and propose to silence the alarm under the cursor."""
        one = self._under_cursor()
        alarm = one.alarm if one is not None and one.alarm.is_firing else None
        worker, kind = (alarm.subject, alarm.condition.key) if alarm else ("", "")
        self.app.push_screen(SilencesScreen(self._workspace.alarms, self._workspace.clock, worker, kind))

    def action_elsewhere(self) -> None:
        """Open the next profile in which alarms fire, and list them there."""
        if not (found := firing_elsewhere(self._kept())):
            self.notify("No alarms fire in other profiles.", timeout=4, markup=False)
        elif self.app.screen is self:
            self.app.pop_screen()
            self.app.post_message(OpenProfile(found[0].name, opens="alarms"))

    def action_copy(self) -> None:
        book, now = self._workspace.alarms.book, self._workspace.now().wall
        found = [self._shown[key] for key in self.table.targets() if key in self._shown]
        if found:
            what = "alarm" if len(found) == 1 else f"list of {len(found):,} alarms"
            lines = (alarm_line(one, book.silenced_by(one.alarm), now) for one in found)
            self.post_message(CopyText("\n".join(lines), what))

    @on(LineTable.Opened, "#alarms")
    def _go_to_worker(self, message: LineTable.Opened) -> None:
        one = self._shown.get(message.key)
        if one is None or not one.alarm.subject:
            self.notify("This is about the registry: there is no worker to open.", timeout=4, markup=False)
            return
        self.app.pop_screen()
        self.app.post_message(Go("workers", worker_id=one.alarm.subject))


def _word(standing: Standing | None) -> str:
    return STANDING_WORDS[standing] if standing else "all"
