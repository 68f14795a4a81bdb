"""`pyhall-tui verify WORKER…`: the registry's verdicts, without the app."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import click

from pyhall_tui.bans.lookup import BanListing
from pyhall_tui.clock import SystemClock
from pyhall_tui.commands import completed
from pyhall_tui.commands.banned_hash import ban_list_or_error, listing_line, look_up_answer
from pyhall_tui.commands.output import printable
from pyhall_tui.commands.session import FAILED, NO, YES, ask, open_profile, sentence_of, tell
from pyhall_tui.fleet.entry import Entry, State
from pyhall_tui.monitor.rate_limiter import RateLimiter
from pyhall_tui.monitor.request_queue import RequestQueue
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.registry.errors import RegistryError
from pyhall_tui.registry.models import NOT_BANNED, Verdict, plain_sha256
from pyhall_tui.render.worker import LOOKS

if TYPE_CHECKING:
    from pyhall_tui.registry.client import RegistryClient


@click.command("verify")
@click.argument("workers", metavar="WORKER...", nargs=-1, required=True, shell_complete=completed.workers)
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines: one object per worker, in the order given.")
@click.pass_context
def verify_command(ctx: click.Context, workers: tuple[str, ...], as_json: bool) -> None:
    """Print the registry's verdict on each WORKER, one per line.

    A WORKER may also be a package hash (64 hex digits, with or without a leading sha256:). It is then looked up in the
    ban list.

    Exit code 0: all workers are clean and attested, and no hash is banned. 1: some are not, or a hash is banned.
    2: some could not be checked, or the ban list may be truncated.
    """
    profile = open_profile(ctx)
    code = ask(ctx, profile, lambda client: _verify_all(ctx, client, profile, workers, as_json=as_json))
    ctx.exit(code)


async def _verify_all(
    ctx: click.Context, client: "RegistryClient", profile: Profile, workers: tuple[str, ...], *, as_json: bool
) -> int:
    code = YES
    ids = tuple(each for each in workers if plain_sha256(each) is None)
    bans = await ban_list_or_error(client) if len(ids) < len(workers) else None
    answers = _answers(client, profile, ids)
    for asked in workers:
        if bans is not None and (sha256 := plain_sha256(asked)) is not None:
            code = max(code, _tell_listing(ctx, look_up_answer(sha256, bans), as_json=as_json))
            continue
        worker_id, answer = await anext(answers)
        if isinstance(answer, RegistryError):
            tell(ctx, f"{worker_id}: {sentence_of(answer)}")
            code = FAILED
        else:
            state = _state(answer)
            click.echo(_document(answer, state) if as_json else _line(answer, state))
            code = max(code, YES if state is State.CLEAN else NO)
    return code


def _tell_listing(ctx: click.Context, listing: BanListing, *, as_json: bool) -> int:
    """Print whether a hash is on the ban list, and return the exit code that follows."""
    if listing.why_unknown:
        tell(ctx, f"{listing.sha256}: {listing.why_unknown}")
    if as_json:
        click.echo(json.dumps(listing.document()))
    elif listing.listed is not None:
        click.echo(listing_line(listing))
    return {True: NO, False: YES, None: FAILED}[listing.listed]


async def _answers(
    client: "RegistryClient", profile: Profile, workers: tuple[str, ...]
) -> AsyncIterator[tuple[str, Verdict | RegistryError]]:
    """Verify several at a time, within the profile's rate limit, and yield the answers in the order given."""
    clock = SystemClock()
    turns = RequestQueue(RateLimiter(profile.requests_per_second, profile.requests_in_flight, clock.now().mono), clock)

    async def one(worker_id: str) -> Verdict | RegistryError:
        try:
            return await turns.take(lambda: client.verify(worker_id))
        except RegistryError as error:
            return error

    tasks = [(worker_id, asyncio.create_task(one(worker_id))) for worker_id in workers]
    try:
        for worker_id, task in tasks:
            yield worker_id, await task
    finally:
        for _, task in tasks:
            task.cancel()


def _state(verdict: Verdict) -> State:
    """Return the state that follows from this verdict only, read as the app reads it."""
    return Entry(verdict.worker_id, verdict).last_state()


def _line(verdict: Verdict, state: State) -> str:
    look = LOOKS[state]
    why = verdict.ban_reason if state is State.BANNED else "; ".join(verdict.doubts)
    parts = [look.glyph, look.word.ljust(10), verdict.worker_id.ljust(28), verdict.sha256 or "-", why or ""]
    return printable("  ".join(parts).rstrip())


def _is_banned(verdict: Verdict) -> bool | None:
    """Whether it is banned; None if the registry does not say."""
    if verdict.banned:
        return True
    return False if verdict.known and verdict.ban_word in NOT_BANNED else None


def _document(verdict: Verdict, state: State) -> str:
    fields: dict[str, Any] = {
        "worker_id": verdict.worker_id,
        "state": LOOKS[state].word.lower(),
        "known": verdict.known,
        "namespace": verdict.namespace,
        "display_name": verdict.display_name,
        "status": verdict.status,
        "attested": verdict.attested if verdict.known else None,
        "sha256": verdict.sha256,
        "attested_at": verdict.attested_at,
        "banned": _is_banned(verdict),
        "ban_reason": verdict.ban_reason,
        "capabilities": verdict.capabilities,
        "doubts": verdict.doubts,
        "correlation_id": verdict.correlation_id,
    }
    return json.dumps(fields)
