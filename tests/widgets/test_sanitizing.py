"""A field's content never controls the terminal, wherever it came from."""

from collections.abc import Callable

import pytest
from textual.app import App, ComposeResult
from textual.suggester import SuggestFromList
from textual.widget import Widget

from pyhall_tui.widgets.clipboard import ShownText
from pyhall_tui.widgets.field import OneLineInput
from tests.waiting import until

HOSTILE = "zz\x1b[2J\x1b]0;PWNED\x07\x9b31m\u202eend"
SHOWN = "zz␛[2J␛]0;PWNED·31m·end"  # the bell is left out by the library below


def drawn(app: App[None]) -> list[str]:
    return ["".join(segment.text for segment in line) for line in app.screen._compositor.render_strips()]


def suggested() -> OneLineInput:
    return OneLineInput(suggester=SuggestFromList([HOSTILE]))


@pytest.mark.parametrize(
    ("make", "keys"),
    [(lambda: OneLineInput(HOSTILE), ""), (suggested, "z"), (lambda: ShownText(HOSTILE, read_only=True), "")],
    ids=["value", "suggestion", "text to be selected"],
)
async def test_no_control_byte_of_a_field_reaches_the_terminal(make: Callable[[], Widget], keys: str) -> None:
    """F09: the registry's capabilities are suggested while you type, and its texts are shown for copying."""

    class FieldApp(App[None]):
        def compose(self) -> ComposeResult:
            yield make()

    app = FieldApp()
    async with app.run_test(size=(60, 8)) as pilot:
        await pilot.press(*keys)
        await until(lambda: any(SHOWN in line for line in drawn(app)))
        assert all(line.isprintable() for line in drawn(app))
