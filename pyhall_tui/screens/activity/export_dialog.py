"""The dialog that asks where to write the events; mistakes are shown below the path."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.widgets import Button, Input

from pyhall_tui.files.given_path import given_path
from pyhall_tui.journal.export import ExportFailed
from pyhall_tui.render.text import clean
from pyhall_tui.widgets.dialog import Buttons, Dialog, DialogScreen
from pyhall_tui.widgets.field import Field
from pyhall_tui.widgets.one_at_a_time import one_at_a_time
from pyhall_tui.widgets.typed_ahead import keys_wait_for


class ExportScreen(DialogScreen[str]):
    """Asks for a path and writes there; returns a sentence about what was written, or None if it was cancelled."""

    BINDING_GROUP_TITLE = "Export"

    def __init__(self, proposed: str, write: Callable[[Path], Awaitable[int]], what: str = "event") -> None:
        """Propose a file name; `write` writes the events and returns their number, or raises `ExportFailed`."""
        super().__init__()
        self._what = what
        self._proposed = proposed
        self._write = write

    def compose(self) -> ComposeResult:
        with Dialog(f"Export the {self._what}s that match the filter"):
            yield Field("export-path", "File, .jsonl or .csv", value=self._proposed)
            with Buttons():
                yield Button("Cancel", id="leave", compact=True)
                yield Button("Write", id="export-write", variant="primary", compact=True)

    def on_mount(self) -> None:
        self.query_one(Field).say(f"Written to {clean(Path.cwd())}, unless you name another folder.", mistake=False)

    @on(Input.Submitted)
    @on(Button.Pressed, "#export-write")
    def _wanted(self) -> None:
        if (work := self._export()) is not None:
            keys_wait_for(self, work)

    @one_at_a_time("export")
    async def _export(self) -> None:
        field = self.query_one(Field)
        if not field.value:
            field.say("Enter a file name.")
            return
        try:
            path = given_path(field.value)
            count = await self._write(path)
        except ExportFailed as failed:
            field.say(clean(failed))
        else:
            self.dismiss(f"{count} {self._what}{'s' * (count != 1)} written to {clean(path)}.")
