"""Numbers on the command line: what is not a number gets a sentence, wherever one is expected."""

from pathlib import Path

import click
import pytest

import pyhall_tui.commands
from pyhall_tui.commands.real_number import RealNumber
from tests.commands.asking import run_here

COMMANDS = Path(pyhall_tui.commands.__file__).parent


@pytest.mark.parametrize("text", ["nan", "-nan", "NaN", "inf", "-inf"])
def test_what_is_not_a_number_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        RealNumber(min=0).convert(text, None, None)


def test_a_number_is_taken() -> None:
    assert RealNumber(min=0.1).convert("30", None, None) == 30.0


def test_every_option_with_a_number_refuses_what_is_not_one() -> None:
    others = [path.name for path in COMMANDS.rglob("*.py") if "type=click.FloatRange" in path.read_text("utf-8")]
    assert others == []


def test_the_watchers_heartbeat_is_a_number(tmp_path: Path) -> None:
    done = run_here(tmp_path, "watch", "--heartbeat", "nan", url="http://127.0.0.1:1", key="k")
    assert done.returncode == 64
    assert "'nan' is not a number." in done.stderr
