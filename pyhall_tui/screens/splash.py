"""What is shown for a moment while a profile, or the demo's hall, is opened."""

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Static


class OpeningScreen(Screen[None]):
    """One quiet line."""

    DEFAULT_CSS = """
    OpeningScreen { align: center middle; }
    OpeningScreen Static { width: auto; color: $secondary; }
    """

    def compose(self) -> ComposeResult:
        yield Static("Opening …", markup=False)
