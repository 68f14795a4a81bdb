"""A key in a bar that you can also click."""

from textual import events
from textual.widgets import Static


class KeyHint(Static):
    """A short text; a click runs an action."""

    DEFAULT_CSS = "KeyHint { width: auto; padding: 0 1; color: $secondary; pointer: pointer; }"

    def __init__(self, text: str, action: str, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(text, markup=False, id=id)
        self._action = action

    async def on_click(self, event: events.Click) -> None:
        event.stop()
        await self.run_action(self._action)
