"""Every theme can be read: each style that the screens use, on each ground that they have."""

from collections.abc import Iterator

import pytest
from rich.color import Color as RichColor
from rich.segment import Segment
from rich.terminal_theme import TerminalTheme
from textual.app import App, ComposeResult
from textual.color import Color
from textual.containers import Container
from textual.content import Content
from textual.theme import Theme
from textual.widgets import Static

from pyhall_tui.config.theme import ThemeChoice
from pyhall_tui.render.text import Cell, Style
from pyhall_tui.shell.own_themes import contrast, made, theme_names
from pyhall_tui.widgets.cells import STYLES
from pyhall_tui.widgets.line_table import Column, LineTable, Row

TEXT, BOLD_ON_A_SHADE_OF_SIXTEEN = 4.5, 3.9
"""What WCAG 2 asks of text, and what bright red reaches on the darkest blue: among 16 colors nothing comes nearer."""
VISIBLE = 1.15
"""The least contrast of the row under the cursor with the rows around it; a bar at its left edge marks it too."""
GROUNDS = ("background", "surface", "panel")
WORDS = {**{style.name: words for style, words in STYLES.items()}, "key": "$accent bold", "muted": "$text-muted"}
SIXTEEN = (
    "000000 aa0000 00aa00 aa5500 0000aa aa00aa 00aaaa aaaaaa 555555 ff5555 55ff55 ffff55 5555ff ff55ff 55ffff ffffff"
)
RGB = [(int(each[:2], 16), int(each[2:4], 16), int(each[4:], 16)) for each in SIXTEEN.split()]
TERMINALS = {
    is_dark: TerminalTheme(*((0, 0, 0), (255, 255, 255))[:: 1 if is_dark else -1], RGB[:8], RGB[8:])
    for is_dark in (True, False)
}


class Swatches(App[None]):
    """One row of a table with every style, under the cursor and not, and every style on every ground."""

    CSS = "LineTable { height: 4; } Static { height: 1; } " + " ".join(
        f"#{ground} {{ height: auto; background: ${ground}; }}" for ground in GROUNDS
    )

    def compose(self) -> ComposeResult:
        columns = [Column(style.name, style.name, 10) for style in Style]
        yield LineTable(columns, lambda _: Row({style.name: Cell(style.name, style) for style in Style}), id="table")
        for ground in GROUNDS:
            with Container(id=ground):
                yield Static(Content(" ").join(Content.styled(name, words) for name, words in WORDS.items()))

    def on_mount(self) -> None:
        self.query_one(LineTable).show(["first", "second"])
        self.query_one(LineTable).focus()


def segments(app: App[None], line: int) -> Iterator[Segment]:
    """Yield the drawn parts of a line that hold a word."""
    strip = app.screen._compositor.render_strips()[line]
    return (segment for segment in strip if segment.text.strip().isalpha())


def color(found: RichColor | None, theme: Theme, *, is_text: bool) -> Color:
    assert found is not None
    return Color(*found.get_truecolor(TERMINALS[theme.dark], foreground=is_text))


def colors(segment: Segment, theme: Theme) -> tuple[Color, Color]:
    """Return the text's color and the ground's, as a terminal shows them."""
    style = segment.style
    assert style is not None
    return color(style.color, theme, is_text=True), color(style.bgcolor, theme, is_text=False)


@pytest.mark.thorough
async def test_every_style_can_be_read_on_every_ground_of_every_theme_and_the_cursors_row_is_visible() -> None:
    app, wrong = Swatches(ansi_color=True), []
    async with app.run_test(size=(140, 12)) as pilot:
        for name in theme_names():
            theme = made(name, ThemeChoice())
            app.register_theme(theme)
            app.theme = name
            await pilot.pause()
            is_of_sixteen = theme.ansi or "16" in name
            read = 0
            for line in range(7):
                for segment in segments(app, line):
                    text, ground = colors(segment, theme)
                    least = BOLD_ON_A_SHADE_OF_SIXTEEN if is_of_sixteen and line == 1 else TEXT
                    read += 1
                    if contrast(text, ground) < least:
                        wrong.append((name, line, segment.text, round(contrast(text, ground), 1)))
            assert read > 3 * len(Style), read
            under, beside = (colors(next(segments(app, line)), theme)[1] for line in (1, 2))
            if contrast(under, beside) < VISIBLE:
                wrong.append((name, 1, "the cursor's row", round(contrast(under, beside), 2)))
    assert wrong == []
