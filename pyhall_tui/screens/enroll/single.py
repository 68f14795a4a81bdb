"""Enrolling one worker with the form: its draft, its record, its send."""

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widget import Widget
from textual.widgets import Button, Input

from pyhall_tui.attest.records import FILE_NAMES
from pyhall_tui.enroll.draft import FORM, Draft, Unsettled
from pyhall_tui.enroll.enrollment_sender import EnrollmentSender
from pyhall_tui.enroll.form_checks import field_named_in
from pyhall_tui.enroll.known_capabilities import known_capabilities
from pyhall_tui.enroll.record import fill_from_record
from pyhall_tui.enroll.request import body_of, request_of
from pyhall_tui.files.drafts import Drafts
from pyhall_tui.journal.rows import NotKept
from pyhall_tui.profiles.watch_list import cannot_be_watched
from pyhall_tui.registry.correlation import new_correlation_id
from pyhall_tui.registry.errors import RegistryError, StatusError
from pyhall_tui.registry.models import EnrollAnswer, plain_sha256
from pyhall_tui.render.enroll import (
    Line,
    answer_lines,
    exchange_lines,
    first_verdict,
    package_lines,
    preview,
    trouble,
    unsettled_line,
)
from pyhall_tui.render.text import Cell, Style, clean
from pyhall_tui.screens.enroll.ask import AskScreen
from pyhall_tui.screens.enroll.exchange_panel import ExchangePanel
from pyhall_tui.screens.enroll.form import LABELS, EnrollForm
from pyhall_tui.screens.enroll.lines_view import LinesView
from pyhall_tui.screens.enroll.record import RecordPanel
from pyhall_tui.screens.messages import CopyText
from pyhall_tui.widgets.cells import as_lines
from pyhall_tui.widgets.key_bar import key_name
from pyhall_tui.widgets.late import after_refresh
from pyhall_tui.widgets.typed_ahead import LastAnswer
from pyhall_tui.workspace import Workspace

_KEEP_AFTER = 0.4
"""Seconds after the last key until the draft is saved: a `kill -9` loses at most that."""
_ABOUT_FIELDS = (400, 422)
"""Statuses whose error text may name a field of the form; only 400 is documented."""
_WORDS = "enroll it anyway"
_READ_ONLY = "This profile is read-only: it enrolls nothing."


