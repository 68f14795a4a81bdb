"""How a hall's store is named."""

import subprocess
import sys
from pathlib import Path

import pytest

COMMANDS = [["serve", "--port", "0"], ["status"], ["export"], ["import"], ["keys", "list"], ["audit", "verify"]]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.thorough
def test_an_address_of_a_server_is_not_a_store(command: list[str], tmp_path: Path) -> None:
    """F110: and no folder of that name is made."""
    words = [sys.executable, "-m", "pyhall_tui", "hall", *command, "--db", "postgresql://user:word@host/hall"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False)
    assert done.returncode == 64
    assert "a hall's store is a file:" in done.stderr
    assert "word" not in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "address", ["postgres://h/d", "postgresql+psycopg://h", "sqlite:///x.db", "https://h/d", "file:x?mode=ro"]
)
def test_any_kind_of_address_is_refused(address: str, tmp_path: Path) -> None:
    """F110"""
    words = [sys.executable, "-m", "pyhall_tui", "hall", "status", "--db", address]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False)
    assert done.returncode == 64
