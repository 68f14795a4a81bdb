"""The list of filters to choose from: those saved in the profile, and one for each state, with its count."""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Button, Input, Static
from textual.worker import Worker

from pyhall_tui.fleet.entry import State
from pyhall_tui.profiles.saved_filters import SavedFilters
from pyhall_tui.render.text import Cell, Style, clean
from pyhall_tui.render.worker import LOOKS
from pyhall_tui.widgets.dialog import Buttons, Dialog, DialogScreen
from pyhall_tui.widgets.field import OneLineInput
from pyhall_tui.widgets.key_bar import key_name
from pyhall_tui.widgets.line_table import Column, LineTable, Row
from pyhall_tui.widgets.one_at_a_time import one_at_a_time
from pyhall_tui.widgets.typed_ahead import keys_wait_for

_COLUMNS: Final = (
    Column("key", "", 1, sortable=False),
    Column("name", "NAME", 16, flex=1, sortable=False, is_name=True),
    Column("filter", "FILTER", 24, flex=2, sortable=False),
)
_HINT: Final = "Enter or its number sets a filter. x deletes a saved one."
_KEYS: Final = "123456789"
_STATE: Final = "\0"
"""Starts the keys of states; no saved name has it."""


class FiltersScreen(DialogScreen[str]):
    """Returns the chosen filter, or None if none was chosen. Each change of the saved ones is written at once."""

    BINDING_GROUP_TITLE = "Filters"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x,delete", "drop", "Delete", id="filters.drop", tooltip="Delete this saved filter"),
        *(
            Binding(key, f"set({place})", f"Filter {key}", show=False, id=f"filters.{key}", tooltip="Set this filter")
            for place, key in enumerate(_KEYS)
        ),
    ]
    DEFAULT_CSS = """
    FiltersScreen {
        LineTable { height: 11; margin-bottom: 1; }
        #said { color: $secondary; }
    }
    """

    def __init__(
        self,
        saved: SavedFilters | None,
        now: str,
        counts: Mapping[State, int],
        undoable: Callable[[Callable[[], str]], None],
    ) -> None:
        """Make the list.

        Args:
            saved: those of the open profile, if there is one.
            now: the filter that is set.
            counts: how many workers there are by state.
            undoable: is called after each change with what undoes it and returns a sentence about it.
        """
        super().__init__()
        self._saved, self._now, self._undoable = saved, now.strip(), undoable
        self._by_state = {
            f"{_STATE}{state}": (LOOKS[state].word.lower(), f"state:{state.name.lower()}", count)
            for state, count in counts.items()
            if count
        }
        self._by_name: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        with Dialog("Filters"):
            yield LineTable(_COLUMNS, self._row, id="filters")
            if self._saved is not None and self._now:
                shown = clean(self._now, 40)
                yield OneLineInput(placeholder=f"Name to save “{shown}” under, then enter", id="name", compact=True)
            yield Static(_HINT, id="said", markup=False)
            with Buttons():
                yield Button("Close", id="leave", compact=True)
                yield Button("Set", id="set", variant="primary", compact=True)

    def on_mount(self) -> None:
        table = self.query_one("#filters", LineTable)
        table.placeholder = "No filters are saved: set one, come back, and give it a name."
        table.focus()
        keys_wait_for(self, self.run_worker(self._load(""), exit_on_error=False, group="load"))

    async def _load(self, said: str) -> None:
        wrong = ""
        if self._saved is not None:
            self._by_name, wrong = await asyncio.to_thread(self._saved.load)
        table = self.query_one("#filters", LineTable)
        table.show([*self._by_name, *self._by_state])
        table.refresh_rows(table.keys)
        self.query_one("#said", Static).update(clean(wrong or said) or _HINT)

    def _row(self, key: str) -> Row:
        place = [*self._by_name, *self._by_state].index(key) if key in (*self._by_name, *self._by_state) else len(_KEYS)
        number = Cell(_KEYS[place : place + 1], Style.STRONG)
        if key in self._by_state:
            word, text, count = self._by_state[key]
            return Row({"key": number, "name": Cell(f"{count:,} {word}", Style.DIM), "filter": Cell(text)})
        return Row({"key": number, "name": Cell(clean(key)), "filter": Cell(clean(self._by_name.get(key, "")))})

    @on(LineTable.Opened)
    @on(Button.Pressed, "#set")
    def _set(self) -> None:
        self._choose(self.query_one("#filters", LineTable).target())

    def action_set(self, place: int) -> None:
        """Set the filter in that row, from 0."""
        keys = self.query_one("#filters", LineTable).keys
        self._choose(keys[place] if place < len(keys) else None)

    def _choose(self, key: str | None) -> None:
        if key is not None:
            self.dismiss(self._by_state[key][1] if key in self._by_state else self._by_name.get(key))

    @on(Input.Submitted, "#name")
    def _name_given(self) -> None:
        self._wait_for(self._save())

    def action_drop(self) -> None:
        """Delete the saved filter under the cursor."""
        self._wait_for(self._drop())

    def _wait_for(self, change: Worker[None] | None) -> None:
        """Hold the next keys until a change is made: one that closes the list would take its undo away."""
        if change is not None:
            keys_wait_for(self, change)

    @one_at_a_time("filters")
    async def _save(self) -> None:
        field = self.query_one("#name", Input)
        if self._saved is None:
            return
        name = field.value.strip()
        before = self._by_name.get(name)
        try:
            said = await asyncio.to_thread(self._saved.save, name, self._now)
        except ValueError as wrong:
            self.query_one("#said", Static).update(clean(wrong))
            return
        self._undoable(partial(self._saved.put_back, name, before, self._now))
        field.value = ""
        await self._load(said)

    @one_at_a_time("filters")
    async def _drop(self) -> None:
        key = self.query_one("#filters", LineTable).target()
        if key is None or self._saved is None:
            return
        if key in self._by_state:
            self.query_one("#said", Static).update("The filters by state stay: only saved ones can be deleted.")
            return
        try:
            said = await asyncio.to_thread(self._saved.drop, key)
        except ValueError as wrong:
            self.query_one("#said", Static).update(clean(wrong))
            return
        self._undoable(partial(self._saved.put_back, key, self._by_name.get(key), None))
        undo = key_name(self, "workers.undo", "u")
        await self._load(f"{said} Press {undo} on the table behind to undo it.")
