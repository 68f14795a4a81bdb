"""The dispatch screen: what does policy say, and why?"""

from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import TabPane

from pyhall_tui.dispatch.form import filled
from pyhall_tui.dispatch.history import EXPORTED, dispatch_record
from pyhall_tui.dispatch.result import Tried
from pyhall_tui.dispatch.saved import SavedMistake, SavedRequests
from pyhall_tui.files.drafts import Drafts
from pyhall_tui.paths import Home
from pyhall_tui.profiles.urls import is_loopback
from pyhall_tui.registry.models import DispatchRequest
from pyhall_tui.render.decision import history_row
from pyhall_tui.render.text import clean
from pyhall_tui.screens.base import ModeScreen
from pyhall_tui.screens.command_rows import Targets
from pyhall_tui.screens.correlation.screen import CorrelationScreen
from pyhall_tui.screens.dispatch.answer import AnswerView
from pyhall_tui.screens.dispatch.columns import COLUMNS
from pyhall_tui.screens.dispatch.dialogs import ChooseScreen, IntervalScreen
from pyhall_tui.screens.dispatch.history_tab import HistoryTab
from pyhall_tui.screens.dispatch.live_strip import LiveStrip
from pyhall_tui.screens.dispatch.matrix_tab import MatrixTab
from pyhall_tui.screens.dispatch.request_form import READ_ONLY, RequestForm
from pyhall_tui.screens.messages import CopyText, Go
from pyhall_tui.widgets.exported import Exported
from pyhall_tui.widgets.line_table import LineTable, Row
from pyhall_tui.widgets.seen_ids import SeenIds
from pyhall_tui.widgets.tabbed import Tabbed
from pyhall_tui.widgets.time_column import with_zone
from pyhall_tui.widgets.typed_ahead import LastAnswer
from pyhall_tui.workspace import Workspace

_MOST = 1_000
"""Dispatches listed for this session; the journal has them all."""
_WARN_BELOW = 2.0
"""Seconds: a faster live run against a registry on another machine needs a second confirmation."""
_INTERVAL = 2.0
_COLUMNS = tuple(column._replace(most=37) if column.is_id else column for column in COLUMNS)
"""Beside the answer, where the list is narrower than below it, there is room for as much of an id."""


