"""Where this program keeps things: the one place that knows the platform's folders."""

import os
from pathlib import Path
from typing import NamedTuple, Self

from platformdirs import PlatformDirs

_DIRS = PlatformDirs("pyhall-tui", appauthor=False)


def config_dir() -> Path:
    """Return the folder of `profiles.toml`; `PYHALL_TUI_CONFIG_DIR` overrides the platform's."""
    override = os.environ.get("PYHALL_TUI_CONFIG_DIR")
    return Path(override).expanduser() if override else Path(_DIRS.user_config_path)


def data_dir() -> Path:
    """Return the folder of the journal and the watch lists; `PYHALL_TUI_DATA_DIR` overrides the platform's."""
    override = os.environ.get("PYHALL_TUI_DATA_DIR")
    return Path(override).expanduser() if override else Path(_DIRS.user_data_path)


def state_dir() -> Path:
    """Return the folder of the log and of drafts; `PYHALL_TUI_STATE_DIR` overrides the platform's."""
    override = os.environ.get("PYHALL_TUI_STATE_DIR")
    return Path(override).expanduser() if override else Path(_DIRS.user_state_path)


class Home(NamedTuple):
    """The three folders of one run: the user's, or a temporary one for the demo."""

    config: Path
    data: Path
    state: Path

    @classmethod
    def of_user(cls) -> Self:
        """Return the user's own folders."""
        return cls(config_dir(), data_dir(), state_dir())

    @classmethod
    def below(cls, folder: Path) -> Self:
        """Return three folders below one, for a run that leaves nothing behind in the user's own."""
        return cls(folder / "config", folder / "data", folder / "state")
