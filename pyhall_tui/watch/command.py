"""A profile's `on_alarm`: a program that gets each alert as JSON on its standard input.

It is started directly, never through a shell, so no text of an alert is ever part of a command line. It may run for
`SECONDS`, `AT_ONCE` of them at the same time. What it prints goes to the log, the first part of it.
"""

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from pyhall_tui.alarms.alarm import Change
from pyhall_tui.paths import expanded
from pyhall_tui.profiles.environment import CREDENTIALS, KEY
from pyhall_tui.profiles.profile_store import ProfileStore, Table
from pyhall_tui.render.text import clean
from pyhall_tui.watch.delivery import Undelivered
from pyhall_tui.watch.messages import alert

ON_ALARM: Final = "on_alarm"
"""The key in a profile."""
SECONDS: Final = 30.0
"""How long one run may take; then it is ended with everything that it has started."""
AT_ONCE: Final = 4
_OUTPUT: Final = 4_096
"""Bytes of a program's output that are kept."""
_LAST_OUTPUT: Final = 0.2
"""Seconds for the rest of the output after a program has ended; something that it started may hold it open."""
_NOT_PASSED_ON: Final = (KEY, CREDENTIALS, "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
"""Variables that are for this program only: the key, and its line to the service manager."""

_log = logging.getLogger(__name__)


class CommandMistake(Exception):
    """`on_alarm` can't be used; the message is a sentence that says where it is."""


def command_of(store: ProfileStore, name: str) -> tuple[str, ...] | None:
    """Return a profile's `on_alarm`, as `command_in` does.

    Raises:
        CommandMistake: as `command_in`.
        ProfilesFileError: the profiles can't be read.
    """
    return command_in(store.table_in(name, ON_ALARM))


def command_in(table: Table) -> tuple[str, ...] | None:
    """Return the command that a profile holds at `ON_ALARM`, with its program's path; None if it has none.

    Raises:
        CommandMistake: it is not a list of texts, or there is no such program.
    """
    words = table.value
    if words == {}:
        return None
    if not isinstance(words, list) or not words or not all(map(_is_word, words)):
        raise CommandMistake(
            f'{table.where(())}: on_alarm must be a list of texts, a program and its arguments: ["/path/to/program"].'
        )
    named = str(expanded(words[0])) if words[0].startswith("~") else words[0]
    program = shutil.which(named) if named else None
    if program is None:
        raise CommandMistake(f"{table.where(())}: on_alarm names {words[0]!r}, which is not a program here.")
    return (str(Path(program).absolute()), *words[1:])


def _is_word(value: object) -> bool:
    return isinstance(value, str) and "\0" not in value


class OnAlarm:
    """Runs a command for each alert."""

    name = "command"
    most = AT_ONCE

    def __init__(self, command: Sequence[str], at_once: asyncio.Semaphore, *, seconds: float = SECONDS) -> None:
        """Run nothing yet. `at_once` limits how many run at the same time, of all profiles."""
        self._command, self._at_once, self._seconds = tuple(command), at_once, seconds

    async def take(self, changes: Sequence[Change], profile: str) -> Sequence[str]:
        """Run the command for each change; return what failed. It is not repeated: the program may have acted.

        Raises:
            Undelivered: it could not be started.
        """
        runs = [asyncio.ensure_future(self._run(alert(change, profile))) for change in changes]
        try:
            return [failure for failure in await asyncio.gather(*runs) if failure]
        finally:
            for run in runs:
                run.cancel()
            await asyncio.gather(*runs, return_exceptions=True)

    async def _run(self, event: Mapping[str, Any]) -> str:
        """Run the command once; return what failed, empty if nothing did."""
        async with self._at_once:
            run = await self._started()
            try:
                async with asyncio.timeout(self._seconds):
                    code = await run.finish(msgspec.json.encode(event) + b"\n")
                how = f"exited with {code}"
            except TimeoutError:
                code, how = -1, f"did not end within {self._seconds:g} s, and was ended"
            finally:
                await run.end()
        output = clean(run.output.decode("utf-8", "replace").strip())
        said = f"on_alarm {how}{f': {output}' if output else ''}"
        _log.info("%s for %s", said, event["id"])
        return said if code else ""

    async def _started(self) -> "_Run":
        loop = asyncio.get_running_loop()
        try:
            transport, run = await loop.subprocess_exec(
                lambda: _Run(loop),
                *self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON},
                **_of_its_own(),
            )
        except OSError as error:
            raise Undelivered(f"on_alarm can't be started: {error.strerror or error}.") from None
        run.transport = transport
        return run


class _Run(asyncio.SubprocessProtocol):
    """One run. It is over when the program ends, even if something that it started holds its output open."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.transport: asyncio.SubprocessTransport
        self.output = bytearray()
        """The beginning of what it printed."""
        self._ended: asyncio.Future[None] = loop.create_future()
        self._silent: asyncio.Future[None] = loop.create_future()

    async def finish(self, data: bytes) -> int:
        """Hand over the event, and wait for the end; return the exit code."""
        entrance = self.transport.get_pipe_transport(0)
        assert isinstance(entrance, asyncio.WriteTransport)
        entrance.write(data)
        entrance.close()  # after what was written
        await asyncio.wait((self._ended,))
        await asyncio.wait((self._silent,), timeout=_LAST_OUTPUT)
        code = self.transport.get_returncode()
        return -1 if code is None else code

    async def end(self) -> None:
        """End the program if it still runs, with what it started if the system can tell."""
        if not self._ended.done():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if sys.platform == "win32":
                    self.transport.kill()
                else:
                    os.killpg(self.transport.get_pid(), signal.SIGKILL)
            await asyncio.wait((self._ended,), timeout=_LAST_OUTPUT)
        self.transport.close()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self.output += data[: _OUTPUT - len(self.output)]

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == 1 and not self._silent.done():
            self._silent.set_result(None)

    def process_exited(self) -> None:
        if not self._ended.done():
            self._ended.set_result(None)


def _of_its_own() -> dict[str, Any]:
    """Return what makes a program the head of a group, so that it can be ended with what it started."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}
