"""Opens the app in the terminal. What the first frame does not need is imported after it."""

import atexit
import contextlib
import gc
import io
import os
import sys
import threading
from typing import Any, NoReturn

USAGE = 64
"""Exit code for wrong usage (`EX_USAGE`): click's own 2 would read as "could not be checked"."""

_DRIVER = "TEXTUAL_DRIVER"
"""What shows the app instead of a terminal: `textual-serve` sets this, and talks through pipes."""
_OF_A_TERMINAL = (
    "textual.drivers.linux_driver",
    "textual.drivers.linux_inline_driver",
    "textual.drivers.windows_driver",
)


def open_app(profile: str | None, *, demo: bool, mouse: bool = True) -> int:
    """Run the app in the terminal and return its exit code. Without `mouse`, the terminal selects text with it."""
    driver = os.environ.get(_DRIVER, "")
    if mistake := _mistake_in(driver):
        return _wrong_use(mistake)
    if driver.partition(":")[0] in ("", *_OF_A_TERMINAL) and not _has_terminal():
        return _wrong_use("The app needs a terminal. In a script, use a command: see pyhall-tui --help.")
    for stream in (sys.stdout, sys.stderr):  # Textual draws on one of them: in a C locale, escapes for every line
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
    gc.disable()  # there is hardly any garbage before the first frame; the app turns it on again
    sys.setswitchinterval(0.0005)  # seconds: a key passes through three threads next to the one that sends requests
    os.environ.setdefault("TEXTUAL_FPS", "120")  # read when textual is imported: a typed character takes two frames
    from pyhall_tui.app import PyHallApp
    from pyhall_tui.logs.late_log import LateLog
    from pyhall_tui.paths import Home
    from pyhall_tui.shell.theme import first_theme
    from pyhall_tui.signals import end_without_a_terminal

    home = Home.of_user()
    log = LateLog(None if demo else home.state / "pyhall-tui.log")
    app = PyHallApp(home, make_demo=_make_demo, demo=demo, profile_name=profile, open_log=log.open, theme=first_theme())
    end_without_a_terminal()
    try:
        app.run(mouse=mouse and app.wants_mouse)
        gc.freeze()  # everything is closed: as Python ends, it would search the whole heap several times for garbage
    finally:
        log.open()  # it may have ended before its first frame
    return app.return_code or 0


def end_at_once(code: int) -> NoReturn:
    """End the process after everything that Python does at an exit, except for taking itself down piece by piece.

    That takes a third of the time from `q` to the shell, and frees memory that the system takes back anyway. What ends
    orderly has ended by then: the app has closed its files, threads that are waited for are joined, whatever is
    registered for the exit (the log's last lines, another tool's report) has run, and all output is written.
    """
    try:
        threading._shutdown()  # type: ignore[attr-defined] # noqa: SLF001 - as `multiprocessing` ends its processes
        atexit._run_exitfuncs()  # noqa: SLF001
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):  # nobody reads it, or it is closed
                stream.flush()
        os._exit(code)


def _has_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()  # Textual draws on stderr


def _mistake_in(driver: str) -> str:
    """Return what is wrong with the name of a driver, as a sentence; empty if nothing is."""
    if not driver:
        return ""
    import importlib

    from textual.driver import Driver

    module, _, name = driver.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError):
        found = None
    if isinstance(found, type) and issubclass(found, Driver):
        return ""
    return f"{_DRIVER} is set to {driver[:200]!r}, which is not a driver of Textual. Unset it to use the terminal."


def _wrong_use(sentence: str) -> int:
    import click

    click.echo(sentence, err=sys.__stderr__ is not None or sys.__stdout__ is None)  # None: closed
    return USAGE


def _make_demo() -> Any:
    from pyhall_tui.hall.late_demo import LateDemo

    return LateDemo()
