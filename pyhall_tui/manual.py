"""The manual page, made from the commands and the topics.

Make it again with `python -m pyhall_tui.manual pyhall_tui/share/pyhall-tui.1`. The page is kept in the repository, and
a test holds it to what this makes. So a build needs none of the program's dependencies, and a change of the manual can
be read in a diff. It says neither a version nor the day of the build.
"""

import inspect
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final

import click

from pyhall_tui.command_line import pyhall_tui
from pyhall_tui.files.safe_file import write_atomically
from pyhall_tui.topics.blocks import Block, Kind, Look, Span, read
from pyhall_tui.topics.topics import TOPICS, text_of

_DAY: Final = "2026-11-26"
"""The page's date; readers warn about a page without one. Change it when you rewrite the texts below."""
_NAME: Final = "pyhall-tui"
_ESCAPES: Final = {"\\": r"\e", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "~": r"\(ti", "^": r"\(ha", '"': r"\(dq"}

_WIDTH: Final = 78
_BULLET: Final = r"\(bu"

_HEAD: Final = f"""\
.\\" Made by python -m pyhall_tui.manual; change the commands' help or the topics instead.
.TH PYHALL\\-TUI 1 {_DAY} pyhall\\-tui "User Commands"
.nh
.SH NAME
pyhall\\-tui \\- an operations dashboard in the terminal for PyHall
.SH SYNOPSIS
.B pyhall\\-tui
.RI [ OPTION ]\\&...
.RI [ COMMAND
.RI [ ARGUMENT ]\\&...]
.SH DESCRIPTION
Watch the AI workers of a PyHall namespace live in your terminal:
who is registered, attested or banned.
Without a command, pyhall\\-tui opens the app, and needs a terminal.
In it, ? lists the keys of the screen, and leads to the topics below.
.PP
Every command works without a terminal.
Results go to standard output; everything else goes to standard error.
"""
_EXIT_CODES: Final = {
    "0": "Done, or the answer is yes.",
    "1": "The answer is no.",
    "2": "It could not be checked or done.",
    "64": "Wrong usage.",
    "70": "A crash. The log has the details.",
    "128+N": "Signal N ended it: 130 for ctrl+c, 141 for a broken pipe.",
}
_VARIABLES: Final = {
    "PYHALL_REGISTRY_URL": "The registry, instead of the profile's.",
    "PYHALL_NAMESPACE": "The namespace, instead of the profile's.",
    "PYHALL_API_KEY": "The API key, instead of the one in the keyring.",
    "PYHALL_TUI_CONFIG_DIR": "The folder of profiles.toml, config.toml and baselines.",
    "PYHALL_TUI_DATA_DIR": "The folder of the journal, watch lists and a hall's store.",
    "PYHALL_TUI_STATE_DIR": "The folder of the log and of drafts.",
    "CREDENTIALS_DIRECTORY": "Set by systemd; the file api-key in it is the API key.",
    "HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE": "How the registry is reached.",
    "NO_COLOR": "Only black, white and gray if it is set.",
    "PAGER": "What shows a long topic.",
    "TEXTUAL_DRIVER": "What shows the app instead of a terminal.",
}
_FILES: Final = {
    "~/.config/pyhall-tui/profiles.toml": "Your profiles, without keys.",
    "~/.config/pyhall-tui/config.toml": "Your own keys, colors, columns and commands.",
    "~/.local/share/pyhall-tui/journal.db": "What happened, what you sent, and the alarms.",
    "~/.local/state/pyhall-tui/pyhall-tui.log": "The log.",
}
"""On Linux; `pyhall-tui config path` prints where it is elsewhere."""


def page() -> str:
    """Return the page, in the macros of man(7)."""
    made = list(_lines())
    follows_heading = (line == ".PP" and before.startswith((".SH", ".SS")) for before, line in pairwise(["", *made]))
    return "".join(f"{line}\n" for line, is_needless in zip(made, follows_heading, strict=True) if not is_needless)


def _lines() -> Iterator[str]:
    yield _HEAD.rstrip("\n")
    yield ".SH OPTIONS"
    yield from _parameters(pyhall_tui)
    yield ".SH COMMANDS"
    yield from _commands(pyhall_tui, click.Context(pyhall_tui, info_name=_NAME))
    for name in TOPICS:
        yield from _topic(name)
    yield from _section("EXIT STATUS", _EXIT_CODES)
    yield from _section("ENVIRONMENT", _VARIABLES)
    yield from _section("FILES", _FILES)


