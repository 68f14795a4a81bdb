"""What a shell completes besides commands and options: names of your profiles, workers, alarms and others, and topics.

It reads files only, asks no registry, and gives nothing if a file can't be read: it runs while you type at a prompt.
"""

import functools
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from pyhall_tui.profiles.profile import Profile

_Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]
_PLAIN: Final = re.compile(r"[\w.@+/][\w.@%+/-]*", re.ASCII)
"""Names that mean nothing to a shell. No others are offered: bash puts them into the command line as they are, and
workers' ids come from a registry."""
_MOST: Final = 1_000
"""Names offered: more would only be slow."""


def _completes(names: Callable[[click.Context], Iterable[str]]) -> _Completer:
    @functools.wraps(names)
    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        fitting = list[CompletionItem]()
        with suppress(Exception):  # a traceback would end up in the middle of what you type
            taken = ctx.params.get(param.name or "") or ()
            for name in names(ctx):
                if name.startswith(incomplete) and _PLAIN.fullmatch(name) and not (param.nargs == -1 and name in taken):
                    fitting.append(CompletionItem(name))
                if len(fitting) == _MOST:
                    break
        return fitting

    return complete


def several(of: _Completer) -> _Completer:
    """Complete the last of several names separated by commas."""

    @functools.wraps(of)
    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        before, comma, last = incomplete.rpartition(",")
        taken = before.split(",")
        return [
            CompletionItem(before + comma + offered.value)
            for offered in of(ctx, param, last)
            if offered.value not in taken
        ]

    return complete


def paths(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete a path, where something else may be given too."""
    return [CompletionItem(incomplete, type="file")]


@_completes
def topics(ctx: click.Context) -> Iterable[str]:
    """Complete a topic of the manual."""
    from pyhall_tui.topics.topics import TOPICS

    return TOPICS


@_completes
def profiles(ctx: click.Context) -> Iterable[str]:
    """Complete the name of a profile in profiles.toml."""
    return _profile_tables()


@_completes
def baselines(ctx: click.Context) -> Iterable[str]:
    """Complete the name of a saved baseline."""
    from pyhall_tui.dispatch.baselines import names
    from pyhall_tui.paths import config_dir

    return names(config_dir() / "baselines")


@_completes
def workers(ctx: click.Context) -> Iterable[str]:
    """Complete the id of a worker on the watch list of the profile to use."""
    return _watched(ctx)


@_completes
def capabilities(ctx: click.Context) -> Iterable[str]:
    """Complete a capability that the profile to use names, or that one of its workers has."""
    from pyhall_tui.journal.offered import capabilities

    profile = _profile(ctx)
    if profile is None:
        return ()
    return sorted({*profile.capabilities, *_or_none(lambda: capabilities(_journal(), profile.name))})


@_completes
def risk_tiers(ctx: click.Context) -> Iterable[str]:
    """Complete a risk tier, or the word for none."""
    from pyhall_tui.dispatch.form import RISK_TIERS, UNSTATED

    return (*RISK_TIERS, UNSTATED)


@_completes
def namespaces(ctx: click.Context) -> Iterable[str]:
    """Complete a namespace of a profile in profiles.toml."""
    return dict.fromkeys(table["namespace"] for table in _profile_tables().values() if "namespace" in table)


@_completes
def alarm_kinds(ctx: click.Context) -> Iterable[str]:
    """Complete a kind of alarm."""
    from pyhall_tui.alarms.alarm import CONDITIONS

    return CONDITIONS


@_completes
def firing_alarms(ctx: click.Context) -> Iterable[str]:
    """Complete the id of an alarm that can be acknowledged."""
    from pyhall_tui.journal.offered import firing_alarms

    profile = _profile(ctx)
    return firing_alarms(_journal(), profile.name) if profile else ()


@_completes
def silences(ctx: click.Context) -> Iterable[str]:
    """Complete the id of a silence that can be ended."""
    from pyhall_tui.journal.offered import silences

    profile = _profile(ctx)
    return silences(_journal(), profile.name) if profile else ()


@_completes
def hall_workers(ctx: click.Context) -> Iterable[str]:
    """Complete the id of a worker in a hall's store; if its store is not a file here, of a watched one."""
    from pyhall_tui.hall.store.offered import worker_ids

    return _or_none(lambda: worker_ids(_hall_store(ctx))) or _watched(ctx)


@_completes
def hall_keys(ctx: click.Context) -> Iterable[str]:
    """Complete the id of a key that a hall accepts."""
    from pyhall_tui.hall.store.offered import key_ids

    return key_ids(_hall_store(ctx))


@_completes
def hall_namespaces(ctx: click.Context) -> Iterable[str]:
    """Complete a namespace that a hall has keys or workers of."""
    from pyhall_tui.hall.store.offered import namespaces

    return namespaces(_hall_store(ctx))


@_completes
def hall_capabilities(ctx: click.Context) -> Iterable[str]:
    """Complete a capability that a worker of a hall has."""
    from pyhall_tui.hall.store.offered import capabilities

    return capabilities(_hall_store(ctx))


def _profile_tables() -> dict[str, dict[str, Any]]:
    import tomllib

    from pyhall_tui.files.regular_file import edited_text, read_bounded
    from pyhall_tui.paths import config_dir

    tables = tomllib.loads(edited_text(read_bounded(config_dir() / "profiles.toml"))).get("profiles", {})
    return dict(tables)


def _profile(ctx: click.Context) -> "Profile | None":
    from pyhall_tui.paths import config_dir
    from pyhall_tui.profiles.chosen_profile import choose_profile
    from pyhall_tui.profiles.profile_store import ProfileStore

    store = ProfileStore(config_dir() / "profiles.toml")
    return choose_profile(store, ctx.find_root().params.get("profile")).profile


def _watched(ctx: click.Context) -> list[str]:
    from pyhall_tui.paths import data_dir
    from pyhall_tui.profiles.watch_list import WatchList

    profile = _profile(ctx)
    return [worker.id for worker in WatchList(data_dir(), profile.name).load()] if profile else []


def _journal() -> Path:
    from pyhall_tui.paths import data_dir

    return data_dir() / "journal.db"


def _hall_store(ctx: click.Context) -> Path:
    """Return the store's file: the one of `--db`, if it is given before the word, else the default one."""
    from pyhall_tui.paths import data_dir

    given = ctx.params.get("db") or data_dir() / "hall.db"
    if isinstance(given, str):
        raise ValueError("a server is not asked while you type")
    return Path(given)


def _or_none(find: Callable[[], list[str]]) -> list[str]:
    """Return what is found; nothing if the file can't be read."""
    with suppress(Exception):
        return find()
    return []
