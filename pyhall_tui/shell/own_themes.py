"""Themes beside our own: Textual's, made to fit our screens, and yours."""

from dataclasses import replace
from typing import Final

from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from pyhall_tui.config.theme import OwnTheme, ThemeChoice
from pyhall_tui.shell.theme import DARK, LIGHT, THEMES
from pyhall_tui.textual_internals import COLOR_NAMES

_OURS: Final = {each.name: each for each in THEMES}
_EXACT: Final = frozenset(_OURS) - {DARK.name, LIGHT.name}
"""Ours that have only colors that few colors and none can show."""
_READABLE: Final = 4.5
"""The contrast that WCAG 2 asks of text; quiet text is often all that a cell holds."""
_CLEAR: Final = 7.0
"""The contrast that usual text has on every ground, if it has it on the background."""
_CALMER: Final = 0.75
"""Otherwise at least this share of the contrast that it has on the background."""
_ROW_SHARE: Final = 0.35
"""How much of the primary color the row under the cursor has at most."""
_LEAST_SHARE: Final = 0.1
_STEP: Final = 0.02
_SIGNALS: Final = ("success", "warning", "error", "primary", "accent", "secondary")
_TEXTS: Final = ("foreground", "secondary", "accent", *(f"text-{name}" for name in _SIGNALS))
"""The colors of text that do not follow their ground by themselves."""


def theme_names() -> tuple[str, ...]:
    """Return the names of our themes and Textual's."""
    return *_OURS, *BUILTIN_THEMES


def color_names() -> tuple[str, ...]:
    """Return the names that a color of a theme may have."""
    return tuple(name for name in COLOR_NAMES if not name.startswith("ansi_"))


def made(name: str, choice: ThemeChoice) -> Theme:
    """Return a theme by name: ours, Textual's or one of your own."""
    own = choice.own.get(name)
    return _made_own(name, own) if own is not None else _ours_or_textuals(name)


def _ours_or_textuals(name: str) -> Theme:
    return _OURS.get(name) or fitted(BUILTIN_THEMES[name])


def _made_own(name: str, own: OwnTheme) -> Theme:
    """Return a theme of your own. Your colors stay as they are; those of the theme that it is like are made to fit."""
    like = _OURS.get(own.like) or BUILTIN_THEMES[own.like]
    colors = dict(own.colors)
    frame = colors.pop("frame", None)
    theme = replace(like, name=name, variables={**like.variables, **({"frame": frame} if frame else {})})
    for each, color in colors.items():
        setattr(theme, each, color)
    if "background" in colors:
        theme.dark = Color.parse(colors["background"]).brightness < 0.5
    if own.like in _EXACT:
        return theme
    theme.variables.pop("row-cursor", None)
    theme = fitted(theme)
    for each, color in colors.items():
        setattr(theme, each, color)
        if each in _SIGNALS:
            theme.variables[f"text-{each}"] = color
    return theme


def fitted(theme: Theme) -> Theme:
    """Return a theme with what our screens need: a color for lines, and text to be read on every ground."""
    return _fitted_to_sixteen(theme) if theme.ansi else _with_readable_texts(_with_calm_grounds(theme))


def _fitted_to_sixteen(theme: Theme) -> Theme:
    """Return a theme of the terminal's own colors. No shade exists, so each text has a color that all grounds bear."""
    light, dark = _ON_LIGHT, _ON_DARK
    texts = dark if theme.dark else light
    variables = {**theme.variables, "frame": "ansi_bright_black", **texts}
    return replace(theme, secondary=texts["text-secondary"], accent=texts["text-accent"], variables=variables)


_ON_DARK: Final = {
    "text-secondary": "ansi_white",
    "text-success": "ansi_bright_green",
    "text-warning": "ansi_bright_yellow",
    "text-error": "ansi_bright_red",
    "text-primary": "ansi_bright_cyan",
    "text-accent": "ansi_bright_yellow",
    "text-muted": "ansi_white",
    "text-disabled": "ansi_white",
    "row-cursor": "ansi_blue",
}
_ON_LIGHT: Final = {
    "text-secondary": "ansi_black",
    "text-success": "ansi_black",
    "text-warning": "ansi_magenta",
    "text-error": "ansi_red",
    "text-primary": "ansi_blue",
    "text-accent": "ansi_blue",
    "text-muted": "ansi_black",
    "text-disabled": "ansi_black",
    "row-cursor": "ansi_bright_cyan",
}


def _with_calm_grounds(theme: Theme) -> Theme:
    """Return a theme whose grounds are close enough to its background for its text."""
    colors = theme.to_color_system().generate()
    ground, text = Color.parse(colors["background"]), Color.parse(colors["foreground"])
    surface, panel = (_calm(ground, Color.parse(colors[name]), text, 1.0) for name in ("surface", "panel"))
    row = _calm(ground, Color.parse(colors["primary"]), text, _ROW_SHARE)
    variables = {"frame": ground.blend(text, 0.2).hex, **theme.variables, "row-cursor": row.hex}
    return replace(theme, surface=surface.hex, panel=panel.hex, variables=variables)


def _calm(ground: Color, color: Color, text: Color, share: float) -> Color:
    """Return the ground with a share of a color: the most, up to that one, on which the text can be read well."""
    enough = min(_CLEAR, _CALMER * contrast(ground, text))
    while share > _LEAST_SHARE and contrast(ground.blend(color, share), text) < enough:
        share -= _STEP
    return ground.blend(color, max(share, _LEAST_SHARE))


def _with_readable_texts(theme: Theme) -> Theme:
    colors = theme.to_color_system().generate()
    grounds = [Color.parse(colors[name]) for name in ("background", "surface", "panel", "surface-lighten-1")]
    grounds.append(Color.parse(theme.variables["row-cursor"]))
    end = Color.parse("white" if theme.dark else "black")
    texts = {name: _readable(Color.parse(colors[name]), grounds, end).hex for name in _TEXTS}
    usual, quiet, keys = (texts.pop(name) for name in ("foreground", "secondary", "accent"))
    variables = {**theme.variables, **texts}
    return replace(theme, foreground=usual, secondary=quiet, accent=keys, variables=variables)


def _readable(color: Color, grounds: list[Color], end: Color) -> Color:
    """Return a color that can be read on all grounds: as it is, or with the least share of white or black in it."""
    share = 0.0
    while share < 1.0 and min(contrast(color.blend(end, share), ground) for ground in grounds) < _READABLE:
        share += _STEP
    return color.blend(end, min(share, 1.0))


def contrast(one: Color, other: Color) -> float:
    """Return the contrast of two colors, from 1 to 21, as WCAG 2 defines it."""
    dark, bright = sorted(map(_luminance, (one, other)))
    return (bright + 0.05) / (dark + 0.05)


def _luminance(color: Color) -> float:
    """Return a color's relative luminance, as WCAG 2 defines it."""
    parts = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in color.normalized)
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))


def switched(now: str, chosen: str, others: dict[str, str], *, is_dark: bool) -> str:
    """Return the theme that the theme key switches to: the chosen one stands for ours of its kind.

    Args:
        now: the name of the theme now.
        chosen: the name of the chosen theme.
        others: ours, each with its counterpart.
        is_dark: whether the chosen theme is dark.
    """
    if now == chosen and chosen not in others:
        return LIGHT.name if is_dark else others[LIGHT.name]
    other = others[now]
    return chosen if chosen not in others and _OURS[other].dark is is_dark else other
