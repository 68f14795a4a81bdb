"""Fields for a dispatch: names with completion, and the choice of a risk tier."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Input, Static

from pyhall_tui.dispatch.form import RISK_TIERS, UNSTATED
from pyhall_tui.render.known_names import said_of_new
from pyhall_tui.widgets.field import Field
from pyhall_tui.widgets.listed_input import ListedInput


class NameField(Field):
    """A field that knows names: it completes as you type, and down lists those that contain the text."""

    def __init__(
        self,
        name: str,
        label: str,
        known: Callable[[], Sequence[str]],
        *,
        placeholder: str = "",
        says_new: bool = False,
    ) -> None:
        """`known` is called at each key; it returns the names in the order in which they are offered.

        `says_new`: say that a name is new if it is not among them.
        """
        super().__init__(name, label)
        self.input: ListedInput = ListedInput(known, placeholder=placeholder, id=name)
        self._known = known
        self._says_new = says_new

    def compose(self) -> ComposeResult:
        for part in super().compose():
            yield part
            if part is self.input:
                yield self.input.names

    @on(Input.Changed)
    def say_new(self) -> None:
        """Say that an unknown name is new, before it is sent."""
        if self._says_new and not self.has_mistake:
            self.say(said_of_new(self.value, self._known()), mistake=False)


class TierChoice(Static, can_focus=True):
    """One line with the risk tiers; left, right or a click chooses one. `none` sends no tier."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right", "step(1)", "Higher", show=False, id="tier.higher", tooltip="The next risk tier"),
        Binding("left", "step(-1)", "Lower", show=False, id="tier.lower", tooltip="The previous risk tier"),
    ]
    DEFAULT_CSS = """
    TierChoice { height: 1; width: 1fr; &:focus { background: $primary 30%; text-style: underline; } }
    """
    CHOICES = (*RISK_TIERS, UNSTATED)
    tier = reactive("low")

    class Changed(Message):
        """Another tier was chosen."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, markup=False)

    def render(self) -> Content:
        parts = []
        for tier in self.CHOICES:
            chosen = tier == self.tier
            parts.append(Content.styled(f"{'●' if chosen else '○'}{tier}", "bold" if chosen else "$text-muted"))
        return Content(" ").join(parts)

    def watch_tier(self) -> None:
        if self.is_mounted:
            self.post_message(self.Changed())

    def action_step(self, step: int) -> None:
        place = self.CHOICES.index(self.tier) + step
        self.tier = self.CHOICES[max(0, min(place, len(self.CHOICES) - 1))]

    def on_click(self, event: events.Click) -> None:
        left = 0
        for tier in self.CHOICES:
            width = cell_len(tier) + 2
            if left <= event.x < left + width:
                self.tier = tier
            left += width
