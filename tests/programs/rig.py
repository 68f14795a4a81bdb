"""Commands and rows for tests."""

from pathlib import Path
from typing import Any

from pyhall_tui.profiles.profile import Profile
from pyhall_tui.programs.command import Command, Row

ACME = Profile(name="acme", namespace="org.acme", registry_url="https://registry.example")


def command(*run: str, **fields: Any) -> Command:
    """Return a command with that program and its arguments; `fields` say otherwise."""
    known: dict[str, Any] = {"name": "logs", "key": "ctrl+l", "title": "Logs"}
    return Command(run=run or ("true",), **(known | fields))


def row(worker_id: str = "wkr_a", profile: Profile = ACME, **values: str) -> Row:
    """Return a row; `values` are those of the worker besides its id."""
    return Row(worker_id, profile, lambda: {"WORKER": worker_id, **values})


def script(folder: Path, text: str, name: str = "program") -> str:
    """Write an executable script of the shell; return its path."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)
