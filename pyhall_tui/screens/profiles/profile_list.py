"""The list of profiles, with buttons for the mouse below it."""

from collections.abc import Callable
from typing import Final

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Button

from pyhall_tui.profiles.edits import NEW
from pyhall_tui.widgets.line_table import Column, LineTable, Row

_COLUMNS: Final = (
    Column("name", "PROFILE", 14, flex=1, sortable=False, is_id=True, most=24),
    Column("namespace", "NAMESPACE", 12, flex=1, leaves=2, sortable=False, is_name=True),
    Column("host", "REGISTRY", 14, flex=1, leaves=1, sortable=False, is_name=True),
    Column("key", "KEY", 13, sortable=False),
    Column("marks", "", 18, flex=4, sortable=False),
)
_LIST_BUTTONS: Final = (("new", "New"), ("duplicate", "Duplicate"), ("delete", "Delete"), ("start", "Start with it"))


class ProfileList(Vertical):
    """The table `#profiles`; its buttons are `#do-…`, named after the screen's actions."""

    def __init__(self, row: Callable[[str], Row]) -> None:
        """`row` makes a row's cells, by the profile's name."""
        super().__init__(id="list-frame")
        self._row = row
        self.border_title = "Profiles"

    def compose(self) -> ComposeResult:
        yield LineTable(_COLUMNS, self._row, id="profiles")
        with Horizontal(id="list-buttons"):
            for name, label in _LIST_BUTTONS:
                button = Button(label, id=f"do-{name}", compact=True)
                button.can_focus = False  # for the mouse: each has a key, and tab goes to the form
                yield button

    def offer(self, name: str, *, is_default: bool) -> None:
        """Enable the buttons of what can be done with the profile under the cursor."""
        for button, enabled in (("duplicate", True), ("delete", True), ("start", not is_default)):
            self.query_one(f"#do-{button}", Button).disabled = name == NEW or not enabled
