"""Themes beside our own: Textual's, made to fit our screens, and yours."""

from dataclasses import replace
from typing import Final

from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from pyhall_tui.config.theme import OwnTheme, ThemeChoice
from pyhall_tui.shell.theme import LIGHT, THEMES
from pyhall_tui.textual_internals import COLOR_NAMES

_OURS: Final = {each.name: each for each in THEMES}
_READABLE: Final = 4.5
"""The contrast that WCAG 2 asks of text; quiet text is often all that a cell holds."""


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
    return _OURS.get(name) or _fitted(BUILTIN_THEMES[name])


def _made_own(name: str, own: OwnTheme) -> Theme:
    like = _ours_or_textuals(own.like)
    colors = dict(own.colors)
    frame = colors.pop("frame", None)
    theme = replace(like, name=name, variables={**like.variables, **({"frame": frame} if frame else {})})
    for each, color in colors.items():
        setattr(theme, each, color)
    if "background" in colors:
        theme.dark = Color.parse(colors["background"]).brightness < 0.5
    return theme


def _fitted(theme: Theme) -> Theme:
    """Return one of Textual's themes with what our screens need: a color for lines, and quiet text to be read."""
    if theme.ansi:
        return replace(theme, variables={**theme.variables, "frame": "ansi_bright_black"})
    colors = theme.to_color_system().generate()
    ground, text = Color.parse(colors["background"]), Color.parse(colors["foreground"])
    frame = ground.blend(text, 0.2).hex
    quiet = Color.parse(colors["secondary"])
    if _contrast(ground, quiet) < _READABLE:
        quiet = ground.blend(text, 0.7)
    return replace(theme, secondary=quiet.hex, variables={"frame": frame, **theme.variables})


def _contrast(one: Color, other: Color) -> float:
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
