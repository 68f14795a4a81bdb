"""`[theme]`: which colors the app has, and themes of your own."""

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from pyhall_tui.config.known import Known
from pyhall_tui.config.table import Table, no_such
from pyhall_tui.render.text import clean

DEFAULT: Final = "pyhall-dark"
DEFAULT_OF_FEW: Final = "pyhall-16-dark"
_HEX: Final = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_EXAMPLE: Final = {
    "primary": ("#6f9fd8", "what has the focus, and frames"),
    "secondary": ("#99a3b1", "quiet text"),
    "accent": ("#e0af68", "keys"),
    "foreground": ("#d4d8de", "text"),
    "background": ("#14171c", "behind everything"),
    "surface": ("#1a1e25", "headers and dialogs"),
    "panel": ("#242a33", "the bar of keys"),
    "success": ("#7fb77e", "clean"),
    "warning": ("#e0af68", "needs a look"),
    "error": ("#f0717b", "BANNED, and what failed"),
    "frame": ("#3a3e43", "the lines around things"),
}
"""Each color in our own theme, and what has it."""
COLORS: Final = tuple(_EXAMPLE)
"""What has a color in a theme."""


class OwnTheme(NamedTuple):
    """A theme of your own: another one, with other colors."""

    like: str
    """The name of the theme that it starts from."""
    colors: Mapping[str, str]
    """By a name of `COLORS`: `#rrggbb`, `#rgb`, or a color's name."""


class ThemeChoice(NamedTuple):
    """The themes to use."""

    name: str = DEFAULT
    few_colors: str = DEFAULT_OF_FEW
    """The one for terminals with 16 colors or fewer."""
    own: Mapping[str, OwnTheme] = {}
    """By name."""


def read(table: Table, known: Known) -> ThemeChoice:
    """Read the section."""
    own = {}
    for name in table:
        if isinstance(table.value(name), dict):
            if (inner := table.table(name)) is not None and (theme := _own(table, name, inner, known)) is not None:
                own[name] = theme
        elif name not in ("name", "few_colors"):
            table.unknown(name, "setting", ("name", "few_colors"))
    names = (*known.themes, *own)
    return ThemeChoice(_name(table, "name", names) or DEFAULT, _name(table, "few_colors", names) or DEFAULT_OF_FEW, own)


def reference(known: Known) -> Iterator[str]:
    """Yield the section with all defaults."""
    yield "[theme]"
    yield f'name = "{DEFAULT}"'
    for first in range(0, len(known.themes), 6):
        yield f"# {'One of: ' if not first else ''}{', '.join(known.themes[first : first + 6])}"
    yield "# or one of your own, see below."
    yield f'few_colors = "{DEFAULT_OF_FEW}"  # in a terminal with 16 colors or fewer'
    yield ""
    yield "# A theme of your own is a table with its name. It starts from another one; each color may be left out."
    yield '# A color is "#rrggbb", "#rgb", or a name such as "teal".'
    yield "# [theme.mine]"
    yield f'# like = "{DEFAULT}"'
    for name, (color, use) in _EXAMPLE.items():
        setting = f'{name} = "{color}"'
        yield f"# {setting:<24} # {use}"


def _name(table: Table, key: str, names: tuple[str, ...]) -> str | None:
    name = table.string(key) if not isinstance(table.value(key), dict) else None
    if name is not None and name not in names:
        table.mistake(key, no_such("theme", name, names))
        return None
    return name


def _own(outer: Table, name: str, table: Table, known: Known) -> OwnTheme | None:
    if name in known.themes or name in ("name", "few_colors"):
        outer.mistake(name, f"{clean(name, 60)} can't be the name of your own theme: it has a meaning.", of_name=True)
        return None
    like = _name(table, "like", known.themes) or DEFAULT
    colors = {}
    for key in table:
        if key == "like":
            continue
        if key not in COLORS:
            table.unknown(key, "color of a theme", ("like", *COLORS))
        elif (color := table.string(key)) is not None and _is_color(table, key, color, known):
            colors[key] = color
    return OwnTheme(like, colors)


def _is_color(table: Table, key: str, color: str, known: Known) -> bool:
    if _HEX.fullmatch(color) or color in known.colors:
        return True
    if color.startswith("#"):
        table.mistake(key, f"{clean(color, 60)} is not a color: write # and 3 or 6 hex digits.")
    else:
        table.mistake(key, no_such("color", color, known.colors))
    return False
