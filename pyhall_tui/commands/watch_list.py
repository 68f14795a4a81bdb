"""`pyhall-tui watch-list …`: who is watched, changed without the app.

It is the app's own file, written under the same lock, so an open app and a running `watch` follow within a second. A
read-only profile can be changed too, as in the app: nothing is sent to the registry.
"""

import json
import sys
from collections.abc import Iterable
from typing import Final

import click

from pyhall_tui import paths
from pyhall_tui.commands import completed
from pyhall_tui.commands.output import printable
from pyhall_tui.commands.session import NO, YES, fail, open_profile, tell
from pyhall_tui.files.regular_file import NotText, edited_text
from pyhall_tui.profiles.watch_list import WatchList, cannot_be_watched, id_mistake, parse_worker_ids

_STDIN: Final = "-"
_MOST: Final = 64 << 20
"""Bytes read from standard input: as much as a watch list may have."""
_MOST_NAMED: Final = 10
"""Ids named one by one that were not on the list."""


@click.group("watch-list", invoke_without_command=True)
@click.pass_context
def watch_list_group(ctx: click.Context) -> None:
    """List the workers that a profile watches, add some, or remove some. Without a command: list.

    An open app and a running `pyhall-tui watch` follow within a second. Nothing is sent to the registry.
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_command)


@watch_list_group.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines: one object per worker.")
@click.pass_context
def list_command(ctx: click.Context, as_json: bool = False) -> None:
    """Print the ids of the watched workers, one per line.

    Exit code 0: these are all. 1: no worker is watched. 2: the list, or a part of it, could not be read.
    """
    watch_list = _opened(ctx)
    for worker in watch_list.workers:
        click.echo(json.dumps({"worker_id": worker.id, "folder": worker.folder}) if as_json else printable(worker.id))
    if watch_list.problem:
        fail(ctx, watch_list.problem)
    ctx.exit(YES if watch_list.workers else NO)


@watch_list_group.command("add")
@click.argument("workers", metavar="[WORKER|-]...", nargs=-1)
@click.pass_context
def add_command(ctx: click.Context, workers: tuple[str, ...]) -> None:
    """Watch each WORKER from now on.

    With -, or without a WORKER, ids are read from standard input as the app reads pasted ones: separated by white
    space, commas or semicolons, or from JSON. An id that can't be watched is named, and the others are added.

    Exit code 0: all are watched now. 2: some could not be added.
    """
    watch_list = _opened(ctx)
    wanted = _wanted(ctx, workers)
    fitting = [worker_id for worker_id in wanted if not id_mistake(worker_id)]
    new = watch_list.add(fitting)
    _fail_if_not_written(ctx, watch_list)
    _print("added", new)
    if odd := cannot_be_watched(wanted):
        fail(ctx, odd)
    if not new:
        tell(ctx, "Nothing to add: already on the watch list.")


@watch_list_group.command("remove")
@click.argument("workers", metavar="[WORKER|-]...", nargs=-1, shell_complete=completed.workers)
@click.pass_context
def remove_command(ctx: click.Context, workers: tuple[str, ...]) -> None:
    """Stop watching each WORKER. With -, or without a WORKER, ids are read from standard input.

    Exit code 0: all were watched, and are not any more. 1: some were not watched. 2: it could not be done.
    """
    watch_list = _opened(ctx)
    wanted = _wanted(ctx, workers)
    removed = {worker.id for worker in watch_list.remove(wanted)}
    _fail_if_not_written(ctx, watch_list)
    _print("removed", (worker_id for worker_id in wanted if worker_id in removed))
    strangers = [worker_id for worker_id in wanted if worker_id not in removed]
    for worker_id in strangers[:_MOST_NAMED]:
        tell(ctx, f"{worker_id} is not on the watch list.")
    if len(strangers) > _MOST_NAMED:
        tell(ctx, f"Nor are {len(strangers) - _MOST_NAMED:,} more.")
    ctx.exit(NO if strangers else YES)


def _opened(ctx: click.Context) -> WatchList:
    """Return the profile's list as it is in the file; end the command if the file can't be read at all."""
    profile = open_profile(ctx)
    try:
        watch_list = WatchList(paths.data_dir(), profile.name)
    except paths.NoFolder as mistake:
        fail(ctx, str(mistake))
    watch_list.load()
    if watch_list.trouble:
        fail(ctx, watch_list.trouble)
    return watch_list


def _wanted(ctx: click.Context, named: tuple[str, ...]) -> dict[str, None]:
    """Return the ids that were named and those on standard input, each once and in order; at least one."""
    found: dict[str, None] = {}
    for each in named or (_STDIN,):
        found |= dict.fromkeys([each] if each != _STDIN else _from_stdin(ctx, is_asked_for=bool(named)))
    return found


def _from_stdin(ctx: click.Context, *, is_asked_for: bool) -> Iterable[str]:
    if sys.stdin is None or (sys.stdin.isatty() and not is_asked_for):
        raise click.UsageError("Name at least one worker, or give ids on standard input.")
    data = sys.stdin.buffer.read(_MOST + 1)
    if len(data) > _MOST:
        fail(ctx, f"There is more than {_MOST >> 20} MiB on standard input, so nothing was changed.")
    try:
        ids, left_out = parse_worker_ids(edited_text(data))
    except NotText as mistake:
        fail(ctx, f"Standard input can't be read, so nothing was changed: {mistake}.")
    if not ids and not left_out:
        fail(ctx, "There is no worker id on standard input, so nothing was changed.")
    return [*ids, *(odd for odd, _ in left_out)]


def _fail_if_not_written(ctx: click.Context, watch_list: WatchList) -> None:
    if watch_list.trouble:
        fail(ctx, watch_list.trouble)
    if watch_list.problem:
        tell(ctx, watch_list.problem)


def _print(done: str, worker_ids: Iterable[str]) -> None:
    for worker_id in worker_ids:
        click.echo(printable(f"{done}: {worker_id}"))
