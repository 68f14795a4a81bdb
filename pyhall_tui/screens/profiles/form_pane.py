"""The right half of the profiles screen: a profile's form, its test, a message about it, and its buttons."""

from typing import Final

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Static
from textual.widgets.button import ButtonVariant

from pyhall_tui.profiles.edits import NEW
from pyhall_tui.profiles.keys import KeyAnswer, KeyState
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.render.profile import key_sentence
from pyhall_tui.render.text import Cell, Style, clean
from pyhall_tui.screens.profiles.form import ProfileForm
from pyhall_tui.screens.profiles.probe_panel import ProbePanel
from pyhall_tui.widgets.cells import as_content
from pyhall_tui.widgets.key_bar import key_name

_BUTTONS: Final = (("test", "Test", "^g"), ("save", "Save", "^s"), ("open", "Open", "^o"))
"""Each with its own key."""
_VARIANTS: Final[dict[str, ButtonVariant]] = {"save": "primary"}
_UNANSWERED: Final = (KeyState.LOCKED, KeyState.TIMED_OUT, KeyState.UNAVAILABLE)


class FormPane(Vertical):
    """Draws what it is given; the screen defines what its buttons do."""

    def compose(self) -> ComposeResult:
        yield ProfileForm(id="form")
        yield ProbePanel(id="probe")
        yield Static(id="said", markup=False)
        with Horizontal(id="form-buttons"):
            for name, word, own in _BUTTONS:
                label = f"{word}  {key_name(self, f'profiles.{name}', own)}"
                yield Button(label, id=f"do-{name}", compact=True, variant=_VARIANTS.get(name, "default"))
            yield Button("Discard", id="do-discard", compact=True)
            yield Button("Ask keyring again", id="do-ask_key", compact=True)

    def show(self, name: str, base: Profile | None, answer: KeyAnswer | None, *, edited: bool) -> None:
        """Name the form, show where its key is, and offer its actions.

        Args:
            name: the profile's, or `NEW`.
            base: the stored profile; None for a new one.
            answer: what is known about its key.
        """
        self.border_title = Content("A new profile" if name == NEW else clean(name))
        self.border_subtitle = Content("not saved" if edited else "")
        form = self.query_one(ProfileForm)
        form.hint_key(key_sentence(base, answer, form.typed_key, str(form.values()["registry_url"])).text)
        for button, enabled in (
            ("test", True),
            ("save", edited or name == NEW),
            ("discard", edited or name == NEW),
            ("open", name != NEW),
        ):
            self.query_one(f"#do-{button}", Button).disabled = not enabled
        self.query_one("#do-ask_key").display = answer is not None and answer.state in _UNANSWERED

    def say(self, sentence: str, style: Style) -> None:
        """Show the result of the last step; an empty sentence clears it."""
        said = self.query_one("#said", Static)
        said.display = bool(sentence)
        if sentence:
            said.update(as_content([Cell(clean(sentence), style)]))
