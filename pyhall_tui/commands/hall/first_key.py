"""The first key of a new store: printed once, or written to a file that only its owner can read."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pyhall_tui.commands.hall.group import Place, say

if TYPE_CHECKING:
    from pyhall_tui.hall.store import Store

first_key_option = click.option(
    "--first-key",
    "first_key_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write a new store's first key to this new file, readable only by you, instead of printing it.",
)


def keep_first_key(store: "Store", namespace: str, seed: str, file: Path | None) -> Path | None:
    """Fill a new store and write its first key to a new file; return None if the store is not new, or without a file.

    Raises:
        FileMistake, OSError: the file exists or can't be written; then the store is as it was.
    """
    from pyhall_tui.files.whole_file import new_file
    from pyhall_tui.hall.errors import FileMistake

    if file is None:
        return None
    with store.write():
        key = _first_key(store, namespace, seed)
        if key is None:
            return None
        try:
            with new_file(file) as opened:
                opened.write(f"{key}\n".encode())
        except FileExistsError:
            raise FileMistake(f"{file} exists, but the store is new: move it away, or name another file") from None
    return file


def say_first_key(store: "Store", db: Place, namespace: str, seed: str, kept: Path | None) -> None:
    """Print a new store's first key, or the file that it is in."""
    if kept is not None:
        say(f"The store's first key is in {kept}", err=True)
    elif key := _first_key(store, namespace, seed):
        say(key)
    elif seed == "demo":
        say(f"{db} already exists, so --seed has no effect", err=True)


def _first_key(store: "Store", namespace: str, seed: str) -> str | None:
    """Fill a new store and return its first key; None if the store is not new."""
    from time import time

    from pyhall_tui.hall.seed import seed_demo

    with store.write():
        if store.all_keys():
            return None
        if seed == "demo":
            seed_demo(store, time())
        return store.add_key(namespace, "first")
