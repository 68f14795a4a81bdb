"""The activity screen: what happened while you looked away?"""

from collections.abc import Callable
from functools import partial
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Static

from pyhall_tui.alarms.alarm import Alarm, Standing
from pyhall_tui.alarms.fold import is_seen_with
from pyhall_tui.feeds.event_feed import EventFeed, Filter
from pyhall_tui.files.drafts import Drafts
from pyhall_tui.fleet.events import Event, Kind, Severity
from pyhall_tui.journal.export import COLUMNS as EXPORTED
from pyhall_tui.journal.export import each_event, event_record
from pyhall_tui.render.alarm import sentence, standing_cell
from pyhall_tui.render.counts import counted
from pyhall_tui.render.event import BAR, WORDS, event_row, line, moment
from pyhall_tui.render.text import Cell, Style, clean
from pyhall_tui.screens.activity.acknowledge_dialog import AcknowledgeScreen
from pyhall_tui.screens.base import ModeScreen
from pyhall_tui.screens.command_rows import Targets, event_targets
from pyhall_tui.screens.messages import CopyText, EventsHappened, Go
from pyhall_tui.screens.undoing import undo_last
from pyhall_tui.threads.off_loop import off_loop
from pyhall_tui.widgets.cells import as_content
from pyhall_tui.widgets.exported import Exported
from pyhall_tui.widgets.field import FilterInput
from pyhall_tui.widgets.frame import Frame
from pyhall_tui.widgets.key_bar import key_name
from pyhall_tui.widgets.key_hint import KeyHint
from pyhall_tui.widgets.line_table import Column, LineTable, Row
from pyhall_tui.widgets.seen_ids import SeenIds
from pyhall_tui.widgets.time_column import with_zone
from pyhall_tui.widgets.typed_ahead import keys_wait_for
from pyhall_tui.workspace import Workspace

COLUMNS = (
    Column("when", "  TIME", 14, sortable=False),
    Column("severity", "SEVERITY", 9, sortable=False),
    Column("worker", "WORKER", 16, flex=3, sortable=False, is_id=True),
    Column("what", "WHAT CHANGED", 20, flex=4, sortable=False, first=60),
    Column("times", "", 4, sortable=False),
    Column("source", "SOURCE", 9, leaves=2, sortable=False),
    Column("correlation", "CORRELATION", 16, leaves=1, sortable=False),
)
_PAGE = 200
_MOST_PAGES = 25
"""How many pages are loaded to reach an event."""
_MOST_COUNTED = 1_000
"""How many events since you last looked are counted; beyond that, it says "more than"."""
_REDRAW = 0.1
"""Seconds for which new events are collected before the list is laid out again."""
_SEVERITIES = (None, Severity.NOTICE, Severity.WARNING, Severity.ALARM)
_LOOKED = "activity-looked"