class EnrollOne(Vertical):
    """The form on the left, what it sends on the right; one below the other on a narrow terminal."""

    def __init__(self, workspace: Workspace, drafts: Drafts) -> None:
        super().__init__(id="enroll-one")
        self.workspace = workspace
        self._drafts = drafts
        self._draft = Draft.read(drafts.load(FORM))
        self._emptied: Draft | None = None
        self._correlation_id = self._new_id()
        self._sending = False
        self._last_answer = LastAnswer()
        self._outcome: Cell | None = None
        """The result of the last send if it enrolled nothing, until something is typed."""
        self._problem: str | None = None
        """The last reported reason why typed text can't be saved."""
        self._enrolled: tuple[str, str, float] | None = None
        """Worker id and hash of the last enrollment, and when its answer came (monotonic)."""

    def compose(self) -> ComposeResult:
        with Horizontal(id="problem-row"):
            yield LinesView(id="problem")
            yield Button("I checked: forget it", id="forget", compact=True)
        with VerticalScroll(id="enroll-body", can_focus=False):
            yield EnrollForm(self.workspace.profile)
            yield ExchangePanel(id="sheet")
        with Horizontal(id="send-row"):
            yield Button(
                f"Enroll  {key_name(self, 'enroll.send', 'ctrl+s')}", id="send", variant="primary", compact=True
            )
            yield LinesView(id="left")

    def on_mount(self) -> None:
        self.form.fill(self._draft)
        self.learn_capabilities()
        self._show_unsettled()
        after_refresh(self, self.focus_again)

    def on_unmount(self) -> None:
        self._keep()

    @property
    def form(self) -> EnrollForm:
        """The form."""
        return self.query_one(EnrollForm)

    @property
    def sheet(self) -> ExchangePanel:
        """The right column."""
        return self.query_one(ExchangePanel)

    def fleet_changed(self) -> None:
        """Show the first verdict on a worker that was enrolled here, if it came."""
        if self._enrolled is not None:
            self.sheet.show_verdict(self._first_verdict())
            self._count()

    def _first_verdict(self) -> list[Line]:
        """Return what the registry says about the worker that was last enrolled here."""
        if self._enrolled is None:
            return []
        worker_id, sha256, since = self._enrolled
        fleet = self.workspace.fleet
        return first_verdict(fleet.get(worker_id), sha256, since, self.workspace.now(), fleet.stale_after)

    # -- what is typed -----------------------------------------------------------------------------------------

    @on(EnrollForm.Edited)
    def _edited(self) -> None:
        before = self._draft.as_dict()
        self.form.read_into(self._draft)
        self.sheet.show_request(preview(self.workspace.profile, self._draft, self._correlation_id))
        lines = package_lines(self._draft.package, self._draft.sha256)
        self.sheet.show_hashed(lines, self.form.package.listing)
        self.form.record.hold_against(self._draft, self.form.package.listing)
        if self._draft.as_dict() != before:
            self.sheet.turn_to("request")
            self.keep_soon()
            self._outcome = None
        self._count()

    @work(exclusive=True, exit_on_error=False, group="draft")
    async def keep_soon(self) -> None:
        await asyncio.sleep(_KEEP_AFTER)
        self._keep()

    def _keep(self) -> None:
        """Save what is typed and the cursor's position."""
        if self.is_attached and self.query(EnrollForm):
            self._note_focus()
        if self._draft.is_empty and not self._draft.unsettled:
            self._drafts.forget(FORM)
        else:
            self._drafts.save(FORM, self._draft.as_dict())
        self._tell_problem(self._drafts.problem)

    def _tell_problem(self, problem: str | None) -> None:
        """Say once why typed text can't be saved."""
        if problem and problem != self._problem:
            self.notify(clean(problem), severity="warning", timeout=15, markup=False)
        self._problem = problem

    def _note_focus(self) -> None:
        focused = self.screen.focused
        if isinstance(focused, Widget) and focused.id and self.form in focused.ancestors:
            self._draft.focus = focused.id
            self._draft.cursor = focused.cursor_position if isinstance(focused, Input) else 0

    def leave_field(self) -> None:
        """Remove the focus from the field, and remember the cursor's position."""
        self._note_focus()
        self.screen.set_focus(None)

    def focus_again(self) -> None:
        """Put the cursor where it was, or into the first field."""
        found = self.query(f"#{self._draft.focus}") if self._draft.focus else None
        widget = found.first() if found else self.form.display_name.input
        cursor = self._draft.cursor
        widget.focus()
        if isinstance(widget, Input):
            widget.cursor_position = cursor

    def _count(self) -> None:
        """Show beside the button how many checks are left, and which, or the result of the last send."""
        self.query_one("#send", Button).disabled = self._sending
        self.query_one("#left", LinesView).show([self._left()])

    def _left(self) -> Line:
        if self.workspace.profile.read_only:
            return (self._outcome or Cell(_READ_ONLY, Style.WARNING),)
        if self._sending:
            return (Cell("Sending…"),)
        if self.workspace.journal.is_makeshift:  # said beforehand; the send itself would refuse
            doctor = key_name(self, "app.doctor", "D")
            said = f"✖ The journal can't be written, so nothing is enrolled: the Doctor ({doctor}) says why."
            return (Cell(said, Style.ERROR),)
        if self._enrolled and self._draft.is_empty:  # in a small terminal the answer is below the form
            verdict = [cell for line in self._first_verdict()[:1] for cell in (Cell(" · ", Style.DIM), *line)]
            return (Cell(f"● enrolled {clean(self._enrolled[0])}", Style.GOOD), *verdict)
        if self._outcome is not None:
            return (self._outcome,)
        if left := list(self.form.mistakes()):
            named = ", ".join(LABELS[field] for field in left)
            return (Cell(f"{len(left)} check{'s' * (len(left) > 1)} left: {named}", Style.WARNING),)
        if self.form.record.stops:
            return (
                Cell(
                    f"✖ The record does not match: {key_name(self, 'enroll.send', 'ctrl+s')} asks first.", Style.ERROR
                ),
            )
        if unsure := self.form.unsure():
            return (Cell(f"▲ {unsure}", Style.WARNING),)
        return (Cell("All checks passed.", Style.GOOD),)

    @work(exclusive=True, exit_on_error=False, group="known")
    async def learn_capabilities(self) -> None:
        workspace = self.workspace
        await self._sender().mark_lost_sends()
        known = await known_capabilities(workspace.profile, workspace.fleet, workspace.journal)
        self.form.capabilities.learn(known)

    def _sender(self) -> EnrollmentSender:
        workspace = self.workspace
        return EnrollmentSender(workspace.profile, workspace.clock, workspace.journal, ask=workspace.connection.ask)

    def take(self, fill: dict[str, Any]) -> None:
        """Fill the form with values from another screen; its old content can be restored."""
        self.empty()
        self._draft.display_name = str(fill.get("display_name") or "")
        self._draft.capabilities = [str(one) for one in fill.get("capabilities") or ()]
        self._draft.sha256 = str(fill.get("sha256") or "")
        self.form.fill(self._draft)

    def empty(self) -> None:
        """Empty the form; `ctrl+z` restores it."""
        if not self._draft.is_empty:
            self._emptied = self._draft
            self.notify(
                f"The form is empty. Press {key_name(self, 'enroll.undo', 'ctrl+z')} to restore it.",
                markup=False,
                timeout=4,
            )
        self._begin_anew()

    def undo_empty(self) -> None:
        """Restore the form's content from before it was emptied or sent."""
        if self._emptied is not None:
            self._draft, self._emptied = self._emptied, None
            self.form.fill(self._draft)

    def _begin_anew(self) -> None:
        self._draft = Draft(unsettled=self._draft.unsettled)
        self.form.begin_anew(self._draft)
        after_refresh(self, self._show_top)

    def _show_top(self) -> None:
        """Scroll to the top of the form."""
        for scrolled in (self.query_one("#enroll-body"), self.form):
            scrolled.scroll_home(animate=False)

    # -- records -----------------------------------------------------------------------------------------------

    @on(Button.Pressed, "#from-record")
    def fill_from_a_record(self) -> None:
        """Ask for a record to fill the form from."""
        self.form.record.ask(self._folder())

    @on(Button.Pressed, "#write-record")
    def write_a_record(self) -> None:
        """Ask where to write a record of the form's content, and write it."""
        self.form.read_into(self._draft)
        enrolled = self._enrolled if self._enrolled and self._enrolled[1] == plain_sha256(self._draft.sha256) else None
        self.form.record.write(self._draft, enrolled[0] if enrolled else None, self._folder())

    @on(RecordPanel.Filled)
    def _fill_from_record(self, message: RecordPanel.Filled) -> None:
        path = message.picked.path
        self.form.read_into(self._draft)
        if self._draft.package_is_of_record:
            self._draft.package, self._draft.sha256 = None, ""  # it belonged to the previous record
        fill_from_record(self._draft, message.picked.record, str(path) if path else "pasted JSON")
        self.form.fill(self._draft)
        if path is not None and path.name in FILE_NAMES and self._draft.package is None:
            self.form.package.start(path.parent)  # the record is in its package, so compare the two
        after_refresh(self, self._show_top)  # the results of checking it are there
        self.keep_soon()

    @on(RecordPanel.Dropped)
    def _drop_record(self) -> None:
        self._draft.record = None
        self._edited()
        self.keep_soon()

    def _folder(self) -> Path:
        """Return where to start looking: the package's folder, or the current one."""
        path = Path(self._draft.package.path) if self._draft.package else Path.cwd()
        folder = path if path.is_dir() else path.parent
        return folder if folder.is_dir() else Path.cwd()

    # -- keys --------------------------------------------------------------------------------------------------

    def copy_body(self) -> None:
        """Copy the request's body exactly as it is sent."""
        body = body_of(request_of(self._draft, self.workspace.profile.namespace))
        self.post_message(CopyText(body.decode(), "request's body"))

    def verify_again(self) -> None:
        """Verify the enrolled worker again."""
        if self._enrolled is not None:
            self.workspace.connection.verify_now([self._enrolled[0]])

    # -- sending -----------------------------------------------------------------------------------------------

    @on(Button.Pressed, "#send")
    def send_it(self) -> None:
        """Send, if all checks pass and nothing prevents it."""
        if self._sending or self._last_answer.was_unseen(self):
            return
        if self.workspace.profile.read_only:
            self._outcome = Cell(f"✖ {_READ_ONLY}", Style.ERROR)  # where it was said beforehand: it pushes nothing away
            self._count()
            return
        if not self.workspace.profile.namespace:
            self._tell([(Cell("✖ No namespace is set: add it to the profile, or set PYHALL_NAMESPACE.", Style.ERROR),)])
            return
        if not self.form.check():
            self._count()
            return
        self.form.read_into(self._draft)
        if not self.workspace.connection.is_connected:
            words = "✖ Not connected yet: still waiting for the profile's key. Nothing was sent."
            self._tell([(Cell(words, Style.ERROR),)])
        elif stops := self.form.record.stops:
            self._ask_about_record(stops)
        else:
            self._ask_or_send()

    def _ask_about_record(self, stops: list[str]) -> None:
        """Stop if the record does not match the package, unless the operator explicitly overrides it."""
        lines: list[Line] = [(Cell(f"✖ {clean(text)}", Style.ERROR),) for text in stops]
        ask = AskScreen("This is not what the record says", as_lines(lines), yes="Enroll it", no="Stop", words=_WORDS)
        self.app.push_screen(ask, lambda yes: self._ask_or_send() if yes else None)

    def _ask_or_send(self) -> None:
        sent = self._draft.like_unsettled()
        if sent is not None:
            self._ask_before_another(sent)
        else:
            self._begin_to_send()

    def _ask_before_another(self, sent: Unsettled) -> None:
        question = as_lines(
            [
                unsettled_line(sent, self.workspace.now().wall),
                (Cell("If it is, sending again enrolls the worker a second time."),),
                (Cell("Check the registry first, if you can."),),
            ]
        )
        ask = AskScreen("Send it again?", question, yes="Send it again", no="Don't send")
        self.app.push_screen(ask, partial(self._send_again, sent))

    def _send_again(self, sent: Unsettled, yes: bool | None) -> None:
        """Send again if the operator agreed: from now on, this send's result counts."""
        if yes:
            self._settle(sent)
            self._begin_to_send()

    @on(Button.Pressed, "#forget")
    def _forget_unsettled(self) -> None:
        """Forget sends with unknown outcomes, because the operator has checked the registry."""
        self._draft.unsettled.clear()
        self._tell([])
        self._keep()

    def _begin_to_send(self) -> None:
        """Send once. It is marked before the work starts, because a second key may come before that."""
        if not self._sending:
            self._set_sending(True)
            self._send()

    @work(exit_on_error=False, group="send")
    async def _send(self) -> None:
        request = request_of(self._draft, self.workspace.profile.namespace)
        correlation_id = self._correlation_id
        sent = Unsettled(
            display_name=request.display_name,
            sha256=request.sha256,
            at=self.workspace.now().wall,
            correlation_id=correlation_id,
        )
        self._draft.unsettled.append(sent)
        self._enrolled = None  # the previous worker's verdict says nothing about this one
        self._keep()  # before the send, so that it survives a crash in the middle
        self._tell([])
        try:
            answer = await self._sender().send(request, correlation_id)
        except NotKept as error:
            self._settle(sent)
            self._tell([(Cell(f"✖ {clean(error)}", Style.ERROR),)])
        except RegistryError as error:
            self._failed(error, sent)
        else:
            self._settle(sent)
            self._answered(answer, request.sha256)
        finally:
            self._correlation_id = self._new_id()
            self._last_answer.came()
            self._set_sending(False)
            self._keep()

    def _settle(self, sent: Unsettled) -> None:
        self._draft.unsettled.remove(sent)

    def _set_sending(self, sending: bool) -> None:
        self._sending = sending
        if self.is_attached:
            self._count()

    def _failed(self, error: RegistryError, sent: Unsettled) -> None:
        """Show an error at the field that it names, or above the form; the form keeps its content."""
        if error.may_have_reached:
            self._outcome = Cell("? Outcome unknown: it may be enrolled already.", Style.WARNING)
        else:
            self._settle(sent)
            self._outcome = Cell("✖ Nothing was enrolled.", Style.ERROR)
        send = key_name(self, "enroll.send", "ctrl+s")
        self.sheet.show_answer(exchange_lines(error.exchange) or trouble(error, send=send))
        said = error.error_text if isinstance(error, StatusError) and error.status in _ABOUT_FIELDS else ""
        field = field_named_in(said)
        if field is not None and self.form.can_say(field):
            self.form.say(field, f"The registry says: {clean(said, 500)}")
        else:
            self._tell(trouble(error, send=send))

    def _answered(self, answer: EnrollAnswer, sha256: str) -> None:
        """Show the answer, watch and verify the worker that it names, and empty the form for the next one."""
        self._outcome = None
        self._emptied = sent = self._draft
        self._begin_anew()
        self.sheet.show_answer(answer_lines(answer))
        if answer.worker_id is None:
            self._enrolled = None
            return
        self._enrolled = (answer.worker_id, plain_sha256(sha256) or sha256, self.workspace.now().mono)
        if odd := cannot_be_watched([answer.worker_id]):
            self.notify(odd, severity="warning", timeout=15, markup=False)
            return
        self.workspace.watch([answer.worker_id])
        if sent.package is not None and sent.package.sha256 == plain_sha256(sha256):
            self.workspace.set_folder(answer.worker_id, Path(sent.package.path).absolute())
        self.workspace.connection.verify_now([answer.worker_id])
        self.fleet_changed()

    def _tell(self, lines: Sequence[Line]) -> None:
        """Show sentences above the form; an empty list removes them."""
        self.query_one("#problem", LinesView).show(lines)
        self.query_one("#problem-row").display = bool(lines)
        self.query_one("#forget").display = bool(self._draft.unsettled) and not self._sending

    def _show_unsettled(self) -> None:
        """Show a reminder of sends whose answer was never seen, from an earlier run or before a change of profile."""
        now = self.workspace.now().wall
        self._tell([unsettled_line(sent, now) for sent in self._draft.unsettled[-3:]])

    def _new_id(self) -> str:
        return new_correlation_id(self.workspace.profile.correlation_prefix)
