"""The command line: names the commands, and imports each when it is called. Opening the app bypasses it."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from click.shell_completion import CompletionItem

from pyhall_tui import __version__
from pyhall_tui.commands.completed import profiles
from pyhall_tui.commands.output import is_of_output
from pyhall_tui.start import USAGE, open_app

_COMMANDS = {
    "alarms": ("pyhall_tui.commands.alarms", "alarms_group", "List, acknowledge and silence alarms."),
    "bans": ("pyhall_tui.commands.bans", "bans_group", "List and check the ban list, and report a hash."),
    "completion": ("pyhall_tui.commands.completion", "completion_command", "Print the completions for your shell."),
    "config": ("pyhall_tui.commands.config", "config_group", "Check your own keys and colors, or list all of them."),
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
    "health": ("pyhall_tui.commands.health", "health_command", "Ask if a hall or a watcher is up."),
    "help": ("pyhall_tui.commands.help", "help_command", "Explain a topic; without one, list them."),
    "policy": ("pyhall_tui.commands.policy", "policy_group", "Save a policy's decisions, and check for changes."),
    "verify": ("pyhall_tui.commands.verify", "verify_command", "Print the registry's verdicts on workers."),
    "watch": ("pyhall_tui.commands.watch", "watch_command", "Watch without a screen: events, metrics, alerts."),
    "watch-list": ("pyhall_tui.commands.watch_list", "watch_list_group", "List, add and remove watched workers."),
}
"""Name -> module, object in it, help line. A module is imported when its command is called."""


class NotPrinted(Exception):
    """A command's output can't be written."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


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

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; suggest one that is spelled like an unknown one."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as unknown:
            raise click.NoSuchCommand(unknown.command_name, possibilities=_COMMANDS, ctx=ctx) from None

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete a command or an option, without importing a command."""
        found = [
            CompletionItem(name, help=line)
            for name, (_, _, line) in sorted(_COMMANDS.items())
            if name.startswith(incomplete)
        ]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

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
@click.option("--profile", metavar="NAME", help="The profile to use.", shell_complete=profiles)
@click.option("--demo", is_flag=True, help="Open the demo: an embedded hall, no account needed.")
@click.option("--no-mouse", is_flag=True, help="Leave the mouse to the terminal, to select text; M takes it.")
@click.version_option(__version__, prog_name="pyhall-tui")
@click.pass_context
def pyhall_tui(ctx: click.Context, profile: str | None, demo: bool, no_mouse: bool) -> None:
    """A terminal dashboard for PyHall. Without a command, it opens the app."""
    ctx.obj = profile
    if ctx.invoked_subcommand is None:
        ctx.exit(open_app(profile, demo=demo, mouse=not no_mouse))


def run() -> int:
    """Run the command line; return the exit code.

    Raises:
        KeyboardInterrupt: also for click's own `Abort`.
        NotPrinted: the output can't be written.
    """
    try:
        code = pyhall_tui.main(standalone_mode=False, prog_name="pyhall-tui")
    except SystemExit as end:
        code = end.code
    except click.Abort:
        raise KeyboardInterrupt from None
    except click.ClickException as mistake:
        mistake.show()
        if elsewhere := _elsewhere(mistake):
            click.echo(elsewhere, err=True)
        return USAGE if isinstance(mistake, click.UsageError) else mistake.exit_code
    return code if isinstance(code, int) else 0


def _elsewhere(mistake: click.ClickException) -> str:
    """Return where the command line has what was looked for in the wrong place; empty if nowhere."""
    if isinstance(mistake, click.NoSuchOption) and mistake.option_name in _options_of_all():
        return f"{mistake.option_name} goes before the command: pyhall-tui {mistake.option_name} …"
    if isinstance(mistake, click.NoSuchCommand):
        from pyhall_tui.topics.topics import TOPICS

        if mistake.command_name in TOPICS:
            return f"It is a topic: pyhall-tui help {mistake.command_name}"
    return ""


def _options_of_all() -> set[str]:
    return {option for param in pyhall_tui.params for option in param.opts}


@contextmanager
def _as_our_own_errors() -> Iterator[None]:
    """Handle what click would answer its own way: with exit code 1, or an empty line after a ctrl+c."""
    try:
        yield
    except KeyboardInterrupt:
        raise click.Abort from None
    except OSError as error:
        if is_of_output(error):
            raise NotPrinted(error) from error
        raise
