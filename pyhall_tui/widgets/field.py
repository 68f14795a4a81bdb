"""A labelled line of a form, with a sentence about its value below."""

from collections.abc import Callable

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Size
from textual.reactive import reactive
from textual.strip import Strip
from textual.suggester import Suggester
from textual.widget import Widget
from textual.widgets import Input, Label, Static

from pyhall_tui.textual_internals import bindings_for
from pyhall_tui.widgets.lines_left_out import LinesLeftOut
from pyhall_tui.widgets.sanitizing import without_controls


async def edit_at_once(field: Widget, event: events.Key) -> bool:
    """Run the edit that a key is bound to in a field as soon as the key arrives; return whether there was one.

    Textual runs it after the key has gone up to the app, so characters right after a backspace, typed ahead or over a
    slow line, would be inserted before it.
    """
    for binding in bindings_for(field, event.key):
        if await field.app.run_action(binding.action, field):
            event.prevent_default()
            event.stop()
            return True
    return False


class OneLineInput(Input):
    """An input that accepts one line of a pasted text and says what it left out; a paste never submits."""

    DEFAULT_CSS = """
    OneLineInput:focus { text-style: underline; } /* a shade is invisible in gray, and the cursor blinks */
    """

    virtual_size = reactive(Size(0, 0))
    """Unlike Textual's, it causes no layout: no typed character makes the line wider or changes the screen."""

    takes_paste: Callable[[str], bool] | None = None
    """Gets a pasted text first; if it returns True, the text was used elsewhere."""

    async def on_key(self, event: events.Key) -> None:
        await edit_at_once(self, event)

    def on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        if self.takes_paste is not None and self.takes_paste(event.text):
            return
        lines = [line.strip().replace("\t", " ") for line in event.text.splitlines() if line.strip()]
        if lines:
            self.replace(lines[0], *self.selection)
        if len(lines) > 1:
            self.post_message(LinesLeftOut(self, lines[1:]))

    def render_line(self, y: int) -> Strip:
        return without_controls(super().render_line(y))


class FilterInput(OneLineInput):
    """Filters a list. Enter moves to the list, and so does each key that follows."""

    def __init__(self, leads_to: str, *, placeholder: str, id: str) -> None:  # noqa: A002
        """`leads_to` selects the list on this input's screen."""
        super().__init__(placeholder=placeholder, id=id, compact=True)
        self._leads_to = leads_to

    async def action_submit(self) -> None:
        self.screen.set_focus(self.screen.query_one(self._leads_to))  # at once: the next key may have arrived already
        await super().action_submit()

    async def on_key(self, event: events.Key) -> None:
        if self.screen.focused is not self:
            event.prevent_default()
            event.stop()
            self.app.post_message(events.Key(event.key, event.character))


class Field(Vertical):
    """Label, input and sentence. `say` shows a mistake or a hint below the input; an empty one removes it."""

    DEFAULT_CSS = """
    Field {
        height: auto; margin-bottom: 1;
        & > Label { color: $secondary; }
        & > OneLineInput { width: 1fr; }
        & > .sentence { height: auto; display: none; }
        &.-mistake > .sentence { color: $text-error; }
        &.-hint > .sentence { color: $secondary; }
        &.-mistake > Label { color: $text-error; }
    }
    """

    def __init__(
        self,
        name: str,
        label: str,
        *,
        value: str = "",
        placeholder: str = "",
        password: bool = False,
        suggester: Suggester | None = None,
        kind: type[OneLineInput] = OneLineInput,
    ) -> None:
        """Make a field; its widget id is `field-NAME`, its input's is `NAME`, and is of that `kind`."""
        super().__init__(id=f"field-{name}")
        self.field = name
        self._label = label
        self.input = kind(
            value=value, placeholder=placeholder, password=password, suggester=suggester, id=name, compact=True
        )

    @property
    def value(self) -> str:
        """The input's content, without white space at its ends."""
        return self.input.value.strip()

    def compose(self) -> ComposeResult:
        yield Label(self._label, markup=False)
        yield self.input
        yield Static(classes="sentence", markup=False)

    def say(self, sentence: str, *, mistake: bool = True) -> None:
        """Show one sentence below the input; an empty one removes it."""
        self.set_class(bool(sentence) and mistake, "-mistake")
        self.set_class(bool(sentence) and not mistake, "-hint")
        below = self.query_one(".sentence", Static)
        below.update(Content(f"✖ {sentence}" if mistake else sentence))
        below.display = bool(sentence)

    @property
    def has_mistake(self) -> bool:
        """Whether a mistake is shown."""
        return self.has_class("-mistake")

    @on(LinesLeftOut)
    def _tell_left_out(self, message: LinesLeftOut) -> None:
        message.stop()
        self.say(message.sentence, mistake=False)
