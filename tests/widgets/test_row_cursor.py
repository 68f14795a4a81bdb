"""The cursor's row in terminals of 16 colors: what is red stays red on it, and legible."""

import pytest
from rich.color import Color, ColorSystem
from textual.theme import Theme

from pyhall_tui.render.text import Cell, Style
from pyhall_tui.shell.theme import DARK_16, LIGHT_16
from pyhall_tui.widgets.line_table import LineTable, Row
from tests.widgets.test_line_table import TableApp

RED, BLUE, BRIGHT_RED, BRIGHT_CYAN = 1, 4, 9, 14


class AlarmsApp(TableApp):
    def row(self, key: str) -> Row:
        return Row({"id": Cell(key, Style.ALARM)})


@pytest.mark.parametrize(("theme", "ground", "text"), [(DARK_16, BLUE, BRIGHT_RED), (LIGHT_16, BRIGHT_CYAN, RED)])
async def test_an_alarm_under_the_cursor_is_bold_and_red(theme: Theme, ground: int, text: int) -> None:
    app = AlarmsApp(3)
    async with app.run_test(size=(60, 8)) as pilot:
        app.register_theme(theme)
        app.theme = theme.name
        app.query_one(LineTable).focus()
        await pilot.pause()
        style = next(segment.style for segment in app.query_one(LineTable).render_line(1) if "row-0" in segment.text)
        assert style is not None and style.bold
        assert [_of_sixteen(style.bgcolor), _of_sixteen(style.color)] == [ground, text]


def _of_sixteen(color: Color | None) -> int | None:
    assert color is not None
    return color.downgrade(ColorSystem.STANDARD).number
