"""A checkbox whose state is a symbol too."""

from textual.content import Content
from textual.widgets import Checkbox


class PlainCheckbox(Checkbox):
    """A checkbox that shows even without color whether it is on."""

    DEFAULT_CSS = """
    PlainCheckbox {
        & > .toggle--button { color: $text-muted; background: $background 0%; }
        &.-on > .toggle--button { color: $text-success; background: $background 0%; }
    }
    """

    BUTTON_LEFT, BUTTON_INNER, BUTTON_RIGHT = "[", "✔", "] "

    def render(self) -> Content:
        box = ("[✔] " if self.value else "[ ] ", self.get_visual_style("toggle--button"))
        return Content.assemble(box, self.label.pad(1, 1).stylize_before(self.get_visual_style("toggle--label")))
