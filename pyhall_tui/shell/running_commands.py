"""Runs your own commands: after a question if one is needed, with the terminal or beside it; says how they ended."""

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Final, TypeVar

from textual.app import SuspendNotSupported
from textual.content import Content
from textual.screen import Screen

from pyhall_tui.clock import Clock
from pyhall_tui.feeds.news import Tone
from pyhall_tui.programs.background import AT_ONCE, BackgroundRun, Ended
from pyhall_tui.programs.command import Command, NotRun
from pyhall_tui.programs.plan import Run, runs_of
from pyhall_tui.programs.process import how_it_ended
from pyhall_tui.programs.terminal import TerminalRun
from pyhall_tui.render.text import clean, id_text
from pyhall_tui.screens.command_rows import HasRows, Targets
from pyhall_tui.screens.enroll.ask import AskScreen
from pyhall_tui.shell.news import NewsApp
from pyhall_tui.textual_internals import lent_terminal
from pyhall_tui.threads.off_loop import off_loop
from pyhall_tui.widgets.key_bar import key_name
from pyhall_tui.widgets.typed_ahead import keys_wait_for

T = TypeVar("T")
_MANY: Final = 20
"""More runs than this start only after a question."""
_REST: Final = 0.5
"""Seconds for which a command's key does nothing after it was pressed and after the command ended: it is held down."""
_LAST_LINES: Final = 3
_MOST_SAID: Final = 300
"""Characters of output that one line of news repeats: the last ones."""
_MOST_LOGGED: Final = 50
"""Runs of one key that have a line each in the log of this run."""
_MOST_NAMED: Final = 8
_PATIENCE: Final = 1.0
"""Seconds that the end of the app waits for a program that was killed."""


class RunningCommands:
    """What runs now. Everything ends with the app."""

    def __init__(self, app: NewsApp, clock: Clock) -> None:
        """Run nothing yet."""
        self._app, self._clock = app, clock
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._runs: set[BackgroundRun | TerminalRun] = set()
        self._threads: set[asyncio.Future[Any]] = set()
        self._busy: set[str] = set()
        """The commands that run, by name."""
        self._rests_until: dict[str, float] = {}
        self._has_ended = False

    def start(self, command: Command, screen: Screen[Any]) -> None:
        """Run a command on a screen's rows, after a question if it needs one."""
        if self._is_held_down(command) or not isinstance(screen, HasRows):
            return
        if command.name in self._busy:
            self._say(f"{command.title} still runs.", Tone.WARNING)
            return
        try:
            targets = screen.command_targets()
            runs = runs_of(command, targets.rows)
        except NotRun as refused:
            self._say(str(refused), Tone.WARNING)
            return
        if not runs:
            return
        if command.dangerous or targets.hidden or len(runs) > _MANY:
            self._app.push_screen(_question(command, targets), lambda yes: self._begin(command, runs) if yes else None)
        else:
            self._begin(command, runs)

    def stop(self) -> None:
        """End everything that runs, and start nothing more."""
        self._has_ended = True
        for run in self._runs:
            run.stop()

    async def close(self) -> None:
        """End everything, and wait until the terminal is as it was."""
        self.stop()
        if self._threads:
            await asyncio.wait(self._threads, timeout=_PATIENCE)

    def _is_held_down(self, command: Command) -> bool:
        now = self._clock.now().mono
        rests = now < self._rests_until.get(command.name, -math.inf)
        self._rests_until[command.name] = now + _REST
        return rests

    def _begin(self, command: Command, runs: Sequence[Run]) -> None:
        if command.name in self._busy:
            return
        self._busy.add(command.name)
        how = self._beside(command, runs) if command.background else self._with_terminal(command, runs)
        work = self._app.run_worker(self._until_the_end(command, how), exit_on_error=False, group="commands")
        if not command.background:
            keys_wait_for(self._app.screen, work)

    async def _until_the_end(self, command: Command, how: Coroutine[Any, Any, None]) -> None:
        try:
            await how
        except NotRun as refused:
            self._say(f"{command.title} is not run: {refused}", Tone.WARNING)
        finally:
            self._busy.discard(command.name)
            self._rests_until[command.name] = self._clock.now().mono + _REST

    # -- in the background -------------------------------------------------------------------------------------

    async def _beside(self, command: Command, runs: Sequence[Run]) -> None:
        self._say(f"{command.title} runs: {_about(runs)}.", Tone.NOTE, seconds=2)
        left, ended = list(reversed(runs)), list[tuple[Run, Ended]]()
        hands = [asyncio.ensure_future(self._run_some(command, left, ended)) for _ in range(min(AT_ONCE, len(runs)))]
        try:
            await asyncio.gather(*hands)
        finally:
            left.clear()
            for hand in hands:
                hand.cancel()
        self._say_ended(command, ended)

    async def _run_some(self, command: Command, left: list[Run], ended: list[tuple[Run, Ended]]) -> None:
        """Run what is left, one after the other. One that can't be started ends it: the others couldn't either."""
        while left and not self._has_ended:
            async with self._at_once:
                if not left:
                    return
                what = left.pop()
                run = BackgroundRun(what, command.seconds)
                try:
                    ended.append((what, await self._in_thread(run, run.run)))
                except NotRun:
                    left.clear()
                    raise

    def _say_ended(self, command: Command, ended: Sequence[tuple[Run, Ended]]) -> None:
        if self._has_ended:
            return
        said = [(_sentence(command, run, each.how, each.output), _tone(each.code)) for run, each in ended]
        if len(said) == 1:
            self._say(*said[0], seconds=10)
            return
        now = self._clock.now().wall
        for sentence, tone in said[:_MOST_LOGGED]:
            self._app.run_log.news(now, clean(sentence, 1_000), tone)
        counts = Counter(each.how for _, each in ended)
        failed = any(each.code for _, each in ended)
        how = ", ".join(f"{count:,} {how}" for how, count in counts.most_common())
        tone = Tone.WARNING if failed else Tone.NOTE
        log = key_name(self._app, "app.log", "L")
        self._say(f"{command.title} on {len(ended):,} rows: {how}. {log} shows what they wrote.", tone, seconds=10)

    # -- with the terminal -------------------------------------------------------------------------------------

    async def _with_terminal(self, command: Command, runs: Sequence[Run]) -> None:
        """Run one after the other with the terminal; the first that fails is the last."""
        await asyncio.sleep(0)  # after the key has had its effect
        try:
            with lent_terminal(self._app) as terminal:
                done, code = await self._run_there(command, runs, terminal)
        except SuspendNotSupported:
            raise NotRun("this terminal can't be given to it. With background = true it needs none.") from None
        left = len(runs) - done
        of = f" It was the {done:,}. of {len(runs):,}: the others were not run." if left else ""
        sentence = _sentence(command, runs[done - 1], how_it_ended(code), b"") if left or len(runs) == 1 else ""
        self._say(f"{sentence or f'{command.title} {how_it_ended(code)} on {len(runs):,} rows.'}{of}", _tone(code))

    async def _run_there(self, command: Command, runs: Sequence[Run], terminal: int) -> tuple[int, int]:
        """Return how many were run, and the exit code of the last."""
        code = 0
        for number, what in enumerate(runs, start=1):
            run = TerminalRun(what, terminal)
            title = f"{clean(what.about, 80)} ({number:,} of {len(runs):,})" if len(runs) > 1 else ""
            code = await self._in_thread(run, partial(run.run, title))
            if self._has_ended or code or number == len(runs):
                if command.wait and not self._has_ended:
                    said = f"{command.run[0]} {how_it_ended(code)}."
                    await self._in_thread(run, partial(run.wait_for_key, clean(said, 200)))
                return number, code
        return len(runs), code

    async def _in_thread(self, run: BackgroundRun | TerminalRun, work: Callable[[], T]) -> T:
        """Do a run's work in a thread; if this is cancelled, the run is ended."""
        if self._has_ended:
            run.stop()
        self._runs.add(run)
        thread = asyncio.ensure_future(off_loop(work, name="command"))
        self._threads.add(thread)
        thread.add_done_callback(self._threads.discard)
        try:
            return await asyncio.shield(thread)
        except asyncio.CancelledError:
            run.stop()
            await asyncio.wait((thread,), timeout=_PATIENCE)
            raise
        finally:
            self._runs.discard(run)

    def _say(self, text: str, tone: Tone, *, seconds: float = 5) -> None:
        if not self._has_ended:
            self._app.notify(
                text, severity="information" if tone is Tone.NOTE else "warning", timeout=seconds, markup=False
            )


