"""`[keys]`: the keys of an action, by the id of its binding."""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from pyhall_tui.config.known import Known
from pyhall_tui.config.table import Table, no_such

Keys: TypeAlias = Mapping[str, tuple[str, ...]]
"""The keys of each action that has other keys than its own, by the id of its binding."""


def read(table: Table, known: Known) -> Keys:
    """Read the section. `workers.sort = "s"` is a table in TOML, and means the same as `"workers.sort" = "s"`."""
    return dict(_found(table, "", known))


def _found(table: Table, prefix: str, known: Known) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name in table:
        id_ = prefix + name
        if isinstance(table.value(name), dict):
            if (inner := table.table(name)) is not None:
                yield from _found(inner, f"{id_}.", known)
        elif known.keys and id_ not in known.keys:
            table.mistake(name, no_such("action", id_, list(known.keys)), of_name=True)
        elif (keys := table.strings(name)) is not None:
            yield id_, keys


def reference(known: Known) -> Iterator[str]:
    """Yield the section with all defaults."""
    yield "[keys]"
