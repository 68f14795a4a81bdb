"""Small dialogs of the dispatch screen: how often, under which name, which of these."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Button, Input, OptionList, Static
from textual.widgets.option_list import Option

from pyhall_tui.dispatch.live import SHORTEST_INTERVAL
from pyhall_tui.widgets.dialog import Buttons, Dialog, DialogScreen
from pyhall_tui.widgets.field import Field


class IntervalScreen(DialogScreen[float]):
    """Returns the seconds between two dispatches of a live run, or None if it was cancelled."""

    def __init__(self, interval: float, warn_below: float | None, registry: str) -> None:
        """`warn_below`: a shorter interval needs a second confirmation with the number of requests; None: never."""
        super().__init__()
        self._interval = interval
        self._warn_below = warn_below
        self._registry = registry
        self._warned: float | None = None

    def compose(self) -> ComposeResult:
        with Dialog("Repeat this dispatch"):
            yield Field("interval", f"Seconds between two, at least {SHORTEST_INTERVAL:g}", value=f"{self._interval:g}")
            with Buttons():
                yield Button("Cancel", id="leave", compact=True)
                yield Button("Start", id="start", variant="primary", compact=True)

    @on(Input.Changed)
    def _count(self) -> None:
        self._warned = None
        self.query_one("#start", Button).label = "Start"
        seconds = self._seconds()
        field = self.query_one(Field)
        if seconds is not None:
            field.say(f"{_pace(seconds)}, until you stop it.", mistake=False)
        else:
            field.say("")

    @on(Input.Submitted)
    @on(Button.Pressed, "#start")
    def _start(self) -> None:
        seconds = self._seconds()
        field = self.query_one(Field)
        if seconds is None or seconds < SHORTEST_INTERVAL:
            field.say(f"Enter a number of seconds, {SHORTEST_INTERVAL:g} or more.")
        elif self._warn_below is not None and seconds < self._warn_below and self._warned != seconds:
            self._warned = seconds
            field.say(
                f"This sends {_pace(seconds)} to {self._registry}, which may record each as a "
                "decision. Press enter again to start."
            )
            self.query_one("#start", Button).label = "Start anyway"
        else:
            self.dismiss(seconds)

    def _seconds(self) -> float | None:
        try:
            seconds = float(self.query_one(Field).value.replace(",", "."))
        except ValueError:
            return None
        return seconds if 0 < seconds < 86_400 else None


class ChooseScreen(DialogScreen[tuple[str, str]]):
    """Chooses a name, or takes a new one; returns (`open`, name), (`save`, name), (`delete`, name) or None."""

    GOES_ON_TYPING = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("delete", "delete", "Delete", id="choose.delete", tooltip="Delete the selected one"),
    ]
    DEFAULT_CSS = """
    ChooseScreen OptionList {
        height: auto; max-height: 16; margin-bottom: 1; background: $surface; border: none; padding: 0;
    }
    """

    def __init__(
        self,
        title: str,
        names: Sequence[str],
        *,
        save_label: str = "",
        check: Callable[[str], str] | None = None,
        may_delete: bool = False,
    ) -> None:
        """An empty `save_label`: nothing can be saved. `check` returns what is wrong with a new name, or nothing."""
        super().__init__()
        self._title, self._names, self._save_label = title, list(names), save_label
        self._check = check or (lambda name: "")
        self._may_delete = may_delete

    def compose(self) -> ComposeResult:
        with Dialog(self._title, "enter opens · delete deletes · esc" if self._may_delete else "enter opens · esc"):
            if self._names:
                yield OptionList(*(Option(Content(name)) for name in self._names))
            else:
                yield Static("None yet.", markup=False)
            if self._save_label:
                yield Field("new-name", self._save_label, placeholder="a name, then enter")

    @on(OptionList.OptionSelected)
    def _chosen(self, message: OptionList.OptionSelected) -> None:
        self.dismiss(("open", self._names[message.option_index]))

    @on(Input.Submitted)
    def _named(self) -> None:
        field = self.query_one(Field)
        wrong = self._check(field.value) if field.value else "Enter a name."
        if wrong:
            field.say(wrong)
        else:
            self.dismiss(("save", field.value))

    def action_delete(self) -> None:
        options = self.query(OptionList)
        if self._may_delete and options and options.first().highlighted is not None and options.first().has_focus:
            self.dismiss(("delete", self._names[options.first().highlighted or 0]))


class TextScreen(DialogScreen[None]):
    """Shows some lines to read."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,q", "leave", "Close", id="text.close", tooltip="Close this text"),
    ]
    DEFAULT_CSS = "TextScreen Dialog { width: 110; }"

    def __init__(self, title: str, content: Content) -> None:
        super().__init__()
        self._title, self._content = title, content

    def compose(self) -> ComposeResult:
        with Dialog(self._title, "esc closes", read=True):
            yield Static(self._content)


def _pace(seconds: float) -> str:
    a_minute = round(60 / seconds)
    return f"{a_minute:,} dispatches a minute" if a_minute > 1 else f"1 dispatch every {seconds:,.0f} seconds"
