"""An input with a list of known names below it: down opens it, typing filters it, enter takes what is highlighted."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Final

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.suggester import Suggester
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from pyhall_tui.render.known_names import fitting, offered
from pyhall_tui.render.text import clean
from pyhall_tui.widgets.field import OneLineInput

_MOST: Final = 200
"""Names that are listed; with more, typing narrows them down."""


class KnownNames(Suggester):
    """Completes what is typed to the first known name that starts with it."""

    def __init__(self, known: Callable[[], Sequence[str]]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._known = known

    async def get_suggestion(self, value: str) -> str | None:
        return offered(value, self._known())


class NameList(OptionList, can_focus=False):
    """The names below the input. It takes lines of its own, so it never covers the field."""

    DEFAULT_CSS = """
    NameList {
        display: none; height: auto; max-height: 6; padding: 0; border: none; border-left: outer $primary;
        background: $surface; scrollbar-size-vertical: 1;
    }
    """

    def __init__(self, clicked: Callable[[], None]) -> None:
        """`clicked` is called when a name was clicked; it is the highlighted one then."""
        super().__init__(compact=True, markup=False)
        self._clicked = clicked
        self._shown: list[str] = []

    @property
    def highlighted_name(self) -> str | None:
        """The name that enter takes, if the list is open."""
        is_on_one = self.display and self.highlighted is not None and self.highlighted < len(self._shown)
        return self._shown[self.highlighted or 0] if is_on_one else None

    def show(self, names: Sequence[str]) -> None:
        """List these, and highlight the first; without any, close."""
        self._shown = list(names[:_MOST])
        self.clear_options()
        self.add_options(Option(Content(clean(name, 200))) for name in self._shown)
        if len(names) > _MOST:
            self.add_option(Option(f"… {len(names) - _MOST:,} more: type to narrow them down", disabled=True))
        self.display = bool(self._shown)
        self.highlighted = 0 if self._shown else None
        if self._shown:
            self.call_after_refresh(self.scroll_visible, animate=False)

    def on_option_list_option_selected(self, message: OptionList.OptionSelected) -> None:
        message.stop()
        self._clicked()


class ListedInput(OneLineInput):
    """A one-line input that knows names. Its `names` is mounted right below it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "list(1)", "Known names", show=False, id="name.next", tooltip="List the known names that fit"),
        Binding("up", "list(-1)", "Name above", show=False, id="name.previous", tooltip="The name above in the list"),
        Binding("escape", "close_list", "Close", show=False, id="name.close", tooltip="Close the list, keep the text"),
    ]

    _is_open = False

    def __init__(self, known: Callable[[], Sequence[str]], **options: Any) -> None:
        """`known` is called at each key; it returns the names in the order in which they are offered."""
        super().__init__(suggester=KnownNames(known), compact=True, **options)
        self._known = known
        self.names = NameList(clicked=self._submit_clicked)

    def action_list(self, step: int) -> None:
        """Open the list, or move in it."""
        if not self._is_open:
            self._is_open = True
            self._fill()
        elif step > 0:
            self.names.action_cursor_down()
        else:
            self.names.action_cursor_up()

    def action_close_list(self) -> None:
        """Close the list; what is typed stays."""
        self._is_open = False
        self.names.show([])

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Closing and going up are keys of the list only while it is open."""
        if action == "close_list" or (action == "list" and parameters == (-1,)):
            return self._is_open
        return super().check_action(action, parameters)

    def watch_value(self, value: str) -> None:
        if self._is_open:
            self._fill()

    def on_blur(self) -> None:
        self.action_close_list()

    def taken(self) -> str | None:
        """Return what enter takes instead of the typed text: what is highlighted, or else offered after the cursor."""
        return self.names.highlighted_name or offered(self.value, self._known())

    async def action_submit(self) -> None:
        """Take a name, and close the list; then submit as always."""
        if (name := self.taken()) is not None:
            self.value = name
            self.cursor_position = len(name)
        self.action_close_list()
        await super().action_submit()

    def _submit_clicked(self) -> None:
        self.focus()
        self.run_worker(self.action_submit(), exit_on_error=False)

    def _fill(self) -> None:
        self.names.show(fitting(self.value.strip(), self._known()))
