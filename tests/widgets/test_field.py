"""Fields keep what is typed, in the order in which it was typed."""

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.widgets import OptionList

from pyhall_tui.widgets.field import FilterInput, OneLineInput
from pyhall_tui.widgets.text_field import TextField
from tests.waiting import until


class Form(App[None]):
    def compose(self) -> ComposeResult:
        yield OneLineInput()
        yield TextField()


@pytest.mark.parametrize("kind", [OneLineInput, TextField])
async def test_an_edit_is_not_overtaken_by_characters_typed_right_behind_it(
    kind: type[OneLineInput] | type[TextField],
) -> None:
    """F34: a burst, as a slow line or a busy machine makes from fast typing."""
    app = Form()
    async with app.run_test():
        field = app.query_one(kind)
        field.focus()
        await until(lambda: app.focused is field)
        for key in ["q", "x", "backspace", "slash", "left", "left", "1", "ctrl+k", "question_mark"]:
            app.post_message(events.Key(key, {"slash": "/", "question_mark": "?"}.get(key, key[:1])))
        await until(lambda: (field.value if isinstance(field, OneLineInput) else field.text) == "1?")


async def test_a_pasted_tab_becomes_a_space_in_one_line() -> None:
    """F33: spreadsheet cells; nobody could see the tab, or type it again."""
    app = Form()
    async with app.run_test():
        field = app.query_one(OneLineInput)
        field.focus()
        await until(lambda: app.focused is field)
        app.post_message(events.Paste(" My\tWorker\t\r\n"))
        await until(lambda: field.value == "My Worker")


class Filtered(App[None]):
    def compose(self) -> ComposeResult:
        yield FilterInput("OptionList", placeholder="/", id="filter")
        yield OptionList("one", "two", "three", "four")


async def test_a_key_right_behind_enter_in_a_filter_is_the_lists() -> None:
    """F34's reverse: `enter`, `down`, `down` as one burst."""
    app = Filtered()
    async with app.run_test():
        filtering = app.query_one(FilterInput)
        filtering.focus()
        await until(lambda: app.focused is filtering)
        for key in ["o", "enter", "down", "down", "x"]:
            app.post_message(events.Key(key, key if len(key) == 1 else None))
        await until(lambda: app.query_one(OptionList).highlighted == 2)
        assert filtering.value == "o"
        assert app.focused is app.query_one(OptionList)
