"""What can be configured: the names that `config.toml` may use. The screens know them; this package is told."""

from collections.abc import Mapping
from typing import NamedTuple


class Known(NamedTuple):
    """The names that exist in this version. A part that is missing is not checked: see `shell.known`."""

    keys: "Mapping[str, KnownKey]" = {}
    """By the id of its binding, such as `workers.remove`."""
    themes: tuple[str, ...] = ()
    """Textual's and ours."""
    colors: tuple[str, ...] = ()
    """The names of colors."""
    screens: "Mapping[str, KnownKey]" = {}
    """The screens that have rows for commands: where a key of theirs is, without keys."""
    tables: "Mapping[str, KnownTable]" = {}
    """The tables whose columns can be chosen."""


class KnownTable(NamedTuple):
    """One table."""

    columns: tuple[str, ...]
    ids: tuple[str, ...]
    """Those that tell rows apart."""
    sorts: tuple[str, ...]
    """Those by which it can be sorted; the first is the default. None: it has an order of its own."""


class KnownKey(NamedTuple):
    """One action that a key can be given."""

    keys: tuple[str, ...]
    """Its default keys, as the app names them: `x`, `ctrl+s`, `slash`."""
    help: str
    """What it does, as the list of keys says it."""
    at: frozenset[str]
    """The parts of the screen that have this key, such as a table or a whole screen."""
    around: frozenset[str] = frozenset()
    """What may be around those parts: its keys work there too."""
    in_fields: bool = False
    """Whether it works in fields too: a character would be taken away from what you type."""

    def meets(self, other: "KnownKey") -> bool:
        """Whether both can be possible at one time: then they can't have the same key.

        Those that share a default key are possible only one at a time.
        """
        together = self.at & (other.at | other.around) or other.at & self.around
        return bool(together) and set(self.keys).isdisjoint(other.keys)
