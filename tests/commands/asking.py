"""Runs a command as a process of its own, with a profile that the environment alone makes."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.live_hall import LiveHall

Run = Callable[..., subprocess.CompletedProcess[str]]


def environment_of(home: Path, *, url: str, key: str, **more: str) -> dict[str, str]:
    """Return the environment of a command whose folders lie below `home`; `more` is more of it, empty takes away."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "NO_PROXY": "*",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "PYHALL_TUI_CONFIG_DIR": str(home / "config"),
        "PYHALL_TUI_DATA_DIR": str(home / "data"),
        "PYHALL_TUI_STATE_DIR": str(home / "state"),
        "PYHALL_REGISTRY_URL": url,
        "PYHALL_API_KEY": key,
        "PYHALL_NAMESPACE": "org.yourco",
        **more,
    }
    return {name: value for name, value in environment.items() if value}


def run_program(home: Path, *arguments: str, url: str, key: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run `pyhall-tui` with these arguments in folders below `home`; `more` is more of the environment."""
    command = [sys.executable, "-m", "pyhall_tui", *arguments]
    present = environment_of(home, url=url, key=key, **more)
    return subprocess.run(command, capture_output=True, text=True, timeout=30, env=present, check=False)


def read_only_profile(home: Path, hall: LiveHall) -> None:
    """Write a profile named `look` that may only look."""
    (home / "config").mkdir(exist_ok=True)
    text = f'[profiles.look]\nnamespace = "org.yourco"\nregistry_url = "{hall.url}"\nread_only = true\n'
    (home / "config" / "profiles.toml").write_text(text)
