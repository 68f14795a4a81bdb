"""The dialog that exports a table as it is shown: to a file, or to the clipboard."""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Button, Checkbox, Input

from pyhall_tui.files.given_path import given_path
from pyhall_tui.journal.export import ENDINGS, AlreadyThere, ExportFailed, text_of, write_records
from pyhall_tui.render.text import clean
from pyhall_tui.screens.messages import CopyText
from pyhall_tui.threads.off_loop import off_loop
from pyhall_tui.widgets.dialog import Buttons, Dialog, DialogScreen
from pyhall_tui.widgets.exported import Exported, HasExport
from pyhall_tui.widgets.field import Field
from pyhall_tui.widgets.line_table import LineTable
from pyhall_tui.widgets.one_at_a_time import one_at_a_time
from pyhall_tui.widgets.plain_checkbox import PlainCheckbox
from pyhall_tui.widgets.typed_ahead import keys_wait_for

_AT_ONCE: Final = 500
"""Rows that are made between two frames."""
_MOST_COPIED: Final = 500_000
"""Characters that go to the clipboard; terminals take no more, and some far less."""
_FORMATS: Final = {".csv": "CSV", ".jsonl": "JSON Lines", ".md": "Markdown"}


def exported_by(screen: Screen[Any]) -> Exported | None:
    """Return what `E` exports on a screen: what it says, or else the table that you are in or look at."""
    if isinstance(screen, HasExport):
        return screen.exported()
    focused = screen.focused
    tables = [focused] if isinstance(focused, LineTable) else [*screen.query(LineTable)]
    return next((table.exported() for table in tables if table.is_on_screen and table.keys), None)


class ExportScreen(DialogScreen[str]):
    """Writes to the file that you name; returns a sentence about it, or None if nothing was written."""

    BINDING_GROUP_TITLE = "Export"
    DEFAULT_CSS = """
    ExportScreen {
        #formats { height: auto; margin-bottom: 1; }
        #formats > Button { margin-right: 2; }
        PlainCheckbox { width: 1fr; }
    }
    """

    def __init__(self, exported: Exported, wall: float) -> None:
        """`wall`: the time, which is part of the file's name that is proposed."""
        super().__init__()
        self._exported = exported
        self._proposed = f"pyhall-{exported.what}s-{datetime.fromtimestamp(wall).astimezone():%Y%m%d-%H%M%S}.csv"
        self._to_replace: Path | None = None
        """The file of which the operator has been told that it exists."""

    def compose(self) -> ComposeResult:
        with Dialog(self._title):
            yield Field("export-path", "File: .csv, .jsonl or .md", value=self._proposed)
            with Horizontal(id="formats"):
                for ending in _FORMATS:
                    yield Button(self._format_label(ending), id=f"as-{ending[1:]}", compact=True)
            if self._exported.more:
                count = len(self._exported.more)
                label = f"Also {count} column{'s' * (count != 1)} that the terminal has no room for"
                yield PlainCheckbox(label, id="more", compact=True)
            with Buttons():
                yield Button("Cancel", id="leave", compact=True)
                yield Button("Copy", id="export-copy", compact=True)
                yield Button("Write", id="export-write", variant="primary", compact=True)

    def on_mount(self) -> None:
        self._field.say(f"Written to {clean(Path.cwd())}, unless you name another folder.", mistake=False)

    @property
    def _title(self) -> str:
        what, count = self._exported.what, self._exported.marked
        return f"Export the {count:,} marked {what}{'s' * (count != 1)}" if count else f"Export the {what}s as shown"

    @property
    def _field(self) -> Field:
        return self.query_one(Field)

    @property
    def _columns(self) -> tuple[str, ...]:
        more = self._exported.more if any(box.value for box in self.query(Checkbox)) else ()
        return (*self._exported.columns, *more)

    @on(Input.Changed)
    def _another_file(self) -> None:
        self._ask_to_replace(None)
        for ending in _FORMATS:
            self.query_one(f"#as-{ending[1:]}", Button).label = self._format_label(ending)

    def _format_label(self, ending: str) -> str:
        """Return a format's name, and whether it is the one that the file's name sets."""
        name = self._field.value if self.is_mounted else self._proposed
        return f"{'●' if name.lower().endswith(ending) else '○'} {_FORMATS[ending]}"

    @on(Button.Pressed, "#formats > Button")
    def _choose_format(self, message: Button.Pressed) -> None:
        ending = (message.button.id or "").replace("as-", ".")
        typed = self._field.value
        stem = next((typed[: -len(each)] for each in ENDINGS if typed.lower().endswith(each)), typed)
        self._field.input.value = stem + ending
        self._field.input.focus()

    @on(Input.Submitted)
    @on(Button.Pressed, "#export-write")
    def _wanted(self) -> None:
        if (work := self._export()) is not None:
            keys_wait_for(self, work)

    @one_at_a_time("export")
    async def _export(self) -> None:
        if not self._field.value:
            self._field.say("Enter a file name.")
            return
        try:
            path = given_path(self._field.value)
            records = await self._records()
            write = partial(write_records, records, self._columns, path, replaces=path == self._to_replace)
            count = await off_loop(write, name="export")
        except AlreadyThere as there:
            self._field.say(f"{clean(there)} Press Replace, or enter again, to overwrite it.")
            self._ask_to_replace(path)
        except ExportFailed as failed:
            self._field.say(clean(failed))
        else:
            self.dismiss(f"{count:,} {self._exported.what}{'s' * (count != 1)} written to {clean(path)}.")

    @on(Button.Pressed, "#export-copy")
    def _copy(self) -> None:
        if (work := self._copied()) is not None:
            keys_wait_for(self, work)

    @one_at_a_time("export")
    async def _copied(self) -> None:
        ending = given_path(self._field.value).suffix.lower() if self._field.value else ".csv"
        if ending not in ENDINGS:
            self._field.say("End the name in .csv, .jsonl or .md, which sets the format of a copy too.")
            return
        records = await self._records()
        text = await off_loop(partial(text_of, records, self._columns, ending, _MOST_COPIED), name="export")
        if text is None:
            self._field.say("That is too much for the clipboard: write it to a file.")
            return
        self.app.post_message(CopyText(text, f"{self._exported.what} table"))
        self.dismiss(None)

    async def _records(self) -> Iterable[dict[str, Any]]:
        """Return the rows; those in memory are made a part at a time, so that the screen stays alive."""
        records = self._exported.records()
        if self._exported.from_journal:
            return records
        made: list[dict[str, Any]] = []
        rest = iter(records)
        while part := list(islice(rest, _AT_ONCE)):
            made += part
            await asyncio.sleep(0)
        return made

    def _ask_to_replace(self, path: Path | None) -> None:
        self._to_replace = path
        button = self.query_one("#export-write", Button)
        button.label, button.variant = ("Replace", "error") if path else ("Write", "primary")
