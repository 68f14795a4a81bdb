"""`pyhall-tui enroll --from FILE|FOLDER`: enroll a batch; run it again to continue where it stopped."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import click

from pyhall_tui import paths
from pyhall_tui.clock import Clock, SystemClock
from pyhall_tui.commands.output import printable
from pyhall_tui.commands.real_number import RealNumber
from pyhall_tui.commands.session import FAILED, NO, YES, ask, fail, open_profile, tell
from pyhall_tui.enroll.batch import BatchRun, EnrollingRegistry, Item, RowState, batch_lock, counts, lost_memory, plan
from pyhall_tui.enroll.batch_rows import BatchRow, BatchUnreadable, read_rows
from pyhall_tui.enroll.last_run import LastRun
from pyhall_tui.enroll.report import as_json_lines, write_report
from pyhall_tui.files.drafts import Drafts
from pyhall_tui.files.safe_file import FileBusy, locked
from pyhall_tui.journal.journal import Journal
from pyhall_tui.journal.rows import NotKept
from pyhall_tui.monitor.rate_limiter import RateLimiter
from pyhall_tui.monitor.request_queue import RequestQueue
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.render.batch import batch_line, counts_words, what_next

if TYPE_CHECKING:
    from pyhall_tui.registry.client import RegistryClient

T = TypeVar("T")

INTERRUPTED = 130
_LIMIT_TOLD_EVERY = 60.0
"""Seconds between two lines about the rate limit, if stderr is not a terminal."""


@click.command("enroll")
@click.option(
    "--from", "source", type=click.Path(path_type=Path), required=True, help="A JSON Lines or .csv file, or a folder."
)
@click.option("--dry-run", is_flag=True, help="Check every row, but send nothing.")
@click.option("--yes", is_flag=True, help="Don't ask before sending.")
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a report to this file: CSV if it ends in .csv, else JSON Lines.",
)
@click.option("--skip-wrong", is_flag=True, help="If some rows can't be sent, send the others.")
@click.option("--enrolled", type=int, multiple=True, metavar="ROW", help="You checked: this unknown row is enrolled.")
@click.option(
    "--again",
    type=int,
    multiple=True,
    metavar="ROW",
    help="You checked: this unknown row is not enrolled; send it again.",
)
@click.option(
    "--despite-lost-journal",
    is_flag=True,
    help="You checked: no row shown as ready is enrolled, although the journal lost what it knew.",
)
@click.option(
    "--give-up-after",
    "patience",
    type=RealNumber(min=0),
    default=10.0,
    show_default=True,
    metavar="MINUTES",
    help="Stop if the registry answers 429 (too many requests) to everything for this long.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON Lines.")
@click.pass_context
def enroll_command(
    ctx: click.Context,
    source: Path,
    dry_run: bool,
    yes: bool,
    report: Path | None,
    skip_wrong: bool,
    enrolled: tuple[int, ...],
    again: tuple[int, ...],
    despite_lost_journal: bool,
    patience: float,
    as_json: bool,
) -> None:
    """Enroll a batch of workers, each exactly once.

    Each line of the batch has display_name, capabilities, and sha256 or package (a folder or file to hash). In a
    folder, each subfolder is a package with its record. The journal keeps what was sent and answered, so run the same
    command again to continue where it stopped. A row whose answer is unknown is never sent again by itself: check the
    registry, then use --enrolled or --again. If the journal can't be read or written, nothing is sent.

    Exit code 0: all rows are enrolled. 1: some were refused or can't be sent. 2: some are unknown or not sent yet.
    """
    profile = open_profile(ctx)
    if not profile.namespace:
        fail(ctx, "The namespace is not set: set PYHALL_NAMESPACE, or choose a profile with --profile.")
    if report is not None and _same_file(report, source):
        raise click.BadParameter("this is the batch itself: use another file.", param_hint="--report")
    if profile.read_only and not dry_run:
        fail(ctx, f"The profile {profile.name} is read-only, so it enrolls nothing.")
    if dry_run:
        items = _looked_at(ctx, _read(ctx, source, profile))
        _tell_result(ctx, items, "", report, as_json=as_json)
        ctx.exit(NO if any(item.state is RowState.WRONG for item in items) else YES)
    with _held(ctx, profile) as (journal, last_run):
        items = _planned(ctx, _read(ctx, source, profile), journal)
        if not skip_wrong:
            _stop_where_wrong(ctx, items, report)
        _write_report(ctx, items, report)  # if it can't be written, say so before anything is sent
        _ask_about_lost(ctx, lost_memory(items, journal, last_run), looked=despite_lost_journal, yes=yes)
        _ask_first(items, profile, yes=yes)
        words = _Words(enrolled, again, patience * 60)
        stopped, code = _run(ctx, items, source, profile, journal, last_run, words)
    _tell_result(ctx, items, stopped, report, as_json=as_json)
    ctx.exit(code)


@contextlib.contextmanager
def _held(ctx: click.Context, profile: Profile) -> Iterator[tuple[Journal, LastRun]]:
    """Lock the profile's batches for this process, and open the journal with the count of its runs."""
    with contextlib.ExitStack() as stack:
        try:
            lock = batch_lock(Drafts(paths.state_dir(), profile.name), profile)
            stack.enter_context(locked(lock))
            journal = stack.enter_context(Journal.open(paths.data_dir() / "journal.db", SystemClock()))
        except FileBusy:
            fail(ctx, "Another pyhall-tui is enrolling a batch in this namespace: wait for it, or stop it.")
        except paths.NoFolder as none:
            fail(ctx, f"{none} Without it there is no record of what was sent, so nothing is sent.")
        except OSError as error:
            fail(ctx, f"The state folder can't be used: {error.strerror or error}.")
        yield journal, LastRun(lock, journal)


