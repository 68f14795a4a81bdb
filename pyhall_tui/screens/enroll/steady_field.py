"""A field that keeps its place."""

from textual.widgets import Static

from pyhall_tui.widgets.field import Field


class SteadyField(Field):
    """Always has a line for its sentence: what lies below must not move from under the mouse when a field is left."""

    DEFAULT_CSS = """
    SteadyField { margin-bottom: 0; & > .sentence { min-height: 1; } }
    """

    def on_mount(self) -> None:
        self.say("")

    def say(self, sentence: str, *, mistake: bool = True) -> None:
        """Show one sentence below the input; an empty one leaves its line blank."""
        super().say(sentence, mistake=mistake)
        if not sentence:
            below = self.query_one(".sentence", Static)
            below.update("")
            below.display = True
