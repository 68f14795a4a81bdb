"""The form of one profile: its fields, each with a sentence about its value below."""

from typing import ClassVar, Final

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Checkbox, Input, Static

from pyhall_tui.profiles.api_key import key_mistake
from pyhall_tui.profiles.edits import Values, fields_of
from pyhall_tui.profiles.profile_checks import validate_profile
from pyhall_tui.profiles.urls import REGISTRY
from pyhall_tui.widgets.field import Field
from pyhall_tui.widgets.key_input import KeyInput
from pyhall_tui.widgets.plain_checkbox import PlainCheckbox

_CONNECTION: Final = (
    ("name", "Name", "acme-prod"),
    ("namespace", "Namespace", "org.yourco"),
    ("registry_url", "Registry URL", REGISTRY),
)
_PACE: Final = (
    ("poll_interval", "Poll interval, s", "60"),
    ("ban_list_interval", "Ban list every, s", "5"),
    ("timeout", "Timeout, s", "10"),
    ("requests_per_second", "Requests a second", "10"),
    ("requests_in_flight", "Requests in flight", "8"),
)
_WORDS: Final = (
    ("capabilities", "Capabilities", "llm.text.generate, mail.send"),
    ("correlation_prefix", "Correlation prefix", "req-"),
    ("operator", "Operator", "your user name"),
)
_SWITCHES: Final = (
    ("production", "Production: marked in words on every screen"),
    ("read_only", "Read only: nothing that the registry records is sent"),
    ("overview", "Overview: watched even while another profile is open"),
    ("allow_insecure", "Allow plain http:// to another machine"),
    ("bell", "Ring the terminal's bell on a ban"),
    ("desktop_notifications", "Notify the desktop of a ban"),
)
_TEXTS: Final = tuple(name for name, _, _ in (*_CONNECTION, *_PACE, *_WORDS))


class ProfileForm(VerticalScroll, can_focus=False):
    """Shows and edits the values of a profile, and its key."""

    BINDING_GROUP_TITLE = "Form"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back to the list", show=False, id="profiles.list", tooltip="Back to the list"),
        Binding("down", "app.focus_next", "Next", show=False, id="profiles.next", tooltip="Next field"),
        Binding("up", "app.focus_previous", "Previous", show=False, id="profiles.previous", tooltip="Previous field"),
    ]

    class Edited(Message):
        """Something in the form changed, by the user or by `fill`."""

    class Left(Message):
        """Go back to the list."""

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._key_hint = ""

    def compose(self) -> ComposeResult:
        yield Static("Connection", classes="section -first", markup=False)
        for name, label, example in _CONNECTION:
            yield Field(name, label, placeholder=example)
        yield Field("key", "API key", password=True, kind=KeyInput)
        yield Static("Pace", classes="section", markup=False)
        for name, label, example in _PACE:
            yield Field(name, label, placeholder=example)
        yield Static("Help while typing", classes="section", markup=False)
        for name, label, example in _WORDS:
            yield Field(name, label, placeholder=example)
        yield Static("Marks and signals", classes="section", markup=False)
        for name, label in _SWITCHES:
            yield PlainCheckbox(Content(label), id=name, compact=True)

    def on_mount(self) -> None:
        self.field("key").input.takes_paste = self._take_key

    def _take_key(self, text: str) -> bool:
        """Put all of a pasted key into its field, without dropping any part, and say at once if it can't be sent."""
        field = self.field("key")
        field.input.replace(text.strip(), *field.input.selection)
        if sentence := self.mistakes().get("key"):
            field.say(sentence)
        return True

    @property
    def typed_key(self) -> str:
        """The content of the key's input; empty if the stored key stays."""
        return self.query_one("#key", Input).value.strip()

    def values(self) -> Values:
        """Return the form's content without the key."""
        texts = {name: self.query_one(f"#{name}", Input).value.strip() for name in _TEXTS}
        return texts | {name: self.query_one(f"#{name}", Checkbox).value for name, _ in _SWITCHES}

    def fill(self, values: Values, typed_key: str) -> None:
        """Show these values, and remove the sentences about the previous ones."""
        for name in _TEXTS:
            self.query_one(f"#{name}", Input).value = values[name]
            self.field(name).say("")
        for name, _ in _SWITCHES:
            self.query_one(f"#{name}", Checkbox).value = values[name]
        self.query_one("#key", Input).value = typed_key

    def field(self, name: str) -> Field:
        """Return a field by its name."""
        return self.query_one(f"#field-{name}", Field)

    def hint_key(self, sentence: str) -> None:
        """Show below the key where it is stored, unless a mistake is shown there. Repeating it causes no layout."""
        field = self.field("key")
        if not field.has_mistake and (sentence != self._key_hint or not field.has_class("-hint")):
            self._key_hint = sentence
            field.say(sentence, mistake=False)

    def mistakes(self) -> dict[str, str]:
        """Return a sentence for each wrong field, including the key."""
        wrong = validate_profile(fields_of(self.values()))
        if self.typed_key and (sentence := key_mistake(self.typed_key)):
            wrong["key"] = sentence
        return wrong

    def check_all(self) -> bool:
        """Show mistakes below each field and go to the first; return whether there is none."""
        wrong = self.mistakes()
        for field in self.query(Field):
            if field.field in wrong or field.has_mistake:
                field.say(wrong.get(field.field, ""))
        first = next((field for field in self.query(Field) if field.field in wrong), None)
        if first is not None:
            first.input.focus()
        return not wrong

    def say(self, name: str, sentence: str) -> None:
        """Show a mistake that the form's own checks could not find, and go there."""
        self.field(name).say(sentence)
        self.field(name).input.focus()

    @on(Input.Blurred)
    def _check_left(self, message: Input.Blurred) -> None:
        name = message.input.id or ""
        sentence = self.mistakes().get(name, "")
        if sentence or self.field(name).has_mistake:
            self.field(name).say(sentence)

    @on(Input.Changed)
    @on(Checkbox.Changed)
    def _take_change(self, message: Message) -> None:
        message.stop()
        if isinstance(message, Input.Changed) and message.input.id == "key" and "\n" in message.value.strip():
            self.field("key").say(self.mistakes().get("key", ""))
        self._forgive()
        self.post_message(self.Edited())

    def _forgive(self) -> None:
        """Remove sentences as soon as they no longer apply; new ones wait until you leave the field."""
        shown = [field for field in self.query(Field) if field.has_mistake]
        wrong = self.mistakes() if shown else {}
        for field in shown:
            if field.field not in wrong:
                field.say("")

    @on(Input.Submitted)
    def _go_on(self, message: Input.Submitted) -> None:
        message.stop()
        self.screen.focus_next()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        event.widget.scroll_visible(animate=False)

    def action_leave(self) -> None:
        self.post_message(self.Left())
