"""The form of one dispatch: what you type survives an error, a change of screen and a restart."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Button, Input, Label, Static, TextArea

from pyhall_tui.dispatch.curl import NotADispatch, looks_like_curl, read_curl
from pyhall_tui.dispatch.form import DispatchForm, FormMistakes
from pyhall_tui.files.drafts import Drafts
from pyhall_tui.fleet.entry import State
from pyhall_tui.registry.correlation import new_correlation_id
from pyhall_tui.registry.models import DispatchRequest
from pyhall_tui.render.text import clean
from pyhall_tui.render.worker import LOOKS
from pyhall_tui.widgets.dispatch_fields import NameField, TierChoice
from pyhall_tui.widgets.field import Field, OneLineInput
from pyhall_tui.widgets.key_bar import key_name
from pyhall_tui.widgets.text_field import TextField
from pyhall_tui.workspace import Workspace

_SETTLED = 0.4
"""Seconds without a key after which the typed text is saved."""
_DRAFT = "dispatch"
READ_ONLY = "This profile is read-only: no dispatch is sent, since the registry may record it as a decision."


class ContextArea(TextField):
    """The context's JSON; tab leaves the field. A pasted curl line fills the form instead."""

    takes_paste: Callable[[str], bool] | None = None

    def on_paste(self, event: events.Paste) -> None:
        if self.takes_paste is not None and self.takes_paste(event.text):
            event.prevent_default()
            event.stop()


