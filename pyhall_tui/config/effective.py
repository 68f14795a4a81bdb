"""What is in force, as a `config.toml` that means the same: the defaults, with what you have changed marked."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import tomlkit

from pyhall_tui.config.columns import Layout
from pyhall_tui.config.config import Config
from pyhall_tui.config.keys import in_force, shown_key
from pyhall_tui.config.known import Known, KnownTable
from pyhall_tui.config.terminal import TerminalChoice
from pyhall_tui.config.theme import ThemeChoice
from pyhall_tui.programs.command import Command

_MARK: Final = "# yours"
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


def effective(config: Config, known: Known) -> str:
    """Return a text that `read` takes without a mistake, and that sets everything to what it is now."""
    sections = (
        _keys(config, known),
        _theme(config.theme),
        _columns(config, known),
        _commands(config),
        _terminal(config.terminal),
    )
    return "\n\n".join("\n".join(lines) for lines in sections) + "\n"


def _keys(config: Config, known: Known) -> Iterator[str]:
    yield "[keys]"
    for id_, action in known.keys.items():
        keys = in_force(id_, config.keys, known)
        shown = [shown_key(key) for key in keys]
        yield _setting(id_, shown[0] if len(shown) == 1 else shown, is_yours=keys != action.keys, note=action.help)


def _theme(theme: ThemeChoice) -> Iterator[str]:
    yield "[theme]"
    default = ThemeChoice()
    yield _setting("name", theme.name, is_yours=theme.name != default.name)
    yield _setting("few_colors", theme.few_colors, is_yours=theme.few_colors != default.few_colors)
    for name, own in theme.own.items():
        yield ""
        yield f"[theme.{_name(name)}] {_MARK}"
        yield _setting("like", own.like)
        yield from (_setting(color, value) for color, value in own.colors.items())


def _columns(config: Config, known: Known) -> Iterator[str]:
    yield "[columns]"
    for name, table in known.tables.items():
        yield ""
        yield f"[columns.{name}]"
        yield from _layout(config.columns.get(name, Layout()), table)


def _layout(layout: Layout, known: KnownTable) -> Iterator[str]:
    yield _setting("show", list(layout.show or known.columns), is_yours=bool(layout.show))
    if known.sorts:
        yield _setting("sort", layout.sort or known.sorts[0], is_yours=bool(layout.sort))
    if layout.width:
        cells = ", ".join(f"{_name(name)} = [{least}, {most}]" for name, (least, most) in layout.width.items())
        yield f"width = {{ {cells} }} {_MARK}"


def _commands(config: Config) -> Iterator[str]:
    yield "[commands]" if config.commands else "[commands] # none"
    for command in config.commands:
        yield ""
        yield f"[commands.{_name(command.name)}] {_MARK}"
        yield from (_setting(name, value) for name, value in _fields(command).items())


def _fields(command: Command) -> Mapping[str, Any]:
    values = command._asdict() | {"key": shown_key(command.key)}
    del values["name"]
    return {"screen" if name == "screens" else name: value for name, value in values.items()}


def _terminal(terminal: TerminalChoice) -> Iterator[str]:
    yield "[terminal]"
    yield _setting("mouse", terminal.mouse, is_yours=terminal != TerminalChoice())


def _setting(name: str, value: Any, *, is_yours: bool = False, note: str = "") -> str:
    setting = f"{name} = {_value(value)}"
    comment = f"{_MARK}: {note}" if is_yours and note else _MARK if is_yours else f"# {note}" if note else ""
    return f"{setting:<40} {comment}" if comment else setting


def _value(value: Any) -> str:
    """Return a value on one line that also a terminal can show."""
    written = tomlkit.item(list(value) if isinstance(value, tuple) else value).as_string()
    return "".join(each if each.isprintable() else f"\\U{ord(each):08x}" for each in written)


def _name(name: str) -> str:
    return name if _BARE.fullmatch(name) else _value(name)
