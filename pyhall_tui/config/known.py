"""What can be configured: the names that `config.toml` may use. The screens know them; this package is told."""

from collections.abc import Mapping
from typing import NamedTuple


class Known(NamedTuple):
    """The names that exist in this version. A part that is missing is not checked: see `shell.known`."""

    keys: "Mapping[str, KnownKey]" = {}
    """By the id of its binding, such as `workers.remove`."""
    themes: tuple[str, ...] = ()
    """Textual's and ours."""


class KnownKey(NamedTuple):
    """One action that a key can be given."""

    keys: tuple[str, ...]
    """Its default keys, as the app names them: `x`, `ctrl+s`, `slash`."""
    help: str
    """What it does, as the list of keys says it."""
    places: frozenset[str]
    """Where it works: two actions with a place in common can't have the same key."""
    shadows: frozenset[str] = frozenset()
    """The ids that share one of its default keys on purpose: only one of them is possible at a time."""
    in_fields: bool = False
    """Whether it works before a field does: a character would be taken away from what you type."""
