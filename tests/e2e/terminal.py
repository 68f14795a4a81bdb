"""The program in a real pseudo-terminal, its screen read by a terminal emulator."""

import itertools
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import pexpect
import pyte

PATIENCE = 30.0


class Terminal:
    """One run of a command. `raw` holds every byte that the program wrote."""

    def __init__(self, args: list[str], env: dict[str, str], columns: int = 120, lines: int = 32) -> None:
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self.raw = b""
        self._began = time.monotonic()
        self._child = pexpect.spawn(args[0], args[1:], env=env, dimensions=(lines, columns), timeout=PATIENCE)
        self._child.delaybeforesend = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._child.close(force=True)
        except pexpect.ExceptionPexpect:  # it was killed, but a busy machine takes longer than pexpect waits
            self._child.wait()
            self._child.ptyproc.closed = True

    @property
    def pid(self) -> int:
        return int(self._child.pid)

    def at_once(self, seconds: float) -> float:
        """Return how long an immediate action may take: on a busy machine as long as the run so far."""
        return max(seconds, time.monotonic() - self._began)

    @property
    def text(self) -> str:
        return "\n".join(self._screen.display)

    def colors(self) -> list[tuple[str, str, str, str]]:
        """Return each run of one color: its text, its color, its background, and its whole line."""
        runs = []
        for y, line in enumerate(self._screen.display):
            cells = [self._screen.buffer[y][x] for x in range(self._screen.columns)]
            for (fg, bg), run in itertools.groupby(cells, key=lambda cell: _painted(cell)):
                runs.append(("".join(cell.data for cell in run), fg, bg, line))
        return runs

    def press(self, keys: str) -> None:
        self._child.send(keys)

    def resize(self, columns: int, lines: int) -> None:
        self._child.setwinsize(lines, columns)
        self._screen.resize(lines, columns)

    def wait_for(self, pattern: str, patience: float = PATIENCE) -> None:
        """Read until the screen matches."""
        end = time.monotonic() + patience
        while not re.search(pattern, self.text):
            if time.monotonic() > end or not self.read():
                raise AssertionError(f"no {pattern!r} on the screen:\n{self.text}")

    def wait_for_bytes(self, pattern: re.Pattern[bytes], patience: float = PATIENCE) -> None:
        """Read until what the program wrote matches, visible on the screen or not."""
        end = time.monotonic() + patience
        while not pattern.search(self.raw):
            if time.monotonic() > end or not self.read():
                raise AssertionError(f"{pattern.pattern!r} was not written")

    def wait_until_gone(self, pattern: str, patience: float = PATIENCE) -> None:
        """Read until the screen no longer matches."""
        end = time.monotonic() + patience
        while re.search(pattern, self.text):
            if time.monotonic() > end or not self.read():
                raise AssertionError(f"{pattern!r} is still on the screen:\n{self.text}")

    def wait_for_end(self, patience: float = PATIENCE) -> int:
        """Read until the program has ended; return its exit code, a signal's as 128 and its number."""
        end = time.monotonic() + patience
        while self.read() and time.monotonic() < end:
            pass
        self._child.close(force=False)
        status, signal = self._child.exitstatus, self._child.signalstatus
        return 128 + signal if signal else int(status)

    def hang_up(self, patience: float) -> bool:
        """Close the terminal under the program; return whether the program has ended in that time."""
        self._child.ptyproc.fileobj.close()
        self._child.ptyproc.closed = True
        end = time.monotonic() + patience
        while time.monotonic() < end:
            if os.waitpid(self.pid, os.WNOHANG) != (0, 0):
                self._child.ptyproc.terminated = True
                return True
            time.sleep(0.05)  # another process's end: there is nothing to wait on but time
        return False

    def read(self) -> bool:
        """Take what the program writes within a moment; return whether it is still there."""
        try:
            data = self._child.read_nonblocking(65_536, timeout=0.2)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.raw += data
        self._stream.feed(data)
        return True


def _painted(cell: pyte.screens.Char) -> tuple[str, str]:
    return (cell.bg, cell.fg) if cell.reverse else (cell.fg, cell.bg)


@contextmanager
def pyhall_tui(folder: Path, *args: str, columns: int = 120, lines: int = 32, **env: str) -> Iterator[Terminal]:
    """Run the program with its folders below `folder`, and nothing of the user's own environment that matters."""
    base = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    places = {
        "HOME": str(folder),
        "PYHALL_TUI_CONFIG_DIR": str(folder / "config"),
        "PYHALL_TUI_DATA_DIR": str(folder / "data"),
        "PYHALL_TUI_STATE_DIR": str(folder / "state"),
    }
    environ = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "TZ": "UTC", **base, **places, **env}
    command = [sys.executable, "-m", "pyhall_tui", *args]
    with Terminal(command, environ, columns, lines) as terminal:
        yield terminal


def restored(raw: bytes) -> bool:
    """Whether mouse, alternate screen, bracketed paste and cursor were all switched back at the end."""
    pairs = [(b"\x1b[?1049h", b"\x1b[?1049l"), (b"\x1b[?1000h", b"\x1b[?1000l"), (b"\x1b[?2004h", b"\x1b[?2004l")]
    cursor = raw.rfind(b"\x1b[?25h") > raw.rfind(b"\x1b[?25l")
    return cursor and all(raw.rfind(off) > raw.rfind(on) >= 0 for on, off in pairs)
