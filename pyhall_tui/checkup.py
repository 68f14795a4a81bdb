"""Checks this machine and the connection to the registry, line by line, using only reads."""

import contextlib
import os
import platform
import shutil
import sqlite3
import stat
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, NamedTuple

from pyhall_tui import __version__
from pyhall_tui.clock import Clock
from pyhall_tui.files.sizes import amount
from pyhall_tui.paths import Home
from pyhall_tui.probe import CheckResult, ProbeStep, apart, probe
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.chosen_profile import HOW_TO_MAKE_ONE, NO_PROFILE
from pyhall_tui.profiles.environment import named_by_variables, variables_in_force
from pyhall_tui.profiles.keys import KeyAnswer, KeySource, KeyState
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.profile_checks import NO_ROOM, leaves_no_room
from pyhall_tui.profiles.profile_store import ProfilesFileError, ProfileStore
from pyhall_tui.registry.errors import RegistryError
from pyhall_tui.registry.retry import http_date

CLOCK_TOLERANCE: Final = 5.0
"""Seconds that the two clocks may differ; the ages of verdicts and bans are shown to the second."""
_SCARCE: Final = 100 * 1024 * 1024
"""Bytes of free disk below which the journal is in danger."""
_PATIENCE: Final = 1_000_000
"""SQLite steps for a check of the journal: a few seconds. A larger journal is checked only in part."""
_LIBRARIES: Final = ("textual", "httpx", "msgspec", "keyring", "truststore", "starlette", "uvicorn")


class Finding(NamedTuple):
    """What was checked, and the result. Texts are unchanged; `render` cleans them."""

    about: str
    mark: CheckResult
    sentence: str
    advice: str = ""
    """What to do if there is a problem."""


class Terminal(NamedTuple):
    """The terminal that the app uses, or would use."""

    is_there: bool
    columns: int
    lines: int
    encoding: str
    environ: Mapping[str, str]

    @classmethod
    def of_process(cls) -> "Terminal":
        """Return the terminal of this process's own standard output."""
        out = sys.__stdout__
        size = shutil.get_terminal_size()
        return cls(bool(out and out.isatty()), size.columns, size.lines, (out and out.encoding) or "", os.environ)


class Patient(NamedTuple):
    """What is examined. `problem`: what is wrong if there is no profile; `key`: what asking for its key came to."""

    home: Home
    clock: Clock
    terminal: Terminal
    profile: Profile | None
    problem: str = ""
    key: KeyAnswer | None = None


async def examine(patient: Patient) -> AsyncIterator[Finding]:
    """Check everything and yield a line for each. Sends at most seven reads and nothing that is recorded.

    It reads files: if nothing else may wait, run it on its own loop (see `examine_apart`).
    """
    profile = patient.profile
    yield _profile(profile, patient.problem, patient.terminal.environ)
    yield _key(patient.key)
    if profile is not None:
        key = patient.key.key if patient.key else None
        async for line in probe(profile, key, patient.clock):
            yield Finding(line.step, line.mark, line.sentence, line.advice)
            if line.step is ProbeStep.TLS:
                yield await _clock(profile, key, patient.clock)
    yield _journal(patient.home.data / "journal.db")
    yield _config(patient.home.config / "profiles.toml", patient.terminal.environ)
    yield _folders(patient.home)
    yield _terminal(patient.terminal)
    yield _versions()


def examine_apart(patient: Patient) -> AsyncGenerator[Finding, None]:
    """Do the same on another thread's loop, so that the caller's never waits; leaving early drops it."""
    return apart(lambda: examine(patient), "pyhall-tui-doctor")


def exit_code(findings: list[Finding]) -> int:
    """Return 0 if there are no problems, 1 if there are, 2 if the registry could not be checked."""
    off = {finding.about for finding in findings if finding.mark is CheckResult.NO}
    if off & {"profile", ProbeStep.REACH, ProbeStep.TLS}:
        return 2
    return 1 if off else 0


