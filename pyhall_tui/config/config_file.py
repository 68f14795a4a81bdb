"""The file `config.toml`: read with all its mistakes, and looked at for changes."""

import os
from pathlib import Path
from typing import Final, NamedTuple

from pyhall_tui.config.config import Config, NotToml, read
from pyhall_tui.config.known import Known
from pyhall_tui.config.table import Mistake
from pyhall_tui.files.regular_file import NotText, edited_text, read_bounded, reason

NAME: Final = "config.toml"
"""Its name, beside `profiles.toml`."""
_LIMIT: Final = 1 << 20
"""Bytes. All that can be configured takes a few thousand."""


class Unreadable(Exception):
    """The file can't be read. The message is a sentence without its path."""


class Loaded(NamedTuple):
    """What a file says."""

    config: Config | None
    """None if it is not TOML: then nothing in it counts."""
    mistakes: tuple[Mistake, ...] = ()
    is_there: bool = True


def load(path: Path, known: Known) -> Loaded:
    """Return what the file says; the defaults if there is none.

    Raises:
        Unreadable: it is there and can't be read.
    """
    try:
        text = edited_text(read_bounded(path, _LIMIT))
    except FileNotFoundError:
        if not path.is_symlink():
            return Loaded(Config(), is_there=False)
        raise Unreadable(f"It is a link to {path.readlink()}, which is not there.") from None
    except OSError as error:
        raise Unreadable(f"It can't be read: {reason(error)}.") from error
    except NotText as error:
        raise Unreadable(f"It can't be read: {error}.") from error
    try:
        config, mistakes = read(text, known)
    except NotToml as error:
        return Loaded(None, (error.mistake,))
    return Loaded(config, tuple(mistakes))


def signature(path: Path) -> object:
    """Return what changes whenever the file does, also if another one replaces it; None if there is none."""
    try:
        found = path.stat()
    except OSError as error:
        return error.errno if os.path.lexists(path) else None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
