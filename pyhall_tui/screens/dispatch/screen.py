"""The dispatch screen: what does policy say, and why?"""

from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import TabbedContent, TabPane

from pyhall_tui.dispatch.form import filled
from pyhall_tui.dispatch.result import Tried
from pyhall_tui.journal.drafts import Drafts
from pyhall_tui.registry.models import DispatchRequest
from pyhall_tui.render.decision import history_row
from pyhall_tui.screens.base import ModeScreen
from pyhall_tui.screens.dispatch.answer import AnswerView
from pyhall_tui.screens.dispatch.request_form import READ_ONLY, RequestForm
from pyhall_tui.screens.messages import CopyText, Go
from pyhall_tui.widgets.line_table import Column, LineTable, Row
from pyhall_tui.workspace import Workspace

COLUMNS = (
    Column("when", "WHEN", 9, sortable=False),
    Column("result", "ANSWER", 9, sortable=False),
    Column("code", "CODE", 20, flex=2, sortable=False),
    Column("capability", "CAPABILITY", 18, flex=2, leaves=4, sortable=False),
    Column("worker", "WORKER", 16, flex=2, sortable=False),
    Column("tier", "TIER", 8, leaves=3, sortable=False),
    Column("elapsed", "TIME", 8, leaves=2, sortable=False),
    Column("correlation", "CORRELATION ID", 18, leaves=1, sortable=False),
)
_MOST = 1_000
"""Dispatches of this session that are listed; the journal has them all."""


class DispatchScreen(ModeScreen):
    """The tester: a form, its answer in large letters, the session's history."""

    MODE = "dispatch"
    CSS_PATH = "dispatch.tcss"
    AUTO_FOCUS = ""
    BINDING_GROUP_TITLE = "Dispatch"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "send", "Dispatch", priority=True, id="dispatch.send", tooltip="Send the dispatch"),
        Binding("ctrl+n", "new_id", "New id", priority=True, id="dispatch.new_id", tooltip="Make a new correlation id"),
        Binding("y", "copy", "Copy tab", id="dispatch.copy", tooltip="Copy the text of the tab on show"),
        Binding("i", "edit", "Edit", id="dispatch.edit", tooltip="Go to the form"),
    ]

    def __init__(self, workspace: Workspace, drafts: Drafts) -> None:
        super().__init__(workspace)
        self._drafts = drafts
        self._session: dict[str, Tried] = {}
        self._sent_at: float | None = None

    def compose_body(self) -> ComposeResult:
        with TabbedContent(id="dispatch-tabs"), TabPane("Try", id="try"):
            with Horizontal(id="try-top"):
                yield RequestForm(self.workspace, self._drafts)
                yield AnswerView()
            yield LineTable(COLUMNS, self._row, id="session")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#session").border_title = "This session"
        self.set_interval(1.0, self._count_waiting)

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
        message.stop()
        about = {"worker_id": message.worker_id} if message.worker_id else {}
        self.form.fill_some({**message.fill, **about})

    @on(RequestForm.Changed)
    def _form_changed(self) -> None:
        self.answer.show_snippets(self.workspace.profile.registry_url, self.form.preview())

    @on(RequestForm.SendPressed)
    def action_send(self) -> None:
        if self.workspace.profile.read_only:
            self.notify(READ_ONLY, severity="warning", markup=False)
        elif self._sent_at is not None:
            self.notify("The last one is still waiting for its answer.", severity="warning", markup=False)
        elif (request := self.form.request()) is not None:
            self._sent_at = self.workspace.now().mono
            self._send(request)

    @work(exit_on_error=False, group="dispatch")
    async def _send(self, request: DispatchRequest) -> None:
        self.answer.show_waiting(0.0)
        try:
            tried = await self.workspace.lab.dispatch(request)
        finally:
            self._sent_at = None
        self._keep(tried)
        self.answer.show_answer(tried)

    @on(LineTable.Opened, "#session")
    def _open_again(self, message: LineTable.Opened) -> None:
        tried = self._session[message.key]
        row = tried.row
        self.form.fill(filled(capability=row.capability, worker_id=row.worker_id, context=row.context))
        self.answer.show_answer(tried, from_history=True)

    def action_new_id(self) -> None:
        self.form.make_id()

    def action_edit(self) -> None:
        self.form.focus_first()

    def action_copy(self) -> None:
        if (copied := self.answer.copied()) is not None:
            self.post_message(CopyText(*copied))
        else:
            self.notify("There is nothing in this tab to copy yet.", markup=False)

    def action_dismiss_toasts(self) -> None:
        """Escape leaves the form for the history, where letters are keys; the toasts go with it."""
        if self.form.has_focus_within:
            self.session_table.focus()
        super().action_dismiss_toasts()

    def _keep(self, tried: Tried) -> None:
        self._session[str(tried.row.id)] = tried
        while len(self._session) > _MOST:
            del self._session[next(iter(self._session))]
        self.session_table.show(list(reversed(self._session)))

    def _row(self, key: str) -> Row:
        tried = self._session.get(key)
        return Row(history_row(tried, self.workspace.now().wall)._asdict()) if tried else Row({})

    def _count_waiting(self) -> None:
        if self._sent_at is not None:
            self.answer.show_waiting(self.workspace.now().mono - self._sent_at)
