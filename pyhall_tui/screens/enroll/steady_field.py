"""A field that does not move."""

from textual.widgets import Static

from pyhall_tui.widgets.field import Field


class SteadyField(Field):
    """Always has a line for its sentence, so that what is below doesn't move under the mouse when you leave it."""

    DEFAULT_CSS = """
    SteadyField { margin-bottom: 0; & > .sentence { min-height: 1; } }
    """

    def on_mount(self) -> None:
        self.say("")

    def say(self, sentence: str, *, mistake: bool = True) -> None:
        """Show one sentence below the input; an empty one leaves its line empty."""
        super().say(sentence, mistake=mistake)
        if not sentence:
            below = self.query_one(".sentence", Static)
            below.update("")
            below.display = True
