"""A run in the background: it has no terminal and a time limit, and only the end of what it prints is kept."""

import os
import selectors
import subprocess
import sys
import threading
import time
from typing import Any, Final, NamedTuple

from pyhall_tui.programs import process
from pyhall_tui.programs.command import NotRun
from pyhall_tui.programs.plan import Run

AT_ONCE: Final = 4
"""Runs at the same time."""
_KEPT: Final = 4_096
"""Bytes of the output's end that are kept."""
_CHUNK: Final = 65_536
_BREATH: Final = 0.001
"""Seconds of rest after each chunk, so that a program that prints without end does not slow down the screen."""
_LOOK: Final = 0.05
"""Seconds between two looks whether a program has to end."""
_LAST_OUTPUT: Final = 0.2
"""Seconds for the rest of the output after a program has ended; something that it started may hold it open."""


class Ended(NamedTuple):
    """How a run ended."""

    code: int
    """Its exit code; a signal's is negative."""
    output: bytes
    """The end of what it printed."""
    too_long: bool = False
    """It was ended because its time was over."""

    @property
    def how(self) -> str:
        """What is said about it: `exited with 3`."""
        return "did not end in time, and was ended" if self.too_long else process.how_it_ended(self.code)


class BackgroundRun:
    """One run. `run` blocks, in a thread of its own; `stop` may be called on any other."""

    def __init__(self, what: Run, seconds: float) -> None:
        """Start nothing yet. The run may take that many seconds."""
        self._what, self._seconds = what, seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._is_stopped = False
        self._is_over = threading.Event()
        self._output = bytearray()

    def run(self) -> Ended:
        """Run it until it ends, its time is over, or it is stopped.

        Raises:
            NotRun: it can't be started.
        """
        running = self._start()
        reader = threading.Thread(target=self._read, args=(running,), name="output of a command", daemon=True)
        reader.start()
        too_long = not self._wait(running)
        reader.join(_LAST_OUTPUT)
        self._is_over.set()
        return Ended(running.returncode, bytes(self._output), too_long)

    def stop(self) -> None:
        """End it now, with what it has started; it is not started if it was not yet."""
        with self._lock:
            self._is_stopped = True
            if self._process is not None:
                process.end_group(self._process)

    def _start(self) -> subprocess.Popen[bytes]:
        lines = process.file_of(self._what.lines) if self._what.lines is not None else None
        try:
            with self._lock:
                if self._is_stopped:
                    raise NotRun(f"{self._what.argv[0]} was stopped before it began.")
                self._process = process.start(
                    self._what.argv,
                    self._what.values,
                    stdin=lines or subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    bufsize=0,
                    **_of_its_own(),
                )
        finally:
            if lines is not None:
                lines.close()
        return self._process

    def _wait(self, running: subprocess.Popen[bytes]) -> bool:
        """Wait until it has ended; return whether it did so in time."""
        end = time.monotonic() + self._seconds
        while True:
            try:
                running.wait(min(_LOOK, max(0.0, end - time.monotonic())))
            except subprocess.TimeoutExpired:
                if time.monotonic() < end:
                    continue
                process.end_group(running)
                running.wait()
                return False
            return True

    def _read(self, running: subprocess.Popen[bytes]) -> None:
        assert running.stdout is not None
        with running.stdout as output, selectors.DefaultSelector() as selector:
            if sys.platform != "win32":
                selector.register(output, selectors.EVENT_READ)
            while not self._is_over.is_set():
                if sys.platform != "win32" and not selector.select(_LOOK):
                    continue
                data = os.read(output.fileno(), _CHUNK)
                if not data:
                    return
                self._output += data
                del self._output[:-_KEPT]
                if len(data) > _KEPT:
                    time.sleep(_BREATH)


def _of_its_own() -> dict[str, Any]:
    """Return what makes a program the head of a group, without a terminal."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}
