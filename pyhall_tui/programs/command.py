"""A command of your own, and the rows that it is run on."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from pyhall_tui.profiles.profile import Profile

ROW_VALUES: Final = {
    "WORKER": "the worker's id",
    "NAME": "its display name",
    "STATE": "its state, such as banned or clean",
    "HASH": "the SHA-256 of its package, 64 digits",
    "CAPABILITY": "its capability, the first if it has several; in history and decisions, the one asked for",
    "CAPABILITIES": "all of them, separated by commas",
    "CORRELATION": "the correlation id of its last answer, of the event, or of the decision",
}
"""What differs from row to row."""
SHARED_VALUES: Final = {
    "PROFILE": "the profile's name",
    "NAMESPACE": "its namespace",
    "REGISTRY": "its registry's URL",
    "COUNT": "how many rows this run is for",
}
"""What is the same for all rows of a profile."""
VALUES: Final = ROW_VALUES | SHARED_VALUES
"""The variables that a program gets, by name, and what each holds."""
SCREENS: Final = ("workers", "worker", "overview", "activity", "history", "decisions")
"""The screens, and tabs of screens, that have rows for a command."""
MOST_SECONDS: Final = 86_400.0


class Command(NamedTuple):
    """What a key runs. The first of `run` is the program; a value stands for a whole argument, or follows `--word=`."""

    name: str
    key: str
    """As the app names keys: `ctrl+l`."""
    run: tuple[str, ...]
    title: str
    screens: tuple[str, ...] = ("workers",)
    each: bool = True
    """Run once for each row; otherwise once for all of them, whose ids are lines on its standard input."""
    dangerous: bool = False
    """Ask first."""
    safe: bool = False
    """It changes nothing, so a read-only profile runs it too."""
    background: bool = False
    """Leave the screen as it is, and say how the program ended."""
    wait: bool = True
    """After a program that had the terminal, wait for a key, so that you can read what it wrote."""
    seconds: float = 60.0
    """How long a run in the background may take; then it is ended."""


class Row(NamedTuple):
    """One row."""

    id: str
    """What the row is about: the worker's id."""
    profile: Profile
    values: Callable[[], Mapping[str, str]]
    """Returns those of `ROW_VALUES` that are known; called only if they are needed."""


class NotRun(Exception):
    """A command is not run; the message is a sentence that says why. It is not clean: it may quote an id."""
