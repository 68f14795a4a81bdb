"""A run that has the terminal, as a job of a shell has it: ctrl+c is for it only, and ctrl+z does not stop it for good.

It blocks, in a thread of its own. Whatever it does to the terminal is undone: its modes and its colors.
"""

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import IO, Any, Final

from pyhall_tui.programs import process
from pyhall_tui.programs.command import NotRun
from pyhall_tui.programs.plan import Run

if sys.platform != "win32":
    import termios
    import tty

_RESET: Final = b"\x1b[0m\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[?1l\x1b>\x1b[?25h\x1b[?1047l"
"""Plain text, no mouse, no bracketed paste, usual cursor keys, a visible cursor, and the usual of the two screens."""
_REST: Final = 0.1
"""Seconds between a program's stop and its continuation."""
_LOOK: Final = 0.1
"""Seconds between two looks whether the wait for a key has to end."""
_RETURNS: Final = frozenset(b"\r\n q\x1b\x03\x04")
"""Keys after which the screen returns: enter, space, q, esc, ctrl+c, ctrl+d."""


class TerminalRun:
    """One run. `run` blocks; `stop` may be called on any other thread."""

    def __init__(self, what: Run, terminal: int) -> None:
        """Start nothing yet. `terminal` is the terminal's file descriptor."""
        self._what, self._terminal = what, terminal
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._is_stopped = threading.Event()

    def run(self, title: str = "") -> int:
        """Run it until it ends, below a title; return its exit code, negative for a signal.

        Raises:
            NotRun: it can't be started, or the terminal can't be given to it.
        """
        if sys.platform == "win32":
            with self._given_lines() as lines:
                return self._started(stdin=lines).wait()
        with self._given_lines() as lines, _restored(self._terminal):
            if title:
                os.write(self._terminal, f"\r\n{title}\r\n".encode())
            running = self._started(stdin=lines, process_group=0)
            _give_to(self._terminal, running.pid)
            self._wait(running)
        return running.returncode

    def wait_for_key(self, said: str) -> None:
        """Say how it ended, and wait for a key; nothing typed before counts."""
        if sys.platform == "win32" or self._is_stopped.is_set():
            return
        with contextlib.suppress(OSError, termios.error), _restored(self._terminal):
            tty.setcbreak(self._terminal, termios.TCSAFLUSH)
            modes = termios.tcgetattr(self._terminal)
            modes[tty.LFLAG] &= ~termios.ISIG
            termios.tcsetattr(self._terminal, termios.TCSANOW, modes)
            os.write(self._terminal, f"\r\n[{said} Press enter to return.] ".encode())
            while not self._is_stopped.is_set():
                if select.select([self._terminal], [], [], _LOOK)[0]:
                    typed = os.read(self._terminal, 1_024)
                    if not typed or _RETURNS.intersection(typed):
                        break
            os.write(self._terminal, b"\r\n")

    def stop(self) -> None:
        """End it now, with what it has started."""
        self._is_stopped.set()
        with self._lock:
            if self._process is not None:
                process.end_group(self._process)

    @contextlib.contextmanager
    def _given_lines(self) -> Iterator[IO[bytes] | int]:
        if self._what.lines is None:
            yield self._terminal
            return
        with process.file_of(self._what.lines) as file:
            yield file

    def _started(self, **how: Any) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._is_stopped.is_set():
                raise NotRun(f"{self._what.argv[0]} was stopped before it began.")
            self._process = process.start(self._what.argv, self._what.values, **how)
            return self._process

    def _wait(self, running: subprocess.Popen[bytes]) -> None:
        """Wait until it has ended. If it stops, it gets the terminal and continues: there is no shell to resume it."""
        while True:
            _, status = os.waitpid(running.pid, os.WUNTRACED)
            if not os.WIFSTOPPED(status):
                break
            time.sleep(_REST)
            _give_to(self._terminal, running.pid)
        with self._lock:
            running.returncode = os.waitstatus_to_exitcode(status)


@contextlib.contextmanager
def _restored(terminal: int) -> Iterator[None]:
    """Take the terminal back at the end, as it was before.

    Raises:
        NotRun: it is not ours to give.
    """
    assert sys.platform != "win32"
    try:
        group, modes = os.tcgetpgrp(terminal), termios.tcgetattr(terminal)
    except (OSError, termios.error) as error:
        raise NotRun(f"The terminal can't be given to a program: {error.args[-1]}.") from None
    if group != os.getpgrp():
        raise NotRun("The terminal can't be given to a program: this one runs in its background.")
    try:
        yield
    finally:
        with _from_the_background(), contextlib.suppress(OSError, termios.error):  # the terminal is gone
            os.tcsetpgrp(terminal, group)
            termios.tcsetattr(terminal, termios.TCSADRAIN, modes)
            os.write(terminal, _RESET)


def _give_to(terminal: int, group: int) -> None:
    """Put a group into the terminal's foreground, and continue it: it may have been stopped before it was there."""
    assert sys.platform != "win32"
    with _from_the_background(), contextlib.suppress(OSError):  # it has ended already
        os.tcsetpgrp(terminal, group)
        os.killpg(group, signal.SIGCONT)


@contextlib.contextmanager
def _from_the_background() -> Iterator[None]:
    """Let this thread change the terminal while another group is in its foreground: otherwise that stops us.

    Nothing is started meanwhile: it would inherit the blocked signal.
    """
    assert sys.platform != "win32"
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
