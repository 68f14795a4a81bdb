"""What `config.toml` can configure: the actions of all screens, themes and colors. It imports all screens."""

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import ModalScreen, Screen
from textual.widget import Widget

from pyhall_tui import screens, widgets
from pyhall_tui.config.key_names import character_of
from pyhall_tui.config.known import Known, KnownKey, KnownTable
from pyhall_tui.shell.app_keys import APP_KEYS, APP_LETTERS
from pyhall_tui.shell.own_commands import places
from pyhall_tui.shell.own_themes import color_names, theme_names
from pyhall_tui.widgets.columns import Column

_OURS: Final = "pyhall_tui."
_APP: Final = "app"
_FIRST: Final = "before dialogs"
"""Where the app's keys with priority work: over dialogs too, and before them."""


_COLUMNS: Final = {
    "workers": ("workers.table", "COLUMNS"),
    "overview": ("overview.screen", "ALL_COLUMNS"),
    "activity": ("activity.screen", "COLUMNS"),
    "alarms": ("alarms.screen", "COLUMNS"),
    "bans": ("ban_list.screen", "COLUMNS"),
    "dispatches": ("dispatch.columns", "COLUMNS"),
    "history": ("dispatch.columns", "COLUMNS"),
    "profiles": ("overview.profiles_table", "COLUMNS"),
    "evidence": ("worker.evidence", "COLUMNS"),
    "decisions": ("hall.screen", "DECISIONS"),
    "rules": ("hall.screen", "RULES"),
    "log": ("run_log.screen", "COLUMNS"),
    "batch": ("enroll.batch", "COLUMNS"),
}
"""Where the columns of each table that can be configured are."""
_SORTED: Final = ("workers", "overview")
"""The tables that you can sort."""


def known() -> Known:
    """Return everything."""
    for name in module_names():
        importlib.import_module(name)
    return Known(keys=_actions(), themes=theme_names(), colors=color_names(), screens=_screens(), tables=_tables())


def module_names() -> tuple[str, ...]:
    """Return the modules of all screens and widgets."""
    return tuple(
        module.name
        for package in (screens, widgets)
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    )


def _tables() -> dict[str, KnownTable]:
    columns: dict[str, Sequence[Column]] = {
        name: importlib.import_module(f"{screens.__name__}.{module}").__dict__[constant]
        for name, (module, constant) in _COLUMNS.items()
    }
    return {name: _table(each, is_sorted=name in _SORTED) for name, each in columns.items()}


def _table(columns: Sequence[Column], *, is_sorted: bool) -> KnownTable:
    return KnownTable(
        tuple(str(column.key) for column in columns),
        tuple(str(column.key) for column in columns if column.is_id),
        tuple(str(column.key) for column in columns if column.sortable and is_sorted),
    )


def _screens() -> dict[str, KnownKey]:
    around = frozenset({_APP, _FIRST})
    return {name: KnownKey((), name, frozenset(at[:1]), around.union(at[1:])) for name, at in places().items()}


@cache
def _actions() -> dict[str, KnownKey]:
    classes = [each for each in dict.fromkeys(_below(DOMNode)) if each.__module__.startswith(_OURS)]
    parts = {each: _parts(each) for each in classes}
    around = {each: _around(each, parts) for each in classes}
    found: dict[str, KnownKey] = {}
    for binding in _own(APP_KEYS):
        everywhere = frozenset({_APP, _FIRST} if binding.priority else {_APP})
        found[binding.id or ""] = _action(binding, everywhere, frozenset())
    for holder in classes:
        kinds = [each for each in classes if issubclass(each, holder)]
        for binding in _own(vars(holder).get("BINDINGS", ())):
            if binding.id not in found:
                at = {each.__name__ for each in kinds}
                outside = frozenset[str]().union(*(around[each] for each in kinds))
                found[binding.id or ""] = _action(binding, frozenset(at), outside)
    return dict(sorted(found.items(), key=lambda item: _rank(item[0])))


def _around(inner: type[Any], parts: Mapping[type[Any], set[type[Any]]]) -> frozenset[str]:
    """Return what may be around a class: the screens and widgets that may contain it, and the app."""
    names: set[str] = set()
    for each, its in parts.items():
        if each is inner or (not issubclass(inner, Screen) and inner in its):
            names |= {each.__name__} if each is not inner else set()
            if issubclass(each, Screen):
                names |= {_FIRST} if issubclass(each, ModalScreen) else {_APP, _FIRST}
    return frozenset(names)


def _rank(id_: str) -> tuple[bool, bool, str]:
    """Sort: what works everywhere first, then tables, then the screens by name; each in its own order."""
    group = id_.partition(".")[0]
    return group != _APP, group != "table", group


def _action(binding: Binding, at: frozenset[str], around: frozenset[str]) -> KnownKey:
    keys = tuple(each.key for each in Binding.make_bindings([binding]))
    yields = binding.action.partition("(")[0] in APP_LETTERS
    in_fields = binding.priority and not yields and not any(character_of(key) for key in keys)
    return KnownKey(keys, binding.tooltip or binding.description, at, around, in_fields)


def _own(bindings: Iterable[Any]) -> Iterator[Binding]:
    return (each for each in bindings if isinstance(each, Binding) and each.id)


def _below(base: type[Any]) -> Iterator[type[Any]]:
    for each in base.__subclasses__():
        yield each
        yield from _below(each)


def _parts(holder: type[Any]) -> set[type[Any]]:
    """Return a screen or widget, and the widgets that it may contain: those that its module, or theirs, imports."""
    found: set[type[Any]] = {holder}
    new: list[type[Any]] = [holder]
    while new:
        for base in new.pop().__mro__:
            for each in _named_in(base.__module__):
                if each not in found:
                    found.add(each)
                    new.append(each)
    return found


@cache
def _named_in(module: str) -> tuple[type[Any], ...]:
    """Return the widgets that a module of ours makes or imports, apart from screens."""
    if not module.startswith((screens.__name__, widgets.__name__)):
        return ()
    named = (each for each in vars(sys.modules[module]).values() if inspect.isclass(each))
    return tuple(each for each in named if issubclass(each, Widget) and not issubclass(each, Screen))
