"""`[commands]`: keys that run programs of your own on rows."""

import re
from collections.abc import Iterator
from typing import Any, Final, TypeAlias

from pyhall_tui.config.key_names import UnknownKey, key_of
from pyhall_tui.config.keys import ALWAYS
from pyhall_tui.config.known import Known
from pyhall_tui.config.table import Table, no_such
from pyhall_tui.programs.command import MOST_SECONDS, ROW_VALUES, SCREENS, VALUES, Command
from pyhall_tui.programs.plan import value_in
from pyhall_tui.render.text import clean

Commands: TypeAlias = tuple[Command, ...]
"""In the file's order."""

_DEFAULT: Final = Command("", "", (), "")
_FIELDS: Final = tuple("screen" if name == "screens" else name for name in Command._fields if name != "name")
_FLAGS: Final = ("each", "dangerous", "safe", "background", "wait")
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")
_LONGEST_TITLE: Final = 40
_MENTIONED: Final = re.compile(r"\$([A-Z]+)")

_ABOUT: Final = """\
[commands]
# A key that runs a program of yours on the row under the cursor, or on the marked rows. Each command has a name and a
# table, [commands.NAME]. Its program is started directly, never through a shell. It gets what is known about the row in
# its environment, and in place of an argument that consists of the value's name only, or of --word= and the name:"""
_EXAMPLE: Final = """\
# If the value is missing, or begins with - and would be a whole argument, nothing is run. The key to the registry is
# never passed on. A key that something else has on the same screen is a mistake. All settings, with their defaults:
#
# [commands.logs]
# key = "ctrl+l"                        # there is no default
# run = ["journalctl", "-t", "$WORKER"] # there is no default
# title = "logs"                        # the command's name; shown with the other keys, and in the question
# screen = "workers"                    # or a list of: {screens}
# each = true                           # false: one run for all rows, whose ids are lines on its standard input
# dangerous = false                     # true: asks first, with the number of rows
# safe = false                          # true: it changes nothing, so a read-only profile runs it too
# background = false                    # true: it does not get the terminal; the line of news says how it ended
# wait = true                           # false: the screen returns at once after a program that had the terminal
# seconds = 60                          # how long one run in the background may take"""


def read(table: Table, known: Known) -> Commands:
    """Read the section. `known.keys` are those in force."""
    found: list[Command] = []
    for name in table:
        inner = table.table(name)
        if inner is None:
            continue
        if not _NAME.fullmatch(name):
            table.mistake(name, "A command's name consists of up to 40 of A-Z a-z 0-9 - _.", of_name=True)
        elif (command := _command(name, inner)) is not None and not _clashes(command, inner, known, found):
            found.append(command)
    return tuple(found)


def reference(known: Known) -> Iterator[str]:
    """Yield the section: there are no commands by default, so all of it is comments."""
    yield from _ABOUT.split("\n")
    for name, meaning in VALUES.items():
        only = "" if name not in ROW_VALUES else " (with each = true)"
        yield f"#   {f'${name}':<14} {meaning}{only}"
    yield from _EXAMPLE.format(screens=", ".join(SCREENS)).split("\n")


def _command(name: str, table: Table) -> Command | None:
    """Return a command; None if anything in it is wrong: with a setting left out, it might do what you don't want."""
    unknown = [field for field in table if field not in _FIELDS]
    for field in unknown:
        table.unknown(field, "setting of a command", _FIELDS)
    flags: dict[str, Any] = {flag: table.boolean(flag) for flag in _FLAGS if flag in table}
    title = table.string("title")
    each = flags.get("each", _DEFAULT.each) is not False
    needed = (_key(table), _run(table, each=each), _screens(table), _seconds(table))
    if unknown or None in (*flags.values(), *needed) or (title is None and "title" in table):
        return None
    key, run, screens, seconds = needed
    made = Command(
        name, key or "", run or (), clean(title or name, _LONGEST_TITLE), screens or (), seconds=seconds or 0.0
    )
    return made._replace(**flags)


def _missing(table: Table, name: str) -> None:
    if name not in table:
        table.mistake("", f"The command has no {name}.", of_name=True)


def _key(table: Table) -> str | None:
    written = table.string("key")
    if written is None:
        _missing(table, "key")
        return None
    try:
        key = key_of(written)
    except UnknownKey as unknown:
        table.mistake("key", str(unknown))
        return None
    if key in ALWAYS:
        table.mistake("key", f"{key} leads out of everything, so no command can have it.")
        return None
    return key


def _run(table: Table, *, each: bool) -> tuple[str, ...] | None:
    value = table.value("run")
    if (
        not isinstance(value, list)
        or not value
        or not all(isinstance(word, str) and "\0" not in word for word in value)
    ):
        if value is None:
            _missing(table, "run")
        else:
            table.mistake("run", 'run must be a list of texts, a program and its arguments: ["/path/to/program"].')
        return None
    wrong = [sentence for word in value if (sentence := _wrong_argument(word, each=each))]
    if not value[0].strip() or value_in(value[0]) is not None:
        wrong.insert(0, "The first of run is the program: it can't come from a row.")
    for sentence in wrong[:1]:
        table.mistake("run", sentence)
    return None if wrong else tuple(value)


def _wrong_argument(word: str, *, each: bool) -> str:
    """Return what is wrong with an argument, if anything is."""
    name = value_in(word)
    if name is None:
        return _wrong_mention(word)
    if name not in VALUES:
        return no_such("value", f"${name}", [f"${each}" for each in VALUES])
    if name in ROW_VALUES and not each:
        return f"${name} differs from row to row: with each = false, the ids are on the program's standard input."
    return ""


def _wrong_mention(word: str) -> str:
    """Return what is wrong with an argument that only contains a value's name; a script for a shell may do that."""
    mentioned = [name for name in _MENTIONED.findall(word) if name in VALUES]
    if not mentioned or not re.fullmatch(r"[\w$:=/.,@+-]+", word):
        return ""
    shown, value = clean(word, _LONGEST_TITLE), f"${mentioned[0]}"
    return f"{shown} is passed on as it is: write {value} as an argument of its own, or --word={value}."


def _screens(table: Table) -> tuple[str, ...] | None:
    if "screen" not in table:
        return _DEFAULT.screens
    names = table.strings("screen")
    for name in names or ():
        if name not in SCREENS:
            table.mistake("screen", f"{no_such('screen with rows', name, SCREENS)} There are: {', '.join(SCREENS)}.")
            return None
    return tuple(dict.fromkeys(names)) if names else None


def _seconds(table: Table) -> float | None:
    value = table.value("seconds")
    if value is None:
        return _DEFAULT.seconds
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= MOST_SECONDS:
        return float(value)
    table.mistake("seconds", f"seconds must be a number above 0, {MOST_SECONDS:,.0f} at most.")
    return None


def _clashes(command: Command, table: Table, known: Known, before: list[Command]) -> bool:
    """Note whether something else has the command's key where it works."""
    for other in before:
        if other.key == command.key and set(other.screens) & set(command.screens):
            table.mistake("key", f"{command.key} is also the key of the command {other.name}: choose another.")
            return True
    places = [known.screens[name] for name in command.screens if name in known.screens]
    for id_, action in known.keys.items():
        if command.key in action.keys and any(place.meets(action) for place in places):
            table.mistake("key", f"{command.key} is also the key of {id_} ({action.help}): choose another.")
            return True
    return False
