"""What a shell completes besides commands and options: names of your profiles, workers, baselines, and topics.

It reads files only, asks no registry, and gives nothing if a file can't be read: it runs while you type at a prompt.
"""

import functools
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

import click
from click.shell_completion import CompletionItem

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


@_completes
def topics(ctx: click.Context) -> Iterable[str]:
    """Complete a topic of the manual."""
    from pyhall_tui.topics.topics import TOPICS

    return TOPICS


@_completes
def profiles(ctx: click.Context) -> Iterable[str]:
    """Complete the name of a profile in profiles.toml."""
    import tomllib

    from pyhall_tui.files.regular_file import edited_text, read_bounded
    from pyhall_tui.paths import config_dir

    return list(tomllib.loads(edited_text(read_bounded(config_dir() / "profiles.toml"))).get("profiles", {}))


@_completes
def baselines(ctx: click.Context) -> Iterable[str]:
    """Complete the name of a saved baseline."""
    from pyhall_tui.dispatch.baselines import names
    from pyhall_tui.paths import config_dir

    return names(config_dir() / "baselines")


@_completes
def workers(ctx: click.Context) -> Iterable[str]:
    """Complete the id of a worker on the watch list of the profile to use."""
    from pyhall_tui.paths import config_dir, data_dir
    from pyhall_tui.profiles.chosen_profile import choose_profile
    from pyhall_tui.profiles.profile_store import ProfileStore
    from pyhall_tui.profiles.watch_list import WatchList

    store = ProfileStore(config_dir() / "profiles.toml")
    profile = choose_profile(store, ctx.find_root().params.get("profile")).profile
    return [worker.id for worker in WatchList(data_dir(), profile.name).load()] if profile else ()
