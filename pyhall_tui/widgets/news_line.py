"""The line above the keys that shows the newest news; on a dialog it is the screen's last line.

Once there was news, a tall terminal keeps the line, so that nothing below a table moves again; a short one gives the
line to the table while there is no news.
"""

from collections.abc import Callable

from textual import events
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

from pyhall_tui.feeds.news import Item, Shown
from pyhall_tui.render.news import marked
from pyhall_tui.widgets.cells import as_content

_HINTS_FROM = 60
"""Columns from which on the keys are named in words."""


class NewsLine(Widget):
    """Draws one line, and never gets the focus. A click opens the log."""

    ALLOW_SELECT = False
    SCOPED_CSS = False  # the classes are the screen's
    DEFAULT_CSS = """
    NewsLine {
        dock: bottom; height: 1; margin-bottom: 1; padding: 0 1; background: $surface; pointer: pointer;
        &.-idle { pointer: default; }
    }
    .-short NewsLine.-idle, .-flat NewsLine.-idle, .-tiny NewsLine.-idle { display: none; }
    ModalScreen NewsLine, SystemModalScreen NewsLine {
        layer: news; margin-bottom: 0;
        &.-idle { display: none; }
    }
    """

    def __init__(self, shown: Callable[[], Shown], opened: Callable[[], None]) -> None:
        """`shown` returns what is up now; `opened` is called by a click, whatever field has the focus."""
        super().__init__()
        self._shown, self._opened = shown, opened
        self.set_class(self._is_idle, "-idle")

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._keys_changed)

    def update_news(self) -> None:
        """Show what is up now."""
        self.set_class(self._is_idle, "-idle")
        self.refresh()

    def render(self) -> Content:
        if self.app.screen is not self.screen:  # what is on top of it says it
            return Content("")
        shown, width = self._shown(), self.size.width
        tail = self._tail(shown)
        room = width - tail.cell_length - (2 if tail else 0)
        if room < width // 3:
            tail, room = Content(""), width
        said = _said(shown, room)
        return Content.assemble(said, " " * max(0, width - said.cell_length - tail.cell_length), tail)

    def on_click(self, event: events.Click) -> None:
        event.stop()
        if not self._is_idle:
            self._opened()

    @property
    def _is_idle(self) -> bool:
        return self._shown() == Shown()

    def _tail(self, shown: Shown) -> Content:
        """Return how many more there are, and the keys that show them; in a field, which takes them as text, not."""
        if shown == Shown() or getattr(self.screen, "LISTS_NEWS", False):
            return Content("")
        parts = [(f"+{shown.more:,} more", "$text")] if shown.more else []
        keys = [("0", "overview") if shown.is_elsewhere else ("!", "alarms")]
        if not shown.alarm or self.screen.is_modal:
            keys = []
        focused = self.screen.focused
        is_text = focused is not None and focused.check_consume_key("L", "L")
        if is_text and not self.screen.is_modal:
            parts.append(("esc, then", "$secondary"))
        wide = self.size.width >= _HINTS_FROM
        if not (is_text and self.screen.is_modal):
            for key, what in [*(keys if wide else []), ("L", "log")]:
                parts += [(key, "$accent bold"), *([(what, "$secondary")] if wide else [])]
        return Content(" ").join(Content.styled(text, style) for text, style in parts)

    def _keys_changed(self, screen: Screen[object]) -> None:
        if screen is self.screen and not self._is_idle:
            self.refresh()


def _said(shown: Shown, room: int) -> Content:
    """Return the alarm and the newest of the rest, cut to that many cells: the alarm to a third, if both are long."""
    alarm, other = _content(shown.alarm), _content(shown.other)
    if not (alarm and other):
        return (alarm or other).truncate(room, ellipsis=True)
    between = Content.styled(" │ ", "$secondary")
    left = room - between.cell_length
    for_other = min(other.cell_length, max(left * 2 // 3, left - alarm.cell_length))
    alarm = alarm.truncate(left - for_other, ellipsis=True)
    return Content.assemble(alarm, between, other.truncate(for_other, ellipsis=True))


def _content(item: Item | None) -> Content:
    return as_content(marked(item), " ") if item is not None else Content("")
