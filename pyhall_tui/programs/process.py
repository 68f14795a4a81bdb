"""A process of its own group: how it is found, started and ended, and what is said about its end."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final

from pyhall_tui.paths import expanded
from pyhall_tui.profiles.environment import CREDENTIALS, KEY
from pyhall_tui.programs.command import VALUES, NotRun

_NOT_PASSED_ON: Final = (KEY, CREDENTIALS, "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", *VALUES)
"""Variables that are for this program only, and those that a command's values replace."""


def program_path(named: str) -> str:
    """Return the path of a program, which is looked up as a shell does.

    Raises:
        NotRun: there is none, or it can't be executed.
    """
    path = str(expanded(named)) if named.startswith("~") else named
    found = shutil.which(path)
    if found is not None:
        return str(Path(found).absolute())
    if len(Path(path).parts) < 2:
        raise NotRun(f"There is no program {named} on the PATH.")
    if Path(path).is_dir():
        raise NotRun(f"{named} is a folder.")
    if Path(path).exists():
        raise NotRun(f"{named} is not executable: chmod +x makes it so.")
    raise NotRun(f"There is no program {named}.")


def environment(values: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a program: ours without the key, and these values."""
    return {name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON} | dict(values)


def start(argv: Sequence[str], values: Mapping[str, str], **how: Any) -> subprocess.Popen[bytes]:
    """Start a program at the head of a group of its own. `how`: see `subprocess.Popen`.

    Raises:
        NotRun: it can't be started.
    """
    program = program_path(argv[0])
    try:
        return subprocess.Popen([program, *argv[1:]], env=environment(values), **how)
    except OSError as error:
        reason = error.strerror or str(error)
        hint = " A script needs a first line such as #!/bin/sh." if error.errno == 8 else ""  # ENOEXEC
        raise NotRun(f"{argv[0]} can't be started: {reason}.{hint}") from None


def file_of(lines: Sequence[str]) -> IO[bytes]:
    """Return an unnamed file with these lines, at its beginning: unlike a pipe, it takes all that is written.

    Raises:
        NotRun: it can't be written.
    """
    try:
        file = tempfile.TemporaryFile()  # noqa: SIM115 (the caller closes it)
        file.writelines(f"{line}\n".encode() for line in lines)
        file.seek(0)
    except OSError as error:
        raise NotRun(f"The ids can't be written for the program: {error.strerror or error}.") from None
    return file


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a program that still runs, and what it has started; Windows can't tell what that is."""
    if process.returncode is not None:  # not `poll`: another thread waits for its end
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)


def how_it_ended(code: int) -> str:
    """Return what a return code says: `exited with 3`, `was ended by SIGKILL`."""
    if code >= 0:
        return f"exited with {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