def _section(title: str, entries: dict[str, str]) -> Iterator[str]:
    yield f".SH {title}"
    for name, text in entries.items():
        yield from (".TP", f".B {_escaped(name)}", *_prose(_escaped(text)))


def _commands(group: click.Group, context: click.Context) -> Iterator[str]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        at = click.Context(command, info_name=name, parent=context)
        yield f".SS {_escaped(' '.join([at.command_path, *_arguments(command)]))}"
        yield from _help(command.help or "")
        if isinstance(command, click.Group):
            yield from _commands(command, at)
        else:
            yield from _parameters(command)


def _arguments(command: click.Command) -> Iterator[str]:
    if isinstance(command, click.Group):
        yield "COMMAND"
    for param in command.params:
        if isinstance(param, click.Argument):
            name = param.metavar or (param.name or "").upper()
            yield name if param.required or name.startswith("[") else f"[{name}]"


def _help(text: str) -> Iterator[str]:
    for number, paragraph in enumerate(inspect.cleandoc(text.partition("\f")[0]).split("\n\n")):
        if number:
            yield ".PP"
        if paragraph.startswith("\b\n"):
            yield from _verbatim(paragraph.removeprefix("\b\n"))
        else:
            yield from _prose(_escaped(" ".join(paragraph.split())))


def _parameters(command: click.Command) -> Iterator[str]:
    for param in command.params:
        if isinstance(param, click.Option) and not param.hidden:
            yield ".TP"
            yield rf"\fB{_escaped(', '.join([*param.opts, *param.secondary_opts]))}\fR{_value(param)}"
            yield from _prose(_escaped(" ".join(_about(param))))


def _value(option: click.Option) -> str:
    if option.is_flag or option.count:
        return ""
    if isinstance(option.type, click.Choice):
        value = option.metavar or "|".join(map(str, option.type.choices))
    else:
        value = option.metavar or option.type.name.split()[0].upper()
    return rf" \fI{_escaped(value)}\fR"


def _about(option: click.Option) -> Iterator[str]:
    yield option.help or "See above."
    if option.required:
        yield "Required."
    if isinstance(option.show_default, str):
        yield f"Default: {option.show_default}."
    elif option.show_default:
        yield f"Default: {option.default}."


def _topic(name: str) -> Iterator[str]:
    blocks = read(text_of(name))
    yield f".SH {_escaped(blocks[0].spans[0].text.upper())}"
    yield _escaped(f"This is the topic {name}.")
    for block in blocks[1:]:
        yield from _block(block)


def _block(block: Block) -> Iterable[str]:
    if block.kind is Kind.CODE:
        return (".PP", *_verbatim(block.spans[0].text))
    text = "".join(map(_styled, block.spans))
    match block.kind:
        case Kind.HEADING:
            return (f".SS {text}",)
        case Kind.ITEM:
            return (f".IP {_BULLET if block.mark == '•' else block.mark} 4", *_prose(text))
        case _:
            return (".PP", *_prose(text))


def _verbatim(text: str) -> Iterator[str]:
    yield from (".RS 4", ".nf")
    for line in text.split("\n"):
        yield _line(_escaped(line)) or r"\&"
    yield from (".fi", ".RE")


def _styled(span: Span) -> str:
    text = _escaped(span.text)
    return text if span.look is Look.PLAIN else rf"\fB{text}\fR"


def _prose(text: str) -> Iterator[str]:
    """Yield each sentence on lines of its own, as readers of man pages want it."""
    for sentence in re.split(r"(?<=[.?!]) +", text):
        yield from map(_line, textwrap.wrap(sentence, _WIDTH, break_long_words=False, break_on_hyphens=False))


def _line(text: str) -> str:
    """Keep a line that begins with a dot from being a macro."""
    return rf"\&{text}" if text.startswith((".", r"\(aq")) else text


def _escaped(text: str) -> str:
    return "".join(
        _ESCAPES.get(character) or (character if character.isascii() else rf"\[u{ord(character):04X}]")
        for character in text
    )


if __name__ == "__main__":
    write_atomically(Path(sys.argv[1]), page().encode(), mode=0o644)