class _Words(NamedTuple):
    """What the command line says about the run."""

    enrolled: tuple[int, ...]
    again: tuple[int, ...]
    patience: float
    """Seconds that the registry may answer 429 to everything."""


def _same_file(report: Path, source: Path) -> bool:
    with contextlib.suppress(OSError):
        return report.samefile(source)
    return False


def _read(ctx: click.Context, source: Path, profile: Profile) -> list[BatchRow]:
    try:
        return read_rows(source, profile, on_progress=_show_checked)
    except BatchUnreadable as error:
        fail(ctx, str(error))
    finally:
        _clear_progress()


def _planned(ctx: click.Context, rows: list[BatchRow], journal: Journal) -> list[Item]:
    try:
        return plan(rows, journal)
    except NotKept as error:
        fail(ctx, str(error))


def _looked_at(ctx: click.Context, rows: list[BatchRow]) -> list[Item]:
    """Plan rows for a dry run, even if the journal can't be read."""
    try:
        with Journal.open(paths.data_dir() / "journal.db", SystemClock()) as journal:
            return plan(rows, journal)
    except (NotKept, paths.NoFolder) as error:
        tell(ctx, f"{error} Rows shown as ready may already be enrolled.")
        return plan(rows, None)


def _ask_about_lost(ctx: click.Context, lost: str, *, looked: bool, yes: bool) -> None:
    if not lost or looked:
        return
    if yes or not sys.stdin.isatty():
        fail(
            ctx,
            f"{lost} Nothing was sent. Check the registry. If none of them is enrolled, use --despite-lost-journal.",
        )
    if not click.confirm(printable(f"{lost} Did you check the registry, and is none of them enrolled?"), err=True):
        raise SystemExit(NO)


def _stop_where_wrong(ctx: click.Context, items: Sequence[Item], report: Path | None) -> None:
    wrong = [item for item in items if item.state is RowState.WRONG]
    if wrong:
        for item in wrong:
            click.echo(printable(batch_line(item)), err=True)
        count = f"{len(wrong)} of {len(items)} row{'s' * (len(items) != 1)}"
        tell(ctx, f"{count} can't be sent, so nothing was sent. Fix what is wrong, or use --skip-wrong.")
        _write_report(ctx, items, report)
        raise SystemExit(NO)


def _ask_first(items: Sequence[Item], profile: Profile, *, yes: bool) -> None:
    ready = sum(item.state is RowState.READY for item in items)
    if yes or not ready:
        return
    workers = f"{ready} worker{'s' * (ready != 1)}"
    if not sys.stdin.isatty():
        raise click.UsageError(f"This would enroll {workers}. There is no terminal to ask on, so use --yes.")
    production = ", which is marked as production" if profile.production else ""
    where = f"{profile.namespace} at {profile.registry_url}{production}"
    if not click.confirm(printable(f"Enroll {workers} in {where}?"), err=True):
        raise SystemExit(NO)


