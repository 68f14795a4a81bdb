"""Where this program stores things: the only place that knows the platform's folders."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Self

from platformdirs import PlatformDirs

_DIRS = PlatformDirs("pyhall-tui", appauthor=False)


class NoFolder(OSError):
    """There is no folder to store things in. `str()` is a sentence that says what to do."""


def config_dir() -> Path:
    """Return the folder of `profiles.toml`; `PYHALL_TUI_CONFIG_DIR` overrides the platform's. Raises `NoFolder`."""
    return _folder("PYHALL_TUI_CONFIG_DIR", lambda: _DIRS.user_config_path)


def data_dir() -> Path:
    """Return the folder of the journal and the watch lists; `PYHALL_TUI_DATA_DIR` overrides it. Raises `NoFolder`."""
    return _folder("PYHALL_TUI_DATA_DIR", lambda: _DIRS.user_data_path)


def state_dir() -> Path:
    """Return the folder of the log and the drafts; `PYHALL_TUI_STATE_DIR` overrides it. Raises `NoFolder`."""
    return _folder("PYHALL_TUI_STATE_DIR", lambda: _DIRS.user_state_path)


def expanded(path: Path | str) -> Path:
    """Return a path with `~` replaced by the home folder, or unchanged if that folder is unknown."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def _folder(variable: str, of_platform: Callable[[], Path]) -> Path:
    try:
        override = os.environ.get(variable)
        folder = Path(override).expanduser() if override else of_platform()
    except RuntimeError:
        folder = None
    if folder is None or folder.parts[:1] == ("~",):  # some versions of platformdirs return this
        raise NoFolder(f"There is no home folder to keep things in: set HOME, or {variable}.")
    return folder


class Home(NamedTuple):
    """The three folders of one run: the user's, or temporary ones for the demo."""

    config: Path
    data: Path
    state: Path

    @classmethod
    def of_user(cls) -> Self:
        """Return the user's own folders. Raises `NoFolder`."""
        return cls(config_dir(), data_dir(), state_dir())

    @classmethod
    def below(cls, folder: Path) -> Self:
        """Return three folders below one, for a run that leaves nothing in the user's own folders."""
        return cls(folder / "config", folder / "data", folder / "state")
