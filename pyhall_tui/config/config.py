"""What `config.toml` says, and how its text is read.

A section is the module of its name, with `read(table, known)`, which notes mistakes in its table and returns the rest,
and `reference(known)`, its part of `config show`: TOML whose every value is the default. To add one, write its module
and add it to `Config`. The module is imported if the file has the section: the first frame waits for it.
"""

import importlib
import re
import tomllib
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pyhall_tui.config.keys import Keys, in_force
from pyhall_tui.config.known import Known
from pyhall_tui.config.table import Mistake, Source, Table
from pyhall_tui.config.terminal import TerminalChoice
from pyhall_tui.config.theme import ThemeChoice
from pyhall_tui.profiles import toml_text

if TYPE_CHECKING:
    from pyhall_tui.config.columns import Layouts
    from pyhall_tui.config.commands import Commands

_PLACE: Final = re.compile(r" \(at line (\d+), column (\d+)\)$")


class Config(NamedTuple):
    """All that can be configured; the defaults are those of a file that is not there."""

    keys: Keys = {}
    theme: ThemeChoice = ThemeChoice()
    columns: "Layouts" = {}
    commands: "Commands" = ()
    terminal: TerminalChoice = TerminalChoice()


_SECTIONS: Final = Config._fields
"""The table's names in the file, in the order of `config show`. Keys are read first."""


class NotToml(ValueError):
    """The text can't be read at all, so nothing in it counts."""

    def __init__(self, mistake: Mistake) -> None:
        super().__init__(str(mistake))
        self.mistake = mistake


def read(text: str, known: Known) -> tuple[Config, list[Mistake]]:
    """Return what a text says and what is wrong in it, by place. What is wrong counts as absent.

    Raises:
        NotToml: it can't be read.
    """
    source = Source(text)
    document = Table(source, (), _document(text))
    found: dict[str, Any] = {}
    for name in document:
        if name not in _SECTIONS:
            document.unknown(name, "section", _SECTIONS)
    for name in _SECTIONS:
        if (table := document.table(name)) is not None:
            found[name] = _section(name).read(table, known)
            if name == "keys":
                known = _with_keys(known, found[name])
    return Config(**found), sorted(source.mistakes)


def reference(known: Known) -> str:
    """Return the documented defaults: a text that `read` takes without a mistake, and that changes nothing."""
    lines: list[str] = []
    for name in _SECTIONS:
        part: Callable[[Known], Iterable[str]] = _section(name).reference
        lines += [*([""] if lines else []), *part(known)]
    return "\n".join(lines) + "\n"


def _section(name: str) -> ModuleType:
    return importlib.import_module(f"{__package__}.{name}")


def _with_keys(known: Known, keys: Keys) -> Known:
    """Return what is known, with each action's keys in force in place of its own: a command must not have one."""
    actions = {id_: action._replace(keys=in_force(id_, keys, known)) for id_, action in known.keys.items()}
    return known._replace(keys=actions)


def _document(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _PLACE.search(str(error))
        wrong = str(error).removesuffix(found[0] if found else " (at end of document)")
        place = (int(found[1]), int(found[2])) if found else toml_text.line_and_column(text, len(text))
        raise NotToml(Mistake(*place, f"This is not TOML: {wrong[:1].lower()}{wrong[1:]}.")) from None
    except RecursionError:
        raise NotToml(Mistake(1, 1, "This is nested too deeply to be read.")) from None
