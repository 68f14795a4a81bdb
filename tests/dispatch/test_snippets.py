"""Each snippet is run as it is against the hall, with the key in the environment, and gives the same answer."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pyhall_tui.dispatch.form import DispatchForm
from pyhall_tui.dispatch.snippets import snippets
from pyhall_tui.registry.models import DispatchRequest
from tests.live_hall import CAPABILITY, WORKER, LiveHall, live_hall

NASTY = 'it\'s "q" $HOME `id` \\ ${x} %s ü'


def request(context: str = "") -> DispatchRequest:
    form = DispatchForm(capability=CAPABILITY, worker_id=WORKER, correlation_id="req-1", context=context)
    return form.request("org.yourco")


def run(command: list[str], key: str, tmp_path: Path) -> str:
    environment = {"PATH": os.environ["PATH"], "PYHALL_API_KEY": key, "NO_PROXY": "*", "HOME": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def commands(hall: LiveHall, tmp_path: Path) -> dict[str, list[str]]:
    """Return how each language runs its snippet, for the installed toolchains."""
    texts = snippets(hall.url, request(f'{{"note": {json.dumps(NASTY)}, "big": 9007199254740993}}'))
    files = {"Python": "try.py", "TypeScript": "try.mjs", "Go": "main.go"}
    for name, file in files.items():
        (tmp_path / file).write_text(texts[name], encoding="utf-8")
    return {
        "curl": ["sh", "-c", texts["curl"].replace("| curl ", "| curl -s ", 1)],
        "Python": [sys.executable, str(tmp_path / "try.py")],
        # Node runs the snippet as it is: fetch and top-level await are JavaScript, and it has no types.
        "TypeScript": ["node", str(tmp_path / "try.mjs")],
        "Go": ["go", "run", str(tmp_path / "main.go")],
    }


@pytest.mark.parametrize("language", ["curl", "Python", "TypeScript", "Go"])
def test_a_snippet_gets_the_answer_that_the_screen_gets(language: str, hall: LiveHall, tmp_path: Path) -> None:
    command = commands(hall, tmp_path)[language]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not here, so the {language} snippet was not run")

    out = run(command, hall.key, tmp_path)

    assert '"outcome":"allow"' in out
    assert '"correlation_id":"req-1"' in out
    sent = json.loads(hall.requests[-1].body)
    assert sent["context"]["note"] == NASTY
    assert sent["context"]["big"] == 9007199254740993


def test_no_snippet_holds_a_key_but_its_variable(hall: LiveHall) -> None:
    for text in snippets(hall.url, request()).values():
        assert "PYHALL_API_KEY" in text
        assert "phk_" not in text


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not here")
def test_the_key_is_on_no_command_line_of_the_curl_snippet(tmp_path: Path) -> None:
    """F102: whoever lists processes sees the arguments of every program that the shell starts."""
    seen = tmp_path / "arguments"
    for name in ("curl", "printf"):  # `printf` is built into the shell, so this one is never started
        (tmp_path / name).write_text(
            f'#!/bin/sh\nprintf "%s\\n" "$0" "$@" >> {seen}\nexec {shutil.which(name)} -s "$@"\n'
        )
        (tmp_path / name).chmod(0o755)
    with live_hall() as hall:
        environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PYHALL_API_KEY": hall.key, "NO_PROXY": "*"}
        for shell in filter(shutil.which, ("sh", "bash", "dash", "zsh")):
            done = subprocess.run(
                [shell, "-c", snippets(hall.url, request())["curl"]],
                capture_output=True,
                text=True,
                timeout=30,
                env=environment,
                check=False,
            )
            assert '"outcome":"allow"' in done.stdout, done.stderr
        arguments = seen.read_text()
    assert "@-" in arguments and hall.key not in arguments and "printf" not in arguments
