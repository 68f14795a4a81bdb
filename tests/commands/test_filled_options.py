"""An empty value, as a variable that is not set leaves it, is wrong usage and never switches a check off."""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from pyhall_tui.commands.bans import bans_group
from pyhall_tui.commands.evidence import evidence_group
from pyhall_tui.commands.hall import hall_group


def options(group: click.Group, *path: str) -> Iterator[tuple[tuple[str, ...], str]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from options(command, *path, name)
            continue
        for param in command.params:
            if isinstance(param, click.Option) and not param.is_flag and param.name != "label":
                yield (*path, name), param.opts[0]


@pytest.mark.parametrize("group", [hall_group, evidence_group, bans_group], ids=["hall", "evidence", "bans"])
@pytest.mark.parametrize("value", ["", " "])
def test_no_option_takes_an_empty_value(group: click.Group, value: str, tmp_path: Path) -> None:
    found = list(options(group))
    assert found
    for path, option in found:
        done = CliRunner().invoke(group, [*path, option, value])
        assert done.exit_code == 2 and option in done.stderr, (path, option, done.output)
