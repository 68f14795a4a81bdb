"""What is wrong is red, and everything is readable, in a terminal with few colors or none."""

from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal, pyhall_tui

_FAINT = ("black", "brightblack")


def shows_a_ban(terminal: Terminal) -> bool:
    return any("BANNED" in text for text, *_ in terminal.colors())


@pytest.mark.parametrize("term", ["xterm", "linux", "screen", "vt220"])
@pytest.mark.thorough
def test_in_sixteen_colors_a_ban_is_red_and_nothing_is_pale(tmp_path: Path, term: str) -> None:
    """F78."""
    with pyhall_tui(tmp_path, "--demo", TERM=term, COLORTERM="") as terminal:
        terminal.wait_for("BANNED")
        terminal.wait_for("clean")
        runs = terminal.colors()
    banned = [fg for text, fg, _, line in runs if "BANNED" in text and "✖" in line]
    assert banned and set(banned) <= {"red", "brightred"}
    unread = [(text, fg, bg) for text, fg, bg, _ in runs if any(map(str.isalnum, text)) and (fg in _FAINT or fg == bg)]
    assert not [one for one in unread if one[2] in ("default", "black", one[1])]
    assert b"\x1b[38;5;" not in terminal.raw and b"\x1b[38;2;" not in terminal.raw


@pytest.mark.thorough
def test_more_colors_are_used_if_there_are_any(tmp_path: Path) -> None:
    """F78."""
    with pyhall_tui(tmp_path, "--demo", TERM="xterm-256color", COLORTERM="") as terminal:
        terminal.wait_for("BANNED")
        assert b"\x1b[38;5;" in terminal.raw or b";38;5;" in terminal.raw


@pytest.mark.parametrize("term", ["xterm", "xterm-256color"])
@pytest.mark.thorough
def test_without_colour_all_of_it_can_be_read(tmp_path: Path, term: str) -> None:
    """F78."""
    with pyhall_tui(tmp_path, "--demo", TERM=term, COLORTERM="", NO_COLOR="1") as terminal:
        terminal.wait_for("✖ BANNED")
        terminal.wait_for("clean")
        runs = terminal.colors()
    assert not [
        one for one in runs if any(map(str.isalnum, one[0])) and one[1] in _FAINT and one[2] in (*_FAINT, "default")
    ]


@pytest.mark.thorough
def test_in_sixteen_colors_a_theme_for_more_is_not_taken_and_a_ban_is_red(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.toml").write_text('[theme]\nname = "nord"\n[keys]\nworkers.sort = "f6"\n')
    with pyhall_tui(
        tmp_path, "--demo", TERM="xterm", COLORTERM="", PYHALL_TUI_CONFIG_DIR=str(tmp_path / "config")
    ) as it:
        it.wait_for("BANNED")
        it.wait_for("f6 Sort")
        banned = [fg for text, fg, _, line in it.colors() if "BANNED" in text and "✖" in line]
    assert banned and set(banned) <= {"red", "brightred"}
    assert b"\x1b[38;5;" not in it.raw and b"\x1b[38;2;" not in it.raw
