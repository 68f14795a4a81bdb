"""The README's moving picture: it plays anywhere, asks nobody, and shows one frame at a time."""

import importlib.util
import io
import re
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest
from rich.console import Console

FOLDER = Path(__file__).parents[1] / "screenshots"
SVG = "{http://www.w3.org/2000/svg}"
RULE = re.compile(
    r"@keyframes (k\d+)\{((?:[0-9.]+%\{visibility:\w+\})+)\}\.(k\d+)\{animation:(k\d+) ([0-9.]+)s step-end"
)
STEP = re.compile(r"([0-9.]+)%\{visibility:(\w+)\}")
Text = tuple[float, float, float, str]
"""Where a text is, to where it reaches, its line, and what it says."""


class Played:
    """The picture as a browser plays it."""

    def __init__(self, svg: str) -> None:
        self.root = ElementTree.fromstring(svg)
        self.rules: dict[str, list[tuple[float, bool]]] = {}
        self.seconds = set[float]()
        for name, steps, styled, animated, seconds in RULE.findall(svg):
            assert name == styled == animated
            self.rules[name] = [(float(at), shown == "visible") for at, shown in STEP.findall(steps)]
            self.seconds.add(float(seconds))

    def moments(self) -> list[float]:
        """Return one moment, in percent, within each frame."""
        steps = sorted({at for rule in self.rules.values() for at, _ in rule})
        return [(before + after) / 2 for before, after in pairwise(steps)]

    def texts(self, moment: float | None) -> list[Text]:
        """Return what can be read at a moment; without one, what the still shows."""
        return sorted(self._texts(self.root, moment), key=lambda text: (text[2], text[0]))

    def _texts(self, element: ElementTree.Element, moment: float | None) -> Iterator[Text]:
        for each in element:
            classes = (each.get("class") or "").split()
            moving = [name for name in classes if name in self.rules]
            if each.tag == f"{SVG}g" and "m" in classes:
                assert len(moving) == 1
                shown = "s" in classes
                if moment is not None:
                    shown = [visible for at, visible in self.rules[moving[0]] if at <= moment][-1]
                if not shown:
                    continue
            if each.tag == f"{SVG}text":
                x, y = float(each.get("x", "")), float(each.get("y", ""))
                yield x, x + float(each.get("textLength", "0")), y, "".join(each.itertext())
            yield from self._texts(each, moment)


@pytest.fixture(scope="module")
def svg() -> str:
    return (FOLDER / "ban.svg").read_text("utf-8")


def said(texts: list[Text]) -> str:
    return " ".join(text for *_, text in texts).replace("\N{NO-BREAK SPACE}", " ")


def test_it_is_small_and_needs_nothing_from_elsewhere(svg: str) -> None:
    assert len(svg.encode()) < 1_000_000
    outside = ("<script", "<image", "<use", "foreignObject", "@import", "@font-face", "url(", "href")
    assert [word for word in outside if word in svg] == []
    assert re.findall(r"\bon\w+=", svg) == []
    assert re.findall(r"\w+://[^\"' <]+", svg) == ["http://www.w3.org/2000/svg"]


def test_it_shows_one_frame_at_a_time_and_so_does_the_still(svg: str) -> None:
    played = Played(svg)
    assert len(played.seconds) == 1
    assert len(played.moments()) >= 10
    for moment in (*played.moments(), None):
        lines: dict[float, list[Text]] = {}
        for text in played.texts(moment):
            lines.setdefault(text[2], []).append(text)
        for line in lines.values():
            for (_, end, _, first), (start, _, _, second) in pairwise(sorted(line)):
                assert end <= start + 1.0, (moment, first, second)


def test_it_tells_of_a_ban_from_before_it_to_the_workers_details(svg: str) -> None:
    """The row is clean, then banned; the detail gives the reason."""
    played = Played(svg)
    first, *_, last = (said(played.texts(moment)) for moment in played.moments())
    still = said(played.texts(None))
    assert "3 banned" in first and "ALARM" not in first
    assert "ALARM org.yourco.scraper.prod-03 is BANNED" in still and "4 banned" in still
    assert "IDENTITY" in last and "clean → BANNED" in last


def test_it_moves_only_where_motion_is_wanted(svg: str) -> None:
    before, wanted, after = svg.partition("@media (prefers-reduced-motion:no-preference){")
    assert wanted
    assert "animation" not in before
    assert "animation" in after.partition("}</style>")[0]
    assert "animation" not in after.partition("}</style>")[2]


def test_the_readme_shows_it_with_words_for_those_who_cannot_see_it() -> None:
    readme = (FOLDER.parent / "README.md").read_text("utf-8")
    first = re.search(r"!\[([^\]]+)\]\(([^)]+)\)", readme)
    assert first is not None
    assert first[2].endswith("screenshots/ban.svg")
    assert len(first[1]) > 40


def writer(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Import the program that makes it: it is beside the pictures."""
    spec = importlib.util.spec_from_file_location("moving_picture", FOLDER / "moving_picture.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "moving_picture", module)
    spec.loader.exec_module(module)
    return module


def test_each_frame_shows_what_its_picture_does(monkeypatch: pytest.MonkeyPatch) -> None:
    def picture(*lines: str) -> str:
        console = Console(record=True, width=20, height=3, file=io.StringIO(), force_terminal=True)
        for line in lines:
            console.print(line, highlight=False)
        return console.export_svg(title="x")

    made = writer(monkeypatch)
    lines = [("[red]one[/] & <two>", "same"), ("[red]one[/] ✖ three", "same"), ("[red]one[/] & <two>", "same")]
    frames = [made.Frame(picture(*each), float(number + 1), f"at {number}") for number, each in enumerate(lines)]
    played = Played(made.moving_picture(frames, size=(20, 3), still=1, title="a < b", text="c & d"))
    assert played.seconds == {6.0}
    shown = [said(played.texts(moment)) for moment in (*played.moments(), None)]
    assert len(shown) == 4
    for text, number in zip(shown, (0, 1, 2, 1), strict=True):
        assert "one" in text and "same" in text and f"at {number}" in text
        assert ("three" in text) == (number == 1)
        assert ("& <two>" in text) == (number != 1)
