"""What the end of the program waits for, in a pseudo-terminal. `tests/bench/quit.py` measures how long it takes."""

import json
import socket
import sys
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal, pyhall_tui, restored

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are of Unix"),
    pytest.mark.thorough,
]

LAST_WORDS = """
import gc, json, os, threading
def say():
    awaited = [each.name for each in threading.enumerate() if not each.daemon and each is not threading.main_thread()]
    open(os.environ["LAST_WORDS"], "w").write(json.dumps({"awaited": awaited, "frozen": gc.get_freeze_count()}))
threading._register_atexit(say)
"""
"""Runs in the program as it ends, before Python waits for its threads."""


def last_words(folder: Path, terminal: Terminal) -> dict[str, object]:
    """Return what the program was when it ended."""
    assert terminal.wait_for_end() == 0
    assert restored(terminal.raw)
    found: dict[str, object] = json.loads((folder / "last-words").read_text())
    return found


def environment(folder: Path) -> dict[str, str]:
    (folder / "site").mkdir()
    (folder / "site" / "sitecustomize.py").write_text(LAST_WORDS)
    return {"PYTHONPATH": str(folder / "site"), "LAST_WORDS": str(folder / "last-words")}


@pytest.mark.parametrize("keys", ["q", "a\x11", "2\x02\x11", "?\x03", "3\x1bOR\x12\x11"])
def test_when_it_ends_no_thread_is_awaited_and_python_has_no_heap_to_search(tmp_path: Path, keys: str) -> None:
    """From the workers, a dialog, a batch, the list of keys, a running matrix."""
    with pyhall_tui(tmp_path, "--demo", **environment(tmp_path)) as terminal:
        terminal.wait_for(r"\d+ clean")
        terminal.press(keys)
        words = last_words(tmp_path, terminal)
    assert words["awaited"] == []
    assert isinstance(words["frozen"], int) and words["frozen"] > 10_000


def test_it_does_not_wait_for_a_registry_that_never_answers(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = {
            "PYHALL_REGISTRY_URL": f"http://127.0.0.1:{silent.getsockname()[1]}",
            "PYHALL_NAMESPACE": "org.acme",
            "PYHALL_API_KEY": "phk_live_" + "x" * 24,
        }
        with pyhall_tui(tmp_path, **environment(tmp_path), **settings) as terminal:
            terminal.wait_for("0 Overview")
            silent.accept()
            terminal.press("q")
            words = last_words(tmp_path, terminal)
    assert words["awaited"] == []
