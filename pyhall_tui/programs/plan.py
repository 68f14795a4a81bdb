"""What a command runs on which rows. It is decided before anything is run: if one row can't be passed on, none is.

Values come from the network. A program could take one that begins with `-` for an option, and one with a line break for
two lines. Neither is passed on, nor any control character.
"""

import re
import sys
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from pyhall_tui.profiles.profile import Profile
from pyhall_tui.programs.command import ROW_VALUES, VALUES, Command, NotRun, Row

MOST_RUNS: Final = 1_000
"""Runs that one key starts at most."""
_VALUE: Final = re.compile(r"(?P<option>--[A-Za-z0-9][A-Za-z0-9_-]*=)?\$(?P<name>[A-Z]+)")
_LONGEST: Final = 60
"""Characters of a value that a sentence repeats."""
_BATCH: Final = (".bat", ".cmd")


class Run(NamedTuple):
    """One run of a program."""

    argv: tuple[str, ...]
    values: Mapping[str, str]
    """What the environment holds in addition."""
    lines: tuple[str, ...] | None
    """What its standard input holds; None: it has none, or the terminal."""
    about: str
    """The row that it is for, or how many."""


def value_in(argument: str) -> str | None:
    """Return the name of the value that an argument stands for, known or not; None if it is passed on as it is."""
    found = _VALUE.fullmatch(argument)
    return found["name"] if found else None


def runs_of(command: Command, rows: Sequence[Row], platform: str = sys.platform) -> list[Run]:
    """Return the runs for these rows, in their order; one for each profile if not one for each row.

    Raises:
        NotRun: a profile is read-only, a value is missing or can't be passed on, or they are too many.
    """
    if platform == "win32" and command.run[0].casefold().endswith(_BATCH):
        raise NotRun(f"{command.title} is not run: Windows would start {command.run[0]} through a shell.")
    _refuse_read_only(command, rows)
    if not command.each:
        return [_run_for_all(command, profile, ids) for profile, ids in _by_profile(rows).items()]
    if len(rows) > MOST_RUNS:
        raise NotRun(
            f"{command.title} is not run: it would run {len(rows):,} times, and {MOST_RUNS:,} is the limit. "
            "With each = false it runs once, and reads the ids from its standard input."
        )
    return [_run_for(command, row) for row in rows]


def _refuse_read_only(command: Command, rows: Sequence[Row]) -> None:
    refusing = dict.fromkeys(row.profile.name for row in rows if row.profile.read_only)
    if refusing and not command.safe:
        raise NotRun(
            f"{command.title} is not run: the profile {', '.join(refusing)} is read-only. "
            "If the command changes nothing, mark it with safe = true in config.toml."
        )


def _by_profile(rows: Sequence[Row]) -> dict[Profile, list[str]]:
    """Return the ids of each profile's rows, each once: two events may be about one worker."""
    found: dict[Profile, dict[str, None]] = {}
    for row in rows:
        found.setdefault(row.profile, {})[row.id] = None
    return {profile: list(ids) for profile, ids in found.items()}


def _run_for(command: Command, row: Row) -> Run:
    values = {**row.values(), **_shared(row.profile, 1)}
    return Run(_argv(command, values, row.id), _checked(command, values, row.id), None, row.id)


def _run_for_all(command: Command, profile: Profile, ids: Sequence[str]) -> Run:
    values = _shared(profile, len(ids))
    for each in ids:
        _check(command, "id", each, each)
    about = ids[0] if len(ids) == 1 else f"{len(ids):,} rows"
    return Run(_argv(command, values, about), _checked(command, values, about), tuple(ids), about)


def _shared(profile: Profile, count: int) -> dict[str, str]:
    return {
        "PROFILE": profile.name,
        "NAMESPACE": profile.namespace,
        "REGISTRY": profile.registry_url,
        "COUNT": str(count),
    }


def _checked(command: Command, values: Mapping[str, str], about: str) -> dict[str, str]:
    """Return the values for the environment; one that is empty is left out."""
    for name, value in values.items():
        _check(command, f"${name}", value, about)
    return {name: value for name, value in values.items() if value}


def _check(command: Command, what: str, value: str, about: str) -> None:
    """Refuse what an environment or a line can't hold, or what a terminal or a program would take for a command."""
    if any(letter < " " or "\x7f" <= letter <= "\x9f" or letter in "\u2028\u2029" for letter in value):
        raise _refused(command, about, f"its {what} has a control character in it")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _refused(command, about, f"its {what} has half a character in it") from None


def _argv(command: Command, values: Mapping[str, str], about: str) -> tuple[str, ...]:
    return (command.run[0], *(_argument(command, each, values, about) for each in command.run[1:]))


def _argument(command: Command, argument: str, values: Mapping[str, str], about: str) -> str:
    found = _VALUE.fullmatch(argument)
    if found is None:
        return argument
    name, option = found["name"], found["option"] or ""
    value = values.get(name, "")
    if name not in VALUES or (name in ROW_VALUES and not command.each):
        raise NotRun(f"{command.title} is not run: there is no ${name} for it.")
    if not value:
        raise _refused(command, about, f"it has no ${name}")
    if value.startswith("-") and not option:
        raise _refused(
            command,
            about,
            f"its ${name} begins with -, so the program could take it for an option. "
            f"If the program has an option for it, write --option=${name} in config.toml",
        )
    return option + value


def _refused(command: Command, about: str, why: str) -> NotRun:
    shown = about if len(about) <= _LONGEST else about[:_LONGEST] + "…"
    return NotRun(f"{command.title} is not run on {shown}: {why}.")
