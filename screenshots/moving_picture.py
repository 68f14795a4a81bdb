"""Join a terminal's pictures into one SVG that moves, or draw one that stands still in the same frame.

It needs no script, font or address, and stands still if motion is unwanted. Textual's pictures draw each run of cells
as a `rect` or a `text`. One that is the same in several frames is drawn once, and a CSS animation shows it only while
it is part of the frame: what changes is small, and so is the file.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from xml.etree import ElementTree

_SVG = "{http://www.w3.org/2000/svg}"
_STYLE = re.compile(r"\.terminal-\d+-(r\d+) \{ ?([^}]*?);? ?\}")
_CELL, _LINE, _EDGE, _BAR = 12.2, 24.4, 14.0, 40.0
"""A cell's width, a line's height, the frame around the terminal, and the bars above and below it."""
_BACKGROUND, _FRAME, _QUIET, _LOUD = "#14171c", "#0c0e12", "#8b95a3", "#d4d8de"
_FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"


@dataclass(frozen=True)
class Frame:
    """One picture: an SVG of Textual's, how many seconds it lasts, and a line below it."""

    svg: str
    lasts: float
    caption: str


@dataclass(frozen=True, order=True)
class _Part:
    """A part of a picture, backgrounds before texts."""

    layer: int
    y: float
    x: float
    drawn: str


def moving_picture(frames: Sequence[Frame], *, size: tuple[int, int], still: int, title: str, text: str) -> str:
    """Return the SVG.

    Args:
        size: the terminal's columns and lines.
        still: the frame to show where nothing moves.
        title: a few words above the terminal.
        text: what can be seen, for people who can't see it.
    """
    styles: dict[str, str] = {}
    seen: dict[_Part, set[int]] = {}
    for number, frame in enumerate(frames):
        for part in (*_parts(frame.svg, styles), _caption(frame.caption, size)):
            seen.setdefault(part, set()).add(number)
    groups: dict[tuple[int, frozenset[int]], list[_Part]] = {}
    for part in sorted(seen):
        groups.setdefault((part.layer, frozenset(seen[part])), []).append(part)
    shown = {numbers: f"k{n}" for n, numbers in enumerate(dict.fromkeys(numbers for _, numbers in groups))}
    always = frozenset(range(len(frames)))
    drawn = [
        _group(parts, "" if numbers == always else f"m {shown[numbers]}" + " s" * (still in numbers))
        for (_, numbers), parts in sorted(groups.items(), key=lambda group: group[0][0])
    ]
    moves = [
        _keyframes(name, [number in numbers for number in range(len(frames))], [frame.lasts for frame in frames])
        for numbers, name in shown.items()
        if numbers != always
    ]
    return _document(styles, moves, drawn, size, title, text)


def still_picture(svg: str, *, size: tuple[int, int], title: str, text: str) -> str:
    """Return an SVG of one picture of Textual's; the arguments are those of `moving_picture`."""
    return moving_picture([Frame(svg, 1.0, "")], size=size, still=0, title=title, text=text)


def _parts(svg: str, styles: dict[str, str]) -> Iterable[_Part]:
    """Yield what a picture of Textual's draws inside the terminal; `styles` collects a class for each style."""
    named = dict(_STYLE.findall(svg))
    root = ElementTree.fromstring(svg)
    for each in root.iter(f"{_SVG}rect"):
        if each.get("shape-rendering") and each.get("fill") != _BACKGROUND:
            x, y, wide = (float(each.get(name, "0")) for name in ("x", "y", "width"))
            rect = f'<rect fill="{each.get("fill")}" x="{x:g}" y="{y:g}" width="{wide:g}" height="24.65"/>'
            yield _Part(0, y, x, rect)
    for each in root.iter(f"{_SVG}text"):
        text = "".join(each.itertext())
        style = named.get((each.get("class") or "").rpartition("-")[2], "")
        if each.get("textLength") is None or not style or (not text.strip() and "underline" not in style):
            continue
        x, y = (float(each.get(name, "0")) for name in ("x", "y"))
        before = len(text) - len(text.lstrip())
        kept, x = text.strip(), x + before * _CELL
        wide = float(each.get("textLength", "0")) * len(kept) / len(text) if text.isascii() else 0.0
        wide = wide or float(each.get("textLength", "0")) - (len(text) - len(kept)) * _CELL
        name = styles.setdefault(style, f"r{len(styles)}")
        said = escape(kept, quote=False).replace(" ", "\N{NO-BREAK SPACE}")
        yield _Part(1, y, x, f'<text class="{name}" x="{x:.5g}" y="{y:g}" textLength="{wide:.5g}">{said}</text>')


def _caption(text: str, size: tuple[int, int]) -> _Part:
    y = size[1] * _LINE + _BAR * 0.72
    return _Part(1, y, 0.0, f'<text class="c" x="0" y="{y:g}">{escape(text, quote=False)}</text>')


def _group(parts: Iterable[_Part], name: str) -> str:
    drawn = "".join(part.drawn for part in parts)
    return f'<g class="{name}">{drawn}</g>' if name else drawn


def _keyframes(name: str, visible: Sequence[bool], lasts: Sequence[float]) -> str:
    """Return the rule that shows a group while its frames are shown."""
    whole, at, steps = sum(lasts), 0.0, []
    for number, (now, seconds) in enumerate(zip(visible, lasts, strict=True)):
        if number == 0 or now != visible[number - 1]:
            steps.append(f"{at / whole * 100:.5g}%{{visibility:{'visible' if now else 'hidden'}}}")
        at += seconds
    steps.append(f"100%{{visibility:{'visible' if visible[-1] else 'hidden'}}}")
    return f"@keyframes {name}{{{''.join(steps)}}}.{name}{{animation:{name} {whole:.5g}s step-end infinite}}"


def _document(
    styles: dict[str, str], moves: Iterable[str], drawn: Iterable[str], size: tuple[int, int], title: str, text: str
) -> str:
    wide, high = size[0] * _CELL, size[1] * _LINE
    whole = f"{wide + 2 * _EDGE:g} {high + 2 * _BAR:g}"
    dots = "".join(
        f'<circle cx="{_EDGE + 8 + 22 * number:g}" cy="{_BAR / 2:g}" r="7" fill="{color}"/>'
        for number, color in enumerate(("#ff5f57", "#febc2e", "#28c840"))
    )
    rules = "".join(f".{name}{{{style}}}" for style, name in styles.items())
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole}" role="img" aria-labelledby="t d">',
        f'<title id="t">{escape(title, quote=False)}</title><desc id="d">{escape(text, quote=False)}</desc>',
        f"<style>text{{font-family:{_FONT};font-size:20px;white-space:pre}}{rules}"
        f".c{{fill:{_LOUD};font-size:18px}}.h{{fill:{_QUIET};font-size:18px;text-anchor:middle}}"
        ".m{visibility:hidden}.s{visibility:visible}",
        "@media (prefers-reduced-motion:no-preference){",
        *moves,
        "}</style>",
        f'<rect width="100%" height="100%" rx="10" fill="{_FRAME}"/>{dots}',
        f'<text class="h" x="{wide / 2 + _EDGE:g}" y="{_BAR * 0.65:g}">{escape(title, quote=False)}</text>',
        f'<g transform="translate({_EDGE:g} {_BAR:g})"><rect width="{wide:g}" height="{high:g}" fill="{_BACKGROUND}"/>',
        *drawn,
        "</g></svg>",
    ]
    return "\n".join(lines) + "\n"
