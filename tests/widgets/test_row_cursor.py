"""The cursor's row in terminals of 16 colors: what is red stays legible on it."""

import pytest
from rich.color import ColorSystem
from textual.theme import Theme

from pyhall_tui.shell.theme import DARK_16, LIGHT_16
from pyhall_tui.widgets.line_table import LineTable
from tests.widgets.test_line_table import TableApp


@pytest.mark.parametrize(("theme", "ground"), [(DARK_16, 4), (LIGHT_16, 7)])
async def test_the_row_under_the_cursor_is_not_of_the_gray_on_which_red_is_lost(theme: Theme, ground: int) -> None:
    app = TableApp(3)
    async with app.run_test(size=(60, 8)) as pilot:
        app.register_theme(theme)
        app.theme = theme.name
        app.query_one(LineTable).focus()
        await pilot.pause()
        style = next(segment.style for segment in app.query_one(LineTable).render_line(1) if "row-0" in segment.text)
        assert style is not None and style.bgcolor is not None
        assert style.bgcolor.downgrade(ColorSystem.STANDARD).number == ground
