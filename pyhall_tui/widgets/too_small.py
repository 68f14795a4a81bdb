"""What a screen shows in a terminal too small for it; all that it holds stays as it is below."""

from textual.widgets import Static


class TooSmall(Static):
    """Covers a screen of the layers `base` and `top` that has the class `-tiny` or `-flat`."""

    SCOPED_CSS = False  # the classes are the screen's
    DEFAULT_CSS = """
    TooSmall { layer: top; width: 100%; height: 100%; background: $background; display: none; }
    .-tiny TooSmall, .-flat TooSmall { display: block; }
    """

    def __init__(self) -> None:
        super().__init__("The terminal is too small: make it at least 40 by 10.", markup=False)
