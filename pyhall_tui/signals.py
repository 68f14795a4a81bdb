"""Ending from outside: by a signal, or because the terminal is gone. Always within seconds, with a telling exit code.

A signal first asks the app to end as `q` does, restoring the terminal. But if the terminal is gone, Textual's writer
thread dies and the app would wait for that thread forever, so a daemon thread ends the process.
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

_HUNG_UP = 128 + 1
"""Exit code if nobody sees the app any more: as of SIGHUP, which a closed window sends."""
PATIENCE = 2.0
"""Seconds that an orderly end may take; the journal writes every half second, so it loses nothing."""


def end_on_signals(ask_to_end: Callable[[int], object]) -> None:
    """Let SIGTERM, SIGHUP (a closed window), SIGINT and SIGQUIT end the program; the exit code is 128 + the signal.

    Call it on the thread of the running loop. `ask_to_end` is called there with the exit code. Signals that the system
    doesn't have (Windows: SIGHUP, SIGQUIT) are left out.
    """
    loop = asyncio.get_running_loop()

    def handle(number: int, frame: FrameType | None) -> None:
        _end_after(PATIENCE, 128 + number)
        with contextlib.suppress(RuntimeError):  # signalled again after the loop was closed
            loop.call_soon_threadsafe(ask_to_end, 128 + number)

    if threading.current_thread() is not threading.main_thread():
        return
    for name in ("SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT"):  # ctrl+c in the terminal is a key; this one was sent
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), handle)


def draw_anew_after_a_stop(driver: Any, is_handed_back: Callable[[Any], bool]) -> None:
    """Let SIGCONT set up the terminal again even after a stop without notice (SIGSTOP).

    Textual's own handler assumes that the terminal was handed back, as after ctrl+z. It would start a second time what
    still runs, and restore only half of it at the end. Also, its handlers write to the terminal at once: a signal that
    comes while this thread holds the lock of the writer's queue would block it for good. So both wait for the loop.
    Call this on the loop's thread after the driver has started; it changes no other driver. `is_handed_back` says
    whether the driver gave the terminal back and will take it again itself.
    """
    if sys.platform == "win32":
        return
    go_on, stop = signal.getsignal(signal.SIGCONT), signal.getsignal(signal.SIGTSTP)
    if not callable(go_on) or not callable(stop) or id(getattr(go_on, "__self__", None)) != id(driver):
        return
    loop = asyncio.get_running_loop()
    is_stopping = False

    def resume() -> None:
        if not is_handed_back(driver):
            driver.suspend_application_mode()
        go_on(signal.SIGCONT, None)

    def stop_and_resume() -> None:
        nonlocal is_stopping
        is_stopping = True
        try:
            stop(signal.SIGTSTP, None)  # returns after SIGCONT
        finally:
            is_stopping = False
        go_on(signal.SIGCONT, None)  # at once: until then nothing can be drawn

    def on_the_loop(function: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(function)

    signal.signal(signal.SIGTSTP, lambda number, frame: on_the_loop(stop_and_resume))
    signal.signal(signal.SIGCONT, lambda number, frame: None if is_stopping else on_the_loop(resume))


def is_a_shells_job() -> bool:
    """Whether a shell started this program and could resume it after a stop; otherwise it would stay stopped."""
    if sys.platform == "win32":
        return False
    shell = os.getppid()
    try:
        return os.getsid(shell) == os.getsid(0) and os.getpgid(shell) != os.getpgrp()
    except OSError:  # it is gone, or can't be asked
        return False


def end_without_a_terminal() -> None:
    """End the program if a thread can no longer write to the terminal, even without a signal."""
    before = threading.excepthook

    def hook(args: threading.ExceptHookArgs) -> None:
        if isinstance(args.exc_value, OSError) and args.exc_value.errno in (errno.EIO, errno.EPIPE, errno.ENXIO):
            _end_after(PATIENCE, _HUNG_UP)
            return
        before(args)

    threading.excepthook = hook


def end_unseen(ask_to_end: Callable[[int], object]) -> Callable[[], None]:
    """Return what ends the program, from any thread, as a closed window does. Call this on the loop's thread."""
    loop = asyncio.get_running_loop()

    def end() -> None:
        _end_after(PATIENCE, _HUNG_UP)
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(ask_to_end, _HUNG_UP)

    return end


def _end_after(seconds: float, code: int) -> None:
    timer = threading.Timer(seconds, os._exit, (code,))
    timer.daemon = True
    timer.start()
