"""The field that takes capabilities one by one, completes known ones, and lists them."""

import re
from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from pyhall_tui.enroll.form_checks import CAPABILITIES, check_capabilities, check_capability, split_capabilities
from pyhall_tui.render.known_names import fitting, said_of_new
from pyhall_tui.render.text import clean
from pyhall_tui.screens.enroll.steady_field import SteadyField
from pyhall_tui.widgets.listed_input import ListedInput

_HINTS = 4


class CapabilityInput(ListedInput):
    """Also takes several pasted ones; backspace in the empty input moves the last one from the list back to it."""

    class TakeBack(Message):
        """Backspace was pressed in the empty input."""

    def on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        self.replace(", ".join(split_capabilities(event.text)), *self.selection)

    def action_delete_left(self) -> None:
        if self.value:
            super().action_delete_left()
        else:
            self.post_message(self.TakeBack())


class CapabilityList(OptionList):
    """The capabilities on the form. Enter or a click moves one back to the input, delete removes it."""

    BINDING_GROUP_TITLE = "Capabilities"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("delete,backspace,x", "remove", "Remove", id="capabilities.remove", tooltip="Remove the capability"),
    ]

    class Removed(Message):
        """Remove the one at this position."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def action_remove(self) -> None:
        if self.highlighted is not None:
            self.post_message(self.Removed(self.highlighted))


class CapabilitiesField(SteadyField):
    """Label, input, sentence, and the list below them."""

    class Changed(Message):
        """The list changed."""

    DEFAULT_CSS = """
    CapabilitiesField {
        & > CapabilityList {
            height: auto; max-height: 6; margin-bottom: 1;
            border: none; padding: 0; background: transparent; display: none;
            &.-filled { display: block; }
        }
    }
    """

    def __init__(self) -> None:
        super().__init__(CAPABILITIES, "Capabilities")
        self._known: tuple[str, ...] = ()
        self.chosen: list[str] = []
        self.input: CapabilityInput = CapabilityInput(
            self._not_chosen, placeholder="llm.text.generate, then enter; ↓ lists known ones", id=CAPABILITIES
        )

    def compose(self) -> ComposeResult:
        for part in super().compose():
            yield part
            if part is self.input:
                yield self.input.names
        yield CapabilityList(id="chosen", compact=True, markup=False)

    def learn(self, names: Iterable[str]) -> None:
        """Use these for completion from now on."""
        self._known = tuple(dict.fromkeys(names))

    def show(self, chosen: Sequence[str]) -> None:
        """Put these on the list."""
        self.chosen = list(chosen)
        listed = self.query_one(CapabilityList)
        place = listed.highlighted
        listed.clear_options()
        listed.add_options(Option(Content.assemble(("✕ ", "$text-muted"), clean(one, 300))) for one in self.chosen)
        listed.set_class(bool(self.chosen), "-filled")
        if self.chosen and place is not None:
            listed.highlighted = min(place, len(self.chosen) - 1)
        elif not self.chosen and listed.has_focus:
            self.input.focus()
        self.post_message(self.Changed())

    def take_typed(self) -> None:
        """Move the input's content to the list; what can't be on the list stays, with the reason."""
        typed = (part.strip() for part in re.split("[,;]", self.input.value))
        parts = list(dict.fromkeys(part for part in typed if part))
        wrong = [part for part in parts if check_capability(part)]
        doubled = [part for part in parts if part in self.chosen]
        good = [part for part in parts if part not in wrong and part not in doubled]
        self.input.value = ", ".join(wrong)
        if good:
            self.show([*self.chosen, *good])
        if wrong:
            self.say(check_capability(wrong[0]))
        elif doubled and not good:
            self.say(f"{clean(doubled[0], 80)} is on the list already.", mistake=False)
        else:
            self._say_what_is_new()

    def check(self) -> str:
        """Show and return the sentence of this field."""
        sentence = check_capability(self.value) if self.value else check_capabilities(self.chosen)
        if sentence:
            self.say(clean(sentence, 500))
        else:
            self._say_what_is_new()
        return sentence

    def new(self) -> str:
        """Return what to say about the first unknown capability on the list; empty if there is none."""
        return next((sentence for one in self.chosen if (sentence := said_of_new(one, self._known))), "")

    def _say_what_is_new(self) -> None:
        self.say(self.new(), mistake=False)

    @on(Input.Submitted)
    def _add(self, message: Input.Submitted) -> None:
        if self.input.value.strip():
            message.stop()
            self.take_typed()

    @on(Input.Changed)
    def _hint(self, message: Input.Changed) -> None:
        matching = fitting(message.value.strip(), self._not_chosen()) if message.value else []
        if matching:
            more = " …" if len(matching) > _HINTS else ""
            self.say(
                "→ or enter completes, ↓ lists; seen before: " + clean(", ".join(matching[:_HINTS]), 200) + more,
                mistake=False,
            )
        elif message.value and self._known:
            self.say(said_of_new(message.value.strip(), self._known), mistake=False)
        elif not self.has_mistake or not message.value:
            self._say_what_is_new()

    @on(CapabilityInput.TakeBack)
    def _take_last_back(self) -> None:
        if self.chosen:
            self._take_back(len(self.chosen) - 1)

    @on(OptionList.OptionSelected)
    def _take_chosen_back(self, message: OptionList.OptionSelected) -> None:
        message.stop()
        self._take_back(message.option_index)

    @on(CapabilityList.Removed)
    def _remove(self, message: CapabilityList.Removed) -> None:
        self.show(self.chosen[: message.index] + self.chosen[message.index + 1 :])

    def _take_back(self, index: int) -> None:
        """Move one from the list to the input, to correct or drop it; the input's content goes to the list."""
        self.take_typed()
        if self.input.value:
            return
        taken = self.chosen[index]
        self.show(self.chosen[:index] + self.chosen[index + 1 :])
        self.input.value = taken
        self.input.cursor_position = len(taken)
        self.input.focus()

    def _not_chosen(self) -> list[str]:
        return [name for name in self._known if name not in self.chosen]
