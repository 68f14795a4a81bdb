"""A Textual app that shows one line: what the first frame is measured against."""

from textual.app import App, ComposeResult
from textual.widgets import Label


class BareApp(App[None]):
    """One line."""

    def compose(self) -> ComposeResult:
        yield Label("this is the only line")


if __name__ == "__main__":
    BareApp().run()
