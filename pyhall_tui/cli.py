"""The program from its first line to its exit code. It imports nothing heavy, click neither: the app opens without."""

import errno
import io
import os
import sys
import threading
from typing import NamedTuple

from pyhall_tui.paths import NoFolder
from pyhall_tui.standard_streams import drop_output, never_fail_on_error, open_missing
from pyhall_tui.start import end_at_once, open_app

_NO_READER = 128 + 13
"""Exit code for a broken pipe: the same as for a program that SIGPIPE ended."""
_NOT_DONE = 2
_INTERRUPTED = 128 + 2
_COMPLETION = "_PYHALL_TUI_COMPLETE"
"""The variable by which a shell asks click for completions, without an argument."""


class _Opening(NamedTuple):
    """What to open, as the plainest command lines say."""

    profile: str | None = None
    demo: bool = False


def main() -> None:
    """Run the program and end with its exit code. By then all output is written, or the code says that it is not."""
    open_missing()
    never_fail_on_error()
    threading.excepthook = _log_fault_of_thread
    if isinstance(sys.stdout, io.TextIOWrapper):  # a character that the locale lacks is escaped, and ends no command
        sys.stdout.reconfigure(errors="backslashreplace")
    opening = _opening(sys.argv[1:])
    code = _code_of_run(opening)
    try:
        sys.stdout.flush()  # errors of Python's own flush at exit can't be caught
    except OSError as error:
        code = _tell_not_printed(error)
    if opening is not None:
        end_at_once(code)
    raise SystemExit(code)


def _code_of_run(opening: _Opening | None) -> int:
    try:
        if opening is not None:
            return open_app(opening.profile, demo=opening.demo)
        return _run_command_line()
    except KeyboardInterrupt:
        if sys.stderr.isatty():
            _say("")  # the shell's next line begins on a line of its own
        return _INTERRUPTED
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except NoFolder as none:
        _say(f"pyhall-tui: {none}")
        return _NOT_DONE
    except BaseException as error:
        return _tell_crash(error)


def _opening(arguments: list[str]) -> _Opening | None:
    """Return what to open if the command line says only that; None if click has to read it.

    Reading it ourselves saves what click's import takes, which is a tenth of all that comes before the first frame.
    """
    if _COMPLETION in os.environ:
        return None
    match arguments:
        case []:
            return _Opening()
        case ["--demo"]:
            return _Opening(demo=True)
        case ["--profile", name] if name and not name.startswith("-"):
            return _Opening(profile=name)
    return None


def _run_command_line() -> int:
    from pyhall_tui.command_line import NotPrinted, run

    try:
        return run()
    except NotPrinted as nowhere:
        return _tell_not_printed(nowhere.error)


def _log_fault_of_thread(args: threading.ExceptHookArgs) -> None:
    """Send a thread's traceback to the log: Python would print it, in the app across the screen."""
    from pyhall_tui import crash

    if args.exc_value is not None:
        crash.report(args.exc_value)


def _say(sentence: str) -> None:
    """Print on standard error, which never fails: click encodes for whatever it is."""
    import click

    click.echo(sentence, err=True)


def _tell_not_printed(error: OSError) -> int:
    drop_output()
    if isinstance(error, BrokenPipeError):
        return _NO_READER
    why = "stdout is closed" if error.errno == errno.EBADF else error.strerror or error
    _say(f"pyhall-tui: The output can't be written: {why}.")
    return _NOT_DONE


def _tell_crash(error: BaseException) -> int:
    from pyhall_tui.commands.output import is_of_output

    if isinstance(error, OSError) and is_of_output(error):  # printed by click itself: a shell's completions
        return _tell_not_printed(error)
    from pyhall_tui import crash

    _say(crash.report(error))
    return crash.EXIT_CODE