def _profile(profile: Profile | None, problem: str, environ: Mapping[str, str]) -> Finding:
    if profile is None:
        if problem:  # it says what to fix
            return Finding("profile", CheckResult.NO, problem)
        return Finding("profile", CheckResult.NO, NO_PROFILE, HOW_TO_MAKE_ONE)
    marks = [word for word, on in (("production", profile.production), ("read-only", profile.read_only)) if on]
    said = f"{profile.name}: {profile.namespace or 'no namespace'} at {profile.registry_url}"
    said = ", ".join((said, *marks)) + "."
    if names := named_by_variables(profile, environ):
        said += f" {' and '.join(names)} {'says' if len(names) == 1 else 'say'} so, over the file."
    if leaves_no_room(profile):
        return Finding("profile", CheckResult.NO, said, NO_ROOM)
    return Finding("profile", CheckResult.YES, said)


def _key(answer: KeyAnswer | None) -> Finding:
    """Say where the key is stored, never the key."""
    about = "key kept"
    if answer is None:
        return Finding(about, CheckResult.NOT_TRIED, "Not asked for.")
    if answer.key is None:
        fine = answer.state is KeyState.ABSENT  # whether one is needed, the registry says below
        return Finding(about, CheckResult.UNPROVEN if fine else CheckResult.NO, answer.sentence)
    safe = answer.source in (KeySource.KEYRING, KeySource.ENVIRONMENT, KeySource.CREDENTIAL)
    return Finding(about, CheckResult.YES if safe else CheckResult.UNPROVEN, answer.sentence)


async def _clock(profile: Profile, key: ApiKey | None, clock: Clock) -> Finding:
    """Compare this machine's clock with the `Date` of the registry's answer, which is in whole seconds."""
    from pyhall_tui.registry.client import RegistryClient

    async with RegistryClient(profile, key, clock) as client:
        sent = clock.now()
        try:
            date = (await client.health(retry=False)).server_date
        except RegistryError as error:
            headers = error.exchange.response_headers if error.exchange else ()
            date = next((value for name, value in headers if name.lower() == "date"), None)
        came = clock.now()
    if not date:
        return Finding("clock", CheckResult.NOT_TRIED, "The registry did not send its time.")
    theirs = http_date(date)
    if theirs is None:
        return Finding("clock", CheckResult.NOT_TRIED, "The registry's time can't be read.")
    return _difference((sent.wall + came.wall) / 2 - (theirs + 0.5), 0.5 + (came.mono - sent.mono) / 2)


def _difference(ahead: float, doubt: float) -> Finding:
    if abs(ahead) <= CLOCK_TOLERANCE + doubt:
        return Finding(
            "clock", CheckResult.YES, f"Within {max(1.0, abs(ahead) + doubt):.0f} s of the registry's clock."
        )
    way = "ahead of" if ahead > 0 else "behind"
    advice = "Set the wrong clock with NTP: until then, ages and times are off by this much."
    return Finding(
        "clock", CheckResult.NO, f"This machine's clock is {abs(ahead):,.0f} s {way} the registry's.", advice
    )


def _journal(path: Path) -> Finding:
    """Say how large the journal is, and whether SQLite finds it whole."""
    try:
        size = sum(file.stat().st_size for file in (path, path.with_name(f"{path.name}-wal")) if file.exists())
        if not path.exists():
            return Finding("journal", CheckResult.YES, f"None yet; it will be created as {path}.")
        wrong = _damage(path)
    except (OSError, sqlite3.Error) as error:
        advice = "Stop other programs that lock it, or give yourself permission to read it."
        return Finding("journal", CheckResult.NO, f"{path} can't be read: {error}.", advice)
    if wrong:
        advice = "Open the app: it sets the damaged journal aside and starts a new one."
        return Finding("journal", CheckResult.NO, f"{path} is damaged: {wrong}", advice)
    return Finding("journal", CheckResult.YES, f"{amount(size)} in {path}.")


