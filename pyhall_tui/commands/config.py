"""`pyhall-tui config`: check your `config.toml`, print the reference, or where the file is."""

from pathlib import Path

import click

from pyhall_tui.commands.output import printable
from pyhall_tui.config.config import Config, reference
from pyhall_tui.config.config_file import NAME, Loaded, Unreadable, load
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
@click.option("--effective", is_flag=True, help="Print what is in force: the defaults with your changes.")
@click.pass_context
def show_command(ctx: click.Context, *, effective: bool) -> None:
    """Print the defaults as a config.toml, with what each setting does.

    Copy what you want to change: whatever your file leaves out keeps its default.

    With --effective, mistakes go to stderr. Exit code 0: no mistakes, or there is no file. 1: mistakes, so the settings
    that have them keep their defaults. 2: the file can't be read, so all settings do.
    """
    known = _known()
    if not effective:
        click.echo(reference(known), nl=False)
        return
    from pyhall_tui.config.effective import effective as in_force  # loads tomlkit

    path, code, config = _path(), 0, Config()
    try:
        found = load(path, known)
    except Unreadable as error:
        click.echo(f"{printable(str(path))}: {error}", err=True)
        code = _UNREADABLE
    else:
        _print_mistakes(path, found, err=True)
        code, config = int(bool(found.mistakes)), found.config or config
    click.echo(in_force(config, known), nl=False)
    ctx.exit(code)


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
    _print_mistakes(path, found)
    if not found.is_there:
        if file is not None:
            click.echo(f"{printable(str(path))}: It does not exist.", err=True)
            ctx.exit(_UNREADABLE)
        click.echo(f"{printable(str(path))} does not exist: the defaults count.", err=True)
    ctx.exit(1 if found.mistakes else 0)


def _print_mistakes(path: Path, found: Loaded, *, err: bool = False) -> None:
    for mistake in found.mistakes:
        click.echo(f"{printable(str(path))}:{mistake.line}:{mistake.column}: {printable(mistake.sentence)}", err=err)


def _path() -> Path:
    return config_dir() / NAME


def _known() -> Known:
    from pyhall_tui.shell.known import known  # imports all screens

    return known()
