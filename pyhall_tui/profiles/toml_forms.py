"""Changes forms of TOML that `toml_text` doesn't splice: inline tables, dotted keys, commented arrays.

`tomlkit` keeps comments and formatting in these; it is imported only when needed. The caller checks the result.
"""

from collections.abc import Callable
from typing import Any

import tomlkit
from tomlkit.container import Container
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Array, InlineTable, Table

from pyhall_tui.profiles.toml_text import Path, UnknownForm


def set_value(text: str, path: Path, value: object) -> str:
    """Return `text` with `path` set to `value`; in an array, only the items that differ are changed."""

    def change(document: Any) -> None:
        holder = document
        for name in path[:-1]:
            if name not in holder:
                holder[name] = tomlkit.inline_table() if isinstance(holder, InlineTable) else tomlkit.table()
            holder = holder[name]
        old = holder.get(path[-1])
        if isinstance(old, Array) and isinstance(value, list):
            for gone in [item for item in old if item not in value]:
                old.remove(gone)
            for new in [item for item in value if item not in old]:
                old.append(new)
        else:
            holder[path[-1]] = value

    return _edited(text, change)


def remove(text: str, path: Path) -> str:
    """Return `text` without the key or the table at `path`."""
    return _edited(text, lambda document: _holder(document, path).pop(path[-1], None))


def rename(text: str, path: Path, name: str) -> str:
    """Return `text` with the last name of the table `path` changed, in its place."""

    def change(document: Any) -> None:
        holder = _holder(document, path)
        inner = holder.value if isinstance(holder, Table | InlineTable) else holder
        if not isinstance(inner, Container):
            raise TypeError
        inner._replace(path[-1], name, inner[path[-1]])  # there is no public way that keeps its position

    return _edited(text, change)


def _holder(document: Any, path: Path) -> Any:
    for name in path[:-1]:
        document = document[name]
    return document


def _edited(text: str, change: Callable[[Any], object]) -> str:
    try:
        document = tomlkit.parse(text)
        change(document)
        return tomlkit.dumps(document)
    except (TOMLKitError, LookupError, TypeError, AttributeError, ValueError) as error:
        raise UnknownForm from error
