"""Copies to the clipboard, through the terminal (OSC 52) and with the machine's own tool.

Always both: over ssh, or in a tmux that was left on another display, the tool may fill a clipboard that nobody sees.
A tool reports whether it worked. Nothing answers the sequence, so without a tool you are told how to see the text.
"""

import asyncio
import base64
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar, Final

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.strip import Strip
from textual.widgets import Static, TextArea

from pyhall_tui.textual_internals import write_to_terminal
from pyhall_tui.widgets.dialog import Dialog, DialogScreen, is_open
from pyhall_tui.widgets.sanitizing import without_controls

PATIENCE: Final = 2.0
"""Seconds that a clipboard tool may take: if its display does not answer, it hangs forever."""
MOST_SENT: Final = 700_000
"""Characters of a text that is sent through the terminal: most accept no more than a megabyte at once, in base64."""
_SCREEN_CHUNK: Final = 700
"""Characters that GNU screen passes on in one piece."""


def tools(environ: Mapping[str, str], platform: str, which: Callable[[str], str | None]) -> list[list[str]]:
    """Return the commands (with paths) that can reach the operator's clipboard, the best first.

    Over ssh without a display, there is none.
    """
    is_remote = bool(environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"))
    candidates: list[list[str]] = []
    if platform == "darwin" and not is_remote:
        candidates.append(["pbcopy"])
    if platform == "win32" or ("WSL_DISTRO_NAME" in environ and not is_remote):
        candidates.append(["clip.exe"])
    if environ.get("WAYLAND_DISPLAY"):
        candidates.append(["wl-copy"])
    if environ.get("DISPLAY"):
        candidates += [["xclip", "-selection", "clipboard"], ["xsel", "--clipboard", "--input"]]
    found = ((which(command[0]), command) for command in candidates)
    return [[path, *command[1:]] for path, command in found if path]


def run_tool(command: list[str], text: str, patience: float = PATIENCE) -> bool:
    """Pass the text to a tool; return whether it accepted it in time. Don't call it on the UI's thread."""
    data = text.encode("utf-16") if command[0].endswith("clip.exe") else text.encode(errors="replace")
    try:
        # No pipe for its output: xclip and wl-copy leave a child process behind that would keep it open.
        done = subprocess.run(
            command, input=data, timeout=patience, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


def sequence(text: str, environ: Mapping[str, str]) -> str:
    """Return the terminal's escape sequence for “put this on the clipboard”, wrapped for tmux and screen."""
    plain = f"\x1b]52;c;{base64.b64encode(text.encode(errors='replace')).decode()}\a"
    if environ.get("TMUX"):
        # tmux accepts the plain one if its set-clipboard is on, and passes on the wrapped one if that is allowed.
        doubled = plain.replace("\x1b", "\x1b\x1b")
        return f"{plain}\x1bPtmux;{doubled}\x1b\\"
    in_screen = bool(environ.get("STY"))
    if not in_screen and not environ.get("TERM", "").startswith("screen"):
        return plain
    pieces = (plain[start : start + _SCREEN_CHUNK] for start in range(0, len(plain), _SCREEN_CHUNK))
    wrapped = "".join(f"\x1bP{piece}\x1b\\" for piece in pieces)
    # Over ssh, that TERM may be a tmux, which accepts the plain one; GNU screen would print the excess of a long one.
    return wrapped if in_screen or len(plain) > _SCREEN_CHUNK else plain + wrapped


async def copied_by_tool(
    text: str,
    *,
    environ: Mapping[str, str] = os.environ,
    platform: str = sys.platform,
    which: Callable[[str], str | None] = shutil.which,
) -> str:
    """Try the machine's own tools in a daemon thread, one after the other; return the one that accepted the text."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[str] = loop.create_future()

    def deliver(name: str) -> None:
        if not answer.done():
            answer.set_result(name)

    def work() -> None:
        taken_by = (Path(command[0]).name for command in tools(environ, platform, which) if run_tool(command, text))
        name = next(taken_by, "")
        if not loop.is_closed():
            loop.call_soon_threadsafe(deliver, name)

    threading.Thread(target=work, name="pyhall-tui-clipboard", daemon=True).start()
    return await answer


async def copy_text(app: App[None], text: str, what: str, *, shown_by: str) -> None:
    """Put text on the clipboard, and say how much and by what; `shown_by` is the key that shows it."""
    count = f"{len(text):,} character{'s' * (len(text) != 1)}"
    is_sent = len(text) <= MOST_SENT
    if is_sent:
        write_to_terminal(app, sequence(text, os.environ))
    if tool := await copied_by_tool(text):
        how = f"by {tool} and through the terminal" if is_sent else f"by {tool} only: too much for a terminal"
        app.notify(f"The {what} is on the clipboard ({count}, {how}).", timeout=3, markup=False)
    elif is_sent:
        said = f"The {what} was sent to the terminal: press {shown_by} if it is not on the clipboard ({count})."
        app.notify(said, timeout=8, markup=False)
    else:
        said = f"Not copied: {count} are too much for a terminal, and there is no clipboard tool. Press {shown_by}."
        app.notify(said, severity="warning", timeout=8, markup=False)


def show_copied(app: App[None], text: str, what: str) -> None:
    """Show what was last copied; say so if nothing was."""
    if text and not is_open(app, SelectTextScreen):
        app.push_screen(SelectTextScreen(text, what))
    elif not text:
        app.notify("Nothing has been copied yet.", timeout=5, markup=False)


class ShownText(TextArea):
    """The text to select, with substitutes for whatever would control the terminal."""

    def render_line(self, y: int) -> Strip:
        return without_controls(super().render_line(y))


class SelectTextScreen(DialogScreen[None]):
    """Shows the text that was last copied, with all of it selected."""

    BINDING_GROUP_TITLE = "Copy"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "leave", "Close", priority=True, id="copy.close", tooltip="Close this text"),
    ]
    DEFAULT_CSS = """
    SelectTextScreen {
        Dialog { width: 90; }
        TextArea { height: auto; max-height: 24; border: none; background: $background; }
        #why { height: auto; margin-bottom: 1; color: $text-muted; }
    }
    """

    def __init__(self, text: str, what: str) -> None:
        super().__init__()
        self._text = text
        self._what = what

    def compose(self) -> ComposeResult:
        with Dialog(f"The {self._what}", "esc closes"):
            yield Static(
                "Terminals do not report whether a text reached the clipboard. If it did not, "
                "select it here (in most terminals, with shift and the mouse).",
                id="why",
                markup=False,
            )
            yield ShownText(self._text, read_only=True, id="text", show_cursor=False)

    def on_mount(self) -> None:
        area = self.query_one(TextArea)
        area.select_all()
        area.focus()
