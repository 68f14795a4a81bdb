"""What the end of the program waits for, in a pseudo-terminal. `tests/bench/quit.py` measures how long it takes."""

import json
import os
import signal
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
import atexit, gc, json, os, threading
def say():
    awaited = [each.name for each in threading.enumerate() if not each.daemon and each is not threading.main_thread()]
    open(os.environ["LAST_WORDS"], "w").write(json.dumps({"awaited": awaited, "frozen": gc.get_freeze_count()}))
threading._register_atexit(say)
folder = os.path.dirname(os.environ["LAST_WORDS"])
def note(name):
    with open(os.path.join(folder, "ends"), "a") as ends:
        ends.write(name + "\\n")
atexit.register(note, "registered")
def late():
    threading.main_thread().join()
    note("waited for")
threading.Thread(target=late).start() if "THREAD" in os.environ else None
class Torn:
    def __del__(self, note=note):
        note("torn down")
threading.torn = Torn()
"""
"""Runs in the program as it ends, before Python waits for its threads; notes what else Python does at the end."""


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


@pytest.mark.parametrize(("before", "ends"), [({}, ["registered"]), ({"THREAD": "1"}, ["waited for", "registered"])])
def test_what_belongs_to_the_end_is_done_and_python_is_not_taken_down_piece_by_piece(
    tmp_path: Path, before: dict[str, str], ends: list[str]
) -> None:
    """Threads are waited for, and what other tools have registered is done: a coverage report, a profile."""
    with pyhall_tui(tmp_path, "--demo", **environment(tmp_path), **before) as terminal:
        terminal.wait_for(r"\d+ clean")
        terminal.press("q")
        assert terminal.wait_for_end() == 0
        assert restored(terminal.raw)
    assert (tmp_path / "ends").read_text().splitlines() == ends


def test_the_exit_code_of_a_signal_is_kept(tmp_path: Path) -> None:
    with pyhall_tui(tmp_path, "--demo", **environment(tmp_path)) as terminal:
        terminal.wait_for(r"\d+ clean")
        os.kill(terminal.pid, signal.SIGTERM)
        assert terminal.wait_for_end() == 128 + signal.SIGTERM
        assert restored(terminal.raw)
    assert (tmp_path / "ends").read_text().splitlines() == ["registered"]


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
