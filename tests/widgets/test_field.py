"""Fields keep what is typed, in the order in which it was typed."""

import pytest
from textual import events
from textual.app import App, ComposeResult

from pyhall_tui.widgets.field import OneLineInput
from pyhall_tui.widgets.text_field import TextField


class Form(App[None]):
    def compose(self) -> ComposeResult:
        yield OneLineInput()
        yield TextField()


@pytest.mark.parametrize("kind", [OneLineInput, TextField])
async def test_an_edit_is_not_overtaken_by_letters_typed_right_behind_it(
    kind: type[OneLineInput] | type[TextField],
) -> None:
    """F34: a burst, as a slow line or a busy machine makes it of quick typing."""
    app = Form()
    async with app.run_test() as pilot:
        field = app.query_one(kind)
        field.focus()
        await pilot.pause()
        for key in ["q", "x", "backspace", "slash", "left", "left", "1", "ctrl+k", "question_mark"]:
            app.post_message(events.Key(key, {"slash": "/", "question_mark": "?"}.get(key, key[:1])))
        await pilot.pause()
        assert (field.value if isinstance(field, OneLineInput) else field.text) == "1?"
