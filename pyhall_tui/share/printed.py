"""Prints the files for other programs: with `watch --print NAME` those around a watcher, with `hall serve --print NAME`
those around a hall."""

import shlex
import shutil
import sys
from importlib.resources import files
from pathlib import Path
from typing import Final

WATCH: Final = {
    "rules": "rules.yml",
    "dashboard": "dashboard.json",
    "unit": "pyhall-tui-watch.service",
    "schema": "watch.schema.json",
    "webhook-schema": "webhook.schema.json",
}
"""What `watch` prints: rules for Prometheus, a dashboard for Grafana, a systemd unit; the schemas of the watcher's
output and of what a webhook gets."""
HALL: Final = {"unit": "pyhall-tui-hall.service", "containerfile": "Containerfile", "compose": "compose.yaml"}
"""What `hall serve` prints: a systemd unit, how to build a container, and two halls with all that watches them."""
_PROGRAM: Final = "/usr/local/bin/pyhall-tui"
"""The program's path in a unit as it comes."""


def text_of(file: str) -> str:
    """Return one of the files; a unit has this program's own path."""
    text = files("pyhall_tui").joinpath("share", file).read_text("utf-8")
    return text.replace(f"ExecStart={_PROGRAM} ", f"ExecStart={_quoted(_own_path())} ")


def _own_path() -> str:
    """Return the path that this program was started by, or the usual one if that is unknown."""
    started = Path(sys.argv[0])
    if started.name.startswith("pyhall-tui") and started.is_file():
        return str(started.absolute())
    return shutil.which("pyhall-tui") or _PROGRAM


def _quoted(path: str) -> str:
    """Return a path as systemd reads it: `%` and `$` mean something there."""
    escaped = path.replace("%", "%%").replace("$", "$$")
    return escaped if shlex.quote(path) == path else '"' + escaped.replace("\\", "\\\\").replace('"', '\\"') + '"'