class ActivityScreen(ModeScreen):
    """Every event, newest first."""

    MODE = "activity"
    CSS_PATH = "activity.tcss"
    AUTO_FOCUS = "#events"
    LISTS_ALARMS = "open"
    BINDING_GROUP_TITLE = "Activity"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", key_display="/", id="activity.filter", tooltip="Filter over all fields"),
        Binding("s", "severity", "Severity", id="activity.severity", tooltip="Raise the lowest severity shown"),
        Binding("t", "kind(1)", "Kind", id="activity.kind", tooltip="Show only the next kind of event"),
        Binding(
            "T", "kind(-1)", "Kind", show=False, id="activity.kind_back", tooltip="Show only the previous kind of event"
        ),
        Binding(
            "a", "acknowledge", "Ack", id="activity.acknowledge", tooltip="Acknowledge the marked events, or this one"
        ),
        Binding(
            "exclamation_mark",
            "app.open('alarms')",
            "Alarms",
            key_display="!",
            id="activity.alarms",
            tooltip="All alarms: who has seen them, what is silenced, what ended and by what",
        ),
        Binding("w", "worker", "Worker", id="activity.worker", tooltip="Show only this worker's events, or all"),
        Binding("p", "pause", "Pause", id="activity.pause", tooltip="Pause: new events are counted, not shown"),
        Binding("A", "acknowledge_all", "Ack all", id="activity.acknowledge_all", tooltip="Acknowledge all shown"),
        Binding("u", "undo", "Undo", id="activity.undo", tooltip="Undo the last change of your lists (ten at most)"),
        Binding("S", "silences", "Silences", id="activity.silences", tooltip="Silence alarms; list and end silences"),
        Binding("y", "copy", "Copy", id="activity.copy", tooltip="Copy the marked events, or this one, as text"),
        Binding(
            "E",
            "app.open('export')",
            "Export",
            id="activity.export",
            tooltip="Export what matches the filter: to a file, or copied",
        ),
    ]

    def __init__(self, workspace: Workspace, drafts: Drafts) -> None:
        """`drafts` stores across restarts how far you have looked."""
        super().__init__(workspace)
        self._drafts = drafts
        self._feed = EventFeed(workspace.alarms.was_replaced)
        self._shown: dict[str, Event] = {}
        self._seen_ids = SeenIds()
        looked = drafts.load(_LOOKED)
        self._looked_id, self._looked_at = _number(looked.get("id")), float(_number(looked.get("at")))
        self._redraw_pending = False
        self._unseen = workspace.alarms.unseen

    def compose_body(self) -> ComposeResult:
        with Frame(id="activity-frame"):
            yield FilterInput("#events", placeholder="/ filter over all fields, in plain words", id="activity-filter")
            with Horizontal(id="narrowing"):
                yield KeyHint("", "screen.severity", id="by-severity")
                yield KeyHint("", "screen.kind(1)", id="by-kind")
                yield KeyHint("", "screen.worker", id="by-worker")
                yield KeyHint("", "screen.pause", id="pausing")
            yield LineTable(with_zone(COLUMNS), self._row, id="events", ids=self._seen_ids)
            yield Static(id="no-events", markup=False)
            yield Static(id="whole-event", markup=False)

    @property
    def table(self) -> LineTable:
        """The table of events."""
        return self.query_one("#events", LineTable)

    # -- new events --------------------------------------------------------------------------------------------

    def on_screen_resume(self) -> None:
        self._catch_up()

    def on_screen_suspend(self) -> None:
        if self.app.current_mode != self.MODE:  # a dialog on top doesn't count as looking away
            self._remember_looked()

    def on_unmount(self) -> None:
        if self.app.current_mode == self.MODE:
            self._remember_looked()

    def events_happened(self, message: EventsHappened) -> None:
        """Add new events; the list is laid out a moment later, once for many."""
        self._feed.take(message.events)
        if not self._redraw_pending:
            self._redraw_pending = True
            self.set_timer(_REDRAW, self._redraw)

    def alarms_changed(self) -> None:
        """Show how alarms stand; read again what the journal has got meanwhile from others."""
        if self._unseen != self.workspace.alarms.unseen and self._feed.is_loaded:
            self._reread()
        self._tell_whole_event()
        self._tell_frame()

    @work(exclusive=True, exit_on_error=False, group="reread")
    async def _reread(self) -> None:
        journal, profile = self.workspace.journal, self.workspace.profile.name
        self._unseen = self.workspace.alarms.unseen
        self._feed.forget_seen()
        question = partial(journal.events, profile, limit=max(_PAGE, self._feed.loaded))
        self._feed.reread(await self._ask(question))
        self._redraw()
        self.table.refresh_rows(self.table.visible_keys)

    @work(exclusive=True, exit_on_error=False, group="catch-up")
    async def _catch_up(self) -> None:
        """Pull what came while another screen was visible; the first time, also the newest page."""
        journal, profile = self.workspace.journal, self.workspace.profile.name
        if self._looked_id:
            question = partial(journal.events_since, profile, self._looked_id, _MOST_COUNTED)
            self._feed.take(await self._ask(question))
        was_loaded = self._feed.is_loaded
        while not self._feed.is_loaded:  # a page is dropped if the filter changes meanwhile
            await self._ask_page()
        if was_loaded and self._unseen != self.workspace.alarms.unseen:
            self._reread()
        self._redraw()

    @on(LineTable.ViewMoved)
    def _load_older_in_time(self) -> None:
        """Load the next page before you scroll to the end of what is loaded."""
        table = self.table
        left = len(table.keys) - table.scroll_offset.y - table.size.height
        if self._feed.is_loaded and self._feed.has_older and left < table.size.height:
            self._load_older()

    @work(exclusive=True, exit_on_error=False, group="older")
    async def _load_older(self) -> None:
        await self._ask_page()
        self._redraw()

    async def _ask_page(self) -> None:
        workspace, asked, before_id = self.workspace, self._feed.asked, self._feed.before_id
        events, profile = workspace.journal.events, workspace.profile.name
        page = await self._ask(partial(events, profile, limit=_PAGE, before_id=before_id, **asked.question()))
        self._feed.add_page(asked, before_id, page, is_last=len(page) < _PAGE)

    async def _ask(self, question: Callable[[], list[Event]]) -> list[Event]:
        """Ask the journal in a thread, after earlier events are on disk."""
        journal = self.workspace.journal

        def ask() -> list[Event]:
            journal.flush()
            return question()

        return await off_loop(ask, name="activity")

    def _remember_looked(self) -> None:
        newest = self._feed.newest_id
        if self._feed.is_loaded:
            self._looked_id, self._looked_at = max(newest, self._looked_id), self.workspace.now().wall
            self._drafts.save(_LOOKED, {"id": self._looked_id, "at": self._looked_at})

    # -- what is shown -----------------------------------------------------------------------------------------

    def _redraw(self) -> None:
        by_itself, self._redraw_pending = self._redraw_pending, False
        if not self.is_mounted:
            return
        rows = self._feed.rows()
        self._shown = {str(event.id): event for event in rows}
        self._seen_ids.see(event.worker_id for event in rows)
        keys = list(self._shown)
        if keys != list(self.table.keys):
            self.table.show(keys, by_itself=by_itself)
        self._tell_frame()
        self._tell_narrowing()

    def _row(self, key: str) -> Row:
        event = self._shown.get(key)
        if event is None:
            return Row({})
        row = event_row(event, self.workspace.now().wall)
        is_new = not event.acknowledged
        bar = Cell(BAR if is_new else " ", Style.WARNING)
        cells: dict[str, Cell | tuple[Cell, ...]] = {**row._asdict(), "when": (bar, row.when)}
        return Row(cells, alarm=is_new and event.severity is Severity.ALARM, strong=is_new)

    @on(LineTable.Highlighted)
    def _tell_whole_event(self) -> None:
        """Show the event under the cursor completely below the table, which cuts long texts."""
        event = self._under_cursor()
        whole = Content(line(event)) if event else Content("")
        standing = as_content(self._standings(event), " · ") if event else Content("")
        self.query_one("#whole-event", Static).update(Content("  ").join(part for part in (standing, whole) if part))

    def _standings(self, event: Event) -> list[Cell]:
        """How the alarms stand that an event began, if it is not plain, and they have not fired again since."""
        alarms, now = self.workspace.alarms, self.workspace.now().wall
        return [
            standing_cell(alarm, alarms.book.standing(alarm), alarms.book.silenced_by(alarm), now)
            for alarm in alarms.of_event(event)
            if is_seen_with(alarm, event) and (alarm.times > 1 or alarms.book.standing(alarm) is not Standing.FIRING)
        ]

    def _tell_frame(self) -> None:
        frame, count = self.query_one("#activity-frame"), len(self._shown)
        frame.border_title = as_content([self._since_looked()])
        shown = counted(count, self._feed.total, "event", has_more=self._feed.has_older)
        alarms, silenced = self.workspace.alarms.firing, self.workspace.alarms.silenced
        still = f" · {alarms} alarm{'s' if alarms != 1 else ''} not acknowledged" if alarms else ""
        still += f" · {silenced} silenced" if silenced else ""
        frame.border_subtitle = as_content([Cell(f"{shown}{still}", Style.DIM)])
        empty = self.query_one("#no-events", Static)
        frame.set_class(count == 0, "-empty")  # the table stays, because it has the focus and therefore the keys
        empty.update(Content(self._why_empty()))

    def _since_looked(self) -> Cell:
        if not self._looked_id:
            return Cell("Events, newest first")
        came = self._feed.came_after(self._looked_id)
        number = f"more than {_MOST_COUNTED}" if came >= _MOST_COUNTED else str(came) if came else "nothing"
        when = moment(self._looked_at, self.workspace.now().wall)
        return Cell(f"{number} came since you last looked, {when}", Style.STRONG if came else Style.DIM)

    @on(Go)
    async def _go_to_event(self, message: Go) -> None:
        """Show the event that another screen, or the palette, asks for, with its worker's or kind's others if it is
        older than what is loaded."""
        event = message.fill.get("event")
        if message.mode != self.MODE or not isinstance(event, Event):
            return
        message.stop()
        keys_wait_for(self, self.run_worker(self._show_event(event), exit_on_error=False, group="show-event"))

    async def _show_event(self, event: Event) -> None:
        key = str(event.id)
        if not self._feed.is_loaded:
            await self._ask_page()
            self._redraw()
        if key not in self._shown:
            self.query_one("#activity-filter", Input).value = ""
            self._feed.pause(paused=False)
            self._feed.narrow(Filter(worker=event.worker_id, kind=None if event.worker_id else event.kind))
            for _ in range(_MOST_PAGES):
                self._redraw()
                if key in self._shown or not self._feed.has_older:
                    break
                await self._ask_page()
        self.table.move_to(key)
        self.table.focus()
        if key not in self._shown:
            self.notify("This event is older than what is loaded: filter for it.", markup=False)

    def _why_empty(self) -> str:
        if not self._feed.is_loaded:
            return "Reading the journal …"
        if self._feed.asked != Filter():
            return "No event matches the filter. Esc clears it."
        return "Nothing has happened yet.\nBans, changed hashes, a lost registry: every change is listed here."

    def _tell_narrowing(self) -> None:
        asked = self._feed.asked
        self._hint("#by-severity", "severity", _severity_words(asked.severity), active=asked.severity is not None)
        self._hint("#by-kind", "kind", asked.kind or "all", active=asked.kind is not None)
        self._hint("#by-worker", "worker", clean(asked.worker or "all", 24), active=asked.worker is not None)
        pausing = self.query_one("#pausing", KeyHint)
        pausing.update(f"‖ paused · {self._feed.held} waiting" if self._feed.paused else "● live")
        pausing.set_class(self._feed.paused, "-paused")

    def _hint(self, selector: str, label: str, value: str, *, active: bool) -> None:
        hint = self.query_one(selector, KeyHint)
        hint.update(f"{label}: {value}")
        hint.set_class(active, "-active")

    # -- filter ------------------------------------------------------------------------------------------------

    @on(Input.Changed, "#activity-filter")
    def _filter_changed(self, message: Input.Changed) -> None:
        self._narrow(self._feed.asked._replace(text=message.value.strip()))

    def _narrow(self, asked: Filter) -> None:
        """Show loaded events that pass at once, and load the missing ones."""
        if asked == self._feed.asked:
            return
        self._feed.narrow(asked)
        self._redraw()
        self._load_older_in_time()

    def action_filter(self) -> None:
        self.query_one("#activity-filter", Input).focus()

    def action_severity(self) -> None:
        here = _SEVERITIES.index(self._feed.asked.severity)
        self._narrow(self._feed.asked._replace(severity=_SEVERITIES[(here + 1) % len(_SEVERITIES)]))

    def action_kind(self, step: int) -> None:
        kinds: list[Kind | None] = [None, *self._feed.kinds()]
        here = kinds.index(self._feed.asked.kind) if self._feed.asked.kind in kinds else 0
        self._narrow(self._feed.asked._replace(kind=kinds[(here + step) % len(kinds)]))

    def action_worker(self) -> None:
        event = self._under_cursor()
        worker = event.worker_id if event and self._feed.asked.worker is None else None
        self._narrow(self._feed.asked._replace(worker=worker))

    def action_pause(self) -> None:
        self._feed.pause(paused=not self._feed.paused)
        self._redraw()

    def action_dismiss_news(self) -> None:
        """Leave the filter's input, then clear the filter, then the marks (escape). This also dismisses the news."""
        filter_input = self.query_one("#activity-filter", Input)
        if filter_input.has_focus and not filter_input.value:
            self.table.focus()
        elif self._feed.asked != Filter():
            filter_input.value = ""
            self._narrow(Filter())
            self.table.focus()
        elif self.table.marked:
            self._unmark()
        super().action_dismiss_news()

    # -- actions on events -------------------------------------------------------------------------------------

    @property
    def correlation_id(self) -> str:
        """The id of the event under the cursor."""
        event = self._under_cursor()
        return event.correlation_id if event else ""

    def _under_cursor(self) -> Event | None:
        return self._shown.get(self.table.cursor_key or "")

    def _targets(self) -> list[Event]:
        return [self._shown[key] for key in self.table.targets() if key in self._shown]

    def command_targets(self) -> Targets:
        """Return the events that a command of your own is for, each as its worker's row."""
        return event_targets(self.workspace, self._targets(), self.table.hidden_marks)

    def _unmark(self) -> None:
        marked = set(self.table.marked)
        self.table.marked.clear()
        self.table.refresh_rows(marked)

    def action_acknowledge(self) -> None:
        """Acknowledge what is marked, or the event under the cursor; alarms among it with a note, if one has any."""
        events = [event for event in self._targets() if self._is_open(event)]
        alarms = {alarm.id: alarm for event in events for alarm in self._open_alarms(event)}
        if not alarms:
            self._acknowledge(events, "")
            return
        what = sentence(next(iter(alarms.values()))) if len(alarms) == 1 else f"{len(alarms)} alarms"
        dialog = AcknowledgeScreen(clean(what, 60), self.workspace.alarms.operator)
        self.app.push_screen(dialog, lambda note: None if note is None else self._acknowledge(events, note))

    def _is_open(self, event: Event) -> bool:
        return not event.acknowledged or bool(self._open_alarms(event))

    def _open_alarms(self, event: Event) -> list[Alarm]:
        """The alarms that an event began, still fire, and nobody has seen."""
        alarms = self.workspace.alarms.of_event(event)
        return [one for one in alarms if one.is_firing and not one.is_acknowledged and is_seen_with(one, event)]

    def _acknowledge(self, events: list[Event], note: str) -> None:
        if events:
            self.workspace.alarms.acknowledge(events, note)
            self._acknowledged([event.id for event in events])
        self._unmark()

    def action_undo(self) -> None:
        """Undo the last change of our own lists; what others did since stays."""
        undo_last(self, self.workspace.own_changes, self._reread)

    def action_silences(self) -> None:
        """List what is silenced, and silence more: the worker under the cursor is proposed."""
        from pyhall_tui.screens.activity.silences_dialog import SilencesScreen

        event = self._under_cursor()
        worker = event.worker_id if event and event.worker_id else ""
        self.app.push_screen(SilencesScreen(self.workspace.alarms, self.workspace.clock, worker))

    @work(exclusive=True, exit_on_error=False, group="acknowledge")
    async def action_acknowledge_all(self) -> None:
        """Acknowledge everything that passes the filter, including older events not loaded yet, but not held ones."""
        if not self._shown:
            return
        newest, asked = next(iter(self._shown.values())).id, self._feed.asked
        events = {event.id: event for event in self._shown.values() if self._is_open(event)}
        if asked == Filter():
            self.workspace.alarms.acknowledge_all(newest)
            self._feed.acknowledge_all(newest)
        else:
            workspace = self.workspace
            question = partial(each_event, workspace.journal, workspace.profile.name, **asked.question())
            matching = await self._ask(lambda: [event for event in question() if not event.acknowledged])
            events |= {event.id: event for event in matching if event.id <= newest}
            workspace.alarms.acknowledge(events.values())
        self._acknowledged(list(events))
        said = (
            f"Everything shown is acknowledged. Press {key_name(self, 'activity.undo', 'u')} to undo."
            if events
            else "Everything was already acknowledged."
        )
        self.notify(said, markup=False)

    def _acknowledged(self, ids: list[int]) -> None:
        self._feed.acknowledge(ids)
        self._redraw()
        self.table.refresh_rows(map(str, ids))

    @on(LineTable.Opened)
    def _go_to_worker(self, message: LineTable.Opened) -> None:
        event = self._shown.get(message.key)
        if event is None or event.worker_id is None:
            self.notify("This is about the registry: there is no worker to open.", markup=False, timeout=4)
        else:
            self.post_message(Go("workers", worker_id=event.worker_id))

    def action_copy(self) -> None:
        if events := self._targets():
            what = "event" if len(events) == 1 else f"list of {len(events)} events"
            self.post_message(CopyText("\n".join(map(line, events)), what))

    def exported(self) -> Exported:
        """What matches the filter, older events in the journal included."""
        workspace, asked = self.workspace, self._feed.asked
        question = partial(each_event, workspace.journal, workspace.profile.name, **asked.question())
        return Exported("event", EXPORTED, lambda: map(event_record, question()), from_journal=True)


def _severity_words(severity: Severity | None) -> str:
    if severity is None:
        return "all"
    return f"{WORDS[severity]} up" if severity < Severity.ALARM else WORDS[severity]


def _number(value: object) -> int:
    return int(value) if isinstance(value, int | float) else 0
