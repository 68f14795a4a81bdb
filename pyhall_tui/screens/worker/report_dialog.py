"""The form for reporting a package's hash to the ban list's review."""

from functools import partial
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Button, Input, Static

from pyhall_tui.attest.hash_sender import HashSender
from pyhall_tui.attest.report_checks import mistake_of_link, mistake_of_reason
from pyhall_tui.attest.sent_reports import NotKept, SentReports
from pyhall_tui.files.notes import Notes
from pyhall_tui.registry.errors import RegistryError
from pyhall_tui.registry.models import plain_sha256
from pyhall_tui.render.enroll import Line, labelled
from pyhall_tui.render.package import earlier_report, report_trouble
from pyhall_tui.render.text import Cell, Style, clean
from pyhall_tui.screens.enroll.ask import AskScreen
from pyhall_tui.widgets.cells import as_lines
from pyhall_tui.widgets.dialog import Buttons, Dialog, DialogScreen
from pyhall_tui.widgets.field import Field
from pyhall_tui.widgets.key_bar import key_name
from pyhall_tui.widgets.late import after_refresh

_NOTE = "report"


class ReportScreen(DialogScreen[bool]):
    """Returns whether the registry accepted the report. What you type survives an error and a restart."""

    KEEPS_TYPED = False
    AUTO_FOCUS = "#reason"
    BINDING_GROUP_TITLE = "Report a hash"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Close", id="report.close", tooltip="Close; what you typed is kept"),
        Binding("ctrl+s", "send", "Report", id="report.send", tooltip="Report the hash"),
    ]
    DEFAULT_CSS = """
    ReportScreen {
        Dialog { width: 84; }
        #report-about { margin-bottom: 1; }
        #report-said { display: none; margin-top: 1; }
        #field-link { margin-bottom: 0; }
    }
    """

    def __init__(self, notes: Notes, sender: HashSender, sent: SentReports, worker_id: str | None, sha256: str) -> None:
        """Make the form; `sha256` is filled in, and can be changed. Without a worker, `worker_id` is None."""
        super().__init__()
        self._notes, self._sender, self._worker_id, self._sha256 = notes, sender, worker_id, sha256
        self._sent = sent
        self._key = worker_id or ""
        self._sending = False
        kept = notes.load(_NOTE, self._key, dict[str, str]) or {}
        self._typed = {name: kept.get(name, "") for name in ("reason", "link")}
        self._kept = dict(self._typed)

    def compose(self) -> ComposeResult:
        with Dialog("Report a package hash for review"):
            yield Static(
                "This covers every worker with this package. A report bans nothing by itself: people review it.",
                id="report-about",
                markup=False,
            )
            yield Field("sha256", "Package hash (SHA-256)", value=self._sha256)
            yield Field("reason", "Reason", value=self._typed["reason"], placeholder="what it does, and where")
            yield Field("link", "Link to evidence (optional)", value=self._typed["link"], placeholder="https://…")
            yield Static(id="report-said", markup=False)
            with Buttons():
                yield Button("Close", id="report-no", compact=True)
                yield Button(
                    f"Report…  {key_name(self, 'report.send', 'ctrl+s')}",
                    id="report-yes",
                    variant="primary",
                    compact=True,
                )

    def on_mount(self) -> None:
        self.set_interval(1.0, self._keep)

    def on_unmount(self) -> None:
        self._keep()

    @on(Button.Pressed, "#report-no")
    def action_leave(self) -> None:
        """Close, but not while it is being sent, because the answer would be lost."""
        if self._sending:
            self._say([(Cell("It is being sent: wait for the answer.", Style.WARNING),)])
        else:
            self._keep()
            self.dismiss(False)

    @on(Input.Submitted)
    @on(Button.Pressed, "#report-yes")
    def action_send(self) -> None:
        if self._sending or not self._check():
            return
        sha256 = plain_sha256(self._value("sha256")) or ""
        earlier = self._sent.earlier(sha256)
        question = [
            *([(Cell(earlier_report(earlier), Style.WARNING),)] if earlier else []),
            labelled("hash", sha256),
            labelled("reason", self._value("reason")),
            labelled("link", self._value("link") or "none"),
        ]
        title, yes = ("Send it again?", "Report it again") if earlier else ("Send this report?", "Report it")
        ask = AskScreen(title, as_lines(question), yes=yes, no="Not yet")
        self.app.push_screen(ask, partial(self._answered, earlier is not None))

    def _answered(self, again: bool, yes: bool | None) -> None:
        if yes and not self._sending:
            self._set_sending(True)
            self._say([(Cell("… sending", Style.DIM),)])
            self._send(again)

    @work(exit_on_error=False, exclusive=True, group="report")
    async def _send(self, again: bool) -> None:
        reason, link = self._value("reason"), self._value("link")
        sha256 = plain_sha256(self._value("sha256")) or ""
        try:
            await self._sender.report_once(self._sent, self._worker_id, sha256, reason, link, again=again)
        except RegistryError as error:
            self._say(report_trouble(error))
        except NotKept as error:
            self._say([(Cell(f"{clean(error, 300)} Nothing was sent.", Style.ERROR),)])
        else:
            self._typed = {"reason": "", "link": ""}
            self._keep()
            self.dismiss(True)
            return
        self._set_sending(False)

    def _check(self) -> bool:
        mistakes = {
            "sha256": "" if plain_sha256(self._value("sha256")) else "This is not a SHA-256: it must be 64 hex digits.",
            "reason": mistake_of_reason(self._value("reason")),
            "link": mistake_of_link(self._value("link")),
        }
        for name, mistake in mistakes.items():
            self.query_one(f"#field-{name}", Field).say(mistake)
        wrong = next((name for name, mistake in mistakes.items() if mistake), None)
        if wrong is not None:
            self.query_one(f"#{wrong}", Input).focus()
        return wrong is None

    def _value(self, name: str) -> str:
        return self.query_one(f"#field-{name}", Field).value

    @on(Input.Changed)
    def _take_typed(self, message: Input.Changed) -> None:
        if message.input.id in self._typed:
            self._typed[message.input.id] = message.value

    def _keep(self) -> None:
        """Save what is typed, if it has changed."""
        if self._typed == self._kept:
            return
        self._kept = dict(self._typed)
        if any(self._typed.values()):
            self._notes.save(_NOTE, self._key, self._typed)
        else:
            self._notes.forget(_NOTE, self._key)

    def _set_sending(self, sending: bool) -> None:
        self._sending = sending
        self.query_one("#report-yes", Button).disabled = sending

    def _say(self, lines: list[Line]) -> None:
        said = self.query_one("#report-said", Static)
        said.update(as_lines(lines))
        said.display = True
        after_refresh(self, partial(said.scroll_visible, animate=False))
