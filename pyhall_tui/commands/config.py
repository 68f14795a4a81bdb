"""`pyhall-tui config`: check your `config.toml`, print the reference, or where the file is."""

from pathlib import Path

import click

from pyhall_tui.commands.output import printable
from pyhall_tui.config.config import reference
from pyhall_tui.config.config_file import NAME, Unreadable, load
from pyhall_tui.config.known import Known
from pyhall_tui.paths import config_dir

_UNREADABLE = 2


@click.group("config")
def config_group() -> None:
    """Your own keys, colors, columns and commands: config.toml, beside profiles.toml."""


@config_group.command("path")
def path_command() -> None:
    """Print the path of the file, whether it exists or not."""
    click.echo(printable(str(_path())))


@config_group.command("show")
def show_command() -> None:
    """Print the defaults as a config.toml, with what each setting does.

    Copy what you want to change: whatever your file leaves out keeps its default.
    """
    click.echo(reference(_known()), nl=False)


@config_group.command("check")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.pass_context
def check_command(ctx: click.Context, file: Path | None) -> None:
    """Check FILE, or your own config.toml, and print each mistake as file:line:column: sentence.

    Exit code 0: no mistakes, or there is no file. 1: mistakes. 2: the file can't be read.
    """
    path = file or _path()
    try:
        found = load(path, _known())
    except Unreadable as error:
        click.echo(f"{printable(str(path))}: {error}", err=True)
        ctx.exit(_UNREADABLE)
    for mistake in found.mistakes:
        click.echo(f"{printable(str(path))}:{mistake.line}:{mistake.column}: {printable(mistake.sentence)}")
    if not found.is_there:
        if file is not None:
            click.echo(f"{printable(str(path))}: It does not exist.", err=True)
            ctx.exit(_UNREADABLE)
        click.echo(f"{printable(str(path))} does not exist: the defaults count.", err=True)
    ctx.exit(1 if found.mistakes else 0)


def _path() -> Path:
    return config_dir() / NAME


def _known() -> Known:
    from pyhall_tui.shell.known import known  # imports all screens

    return known()
