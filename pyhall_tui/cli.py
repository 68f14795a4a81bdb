"""Names the commands and opens the app; imports nothing heavy."""

import gc
import importlib
import io
import os
import sys
from pathlib import Path
from typing import Any

import click

from pyhall_tui import __version__
from pyhall_tui.commands.output import is_of_output

USAGE = 64
"""Exit code of wrong use (`EX_USAGE`): click's own 2 would read as "could not be asked"."""

_NO_READER = 128 + 13
"""Exit code where the reader of a pipe has gone, as of what SIGPIPE ends."""
_NOT_PRINTED = 2

_COMMANDS = {
    "dispatch": ("pyhall_tui.commands.dispatch", "dispatch_command", "Ask the registry for a decision."),
    "doctor": ("pyhall_tui.commands.doctor", "doctor_command", "Look at everything that may be amiss."),
    "enroll": ("pyhall_tui.commands.enroll", "enroll_command", "Enroll a batch of workers, each exactly once."),
    "evidence": ("pyhall_tui.commands.evidence", "evidence_group", "Check a worker's evidence log, or list it."),
    "hall": ("pyhall_tui.commands.hall", "hall_group", "Run the embedded hall, or change its store."),
    "hash": ("pyhall_tui.commands.hash", "hash_command", "Print a package's canonical hash."),
    "policy": ("pyhall_tui.commands.policy", "policy_group", "Keep what policy says, and check it again."),
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

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; where what it prints goes nowhere, it ends with a code that tells, and no traceback."""
        try:
            result = super().invoke(ctx)
            if sys.stdout is not None:
                sys.stdout.flush()
            return result
        except OSError as error:
            if not is_of_output(error):
                raise
            if not isinstance(error, BrokenPipeError):
                click.echo(f"pyhall-tui: This cannot be printed: {error.strerror or error}.", err=True)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is still to be written would fail once more
            ctx.exit(_NO_READER if isinstance(error, BrokenPipeError) else _NOT_PRINTED)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing one."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in sorted(_COMMANDS.items())])


@click.group(cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--profile", metavar="NAME", help="Open this profile.")
@click.option("--demo", is_flag=True, help="Open the demo: an embedded hall, no account needed.")
@click.version_option(__version__, prog_name="pyhall-tui")
@click.pass_context
def pyhall_tui(ctx: click.Context, profile: str | None, demo: bool) -> None:
    """An operations dashboard in the terminal for PyHall. Without a command it opens the app."""
    ctx.obj = profile
    if ctx.invoked_subcommand is None:
        ctx.exit(open_app(profile, demo=demo))


def open_app(profile: str | None, *, demo: bool) -> int:
    """Run the app in the terminal and return its exit code."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        click.echo("The app needs a terminal. In a script use a command: see pyhall-tui --help.", err=True)
        return USAGE
    for stream in (sys.stdout, sys.stderr):  # Textual draws on one of them: in a C locale, escapes for every line
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
    gc.disable()  # up to the first frame there is no garbage to speak of; the app turns it on again
    sys.setswitchinterval(0.0005)  # seconds: a key passes through three threads beside the one that asks
    os.environ.setdefault("TEXTUAL_FPS", "120")  # read when textual is imported: a filter letter takes two frames
    from pyhall_tui.app import PyHallApp
    from pyhall_tui.ending import end_without_a_terminal
    from pyhall_tui.log_file import configure_logging
    from pyhall_tui.paths import Home

    home = Home.of_user()
    note = configure_logging(None if demo else home.state / "pyhall-tui.log")
    app = PyHallApp(home, start_demo=_start_demo, demo=demo, profile_name=profile, notes=(note,) if note else ())
    end_without_a_terminal()
    app.run()
    return app.return_code or 0


def _start_demo() -> Any:
    from pyhall_tui.hall.demo import start_demo

    return start_demo()


def main() -> None:
    """Run the program; the exit code tells how it ended."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # what the locale has no letter for is spelled, and ends no command
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.stderr = sys.stderr or Path(os.devnull).open("w")  # noqa: SIM115 - closed by who started us
    try:
        code = pyhall_tui.main(standalone_mode=False, prog_name="pyhall-tui")
    except click.exceptions.Abort:
        code = 130
    except click.UsageError as mistake:
        mistake.show()
        code = USAGE
    except click.ClickException as mistake:
        mistake.show()
        code = mistake.exit_code
    except KeyboardInterrupt:
        code = 130
    raise SystemExit(code if isinstance(code, int) else 0)
