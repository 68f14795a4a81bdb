"""Ending from outside: by a signal, or because the terminal is gone. Always within seconds, with a code that tells.

A signal first asks the app to end as `q` does, with the terminal restored. But where the terminal is gone, Textual's
writer thread dies of it and the app then waits for that thread for ever: so a daemon thread ends the process.
"""

import asyncio
import contextlib
import errno
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

PATIENCE = 2.0
"""Seconds that an orderly end may take; the journal writes each half second, so nothing of it is lost."""


def end_on_signals(ask_to_end: Callable[[int], object]) -> None:
    """Let SIGTERM, SIGHUP (a closed window), SIGINT and SIGQUIT end the program; the exit code is 128 + the signal.

    Call it on the thread of the running loop. `ask_to_end` is called there with the exit code. Signals that a system
    has not (Windows: SIGHUP, SIGQUIT) are left out.
    """
    loop = asyncio.get_running_loop()

    def handle(number: int, frame: FrameType | None) -> None:
        _end_after(PATIENCE, 128 + number)
        with contextlib.suppress(RuntimeError):  # told again when the loop is closed already
            loop.call_soon_threadsafe(ask_to_end, 128 + number)

    if threading.current_thread() is not threading.main_thread():
        return
    for name in ("SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT"):  # ctrl+c in the terminal is a key; this one was sent
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), handle)


def draw_anew_after_a_stop(driver: Any, is_handed_back: Callable[[Any], bool]) -> None:
    """Let SIGCONT set the terminal up anew also after a stop that nobody was told of (SIGSTOP).

    Textual's own handler takes the terminal for handed back, as after ctrl+z: it would start what still runs a
    second time, and at the end give back half of it. Call it when the driver has started; others are left alone.
    `is_handed_back` is asked whether the driver gave the terminal back, and will take it again itself.
    """
    if sys.platform == "win32":
        return
    go_on = signal.getsignal(signal.SIGCONT)
    if not callable(go_on) or id(getattr(go_on, "__self__", None)) != id(driver):
        return

    def handle(number: int, frame: FrameType | None) -> None:
        if not is_handed_back(driver):
            driver.suspend_application_mode()
        go_on(number, frame)

    signal.signal(signal.SIGCONT, handle)


def is_a_shells_job() -> bool:
    """Whether a shell started this that could let it go on after a stop; else it would stand still for good."""
    if sys.platform == "win32":
        return False
    shell = os.getppid()
    try:
        return os.getsid(shell) == os.getsid(0) and os.getpgid(shell) != os.getpgrp()
    except OSError:  # it is gone, or not to be asked
        return False


def end_without_a_terminal() -> None:
    """End the program where a thread can no longer write to the terminal, also if no signal says so."""
    before = threading.excepthook

    def hook(args: threading.ExceptHookArgs) -> None:
        if isinstance(args.exc_value, OSError) and args.exc_value.errno in (errno.EIO, errno.EPIPE, errno.ENXIO):
            _end_after(PATIENCE, 128 + 1)  # as SIGHUP, which a closed window sends
            return
        before(args)

    threading.excepthook = hook


def _end_after(seconds: float, code: int) -> None:
    timer = threading.Timer(seconds, os._exit, (code,))
    timer.daemon = True
    timer.start()
