"""The enrollment form: one page, with the fields in the order in which you fill them in."""

from textual import on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from pyhall_tui.enroll.draft import Draft
from pyhall_tui.enroll.form_checks import CAPABILITIES, DISPLAY_NAME, NAMESPACE, SHA256, check_all, check_display_name
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.render.text import clean
from pyhall_tui.screens.enroll.capabilities import CapabilitiesField
from pyhall_tui.screens.enroll.package import COMPUTING, PackageField
from pyhall_tui.screens.enroll.record import RecordPanel
from pyhall_tui.screens.enroll.steady_field import SteadyField
from pyhall_tui.widgets.field import Field
from pyhall_tui.widgets.key_bar import key_name

LABELS = {
    NAMESPACE: "namespace",
    DISPLAY_NAME: "display name",
    CAPABILITIES: "capabilities",
    SHA256: "package hash",
}


class EnrollForm(VerticalScroll):
    """Namespace, display name, capabilities, package hash. It knows nothing about the wire."""

    class Edited(Message):
        """Something on the form changed: pull `draft`."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, EnrollForm.Edited)

    def __init__(self, profile: Profile) -> None:
        super().__init__(id="form", can_focus=False)
        self._profile = profile
        self._unchecked = ""
        """The field that the cursor left for another worker: it must not show that it is empty."""
        self._said_new: set[str] = set()
        self.display_name = SteadyField(DISPLAY_NAME, "Display name", placeholder="My Worker")
        self.capabilities = CapabilitiesField()
        self.package = PackageField()
        self.record = RecordPanel(profile.namespace)
        for field in (self.display_name, self.capabilities, self.package.field):
            field.input.select_on_focus = False

    def compose(self) -> ComposeResult:
        yield Static(
            Content.assemble(
                ("Namespace  ", "$text-muted"),
                (clean(self._profile.namespace), "bold"),
                (f"  from the profile {clean(self._profile.name)}", "$text-muted"),
            ),
            id="namespace",
        )
        yield self.record
        yield self.display_name
        yield self.capabilities
        yield self.package

    def on_mount(self) -> None:
        self.border_title = "Enroll a worker"

    def read_into(self, draft: Draft) -> None:
        """Copy the form's content to the draft."""
        draft.display_name = self.display_name.input.value
        draft.capabilities = list(self.capabilities.chosen)
        draft.typed_capability = self.capabilities.input.value
        draft.sha256 = self.package.field.input.value
        draft.package = self.package.package

    def fill(self, draft: Draft) -> None:
        """Copy the draft to the form; no field shows a mistake before you have left it."""
        self.record.restore(draft)
        self.display_name.input.value = draft.display_name
        self.capabilities.input.value = draft.typed_capability
        self.capabilities.show(draft.capabilities)
        self.package.restore(draft.sha256, draft.package)
        self.unsay()

    def begin_anew(self, draft: Draft) -> None:
        """Copy another worker's draft to the form, and put the cursor into the first field."""
        focused = self.screen.focused
        if isinstance(focused, Input) and focused is not self.display_name.input:
            self._unchecked = focused.id or ""
        self.display_name.input.focus()
        self.fill(draft)

    def unsay(self) -> None:
        """Remove all sentences."""
        for field in (self.display_name, self.capabilities, self.package.field):
            field.say("")

    def mistakes(self) -> dict[str, str]:
        """Return a sentence for each field that can't be sent as it is, without showing it."""
        typed = [self.capabilities.value] if self.capabilities.value else []
        found = check_all(self.display_name.value, [*self.capabilities.chosen, *typed], self.package.field.value)
        return found | ({SHA256: COMPUTING} if self.package.is_hashing else {})

    def unsure(self) -> str:
        """Return a sentence about a capability that was never seen before, and what the send does; or an empty one."""
        new, send = self.capabilities.new(), key_name(self, "enroll.send", "ctrl+s")
        if not new:
            return ""
        return f"{new} Press {send} again to send it anyway." if new in self._said_new else f"{new} {send} asks first."

    def check(self) -> bool:
        """Show every field's sentence, go to the first mistake, and return whether there is none."""
        self.capabilities.take_typed()
        self.display_name.say(check_display_name(self.display_name.value))
        self.capabilities.check()
        self.package.check()
        wrong = next(iter(self.mistakes()), None)
        if wrong is None and (new := self.capabilities.new()) and new not in self._said_new:
            self._said_new.add(new)  # said once, holding back the send; the next one is sent
            self.capabilities.say(self.unsure(), mistake=False)
            wrong = CAPABILITIES
        if wrong is not None:
            self._field(wrong).input.focus()
        return wrong is None

    def say(self, field: str, sentence: str) -> None:
        """Show what the registry says about a field, and go there."""
        self._field(field).say(sentence)
        self._field(field).input.focus()

    def can_say(self, field: str | None) -> bool:
        """Whether the form has an input for that field."""
        return field in (DISPLAY_NAME, CAPABILITIES, SHA256)

    @on(Input.Blurred)
    def _check_what_is_left(self, message: Input.Blurred) -> None:
        """Check a field when you leave it."""
        if not self.is_attached:
            return
        unchecked, self._unchecked = self._unchecked, ""
        if message.input.id == unchecked:
            return
        if message.input.id == DISPLAY_NAME:
            self.display_name.say(check_display_name(self.display_name.value))
        elif message.input.id == CAPABILITIES:
            self.capabilities.take_typed()
            if not self.capabilities.has_mistake:
                self.capabilities.check()
        elif message.input.id == SHA256:
            self.package.check()

    @on(Input.Changed, f"#{DISPLAY_NAME}")
    def _check_name_again(self) -> None:
        """Remove a visible mistake as soon as it is corrected."""
        if self.display_name.has_mistake:
            self.display_name.say(check_display_name(self.display_name.value))

    @on(Input.Changed, f"#{SHA256}")
    def _check_hash_again(self) -> None:
        if self.package.field.has_mistake and not self.package.mistake():
            self.package.check()

    @on(Input.Submitted)
    def _go_on(self) -> None:
        """Go to the next field (enter); this never sends."""
        self.screen.focus_next("Input, Button")

    @on(Input.Changed)
    @on(CapabilitiesField.Changed)
    @on(PackageField.Hashed)
    def _edited(self) -> None:
        self.post_message(self.Edited())

    def _field(self, name: str) -> Field:
        fields = {DISPLAY_NAME: self.display_name, CAPABILITIES: self.capabilities, SHA256: self.package.field}
        return fields[name]