class RequestForm(VerticalScroll, can_focus=False):
    """Capability, worker, risk tier, correlation id, context. It only posts messages, and sends nothing."""

    class Changed(Message):
        """A field was changed."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, RequestForm.Changed)

    class SendPressed(Message):
        """The button was pressed."""

    class LivePressed(Message):
        """The button of a live run was pressed."""

    def __init__(self, workspace: Workspace, drafts: Drafts) -> None:
        super().__init__(id="form")
        self._workspace = workspace
        self._drafts = drafts
        self._made = ""
        self._used: set[str] = set()
        self._unkept: DispatchForm | None = None
        self._to_fill: dict[str, Any] | None = {}
        """Values that came before the fields existed; None once they do."""
        self._keeping: Timer | None = None
        self._capabilities: tuple[int, list[str]] = (-1, [])

    def compose(self) -> ComposeResult:
        capability = ("capability", "Capability", self._known_capabilities)
        yield NameField(*capability, placeholder="such as llm.text.generate", says_new=True)
        yield NameField("worker_id", "Worker", self._known_workers, placeholder="such as wkr_abc123")
        yield Label("Risk tier", classes="label", markup=False)
        yield TierChoice(id="risk_tier")
        with Horizontal(id="correlation-row"):
            yield Field("correlation_id", "Correlation id")
            yield Button(
                "new",
                id="new-id",
                compact=True,
                tooltip=f"Make a new correlation id ({key_name(self, 'dispatch.new_id', 'ctrl+n')})",
            )
        yield Label("More context, a JSON object", classes="label", markup=False)
        yield ContextArea(id="context", compact=True, show_line_numbers=False)
        yield Static(id="context-sentence", markup=False)
        yield Static(id="form-sentence", markup=False)
        with Horizontal(id="form-buttons"):
            yield Button(
                f"Dispatch  {key_name(self, 'dispatch.send', 'ctrl+s')}", id="send", variant="primary", compact=True
            )
            yield Button(f"Live  {key_name(self, 'dispatch.live', 'ctrl+l')}", id="live", compact=True)

    def on_mount(self) -> None:
        self.border_title = "Request"
        for area in (*self.query(OneLineInput), *self.query(ContextArea)):
            area.takes_paste = self._take_curl
        self.fill(msgspec.convert(self._kept(), DispatchForm))
        came_before, self._to_fill = self._to_fill, None
        self.fill_some(came_before or {})
        self.show_leave()

    def show_leave(self) -> None:
        """Show whether this profile may send at all; its settings can change while the form is open."""
        buttons = [self.query_one("#send", Button), self.query_one("#live", Button)]
        read_only = self._workspace.profile.read_only
        if read_only != buttons[0].disabled:
            self.border_subtitle = "read-only: sends nothing" if read_only else ""  # the answer's panel says it in full
            for button in buttons:
                button.disabled = read_only

    def on_unmount(self) -> None:
        self.keep()

    @property
    def is_filled(self) -> bool:
        """Whether the fields exist, with what was typed before."""
        return self._to_fill is None

    @property
    def values(self) -> DispatchForm:
        """The fields as typed."""
        return DispatchForm(
            capability=self.query_one("#field-capability", Field).value,
            worker_id=self.query_one("#field-worker_id", Field).value,
            risk_tier=self.query_one(TierChoice).tier,
            correlation_id=self.query_one("#field-correlation_id", Field).value,
            context=self.query_one("#context", TextArea).text,
        )

    def fill(self, form: DispatchForm) -> None:
        """Put these into the fields; without a correlation id, make a new one."""
        self.query_one("#capability", Input).value = form.capability
        self.query_one("#worker_id", Input).value = form.worker_id
        self.query_one(TierChoice).tier = form.risk_tier if form.risk_tier in TierChoice.CHOICES else "low"
        self.query_one("#context", TextArea).text = form.context
        if form.correlation_id:
            self.query_one("#correlation_id", Input).value = form.correlation_id
        else:
            self.make_id()

    def fill_some(self, fields: dict[str, Any]) -> None:
        """Put these into their fields, leave the others, and go to the first empty one."""
        if self._to_fill is not None:
            self._to_fill |= fields
            return
        known = {name: str(value) for name, value in fields.items() if name in DispatchForm.__struct_fields__}
        if known:
            self.fill(msgspec.structs.replace(self.values, **{"correlation_id": "", **known}))
        self.focus_first()

    def fill_again(self, form: DispatchForm) -> None:
        """Put a request that was sent before into the fields; the next send gets its own id."""
        self.fill(form)
        self._made = form.correlation_id
        self._used.add(form.correlation_id)

    def make_id(self) -> None:
        """Put a new correlation id into its field."""
        self._made = new_correlation_id(self._workspace.profile.correlation_prefix)
        self.query_one("#correlation_id", Input).value = self._made

    def preview(self) -> DispatchRequest | None:
        """Return the request that would be sent now, or None if it can't be sent."""
        try:
            return self.values.request(self._workspace.profile.namespace)
        except FormMistakes:
            return None

    def request(self) -> DispatchRequest | None:
        """Return the request to send, or show at each field why there is none, and go to the first of them.

        A generated id that was sent before is replaced, because each request has its own. A typed id is sent unchanged.
        """
        given = self.values.correlation_id
        if not given or (given == self._made and given in self._used):
            self.make_id()
        try:
            request = self.values.request(self._workspace.profile.namespace)
        except FormMistakes as mistakes:
            self._show_mistakes(mistakes.sentences)
            return None
        self._show_mistakes({})
        self._used.add(self.values.correlation_id)
        return request

    def focus_first(self) -> None:
        """Put the cursor into the first empty field, or else into the first."""
        for name in ("capability", "worker_id"):
            if not self.query_one(f"#{name}", Input).value:
                self.query_one(f"#{name}", Input).focus()
                return
        self.query_one("#capability", Input).focus()

    def keep(self) -> None:
        """Save what is typed, for the next start."""
        if self._unkept is not None:
            self._drafts.save(_DRAFT, msgspec.to_builtins(self._unkept))
            self._unkept = None

    def _take_curl(self, text: str) -> bool:
        """Fill the form from a pasted curl line; say what was left out, or why it can't be read."""
        if not looks_like_curl(text):
            return False
        profile = self._workspace.profile
        try:
            pasted = read_curl(text, namespace=profile.namespace, registry_url=profile.registry_url)
        except NotADispatch as wrong:
            self._tell(f"✖ {clean(wrong)}")
            return True
        self.fill(pasted.form)
        self._show_mistakes({})
        self._tell(" ".join(["Filled from the curl line.", *map(clean, pasted.notes)]))
        return True

    @on(Button.Pressed)
    def _pressed(self, message: Button.Pressed) -> None:
        message.stop()
        if message.button.id == "new-id":
            self.make_id()
        else:
            self.post_message(self.SendPressed() if message.button.id == "send" else self.LivePressed())

    @on(Input.Changed)
    @on(TextArea.Changed)
    @on(TierChoice.Changed)
    def _changed(self, message: Message) -> None:
        message.stop()
        self._unkept = self.values
        if self._keeping is not None:
            self._keeping.stop()
        self._keeping = self.set_timer(_SETTLED, self.keep)
        self.post_message(self.Changed())

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """Check a field when you leave it; an empty one only when sending."""
        name = event.widget.id or ""
        values = self.values
        if not getattr(values, name, ""):
            return
        self._say(name, values.mistakes(self._workspace.profile.namespace)[name])
        if name == "worker_id" and not self.query_one("#field-worker_id", Field).has_mistake:
            self.query_one("#field-worker_id", Field).say(self._state_of(values.worker_id), mistake=False)

    def _kept(self) -> dict[str, Any]:
        kept = self._drafts.load(_DRAFT)
        return {key: str(value) for key, value in kept.items() if key in DispatchForm.__struct_fields__}

    def _show_mistakes(self, sentences: dict[str, str]) -> None:
        for name in DispatchForm.__struct_fields__:
            self._say(name, sentences.get(name, ""))
        self._tell(f"✖ {sentences['namespace']}" if "namespace" in sentences else "")
        for name in DispatchForm.__struct_fields__:
            if name in sentences:
                self.query_one(f"#{name}").focus()
                return

    def _say(self, name: str, sentence: str) -> None:
        if name == "context":
            below = self.query_one("#context-sentence", Static)
            below.update(f"✖ {clean(sentence)}" if sentence else "")
            below.display = bool(sentence)
        elif name != "risk_tier":
            field = self.query_one(f"#field-{name}", Field)
            field.say(sentence)
            if isinstance(field, NameField):
                field.say_new()

    def _tell(self, sentence: str) -> None:
        said = self.query_one("#form-sentence", Static)
        said.update(sentence)
        said.display = bool(sentence)

    def _state_of(self, worker_id: str) -> str:
        """Return what the fleet knows about the worker, if it is not clean."""
        fleet = self._workspace.fleet
        entry = fleet.get(worker_id)
        state = entry.state(self._workspace.now().mono, fleet.stale_after) if entry else State.CLEAN
        return "" if state is State.CLEAN else f"{LOOKS[state].glyph} {LOOKS[state].word}"

    def _known_workers(self) -> Sequence[str]:
        return sorted(entry.worker_id for entry in self._workspace.fleet)

    def _known_capabilities(self) -> Sequence[str]:
        """Return those of the named worker first, then the profile's and the fleet's."""
        fleet = self._workspace.fleet
        if self._capabilities[0] != fleet.revision:
            verdicts = [entry.verdict for entry in fleet if entry.verdict is not None]
            known = {capability for verdict in verdicts for capability in verdict.capabilities}
            self._capabilities = fleet.revision, sorted(known.union(self._workspace.profile.capabilities))
        entry = fleet.get(self.query_one("#field-worker_id", Field).value)
        own = sorted(entry.verdict.capabilities) if entry and entry.verdict else []
        return list(dict.fromkeys([*own, *self._capabilities[1]]))
