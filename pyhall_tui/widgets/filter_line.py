"""The line that filters a list. An input takes a tenth of the first frame, so it is made right after that."""

import logging

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from pyhall_tui.widgets.cells import hanging
from pyhall_tui.widgets.late import after_first_frame

_log = logging.getLogger(__name__)


class FilterLine(Widget):
    """One line with a filter's input; it shows the input's placeholder until there is an input."""

    DEFAULT_CSS = "FilterLine { height: 1; background: $surface; color: $text-disabled; }"

    def __init__(self, leads_to: str, *, placeholder: str, id: str) -> None:  # noqa: A002
        """`leads_to` selects the list that is filtered; `id` is the input's."""
        super().__init__()
        self._leads_to, self._placeholder, self._input_id = leads_to, placeholder, id
        self._input: Input | None = None

    def on_mount(self) -> None:
        after_first_frame(self, self._make_input)

    def render(self) -> Content:
        return Content(self._placeholder)

    @property
    def value(self) -> str:
        """What the list is filtered by."""
        return self._input.value if self._input else ""

    @value.setter
    def value(self, text: str) -> None:
        if text != self.value and (field := self._make_input()) is not None:
            field.value = text

    def begin(self) -> None:
        """Give the input the focus at once: the next key may be on its way already."""
        if (field := self._make_input()) is not None:
            self.screen.set_focus(field)
        else:
            self.notify("The filter can't be loaded: start the program again.", severity="error", markup=False)

    def _make_input(self) -> Input | None:
        """Return the input, made if it wasn't yet; None if its part of the program can't be read any more."""
        if self._input is None:
            try:
                from pyhall_tui.widgets.field import FilterInput
            except (ImportError, OSError):
                _log.exception("the filter can't be loaded")
                return None
            self._input = FilterInput(self._leads_to, placeholder=self._placeholder, id=self._input_id)
            self.mount(self._input)
        return self._input


class FilterMistake(Static):
    """The sentence under a filter that says what is wrong with it, and no line at all if nothing is wrong."""

    DEFAULT_CSS = """
    FilterMistake {
        height: auto; max-height: 3; display: none; color: $text-error; background: $surface;
    }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._sentence, self._fitted_to = "", 0

    def on_resize(self) -> None:
        if self.content_size.width != self._fitted_to:
            self.say(self._sentence)

    def say(self, sentence: str) -> None:
        """Show a sentence; an empty one removes it."""
        self._sentence, self._fitted_to = sentence, self.content_size.width
        self.display = bool(sentence)
        self.update(hanging(Content("✖ "), Content(sentence), self._fitted_to) if sentence else "")