def _tone(code: int) -> Tone:
    return Tone.WARNING if code else Tone.NOTE


def _about(runs: Sequence[Run]) -> str:
    return runs[0].about if len(runs) == 1 else f"{len(runs):,} times"


def _sentence(command: Command, run: Run, how: str, output: bytes) -> str:
    """Return what is said of one run: how it ended, on what, and the end of what it wrote."""
    lines = [line.strip() for line in output.decode("utf-8", "replace").splitlines() if line.strip()]
    written = " · ".join(lines[-_LAST_LINES:])
    if len(written) > _MOST_SAID:
        written = "…" + written[-_MOST_SAID:]
    return f"{command.title}: {command.run[0]} {how} on {clean(run.about, 80)}{f': {written}' if written else '.'}"


def _question(command: Command, targets: Targets) -> AskScreen:
    """Make the question before a command is run: on how many rows, on which, and what."""
    rows, names = targets.rows, dict.fromkeys(row.profile.name for row in targets.rows)
    count = f"{len(rows):,} row{'s' * (len(rows) != 1)}"
    times = "once for each of them" if command.each and len(rows) > 1 else "once"
    said = [
        f"It runs {times}: {clean(' '.join(command.run), 200)}",
        f"Profile{'s' * (len(names) != 1)}: {clean(', '.join(names), 200)}",
    ]
    if targets.hidden:
        said.append(f"{targets.hidden:,} of them {'is' if targets.hidden == 1 else 'are'} hidden by the filter.")
    named = [f"  {clean(id_text(row.id), 60)}" for row in rows[:_MOST_NAMED]]
    more = [f"  and {len(rows) - _MOST_NAMED:,} more"] if len(rows) > _MOST_NAMED else []
    title = f"Run {command.title} on {count}?"
    return AskScreen(title, Content("\n".join([*said, "", *named, *more])), yes=f"Run on {count}", no="Cancel")
