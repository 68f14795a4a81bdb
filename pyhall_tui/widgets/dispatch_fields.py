"""Fields for a dispatch: names with completion, and the choice of a risk tier."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual import events, on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.suggester import Suggester
from textual.widgets import Input, Static

from pyhall_tui.dispatch.form import RISK_TIERS, UNSTATED
from pyhall_tui.render.known_names import offered, said_of_new
from pyhall_tui.widgets.field import Field


class KnownNames(Suggester):
    """Completes what is typed to the first known name that starts with it."""

    def __init__(self, known: Callable[[], Sequence[str]]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._known = known

    async def get_suggestion(self, value: str) -> str | None:
        return offered(value, self._known())


class NameField(Field):
    """A field that knows names: it completes as you type, and up and down go through those that contain the text."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "cycle(1)", "Next name", show=False, id="name.next", tooltip="The next name that fits"),
        Binding(
            "up", "cycle(-1)", "Previous name", show=False, id="name.previous", tooltip="The previous name that fits"
        ),
    ]

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
        super().__init__(name, label, placeholder=placeholder, suggester=KnownNames(known))
        self._known = known
        self._says_new = says_new
        self._typed = ""
        self._offered = ""

    def action_cycle(self, step: int) -> None:
        """Offer the next name that contains what was typed, at any position."""
        if self.input.value != self._offered:
            self._typed, self._offered = self.input.value, ""
        wanted = self._typed.strip().casefold()
        fitting = [name for name in self._known() if wanted in name.casefold()]
        if not fitting:
            return
        place = fitting.index(self._offered) + step if self._offered in fitting else (0 if step > 0 else -1)
        self._offered = fitting[place % len(fitting)]
        self.input.value = self._offered
        self.input.cursor_position = len(self._offered)

    @on(Input.Submitted)
    def _take_offered(self) -> None:
        """Accept, at Enter, what is offered after the cursor."""
        if (name := offered(self.value, self._known())) is not None:
            self.input.value = name
            self.input.cursor_position = len(name)

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
