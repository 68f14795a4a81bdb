"""`pyhall-tui help [TOPIC]`: the topics of the manual in the terminal, and the help of a command."""

import os
import shutil
import sys
from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

import click

from pyhall_tui.commands.completed import topics
from pyhall_tui.topics.topics import TOPICS, text_of

if TYPE_CHECKING:
    from pyhall_tui.topics.lines import Line

_MOST_COLUMNS: Final = 100
"""Longer lines are hard to read, however wide the terminal is."""


@click.command("help")
@click.argument("words", nargs=-1, metavar="[TOPIC]", shell_complete=topics)
@click.pass_context
def help_command(ctx: click.Context, words: tuple[str, ...]) -> None:
    """Explain a TOPIC. Without one, list the topics.

    Long texts go through your pager if stdout is a terminal. The name of a command shows the command's own help.
    """
    if not words:
        click.echo(_list())
    elif len(words) == 1 and words[0] in TOPICS:
        _show(words[0])
    else:
        click.echo(_command_help(ctx, words))


def _list() -> str:
    longest = max(map(len, TOPICS))
    topics_ = "\n".join(f"  {name.ljust(longest)}  {line}" for name, line in TOPICS.items())
    return (
        f"Topics:\n{topics_}\n\n"
        "Read one with: pyhall-tui help TOPIC\n"
        "A command's options: pyhall-tui COMMAND --help\n"
        "The keys of a screen: press ? in the app"
    )


def _show(name: str) -> None:
    from pyhall_tui.topics.blocks import read
    from pyhall_tui.topics.lines import as_lines, as_text, with_backticks

    size, blocks = shutil.get_terminal_size(), read(text_of(name))
    to_terminal = sys.stdout.isatty()
    in_color = to_terminal and _wants_color()
    lines = as_lines(blocks if in_color else with_backticks(blocks), min(size.columns, _MOST_COLUMNS))
    text = _colored(lines) if in_color else as_text(lines)
    if to_terminal and sys.stdin.isatty() and len(lines) >= size.lines:
        click.echo_via_pager(text)
    else:
        click.echo(text, nl=False)


def _wants_color() -> bool:
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _colored(lines: Iterable["Line"]) -> str:
    from pyhall_tui.topics.blocks import Look

    looks: dict[Look, dict[str, Any]] = {Look.STRONG: {"bold": True}, Look.CODE: {"fg": "cyan"}}
    return "".join(
        "".join(click.style(span.text, **looks[span.look]) if span.look in looks else span.text for span in line) + "\n"
        for line in lines
    )


def _command_help(ctx: click.Context, words: tuple[str, ...]) -> str:
    """Return the help of the command that the words name. Raises `UsageError` if there is none."""
    found: click.Command = ctx.find_root().command
    at = ctx.find_root()
    for word in words:
        inner = found.get_command(at, word) if isinstance(found, click.Group) else None
        if inner is None:
            raise click.UsageError(_unknown(at, found, word), ctx)
        found, at = inner, click.Context(inner, info_name=word, parent=at)
    return found.get_help(at)


def _unknown(at: click.Context, found: click.Command, word: str) -> str:
    commands = found.list_commands(at) if isinstance(found, click.Group) else []
    if at.parent is None:
        return f"There is no topic '{word}'.{_close(word, [*TOPICS, *commands])}"
    return f"'{at.command_path}' has no command '{word}'.{_close(word, commands)}"


def _close(word: str, names: list[str]) -> str:
    close = list(dict.fromkeys(get_close_matches(word.lower(), names)))
    if not close:
        return " 'pyhall-tui help' lists the topics."
    return f" Did you mean {' or '.join(repr(name) for name in close)}?"
