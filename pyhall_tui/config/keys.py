"""`[keys]`: the keys of an action, by the id of its binding."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple, TypeAlias

from pyhall_tui.config.key_names import UnknownKey, character_of, key_of
from pyhall_tui.config.known import Known, KnownKey
from pyhall_tui.config.table import Table, no_such

Keys: TypeAlias = Mapping[str, tuple[str, ...]]
"""The keys of each action that has other keys than its own, by the id of its binding; none: no key does it."""

ALWAYS: Final = frozenset({"escape", "ctrl+c", "ctrl+q", "tab", "shift+tab"})
"""The keys that lead out of everything. Their actions keep them, whatever other keys you give them."""

_ABOUT: Final = """\
[keys]
# The keys of each action, by its id: one key, a list of keys, or an empty list for none.
# A key is a character ("x", "X", "/", "?"), a name ("enter", "space", "f5", "pageup", "left"), or one of these
# with ctrl+, alt+ or shift+ ("ctrl+s", "alt+1", "shift+left"). Escape, tab, ctrl+c and ctrl+q can't be taken away.
# Two actions that work at the same place can't have the same key: both keep their own, and that is reported."""


def read(table: Table, known: Known) -> Keys:
    """Read the section. Without known actions, neither ids nor clashes are checked.

    `workers.sort = "s"` is a table in TOML; it means the same as `"workers.sort" = "s"`.
    """
    entries = {id_: (holder, name) for id_, holder, name in _entries(table, "")}
    found: dict[str, tuple[str, ...]] = {}
    for id_, (holder, name) in entries.items():
        if known.keys and id_ not in known.keys:
            holder.mistake(name, no_such("action", id_, list(known.keys)), of_name=True)
        elif (keys := _keys(holder, name, known.keys.get(id_))) is not None:
            found[id_] = keys
    while clash := _first_clash(found, known):
        holder, name = entries[clash.mine]
        other, does = clash.other, known.keys[clash.other].help
        holder.mistake(name, f"{clash.key} is also the key of {other} ({does}): both keep their own keys.")
        for each in (clash.mine, other):
            found.pop(each, None)
    return found


def in_force(id_: str, keys: Keys, known: Known) -> tuple[str, ...]:
    """Return all keys that an action has now."""
    own = known.keys[id_].keys
    if id_ not in keys:
        return own
    return tuple(dict.fromkeys((*keys[id_], *(key for key in own if key in ALWAYS))))


def reference(known: Known) -> Iterator[str]:
    """Yield the section with all defaults, each with what it does."""
    yield from _ABOUT.split("\n")
    group = ""
    for id_, action in known.keys.items():
        if group != (group := id_.partition(".")[0]):
            yield ""
        yield f"{f'{id_} = {_written(action.keys)}':<40} # {action.help}"


def _written(keys: tuple[str, ...]) -> str:
    shown = [f'"{shown_key(key)}"' for key in keys]
    return shown[0] if len(shown) == 1 else f"[{', '.join(shown)}]"


def shown_key(key: str) -> str:
    """Return how a key is written in the file: `?`, `f2`."""
    character = character_of(key)
    return key if character in (None, '"', "\\", " ") else character


def _entries(table: Table, prefix: str) -> Iterator[tuple[str, Table, str]]:
    """Yield each action's id, the table that holds it, and its name there."""
    for name in table:
        inner = table.table(name) if isinstance(table.value(name), dict) else None
        if inner is not None:
            yield from _entries(inner, f"{prefix}{name}.")
        else:
            yield prefix + name, table, name


def _keys(table: Table, name: str, action: KnownKey | None) -> tuple[str, ...] | None:
    written = table.strings(name)
    if written is None:
        return None
    keys = []
    for each in written:
        try:
            key = key_of(each)
        except UnknownKey as unknown:
            table.mistake(name, str(unknown))
            return None
        if (sentence := _refusal(key, action)) is not None:
            table.mistake(name, sentence)
            return None
        keys.append(key)
    return tuple(dict.fromkeys(keys))


def _refusal(key: str, action: KnownKey | None) -> str | None:
    """Return why a key can't be given to an action, if it can't."""
    if key in ALWAYS and (action is None or key not in action.keys):
        return f"{key} leads out of everything, so no other action can have it."
    if action is not None and action.in_fields and character_of(key) is not None:
        return f"{character_of(key)} is typed in fields, where this action works too: choose a key such as f6."
    return None


class _Clash(NamedTuple):
    """The action that was given a key, the other action that has it, and the key."""

    mine: str
    other: str
    key: str


def _first_clash(given: dict[str, tuple[str, ...]], known: Known) -> _Clash | None:
    """Return the last action in the file that was given the key of another, at a place where both work."""
    for mine in reversed(given):
        if mine not in known.keys:
            continue
        new = set(given[mine]) - set(known.keys[mine].keys)
        for other, action in known.keys.items() if new else ():
            shared = new.intersection(in_force(other, given, known))
            if other != mine and shared and action.meets(known.keys[mine]):
                return _Clash(mine, other, min(shared))
    return None
