"""The input for an API key: no part of a pasted key gets into the next field."""

from typing import Final

from textual import events
from textual.timer import Timer

from pyhall_tui.widgets.field import OneLineInput
from pyhall_tui.widgets.typed_ahead import HoldsKeys

_BEHIND: Final = 0.03
"""Seconds. A terminal that doesn't mark a paste sends its line ends as the enter key, and the rest right after it."""
_LINE_ENDS: Final = ("enter", "ctrl+j")


class KeyInput(OneLineInput):
    """Waits a moment after enter: if text follows at once, the line end is part of a paste, and stays in it."""

    _enter: Timer | None = None
    _line_ends = 0

    async def on_key(self, event: events.Key) -> None:
        if event.key in _LINE_ENDS:
            event.prevent_default()
            event.stop()
            self._line_ends += 1
            self._wait()
        elif not self._line_ends:
            await super().on_key(event)
        elif event.is_printable:
            self.insert_text_at_cursor("\n" * self._forget_enter())
            await super().on_key(event)
        else:  # it belongs to the field that enter leads to
            event.prevent_default()
            event.stop()
            await self._submit()
            self.app.post_message(events.Key(event.key, event.character))

    def _wait(self) -> None:
        if self._enter is not None:
            self._enter.stop()
        self._enter = self.set_timer(_BEHIND, self._submit_if_alone)

    async def _submit_if_alone(self) -> None:
        if isinstance(self.app, HoldsKeys) and not self.app.typed_ahead.is_quiet:
            self._wait()  # there are keys that have not arrived here yet
        else:
            await self._submit()

    async def _submit(self) -> None:
        focused = self.screen.focused if self.is_attached else None
        siblings = self.parent.parent if self.parent else None
        # A tab right after enter doesn't come here: it has moved the focus by one field, and enter does the same.
        if self._forget_enter() and focused is not None and siblings in focused.ancestors:
            await self.action_submit()

    def _forget_enter(self) -> int:
        count, self._line_ends = self._line_ends, 0
        if self._enter is not None:
            self._enter.stop()
            self._enter = None
        return count
