"""The dialog for worker ids, typed or pasted, one or many."""

from textual import events, on
from textual.app import ComposeResult
from textual.widgets import Button, Input, Static

from pyhall_tui.profiles.watch_list import parse_worker_ids
from pyhall_tui.render.text import clean
from pyhall_tui.widgets.dialog import Buttons, Dialog, DialogScreen
from pyhall_tui.widgets.field import OneLineInput

_MOST_LEFT_OUT = 12
"""How many of those left out are listed."""


class IdsInput(OneLineInput):
    """One line that takes several pasted ones: their line breaks become spaces, and a paste never submits."""

    def on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        self.insert_text_at_cursor(" ".join(event.text.split()))


class AddWorkersScreen(DialogScreen[tuple[str, ...]]):
    """Returns the ids to watch, or None if it was cancelled."""

    BINDING_GROUP_TITLE = "Watch workers"
    DEFAULT_CSS = "AddWorkersScreen #found { margin-top: 1; color: $secondary; }"

    def compose(self) -> ComposeResult:
        with Dialog("Watch workers"):
            yield IdsInput(placeholder="wkr_abc123, org.acme.summarizer …", id="ids", compact=True)
            yield Static("Type or paste ids, separated by spaces, commas or new lines.", id="found", markup=False)
            with Buttons():
                yield Button("Cancel", id="leave", compact=True)
                yield Button("Watch", id="watch", variant="primary", compact=True, disabled=True)

    @on(Input.Changed)
    def _count(self, message: Input.Changed) -> None:
        parsed = parse_worker_ids(message.value)
        lines = [f"{len(parsed.ids)} to watch: {clean(', '.join(parsed.ids), 300)}"] if parsed.ids else []
        lines += [f"left out: {clean(text, 60)} {reason}" for text, reason in parsed.left_out[:_MOST_LEFT_OUT]]
        if more := parsed.left_out[_MOST_LEFT_OUT:]:
            lines.append(f"also left out: {len(more)} more")
        self.query_one("#found", Static).update("\n".join(lines) or "Type or paste ids.")
        self.query_one("#watch", Button).disabled = not parsed.ids

    @on(Input.Submitted)
    @on(Button.Pressed, "#watch")
    def _done(self) -> None:
        parsed = parse_worker_ids(self.query_one(IdsInput).value)
        if parsed.ids:
            self.dismiss(parsed.ids)