class DispatchScreen(ModeScreen):
    """The tester: a form, its answer in large letters, the session's history; the matrix, and all stored dispatches."""

    MODE = "dispatch"
    CSS_PATH = ["../../widgets/tabs.tcss", "dispatch.tcss"]
    AUTO_FOCUS = ""
    BINDING_GROUP_TITLE = "Dispatch"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "send", "Dispatch", id="dispatch.send", tooltip="Send the dispatch"),
        Binding("ctrl+n", "new_id", "New id", show=False, id="dispatch.new_id", tooltip="Make a new correlation id"),
        Binding("ctrl+l", "live", "Live", id="dispatch.live", tooltip="Repeat the dispatch, or stop repeating it"),
        Binding("ctrl+o", "saved", "Saved", id="dispatch.saved", tooltip="Saved requests: open one, or save this one"),
        Binding(
            "f", "look_up", "Trace", show=False, id="dispatch.look_up", tooltip="Everything a correlation id touched"
        ),
        Binding("y", "copy", "Copy tab", id="dispatch.copy", tooltip="Copy the text of the open tab"),
        Binding("i", "edit", "Edit", id="dispatch.edit", tooltip="Go to the form"),
        Binding("f2", "tab('try')", "Try", show=False, id="dispatch.try", tooltip="One dispatch"),
        Binding("f3", "tab('matrix')", "Matrix", show=False, id="dispatch.matrix", tooltip="The matrix"),
        Binding("f4", "tab('history')", "History", show=False, id="dispatch.history", tooltip="All dispatches sent"),
    ]

    def __init__(self, workspace: Workspace, home: Home) -> None:
        """`home` has the folders for drafts and log (state), and for baselines and saved requests (config)."""
        super().__init__(workspace)
        self._home = home
        self._drafts = Drafts(home.state, workspace.profile.name)
        self._saved = SavedRequests(home.config / "requests.toml")
        self._session: dict[str, Tried] = {}
        self._seen_ids = SeenIds()
        self._sent_at: float | None = None
        self._last_answer = LastAnswer()
        self._to_focus = ""
        """What gets the focus once its tab is shown, because nothing hidden can have it."""
        self._follows_live = False
        """Whether the visible answer is the live run's last: not while another is sent or shown."""

    def compose_body(self) -> ComposeResult:
        with Tabbed(id="dispatch-tabs"):
            with TabPane("Try  F2", id="try"):
                with Horizontal(id="try-top"):
                    yield RequestForm(self.workspace, self._drafts)
                    yield AnswerView(LiveStrip(self.workspace))
                yield LineTable(with_zone(_COLUMNS), self._row, id="session", ids=self._seen_ids, roomy=self.WIDE)
            with TabPane("Matrix  F3", id="matrix"):
                yield MatrixTab(self.workspace, self._drafts, self._home.config / "baselines")
            with TabPane("History  F4", id="history"):
                yield HistoryTab(self.workspace)

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#session").border_title = "This session"
        self.set_interval(1.0, self._count_waiting)
        self.set_interval(0.25, self._pull_live)

    @property
    def form(self) -> RequestForm:
        """The request's form."""
        return self.query_one(RequestForm)

    @property
    def answer(self) -> AnswerView:
        """The answer's view."""
        return self.query_one(AnswerView)

    @property
    def session_table(self) -> LineTable:
        """The session's history."""
        return self.query_one("#session", LineTable)

    @on(Go)
    def _come(self, message: Go) -> None:
        if message.mode != self.MODE:
            return  # it continues to another screen
        message.stop()
        if marked := message.fill.get("marked"):
            self.query_one(MatrixTab).take_marked(marked)
            self.action_tab("matrix")
            return
        self._show_tab("try")
        about = {"worker_id": message.worker_id} if message.worker_id else {}
        self.form.fill_some({**message.fill, **about})

    def fleet_changed(self) -> None:
        """Show whether sending is allowed: on return, the profile may have become read-only."""
        form = self.query_one_optional(RequestForm)  # the screen may be shown before all of it is made
        if form is not None and form.is_filled:
            form.show_leave()
            if self._sent_at is None:
                self.answer.show_hint(READ_ONLY if self.workspace.profile.read_only else "")

    # -- one dispatch ------------------------------------------------------------------------------------------

    @on(RequestForm.Changed)
    def _form_changed(self) -> None:
        self.answer.show_snippets(self.workspace.profile.registry_url, self.form.preview())

    @on(RequestForm.SendPressed)
    def action_send(self) -> None:
        self._show_tab("try")
        if self.workspace.profile.read_only:
            self.notify(READ_ONLY, severity="warning", markup=False)
        elif self._sent_at is not None:
            self.notify("The last one is still waiting for its answer.", severity="warning", markup=False)
        elif self._last_answer.was_unseen(self):
            self.notify("Sent once: that key was pressed before the answer came.", severity="warning", markup=False)
        elif (request := self.form.request()) is not None:
            self._sent_at = self.workspace.now().mono
            self._send(request)

    @work(exit_on_error=False, group="dispatch")
    async def _send(self, request: DispatchRequest) -> None:
        self._follows_live = False
        self.answer.show_waiting(0.0)
        try:
            tried = await self.workspace.lab.dispatch(request)
        finally:
            self._sent_at = None
            self._last_answer.came()
        self._keep(tried)
        self.answer.show_answer(tried)

    @on(LineTable.Opened, "#session")
    def _open_again(self, message: LineTable.Opened) -> None:
        self._show(self._session[message.key])

    @on(AnswerView.UseAddress)
    def _use_address(self, message: AnswerView.UseAddress) -> None:
        self.post_message(Go("profiles", fill={"registry_url": message.url}))

    def _show(self, tried: Tried) -> None:
        """Fill the form with what was sent, and show the answer; the next send gets its own id."""
        row = tried.row
        form = filled(capability=row.capability, worker_id=row.worker_id, context=row.context)
        self._show_tab("try")
        self.session_table.focus()
        self._follows_live = False
        self.form.fill_again(form)
        self.answer.show_answer(tried, from_history=True)

    # -- live runs ---------------------------------------------------------------------------------------------

    @on(RequestForm.LivePressed)
    def action_live(self) -> None:
        lab, profile = self.workspace.lab, self.workspace.profile
        if lab.live is not None and lab.live.is_running:
            lab.stop_live()
            self.notify("The live run was stopped.", timeout=2, markup=False)
        elif profile.read_only:
            self.notify(READ_ONLY, severity="warning", markup=False)
        elif (request := self.form.request()) is not None:
            interval = lab.live.interval if lab.live is not None else _INTERVAL
            warn_below = None if is_loopback(profile.registry_url) else _WARN_BELOW
            screen = IntervalScreen(interval, warn_below, profile.registry_url)
            self.app.push_screen(screen, lambda seconds: self._start_live(request, seconds))

    def _start_live(self, request: DispatchRequest, seconds: float | None) -> None:
        if seconds is not None:
            self.workspace.lab.start_live(request, seconds)
            self._follows_live = True
            self._pull_live()

    def _pull_live(self) -> None:
        """Show the live run's last answer, unless another one is being sent or shown."""
        if not self.is_current:
            return
        self.query_one(LiveStrip).pull()
        run = self.workspace.lab.live
        if self._follows_live and run is not None and run.last is not None and run.last is not self.answer.shown:
            self.answer.show_answer(run.last)

    # -- matrix and history --------------------------------------------------------------------------------------

    @on(MatrixTab.Opened)
    def _cell_opened(self, message: MatrixTab.Opened) -> None:
        self._show(message.tried)

    @on(HistoryTab.Opened)
    def _kept_opened(self, message: HistoryTab.Opened) -> None:
        self._show(message.tried)
        if message.send:
            self.action_send()

    @on(Tabbed.TabActivated, "#dispatch-tabs")
    def _tab_shown(self, message: Tabbed.TabActivated) -> None:
        if self._to_focus:
            self.query_one(self._to_focus).focus()
            self._to_focus = ""
        if message.pane.id == "history":
            self.query_one(HistoryTab).read()
        elif message.pane.id == "matrix":
            self.query_one(MatrixTab).count()

    def action_tab(self, tab: str) -> None:
        """Go to a tab, and focus its first element."""
        first = {"try": "#capability", "matrix": "#capabilities", "history": "#history-rows"}[tab]
        if self.query_one("#dispatch-tabs", Tabbed).active == tab:
            self.query_one(first).focus()
        else:
            self._to_focus = first
            self._show_tab(tab)

    def _show_tab(self, tab: str) -> None:
        self.query_one("#dispatch-tabs", Tabbed).active = tab

    # -- saved requests, correlation ---------------------------------------------------------------------------

    def action_saved(self) -> None:
        try:
            names = list(self._saved.load())
        except SavedMistake as mistake:
            self.notify(clean(mistake, 400), severity="error", markup=False)
            return
        screen = ChooseScreen("Saved requests", names, save_label="Save the form as", may_delete=True)
        self.app.push_screen(screen, self._saved_chosen)

    def _saved_chosen(self, choice: tuple[str, str] | None) -> None:
        if choice is None:
            return
        what, name = choice
        try:
            if what == "open":
                self._show_tab("try")
                self.form.fill(self._saved.load()[name])
            elif what == "save":
                self._saved.save(name, self.form.values)
                self.notify(f"Saved as {clean(name)} in {clean(self._saved.path)}.", markup=False)
            else:
                self._saved.delete(name)
                self.notify(f"{clean(name)} was deleted.", markup=False)
        except (SavedMistake, KeyError) as mistake:
            self.notify(clean(mistake, 400), severity="error", markup=False)

    def action_look_up(self) -> None:
        shown = self.answer.shown
        self._look_up(shown.row.correlation_id if shown else "")

    @on(HistoryTab.LookUp)
    def _look_up_kept(self, message: HistoryTab.LookUp) -> None:
        self._look_up(message.correlation_id)

    def _look_up(self, correlation_id: str) -> None:
        self.app.push_screen(CorrelationScreen(self.workspace, correlation_id))

    @property
    def offers_commands(self) -> bool:
        """Whether commands of your own have rows: those of the history."""
        return self.is_mounted and self.query_one("#dispatch-tabs", Tabbed).active == "history"

    def command_targets(self) -> Targets:
        """Return the dispatches of the history that a command of your own is for."""
        return self.query_one(HistoryTab).command_targets()

    def exported(self) -> Exported | None:
        """What `E` exports: this session, the matrix, or the history, whichever is open."""
        tab = self.query_one("#dispatch-tabs", Tabbed).active
        if tab == "history":
            return self.query_one(HistoryTab).exported()
        if tab == "matrix":
            return self.query_one(MatrixTab).exported()
        rows = [self._session[key].row for key in self.session_table.keys]
        return Exported("decision", EXPORTED, lambda: map(dispatch_record, rows)) if rows else None

    # -- small things ------------------------------------------------------------------------------------------

    def action_new_id(self) -> None:
        self.form.make_id()

    def action_edit(self) -> None:
        self._show_tab("try")
        self.form.focus_first()

    def action_copy(self) -> None:
        if (copied := self.answer.copied()) is not None:
            self.post_message(CopyText(*copied))
        else:
            self.notify("There is nothing in this tab to copy yet.", markup=False)

    def action_dismiss_news(self) -> None:
        """Leave a field (escape). This also dismisses the news."""
        self.leave_field()
        super().action_dismiss_news()

    def leave_field(self) -> None:
        """Go to the list beside the fields, where characters are keys."""
        tab = self.query_one("#dispatch-tabs", Tabbed).active
        self.query_one({"try": "#session", "matrix": "#grid", "history": "#history-rows"}[tab]).focus()

    def _keep(self, tried: Tried) -> None:
        self._session[str(tried.row.id)] = tried
        while len(self._session) > _MOST:
            del self._session[next(iter(self._session))]
        self._seen_ids.see([tried.row.worker_id])
        self.session_table.show(list(reversed(self._session)), by_itself=True)

    def _row(self, key: str) -> Row:
        tried = self._session.get(key)
        return Row(history_row(tried, self.workspace.now().wall)._asdict()) if tried else Row({})

    def _count_waiting(self) -> None:
        if self._sent_at is not None:
            self.answer.show_waiting(self.workspace.now().mono - self._sent_at)
