"""`pyhall-tui help`: topics and commands; and "did you mean" at each level of the command line."""

import os
import subprocess
import sys

import pytest

from pyhall_tui.topics.topics import TOPICS

PROGRAM = [sys.executable, "-m", "pyhall_tui"]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
        check=False,
    )


def test_without_a_topic_it_lists_all() -> None:
    done = run("help")
    assert done.returncode == 0
    assert [name for name in TOPICS if f"  {name} " not in done.stdout] == []


def test_a_topic_is_wrapped_to_the_width_and_plain_in_a_pipe() -> None:
    done = run("help", "alarms", COLUMNS="60")
    prose = [line for line in done.stdout.splitlines() if not line.startswith("    ")]
    assert done.returncode == 0 and "\x1b" not in done.stdout
    assert prose and max(map(len, prose)) <= 60
    assert "`pyhall-tui alarms list`" in " ".join(done.stdout.split())


def test_a_locale_without_its_characters_gets_it_too() -> None:
    done = run("help", "security", PYTHONIOENCODING="ascii", LC_ALL="C", PYTHONUTF8="0")
    assert done.returncode == 0 and done.stdout.startswith("Security\n")


def test_the_name_of_a_command_shows_its_help() -> None:
    assert run("help", "hall", "keys", "add").stdout == run("hall", "keys", "add", "--help").stdout
    assert run("help", "verify").stdout.startswith("Usage: pyhall-tui verify")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("help securty", "Did you mean 'security'?"),
        ("help verfy", "Did you mean 'verify'?"),
        ("help hall kes", "Did you mean 'keys'?"),
        ("wach", "Did you mean 'watch'?"),
        ("hall serv", "Did you mean 'serve'?"),
        ("hall keys ad", "Did you mean 'add'?"),
        ("alarms lst", "Did you mean 'list'?"),
        ("--profil acme", "Did you mean '--profile'?"),
        ("verify --jsn wkr_a", "Did you mean '--json'?"),
        ("hall keys add --namspace x", "Did you mean '--namespace'?"),
        ("completion bsh", "'bash'"),
        ("security", "pyhall-tui help security"),
        ("verify --profile acme wkr_a", "pyhall-tui --profile"),
    ],
)
def test_a_wrong_word_is_told_with_the_right_one(typed: str, meant: str) -> None:
    done = run(*typed.split())
    assert done.returncode == 64 and done.stdout == ""
    assert meant in done.stderr


def test_a_word_like_nothing_says_where_the_topics_are() -> None:
    assert "'pyhall-tui help' lists the topics" in run("help", "qqqqq").stderr


def test_it_imports_nothing_heavy() -> None:
    script = "import sys\nfrom pyhall_tui.cli import main\nsys.argv = ['pyhall-tui', 'help', 'alarms']\n"
    script += "try:\n    main()\nfinally:\n    print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not {"textual", "rich", "httpx", "sqlite3", "msgspec"} & set(done.stderr.split())
