"""F32: the sequence always, the machine's own tool too, and the text on request; never a false "copied"."""

import base64
from pathlib import Path

import pytest
from textual.app import App
from textual.widgets import TextArea

from pyhall_tui.widgets import clipboard
from pyhall_tui.widgets.clipboard import (
    SelectTextScreen,
    copied_by_tool,
    copy_text,
    run_tool,
    sequence,
    show_copied,
    tools,
)
from tests.waiting import until


def all_there(name: str) -> str:
    return f"/usr/bin/{name}"


@pytest.mark.parametrize(
    ("environ", "platform", "first"),
    [
        ({}, "darwin", "pbcopy"),
        ({}, "win32", "clip.exe"),
        ({"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0"}, "linux", "wl-copy"),
        ({"DISPLAY": ":0"}, "linux", "xclip"),
        ({"WSL_DISTRO_NAME": "Debian"}, "linux", "clip.exe"),
    ],
)
def test_the_tool_fits_the_machine(environ: dict[str, str], platform: str, first: str) -> None:
    assert tools(environ, platform, all_there)[0][0] == f"/usr/bin/{first}"


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_over_ssh_without_a_display_no_tool_would_reach_the_operators_clipboard(platform: str) -> None:
    assert tools({"SSH_CONNECTION": "1.2.3.4"}, platform, all_there) == []


def test_a_tool_that_is_not_installed_is_not_tried() -> None:
    assert tools({"DISPLAY": ":0"}, "linux", lambda name: None) == []


def script(folder: Path, name: str, body: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def test_a_tool_that_hangs_is_given_up(tmp_path: Path) -> None:
    assert run_tool([str(script(tmp_path, "xclip", "exec cat /dev/zero > /dev/null"))], "x", patience=0.2) is False


async def test_the_next_tool_is_tried_if_one_fails(tmp_path: Path) -> None:
    script(tmp_path, "xclip", "exit 1")
    script(tmp_path, "xsel", f"cat > {tmp_path}/taken")

    took = await copied_by_tool(
        "ab12", environ={"DISPLAY": ":0"}, platform="linux", which=lambda name: str(tmp_path / name)
    )

    assert took == "xsel"
    assert (tmp_path / "taken").read_text() == "ab12"


def test_the_sequence_is_passed_through_tmux_and_screen() -> None:
    payload = base64.b64encode("ü".encode()).decode()

    assert sequence("ü", {}) == f"\x1b]52;c;{payload}\a"
    assert f"\x1bPtmux;\x1b\x1b]52;c;{payload}\a\x1b\\" in sequence("ü", {"TMUX": "/tmp/t,1,0"})
    assert sequence("ü", {"STY": "1.x", "TERM": "xterm"}) == f"\x1bP\x1b]52;c;{payload}\a\x1b\\"
    assert all(len(part) < 768 for part in sequence("x" * 5_000, {"TERM": "screen"}).split("\x1b\\"))


def test_beyond_ssh_what_calls_itself_screen_may_be_tmux() -> None:
    """F32"""
    plain = f"\x1b]52;c;{base64.b64encode(b'ab12').decode()}\a"
    assert sequence("ab12", {"TERM": "screen-256color"}) == f"{plain}\x1bP{plain}\x1b\\"
    assert sequence("x" * 5_000, {"TERM": "screen"}).startswith("\x1bP")


async def test_if_nothing_confirms_it_it_says_what_was_sent_and_how_to_see_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """F52: never a dialog that nobody asked for."""

    async def no_tool(text: str) -> str:
        return ""

    monkeypatch.setattr(clipboard, "copied_by_tool", no_tool)
    app = App[None]()
    async with app.run_test() as pilot:
        below = app.screen
        await copy_text(app, "a1b2 [/x]", "package hash", shown_by="C")
        await until(lambda: app._notifications)
        assert [note.message for note in app._notifications] == [
            "The package hash was sent to the terminal: press C if it is not on the clipboard (9 characters)."
        ]
        assert app.screen is below

        show_copied(app, "a1b2 [/x]", "package hash")
        await until(lambda: isinstance(app.screen, SelectTextScreen))
        await until(lambda: [area.selected_text for area in app.screen.query(TextArea)] == ["a1b2 [/x]"])
        await pilot.press("escape")
        await until(lambda: app.screen is below)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is written to the terminal."""
    written: list[str] = []
    monkeypatch.setattr(clipboard, "write_to_terminal", lambda app, text: written.append(text))
    return written


async def test_the_sequence_is_sent_even_if_a_tool_took_the_text(
    monkeypatch: pytest.MonkeyPatch, sent: list[str]
) -> None:
    """Over ssh with a display, the tool fills a clipboard that nobody may see."""

    async def took(text: str) -> str:
        return "xclip"

    monkeypatch.setattr(clipboard, "copied_by_tool", took)
    app = App[None]()
    async with app.run_test():
        await copy_text(app, "a1b2", "package hash", shown_by="C")

        await until(lambda: app._notifications)
        assert [note.message for note in app._notifications] == [
            "The package hash is on the clipboard (4 characters, by xclip and through the terminal)."
        ]
    assert [base64.b64encode(b"a1b2").decode() in each for each in sent] == [True]


@pytest.mark.parametrize(
    ("tool", "said"),
    [
        ("xclip", "is on the clipboard (700,001 characters, by xclip only: too much for a terminal)."),
        ("", "Not copied: 700,001 characters are too much for a terminal, and there is no clipboard tool. Press C."),
    ],
)
async def test_what_no_terminal_accepts_is_not_sent_and_it_says_so(
    monkeypatch: pytest.MonkeyPatch, sent: list[str], tool: str, said: str
) -> None:
    async def took(text: str) -> str:
        return tool

    monkeypatch.setattr(clipboard, "copied_by_tool", took)
    app = App[None]()
    async with app.run_test():
        await copy_text(app, "x" * (clipboard.MOST_SENT + 1), "list", shown_by="C")

        await until(lambda: app._notifications)
        assert [note.message.endswith(said) for note in app._notifications] == [True]
    assert sent == []
