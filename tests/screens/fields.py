"""Which screens and dialogs have a field, found by what their classes make: nobody has to list them."""

import ast
import importlib
import inspect
import pkgutil
import textwrap
from collections.abc import Iterator
from typing import Any

from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, Select, TextArea

import pyhall_tui

FIELDS = (Input, TextArea, Select)
"""What takes characters as text."""


def all_screens() -> list[type[Screen[Any]]]:
    """Return each screen and dialog of the program."""
    return [kind for kind in _ours() if issubclass(kind, Screen)]


def screens_with_a_field() -> set[type[Screen[Any]]]:
    """Return those that make a field, or a widget that makes one; what two of them share is none itself."""
    screens, known = all_screens(), {kind.__name__: kind for kind in _known()}
    shared = {above for screen in screens for above in screen.__mro__[1:]}
    return {screen for screen in screens if screen not in shared and _makes_a_field(screen, known)}


def _makes_a_field(kind: type[Widget], known: dict[str, type[Widget]]) -> bool:
    seen: set[type[Widget]] = set()
    waiting = [kind]
    while waiting:
        maker = waiting.pop()
        if issubclass(maker, FIELDS):
            return True
        if maker not in seen:
            seen.add(maker)
            made = [known[name] for name in _names_called(maker) if name in known]
            waiting += [each for each in made if not issubclass(each, Screen)]
    return False


def _names_called(kind: type[Widget]) -> Iterator[str]:
    """Return what the class, and those that it inherits from, call by name, or take as a kind of widget."""
    for above in kind.__mro__:
        if above.__module__.startswith("pyhall_tui.") or above.__name__ == "CommandPalette":
            for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(above)))):
                made: list[ast.expr | None] = []
                if isinstance(node, ast.Call):
                    made = [node.func, *(keyword.value for keyword in node.keywords)]
                elif isinstance(node, ast.arguments):
                    made = [*node.defaults, *node.kw_defaults]
                yield from (each.id for each in made if isinstance(each, ast.Name))


def _ours() -> list[type[Widget]]:
    for module in pkgutil.walk_packages(pyhall_tui.__path__, "pyhall_tui."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return [kind for kind in _known() if kind.__module__.startswith("pyhall_tui.")]


def _known() -> list[type[Widget]]:
    found: dict[type[Widget], None] = {}
    waiting: list[type[Widget]] = [Widget]
    while waiting:
        kind = waiting.pop()
        if kind not in found:
            found[kind] = None
            waiting += kind.__subclasses__()
    return list(found)
