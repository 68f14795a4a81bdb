"""The dialog for worker ids, typed or pasted, one or many."""

from functools import partial
from itertools import islice
from typing import Final
from weakref import WeakKeyDictionary

from textual import events, on
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.message import Message
from textual.widgets import Button, Input, Static

from pyhall_tui.profiles.watch_list import ParsedIds, parse_worker_ids
from pyhall_tui.render.text import clean
from pyhall_tui.threads.off_loop import off_loop
from pyhall_tui.widgets.dialog import Buttons, Dialog, DialogScreen
from pyhall_tui.widgets.field import OneLineInput
from pyhall_tui.widgets.one_at_a_time import one_at_a_time

_MOST_LEFT_OUT = 12
"""How many of those left out are listed."""
_MOST_NAMED = 40
"""Ids of which the beginning is listed; more do not fit the dialog."""
_LONG: Final = 4_000
"""Characters that a field can hold; with 100,000 ids in it, each key would take seconds."""
_left: Final[WeakKeyDictionary[object, dict[str, None]]] = WeakKeyDictionary()
"""The ids of long pastes that were left unused in the dialog, by what is open."""


class IdsInput(OneLineInput):
    """One line that takes several pasted ones: their line breaks become spaces, and a paste never submits."""

    class LongPaste(Message):
        """More was pasted than the field can hold."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class BackspaceInNothing(Message):
        """Backspace was pressed in the empty field."""

    def on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        if len(self.value) + len(event.text) > _LONG:
            self.post_message(self.LongPaste(event.text))
        else:
            self.insert_text_at_cursor(" ".join(event.text.split()))

    def action_delete_left(self) -> None:
        if not self.value:
            self.post_message(self.BackspaceInNothing())
        super().action_delete_left()


class AddWorkersScreen(DialogScreen[tuple[str, ...]]):
    """Returns the ids to watch, or None if it was cancelled. A long paste is read beside the loop, once."""

    BINDING_GROUP_TITLE = "Watch workers"
    DEFAULT_CSS = "AddWorkersScreen #found { margin-top: 1; color: $secondary; }"

    def __init__(self) -> None:
        super().__init__()
        self._pasted: dict[str, None] = {}
        """The ids of long pastes."""
        self._left_out: tuple[tuple[str, str], ...] = ()
        """What was left out of them, and why."""
        self._typed = ParsedIds((), ())
        self._unread: list[str] = []
        """Long pastes; the first is being read."""
        self._is_done = False
        """Whether enter was pressed before all was read."""

    def compose(self) -> ComposeResult:
        with Dialog("Watch workers"):
            yield IdsInput(placeholder="wkr_abc123, org.acme.summarizer …", id="ids", compact=True)
            yield Static("Type or paste ids, separated by spaces, commas or new lines.", id="found", markup=False)
            with Buttons():
                yield Button("Cancel", id="leave", compact=True)
                yield Button("Watch", id="watch", variant="primary", compact=True, disabled=True)

    def on_mount(self) -> None:
        self._pasted = _left.pop(self._place, {})
        if self._pasted:
            self._show()

    @on(Input.Changed)
    def _count(self, message: Input.Changed) -> None:
        self._typed = parse_worker_ids(message.value)
        self._show()

    @on(IdsInput.LongPaste)
    def _take(self, message: IdsInput.LongPaste) -> None:
        self._unread.append(message.text)
        self._show()
        self._read()

    @on(IdsInput.BackspaceInNothing)
    def _drop_pasted(self) -> None:
        if not self._unread:
            self._pasted, self._left_out = {}, ()
            self._show()

    @on(Input.Submitted)
    @on(Button.Pressed, "#watch")
    def _done(self) -> None:
        self._is_done = bool(self._unread)
        if not self._unread and (self._pasted or self._typed.ids):
            self.dismiss(tuple({**self._pasted, **dict.fromkeys(self._typed.ids)}))

    def dismiss(self, result: tuple[str, ...] | None = None) -> AwaitComplete:
        """Close it; if it was cancelled, keep what was pasted, and say so."""
        if result is None and self._pasted and not self._is_closed:
            _left[self._place] = self._pasted
            text = f"{len(self._pasted):,} pasted ids are kept: “Watch workers” has them when you open it again."
            self.app.notify(text, markup=False)
        return super().dismiss(result)

    @one_at_a_time("paste")
    async def _read(self) -> None:
        while self._unread:
            self._pasted, left_out = await off_loop(partial(_with, self._pasted, self._unread[0]), name="pasted ids")
            self._left_out += left_out
            del self._unread[0]
        self._show()
        if self._is_done:
            self._done()

    @property
    def _place(self) -> object:
        return getattr(self.app, "workspace", None) or self.app

    def _show(self) -> None:
        new = [each for each in self._typed.ids if each not in self._pasted]
        twice = ((each, "appears twice") for each in self._typed.ids if each in self._pasted)
        left_out = (*self._left_out, *self._typed.left_out, *twice)
        lines, count = list[str](), len(self._pasted) + len(new)
        if count:
            named = ", ".join(islice((*islice(self._pasted, _MOST_NAMED), *new), _MOST_NAMED))
            lines.append(f"{count:,} to watch: {clean(named, 300)}{' …' * (count > _MOST_NAMED)}")
        if self._pasted:
            lines.append(f"{len(self._pasted):,} of them are pasted; backspace in the empty field drops them.")
        lines += [f"left out: {clean(text, 60)} {reason}" for text, reason in left_out[:_MOST_LEFT_OUT]]
        if more := left_out[_MOST_LEFT_OUT:]:
            lines.append(f"also left out: {len(more):,} more")
        if self._unread:
            lines.append("Reading what you pasted …")
        self.query_one("#found", Static).update("\n".join(lines) or "Type or paste ids.")
        self.query_one("#watch", Button).disabled = not (count or self._unread)


def _with(known: dict[str, None], text: str) -> tuple[dict[str, None], tuple[tuple[str, str], ...]]:
    """Return the known ids and those in a text, and what was left out of it; for any thread."""
    parsed = parse_worker_ids(text)
    twice = tuple((each, "appears twice") for each in parsed.ids if each in known)
    return {**known, **dict.fromkeys(parsed.ids)}, (*parsed.left_out, *twice)
