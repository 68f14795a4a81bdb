"""Runs a command with a profile that only the environment makes: as a process of its own, or here."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

from click.testing import CliRunner

from pyhall_tui import cli
from pyhall_tui.logs.log_file import configure_logging
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


def run_here(home: Path, *arguments: str, url: str, key: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run the same command in this process, without the start-up time; only its streams are not real."""
    present = environment_of(home, url=url, key=key, **more)
    absent = dict.fromkeys(os.environ.keys() - present.keys())
    command = ["pyhall-tui", *arguments]
    try:
        with patch.object(sys, "argv", command), CliRunner().isolation(env=absent | present) as (out, err, _):
            code = cli._code_of_run(cli._opening([*arguments]))
            sys.stdout.flush()
            return subprocess.CompletedProcess(command, code, out.getvalue().decode(), err.getvalue().decode())
    finally:
        configure_logging(None)  # the log is in the test's own folder


def read_only_profile(home: Path, hall: LiveHall) -> None:
    """Write a read-only profile named `look`."""
    (home / "config").mkdir(exist_ok=True)
    text = f'[profiles.look]\nnamespace = "org.yourco"\nregistry_url = "{hall.url}"\nread_only = true\n'
    (home / "config" / "profiles.toml").write_text(text)
