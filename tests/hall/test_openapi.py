"""The hall's OpenAPI document is true: schemathesis tries every operation over a real socket."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pyhall_tui.hall.store import MEMORY
from tests.examples import ALL
from tests.live_hall import LiveHall, live_hall

EXAMPLES = 3
PHASES = "coverage,fuzzing" if ALL else "fuzzing"
CONFIG = """
base-url = "{url}"
[auth.openapi.key]
bearer = "{key}"
[[operations]]
include-path = "/enroll"  # a record has to hold its own hash, which a schema cannot say
checks.positive_data_acceptance.enabled = false
[[operations]]
include-path-regex = "/events$"  # these answers never end; test_stream.py reads them
enabled = false
"""


@pytest.mark.timeout(120)  # ten seconds, on a machine that does nothing else
@pytest.mark.thorough
@pytest.mark.parametrize("place", [MEMORY, "postgres"])
def test_schemathesis_finds_nothing(place: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Nothing is banned or retired in this hall: what it reads is sent again, and a refusal taken for a fault."""
    if place == "postgres":
        with live_hall(request.getfixturevalue("postgres").database()) as hall:
            tried(hall, tmp_path, "fuzzing")
    else:
        with live_hall(place) as hall:
            tried(hall, tmp_path, PHASES)


def tried(hall: LiveHall, tmp_path: Path, phases: str) -> None:
    """Let schemathesis try each operation of a hall."""
    (tmp_path / "schemathesis.toml").write_text(CONFIG.format(url=hall.url, key=hall.key))
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{hall.url}/openapi.json"]
    command += ["--no-color", "--seed", "1", "--phases", phases, "--max-examples", str(EXAMPLES)]
    environment = os.environ | {"NO_PROXY": "127.0.0.1"}
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=110, env=environment)
    assert run.returncode == 0, run.stdout + run.stderr
    asked = {(request.method, request.raw_path) for request in hall.requests}
    assert {
        ("POST", "/api/v1/dispatch"),
        ("POST", "/api/route"),
        ("POST", "/enroll"),
        ("GET", "/policy/explain"),
    } <= asked
