"""`config show --effective`: a text that says what is in force, and that means the same when it is read."""

import pytest

from pyhall_tui.config.config import Config, read
from pyhall_tui.config.effective import effective
from pyhall_tui.shell.known import known

EVERYTHING = """\
[keys]
workers.sort = "f6"
workers.remove = []
history.search = ["/", "f7"]

[theme]
name = "my own"
[theme."my own"]
like = "nord"
error = "#f00"

[columns.workers]
show = ["worker", "state", "hash"]
sort = "-worker"
width = { worker = [20, 30], hash = 9 }

[columns.history]
show = ["worker", "result"]

[commands.logs]
key = "ctrl+k"
run = ["/bin/echo", "a \\"b\\" \\\\ \\u009b \\u007f \\u202e é 😀", "$WORKER"]
title = "Logs"
screen = ["workers", "decisions"]
dangerous = true
seconds = 2.5

[terminal]
mouse = false
"""


def in_force(config: Config) -> Config:
    """Return a configuration with the keys of every action, changed or not."""
    from pyhall_tui.config.keys import in_force as keys_of

    everything = known()
    return config._replace(keys={id_: keys_of(id_, config.keys, everything) for id_ in everything.keys})


@pytest.mark.parametrize("text", ["", EVERYTHING], ids=["defaults", "everything changed"])
def test_what_it_prints_is_what_is_in_force(text: str) -> None:
    everything = known()
    config, mistakes = read(text, everything)
    assert mistakes == []
    printed = effective(config, everything)
    again, mistakes = read(printed, everything)
    assert mistakes == []
    assert in_force(again) == in_force(config)
    assert again.columns == config.columns and again.commands == config.commands


def test_it_marks_what_is_yours_and_shows_no_control_character() -> None:
    everything = known()
    printed = effective(read(EVERYTHING, everything)[0], everything)
    assert all(line.isprintable() for line in printed.splitlines())
    yours = [line.split(" ")[0] for line in printed.splitlines() if "# yours" in line]
    assert yours == [
        "history.search",
        "workers.sort",
        "workers.remove",
        "name",
        '[theme."my',
        "show",
        "sort",
        "width",
        "show",
        "[commands.logs]",
        "mouse",
    ]


def test_defaults_are_not_marked() -> None:
    assert "# yours" not in effective(Config(), known())
