"""Pictures of the terminal as text: what stands in its cells, and where it is loud.

A state is one picture, a file below `pictures/` beside the test that reads as the screen does and differs line by
line; many are taken of one running app, which is what costs. Below the cells stand the runs whose style tells
something: bold, reversed, underlined, and the theme's colours of good, warning and error. Other colours are no part of
a picture, nor are the header and the line of keys, which all screens share, nor what lies below a dialog.
`pytest --snapshot-update` takes them anew; `PICTURES=folder pytest …` puts an SVG of each there, to be looked at.

async def test_…(picture: Picture, …) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        …
        await picture(pilot, "form-empty", (80, 24), (140, 40))
"""

import difflib
import os
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.segment import Segment
from textual.app import App
from textual.color import Color
from textual.geometry import Region
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.widgets import Input, TextArea

_COLOURS = ("success", "warning", "error")
_BARS = " ▁▂▃▄▅▆▇█"
"""What a scroll bar is drawn with: a blank."""


class Picture:
    """Holds the screen of a running app against the picture of that name, in a test's own folder."""

    def __init__(self, folder: Path, *, anew: bool) -> None:
        self._folder, self._anew = folder, anew

    async def __call__(self, pilot: Pilot[Any], name: str, *sizes: tuple[int, int], lines: int | None = None) -> None:
        """Take a picture once all is laid out: as large as the terminal is, or in each of these columns and lines.

        With `lines` it is of the first few lines, and the header is part of it.
        """
        now = tuple(pilot.app.size)
        for size in sorted(sizes or [now], key=lambda size: size != now):  # a change of size is what costs
            if size != tuple(pilot.app.size):
                await pilot.resize_terminal(*size)
            await self._take(pilot, name, lines)

    async def _take(self, pilot: Pilot[Any], name: str, lines: int | None) -> None:
        app: App[Any] = pilot.app
        app.animation_level = "none"
        for field in app.screen.query("Input, TextArea"):
            assert isinstance(field, Input | TextArea)
            field.cursor_blink = False
        taken = await _laid_out(pilot, lines)
        width, height = app.size
        if folder := os.environ.get("PICTURES"):
            app.save_screenshot(f"{name}-{width}x{height}.svg", folder)
        self._hold(f"{name}-{width}x{height}.txt", taken)

    def _hold(self, name: str, taken: str) -> None:
        path = self._folder / name
        kept = path.read_text(encoding="utf-8") if path.exists() else ""
        if self._anew and taken != kept:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(taken, encoding="utf-8", newline="\n")
        elif taken != kept:
            told = difflib.unified_diff(kept.splitlines(), taken.splitlines(), "the picture", "the screen", lineterm="")
            pytest.fail("\n".join([f"{name} is not what is on the screen:", *told]), pytrace=False)


async def _laid_out(pilot: Pilot[Any], lines: int | None) -> str:
    """Wait until nothing is to be laid out any more, and return the picture: a scroll bar takes a second layout."""
    before, now = "", picture_of(pilot.app, lines)
    while before != now or pilot.app.screen._layout_required:
        await pilot.pause()
        before, now = now, picture_of(pilot.app, lines)
    return now


def picture_of(app: App[Any], first: int | None = None) -> str:
    """Return what is on the screen now, line by line, and below it the runs of telling style by line and column.

    `first`: only so many lines, with the header.
    """
    strips = app.screen._compositor.render_strips()
    seen = _seen(app)
    own = sorted(set(seen.line_range) - _shared(app)) if first is None else range(first)
    lines = {y: list(strips[y].crop(seen.x, seen.right)) for y in own}
    cells = ["".join(segment.text for segment in line).rstrip() for line in lines.values()]
    variables = app.get_css_variables()
    colours = {Color.parse(variables[f"text-{name}"]).hex.lower(): name for name in _COLOURS}
    runs = [run for y, line in lines.items() for run in _runs(y - seen.y + 1, line, colours)]
    return "\n".join([*cells, "─" * seen.width, *runs]) + "\n"


def _seen(app: App[Any]) -> Region:
    """The part that is the screen's own: of a dialog without what it lies on, which is drawn some time."""
    parts = [child.region for child in app.screen.displayed_children] if isinstance(app.screen, ModalScreen) else []
    return Region.from_union(parts) if parts else app.screen.region


def _shared(app: App[Any]) -> set[int]:
    widgets = app.screen.query("StatusHeader, KeyBar")
    return {y for widget in widgets for y in widget.region.line_range}


def _runs(number: int, line: Iterable[Segment], colours: dict[str, str]) -> Iterator[str]:
    column = 0
    for told, segments in groupby(line, key=lambda segment: _told(segment, colours)):
        text = "".join(segment.text for segment in segments)
        if told and text.strip(_BARS):
            yield f"{number:>3}:{column + 1:<3} {told}  {text.strip()}"
        column += cell_len(text)


def _told(segment: Segment, colours: dict[str, str]) -> str:
    style = segment.style
    if style is None:
        return ""
    colour = style.color.get_truecolor().hex if style.color is not None else ""
    names = [colours.get(colour, ""), *(name for name in ("bold", "reverse", "underline") if getattr(style, name))]
    return " ".join(name for name in names if name)


@pytest.fixture
def picture(request: pytest.FixtureRequest) -> Picture:
    """Pictures of a test's module lie in `pictures/<its name>/`, as `<name>-<columns>x<lines>.txt`."""
    module = request.path
    return Picture(module.parent / "pictures" / module.stem, anew=request.config.getoption("update_snapshots"))