def _run(
    ctx: click.Context,
    items: Sequence[Item],
    source: Path,
    profile: Profile,
    journal: Journal,
    last_run: LastRun,
    words: _Words,
) -> tuple[str, int]:
    """Run the batch and return why it stopped (empty if it finished) and the exit code."""
    clock = SystemClock()
    name = str(source.resolve())
    interrupted = False

    async def call(client: "RegistryClient") -> str:
        turns = RequestQueue(
            RateLimiter(profile.requests_per_second, profile.requests_in_flight, clock.now().mono), clock
        )

        async def in_turn(request: Callable[[EnrollingRegistry], Awaitable[T]]) -> T:
            return await turns.take(lambda: request(client))

        run = BatchRun(
            items,
            batch=name,
            profile=profile,
            journal=journal,
            clock=clock,
            in_turn=in_turn,
            last_run=last_run,
            on_change=lambda item: _show_counts(items),
            on_limited=_LimitTeller(ctx, items, clock),
            patience=words.patience,
        )

        def interrupt() -> None:
            nonlocal interrupted
            interrupted = True
            run.stop("Stopped by a signal.")
            _clear_progress()
            tell(ctx, "Nothing more is sent. Waiting for requests under way; press ctrl+c again to end at once.")

        with _on_signals(interrupt):
            await run.decide(words.enrolled, enrolled=True)
            await run.decide(words.again, enrolled=False)
            await run.run()
        return run.stopped_because

    try:
        stopped = ask(ctx, profile, call, clock)
    except NotKept as error:
        stopped = str(error)
    finally:
        _clear_progress()
    return stopped, INTERRUPTED if interrupted else _code(items)


@contextlib.contextmanager
def _on_signals(interrupt: Callable[[], None]) -> Iterator[None]:
    """Let ctrl+c and SIGTERM end the batch cleanly; a second ctrl+c ends it at once."""
    loop = asyncio.get_running_loop()

    def first(number: signal.Signals) -> None:
        loop.remove_signal_handler(number)
        interrupt()

    numbers = (signal.SIGINT, signal.SIGTERM)
    with contextlib.suppress(NotImplementedError):  # Windows: there ctrl+c ends it at once
        for number in numbers:
            loop.add_signal_handler(number, first, number)
    try:
        yield
    finally:
        with contextlib.suppress(NotImplementedError):
            for number in numbers:
                loop.remove_signal_handler(number)


def _code(items: Sequence[Item]) -> int:
    states = {item.state for item in items}
    if states & {RowState.UNKNOWN, RowState.READY, RowState.SENDING}:
        return FAILED
    return NO if states & {RowState.REFUSED, RowState.WRONG} else YES


def _tell_result(
    ctx: click.Context, items: Sequence[Item], stopped: str, report: Path | None, *, as_json: bool
) -> None:
    not_written = _not_written(items, report)  # written before anything is printed: the pipe may be broken
    if as_json:
        click.echo(as_json_lines(items), nl=False)
    else:
        for item in items:
            click.echo(printable(batch_line(item)))
    tell(ctx, ", ".join(cell.text for cell in counts_words(counts(items))) + ".")
    for sentence in what_next(items, stopped):
        tell(ctx, sentence)
    if any(item.state is RowState.UNKNOWN for item in items):
        tell(ctx, "Use --enrolled ROW for each that is enrolled, --again ROW for each that is not.")
    if not_written:
        fail(ctx, not_written)


def _write_report(ctx: click.Context, items: Sequence[Item], report: Path | None) -> None:
    if not_written := _not_written(items, report):
        fail(ctx, not_written)


def _not_written(items: Sequence[Item], report: Path | None) -> str:
    """Write the report, if there is to be one; return why it could not be written."""
    try:
        if report is not None:
            write_report(report, items)
    except OSError as error:
        return f"The report could not be written to {report}: {error.strerror or error}."
    return ""


def _show_checked(done: int, total: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[Kchecked {done:,} of {total:,}")
        sys.stderr.flush()


def _show_counts(items: Sequence[Item]) -> None:
    if sys.stderr.isatty():
        words = ", ".join(cell.text for cell in counts_words(counts(items)))
        sys.stderr.write(f"\r\x1b[K{words}")
        sys.stderr.flush()


class _LimitTeller:
    """Reports a rate limit and when the next row is tried; only now and then if stderr is not a terminal."""

    def __init__(self, ctx: click.Context, items: Sequence[Item], clock: Clock) -> None:
        self._ctx, self._items, self._clock = ctx, items, clock
        self._told = float("-inf")

    def __call__(self, seconds: float) -> None:
        now = self._clock.now()
        if sys.stderr.isatty():
            _clear_progress()
        elif now.mono - self._told < _LIMIT_TOLD_EVERY:
            return
        self._told = now.mono
        when = datetime.fromtimestamp(now.wall + seconds, UTC)
        words = ", ".join(cell.text for cell in counts_words(counts(self._items)))
        limited = f"The registry limits the rate (429): next try in {seconds:,.0f} s, at {when:%H:%M:%S} UTC."
        tell(self._ctx, f"{words}. {limited}")


def _clear_progress() -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
