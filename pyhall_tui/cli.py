"""Names the commands and opens the app; imports nothing heavy."""

import errno
import gc
import importlib
import io
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from pyhall_tui import __version__
from pyhall_tui.commands.output import is_of_output
from pyhall_tui.paths import NoFolder
from pyhall_tui.standard_streams import drop_output, never_fail_on_error, open_missing

USAGE = 64
"""Exit code for wrong usage (`EX_USAGE`): click's own 2 would read as "could not be checked"."""

_NO_READER = 128 + 13
"""Exit code for a broken pipe: the same as for a program that SIGPIPE ended."""
_NOT_DONE = 2
_INTERRUPTED = 128 + 2

_COMMANDS = {
    "dispatch": ("pyhall_tui.commands.dispatch", "dispatch_command", "Ask the registry for a decision."),
    "doctor": ("pyhall_tui.commands.doctor", "doctor_command", "Check the setup and diagnose common problems."),
    "enroll": ("pyhall_tui.commands.enroll", "enroll_command", "Enroll a batch of workers, each exactly once."),
    "evidence": (
        "pyhall_tui.commands.evidence",
        "evidence_group",
        "Check a worker's evidence log, or list its receipts.",
    ),
    "hall": ("pyhall_tui.commands.hall", "hall_group", "Run the embedded hall, or change its store."),
    "hash": ("pyhall_tui.commands.hash", "hash_command", "Print a package's canonical hash."),
    "policy": ("pyhall_tui.commands.policy", "policy_group", "Save a policy's decisions, and check for changes."),
    "verify": ("pyhall_tui.commands.verify", "verify_command", "Print the registry's verdicts on workers."),
}
"""Name -> module, object in it, help line. A module is imported when its command is called."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, name, _ = _COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Read the command line; `--help` and `--version` print here."""
        with _as_our_own_errors():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        with _as_our_own_errors():
            return super().invoke(ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing one."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in sorted(_COMMANDS.items())])


@click.group(cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--profile", metavar="NAME", help="The profile to use.")
@click.option("--demo", is_flag=True, help="Open the demo: an embedded hall, no account needed.")
@click.version_option(__version__, prog_name="pyhall-tui")
@click.pass_context
def pyhall_tui(ctx: click.Context, profile: str | None, demo: bool) -> None:
    """A terminal dashboard for PyHall. Without a command, it opens the app."""
    ctx.obj = profile
    if ctx.invoked_subcommand is None:
        ctx.exit(open_app(profile, demo=demo))


def open_app(profile: str | None, *, demo: bool) -> int:
    """Run the app in the terminal and return its exit code."""
    if not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()):  # Textual draws on standard error
        said = "The app needs a terminal. In a script, use a command: see pyhall-tui --help."
        click.echo(said, err=sys.__stderr__ is not None or sys.__stdout__ is None)  # None: closed
        return USAGE
    for stream in (sys.stdout, sys.stderr):  # Textual draws on one of them: in a C locale, escapes for every line
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
    gc.disable()  # there is hardly any garbage before the first frame; the app turns it on again
    sys.setswitchinterval(0.0005)  # seconds: a key passes through three threads next to the one that sends requests
    os.environ.setdefault("TEXTUAL_FPS", "120")  # read when textual is imported: a typed character takes two frames
    from pyhall_tui.app import PyHallApp
    from pyhall_tui.logs.log_file import configure_logging
    from pyhall_tui.paths import Home
    from pyhall_tui.shell.theme import first_theme
    from pyhall_tui.signals import end_without_a_terminal

    home = Home.of_user()
    note = configure_logging(None if demo else home.state / "pyhall-tui.log")
    notes = (note,) if note else ()
    app = PyHallApp(home, start_demo=_start_demo, demo=demo, profile_name=profile, notes=notes, theme=first_theme())
    end_without_a_terminal()
    app.run()
    return app.return_code or 0


def _start_demo() -> Any:
    from pyhall_tui.hall.demo import start_demo

    return start_demo()


@contextmanager
def _as_our_own_errors() -> Iterator[None]:
    """Handle what click would answer its own way: with exit code 1, or an empty line after a ctrl+c."""
    try:
        yield
    except KeyboardInterrupt:
        raise click.Abort from None
    except OSError as error:
        if is_of_output(error):
            raise _NotPrinted(error) from error
        raise


class _NotPrinted(Exception):
    """A command's output cannot be written."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


def main() -> None:
    """Run the program and end with its exit code. By then all output is written, or the code says that it isn't."""
    open_missing()
    never_fail_on_error()
    threading.excepthook = _log_fault_of_thread
    if isinstance(sys.stdout, io.TextIOWrapper):  # a character that the locale lacks is escaped, and ends no command
        sys.stdout.reconfigure(errors="backslashreplace")
    code = _code_of_run()
    try:
        sys.stdout.flush()  # errors of Python's own flush at exit can't be caught
    except OSError as error:
        code = _tell_not_printed(error)
    raise SystemExit(code)


def _code_of_run() -> int:
    try:
        code = pyhall_tui.main(standalone_mode=False, prog_name="pyhall-tui")
    except SystemExit as end:
        code = end.code
    except (click.Abort, KeyboardInterrupt):
        if sys.stderr.isatty():
            click.echo(err=True)  # so that the shell's prompt starts on a new line
        return _INTERRUPTED
    except click.ClickException as mistake:
        mistake.show()
        return USAGE if isinstance(mistake, click.UsageError) else mistake.exit_code
    except _NotPrinted as nowhere:
        return _tell_not_printed(nowhere.error)
    except NoFolder as none:
        click.echo(f"pyhall-tui: {none}", err=True)
        return _NOT_DONE
    except BaseException as error:
        return _tell_crash(error)
    return code if isinstance(code, int) else 0


def _log_fault_of_thread(args: threading.ExceptHookArgs) -> None:
    """Send a thread's traceback to the log: Python would print it, in the app across the screen."""
    from pyhall_tui import crash

    if args.exc_value is not None:
        crash.report(args.exc_value)


def _tell_not_printed(error: OSError) -> int:
    drop_output()
    if isinstance(error, BrokenPipeError):
        return _NO_READER
    why = "stdout is closed" if error.errno == errno.EBADF else error.strerror or error
    click.echo(f"pyhall-tui: The output can't be written: {why}.", err=True)
    return _NOT_DONE


def _tell_crash(error: BaseException) -> int:
    if isinstance(error, OSError) and is_of_output(error):  # printed by click itself: shell completions
        return _tell_not_printed(error)
    from pyhall_tui import crash

    click.echo(crash.report(error), err=True)
    return crash.EXIT_CODE