def _damage(path: Path) -> str:
    """Return what SQLite finds wrong, or nothing. It stops after `_PATIENCE` steps."""
    asked = 0

    def enough() -> bool:
        nonlocal asked
        asked += 1
        return asked > _PATIENCE // 1_000

    with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=1.0)) as db:
        db.set_progress_handler(enough, 1_000)
        try:
            said = str(db.execute("PRAGMA quick_check(1)").fetchone()[0])
        except sqlite3.OperationalError as error:
            if "interrupted" in str(error):
                return ""
            raise
        except sqlite3.DatabaseError as error:
            return f"{error}."
    return "" if said == "ok" else said


def _config(path: Path, environ: Mapping[str, str]) -> Finding:
    try:
        count = len(ProfileStore(path).load().profiles)
    except ProfilesFileError as mistake:
        return Finding("config", CheckResult.NO, str(mistake), "Fix the file; pyhall-tui does not overwrite it.")
    said = f"{count} profile{'s' * (count != 1)} in {path}."
    if names := variables_in_force(environ):
        said += f" Overridden by {', '.join(names)}."
    if os.name == "posix" and path.exists() and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return Finding(
            "config", CheckResult.UNPROVEN, said, f"Other users of this machine may read it: chmod 600 {path}"
        )
    return Finding("config", CheckResult.YES, said)


def _folders(home: Home) -> Finding:
    """Check that the folders can be written, and that their disks have room."""
    for folder in dict.fromkeys(home):
        there = next(_existing(folder))
        if not os.access(there, os.W_OK):
            return Finding(
                "folders", CheckResult.NO, f"{folder} can't be written.", "Give yourself permission to write there."
            )
        if (free := shutil.disk_usage(there).free) < _SCARCE:
            return Finding(
                "folders", CheckResult.NO, f"Only {amount(free)} free for {folder}.", "Free some space on that disk."
            )
    return Finding("folders", CheckResult.YES, "All can be written.")


def _existing(folder: Path) -> Iterator[Path]:
    return (each for each in (folder, *folder.parents) if each.exists())


def _terminal(terminal: Terminal) -> Finding:
    environ = terminal.environ
    if not terminal.is_there:
        return Finding("terminal", CheckResult.NOT_TRIED, "Not a terminal: the app needs one, the commands don't.")
    names = [f"{name}={environ[name]}" for name in ("TERM", "COLORTERM", "TERM_PROGRAM", "NO_COLOR") if name in environ]
    inside = [word for name, word in (("TMUX", "tmux"), ("STY", "screen"), ("SSH_TTY", "ssh")) if environ.get(name)]
    said = f"{terminal.columns}×{terminal.lines}, {', '.join((terminal.encoding, *names, *inside))}."
    if terminal.encoding.lower().replace("-", "") != "utf8":
        return Finding(
            "terminal", CheckResult.NO, said, "Its encoding is not UTF-8: set LANG (or LC_ALL) to a UTF-8 locale."
        )
    if environ.get("TERM") in ("dumb", "unknown"):
        return Finding(
            "terminal", CheckResult.NO, said, "TERM does not name a terminal that the app can draw on: set it."
        )
    if terminal.columns < 80 or terminal.lines < 24:
        return Finding("terminal", CheckResult.UNPROVEN, said, "The app is made for 80×24 or larger.")
    return Finding("terminal", CheckResult.YES, said)


def _versions() -> Finding:
    libraries = [f"{name} {_version(name)}" for name in _LIBRARIES]
    machine = f"Python {platform.python_version()}, {platform.system()} {platform.release()} {platform.machine()}"
    missing = [name for name in libraries if name.endswith("missing")]
    said = f"pyhall-tui {__version__}, {machine}, {', '.join(libraries)}."
    return Finding(
        "versions", CheckResult.NO if missing else CheckResult.YES, said, "Install pyhall-tui again." if missing else ""
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"
