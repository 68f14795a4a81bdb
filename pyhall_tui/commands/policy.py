"""`pyhall-tui policy save|check`: save a policy's decisions in a file, and compare them with today's."""

import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from pyhall_tui import paths
from pyhall_tui.clock import SystemClock
from pyhall_tui.commands import completed
from pyhall_tui.commands.output import printable
from pyhall_tui.commands.session import NO, YES, ask, fail, open_journal, open_profile, tell
from pyhall_tui.dispatch import baselines
from pyhall_tui.dispatch.baselines import Baseline, BaselineMistake, Difference
from pyhall_tui.dispatch.form import RISK_TIERS, UNSTATED
from pyhall_tui.dispatch.matrix import (
    ASKS_FIRST,
    MOST_CELLS,
    Case,
    CellAnswer,
    MatrixRun,
    NothingChosen,
    Patterns,
    Plan,
    answer_of,
    choose,
    is_pattern,
    sums,
)
from pyhall_tui.dispatch.result import Tried, try_dispatch
from pyhall_tui.monitor.rate_limiter import RateLimiter
from pyhall_tui.monitor.request_queue import RequestQueue
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.urls import is_loopback
from pyhall_tui.profiles.watch_list import WatchList
from pyhall_tui.registry.models import DispatchRequest

if TYPE_CHECKING:
    from pyhall_tui.registry.client import RegistryClient

_TIERS = (*RISK_TIERS, UNSTATED)
yes_option = click.option("--yes", is_flag=True, help="Don't ask before sending many dispatches.")


@click.group("policy")
def policy_group() -> None:
    """Save a policy's decisions in a file, and check later which ones changed.

    Each cell is a dispatch, which the registry may record as a decision.
    """


@policy_group.command("save")
@click.argument("name", shell_complete=completed.baselines)
@click.option(
    "--worker",
    "workers",
    multiple=True,
    required=True,
    metavar="GLOB",
    help="A worker, or a pattern.",
    shell_complete=completed.several(completed.workers),
)
@click.option(
    "--capability",
    "capabilities",
    multiple=True,
    required=True,
    metavar="GLOB",
    help="A capability, or a pattern.",
    shell_complete=completed.several(completed.capabilities),
)
@click.option(
    "--risk",
    "tiers",
    multiple=True,
    metavar="TIER",
    help=f"{', '.join(_TIERS)}; * means the first four. [low]",
    shell_complete=completed.several(completed.risk_tiers),
)
@yes_option
@click.pass_context
def save_command(
    ctx: click.Context,
    name: str,
    workers: tuple[str, ...],
    capabilities: tuple[str, ...],
    tiers: tuple[str, ...],
    yes: bool,
) -> None:
    """Ask for every capability with every worker at every tier, and save the answers as the baseline NAME.

    You can repeat each option, or give it several values separated by commas. A pattern chooses from the profile's
    known workers and their capabilities. NAME is a name, or a path that ends in .toml.

    Exit code 0: saved. 2: some got no answer, and nothing was saved.
    """
    profile = open_profile(ctx)
    path = _path(ctx, name)
    plan = _plan(ctx, profile, _split(workers), _split(capabilities), _split(tiers) or ["low"])
    cells = _run(ctx, profile, plan, yes=yes)
    unanswered = [(case, tried) for case, tried in cells.items() if not tried.result.is_answer]
    if unanswered:
        case, tried = unanswered[0]
        fail(
            ctx,
            f"{len(unanswered)} of {len(plan)} got no answer, so nothing was saved. {_words(case)}: {tried.row.error}",
        )
    try:
        answers = {case: answer_of(tried) for case, tried in cells.items()}
        baselines.write(path, Baseline(profile.namespace, answers, plan.patterns))
    except BaselineMistake as mistake:
        fail(ctx, str(mistake))
    counts = ", ".join(f"{count} {result.value}" for result, count in sums(cells.values()).results.most_common())
    click.echo(printable(f"{_cells(len(cells))} ({counts}) saved in {path}"))


@policy_group.command("check")
@click.argument("name", shell_complete=completed.baselines)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@yes_option
@click.pass_context
def check_command(ctx: click.Context, name: str, as_json: bool, yes: bool) -> None:
    """Ask again what the baseline NAME asked, and print the cells that differ.

    If a pattern chose the workers or capabilities, new ones that match it now are printed too.

    Exit code 0: nothing differs. 1: some differ, or are new. 2: some got no answer.
    """
    profile = open_profile(ctx)
    path = _path(ctx, name)
    try:
        baseline = baselines.read(path)
    except BaselineMistake as mistake:
        fail(ctx, str(mistake))
    if baseline.namespace != profile.namespace:
        fail(ctx, f"{path} is for {baseline.namespace}, but this profile is for {profile.namespace or 'no namespace'}.")
    cells = _run(ctx, profile, baseline.plan(), yes=yes)
    now = {case: answer_of(tried) for case, tried in cells.items()}
    found = baselines.differences(baseline, now)
    unanswered = [difference for difference in found if difference.after is None]
    new = _new(ctx, profile, baseline)
    if as_json:
        click.echo(json.dumps(_document(path, baseline, found, cells, new), indent=2))
    else:
        for line in (*_lines(found, cells), *(f"+  {_words(case)}  never asked" for case in new)):
            click.echo(printable(line))
    if new:
        tell(
            ctx, f"{_cells(len(new))} {'is' if len(new) == 1 else 'are'} new: save the baseline again to include them."
        )
    _conclude(ctx, len(baseline.answers), len(found) - len(unanswered), len(unanswered), new=bool(new))


def _new(ctx: click.Context, profile: Profile, baseline: Baseline) -> list[Case]:
    """Return the cells that the baseline's patterns choose now and that it does not have."""
    known = _known(profile)
    if any(map(is_pattern, baseline.patterns.workers)) and not known.workers:
        tell(ctx, "No workers are known here, so new ones that match the baseline's patterns can't be found.")
    return baselines.never_asked(baseline, known.workers, known.capabilities)


def _conclude(ctx: click.Context, total: int, differ: int, unanswered: int, *, new: bool) -> None:
    if unanswered:
        fail(ctx, f"{unanswered} of {_cells(total)} got no answer; {differ} of the others differ.")
    same = f"{_cells(total)}, and {'none of them' if new else 'nothing'} differs."
    tell(ctx, f"{differ} of {_cells(total)} {'differs' if differ == 1 else 'differ'}." if differ else same)
    ctx.exit(NO if differ or new else YES)


def _split(values: tuple[str, ...]) -> list[str]:
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


def _path(ctx: click.Context, name: str) -> Path:
    try:
        folder = Path() if baselines.is_path(name) else paths.config_dir() / "baselines"
        return baselines.path_of(name, folder)
    except paths.NoFolder as mistake:
        fail(ctx, f"{mistake} Or give the baseline's path.")
    except BaselineMistake as mistake:
        raise click.BadParameter(str(mistake), param_hint="NAME") from None


def _plan(ctx: click.Context, profile: Profile, workers: list[str], capabilities: list[str], tiers: list[str]) -> Plan:
    chosen_tiers = RISK_TIERS if "*" in tiers else tuple(tier for tier in _TIERS if tier in tiers)
    unknown = [tier for tier in tiers if tier not in (*_TIERS, "*")]
    if unknown:
        raise click.BadParameter(f"{unknown[0]} is not one of {', '.join(_TIERS)}.", param_hint="--risk")
    if not profile.namespace:
        fail(ctx, "The profile has no namespace: set it there, or set PYHALL_NAMESPACE.")
    known = _known(profile)
    try:
        plan = Plan(
            patterns=Patterns(tuple(workers), tuple(capabilities)),
            namespace=profile.namespace,
            capabilities=choose(capabilities, known.capabilities, "capability"),
            workers=choose(workers, known.workers, "worker"),
            risk_tiers=chosen_tiers,
        )
    except NothingChosen as nothing:
        fail(ctx, str(nothing))
    if len(plan) > MOST_CELLS:
        fail(ctx, f"That is {len(plan):,} dispatches; the limit is {MOST_CELLS:,}. Choose fewer.")
    return plan


class _Known(NamedTuple):
    """What a pattern chooses from."""

    workers: frozenset[str]
    capabilities: frozenset[str]


def _known(profile: Profile) -> _Known:
    """Return watched and enrolled workers and their known capabilities; only the profile's if there is no folder."""
    workers: list[str] = []
    capabilities = set(profile.capabilities)
    with suppress(paths.NoFolder):
        workers = [worker.id for worker in WatchList(paths.data_dir(), profile.name).load()]
    if (journal := open_journal()) is not None:
        with journal:
            verdicts = journal.all_verdicts(profile.name)
            workers += [row.worker_id for row in journal.enrollments(profile.name) if row.worker_id]
        capabilities |= {name for row in verdicts for name in row.verdict.capabilities}
    return _Known(frozenset(workers), frozenset(capabilities))


def _run(ctx: click.Context, profile: Profile, plan: Plan, *, yes: bool) -> dict[Case, Tried]:
    if profile.read_only:
        fail(ctx, "This profile is read-only: it sends no dispatch, because the registry may record it as a decision.")
    many = len(plan) > ASKS_FIRST and not is_loopback(profile.registry_url)
    if many and not yes and sys.stdin.isatty():
        question = (
            f"This sends {len(plan):,} dispatches to {profile.registry_url}, which may record each one. Continue?"
        )
        click.confirm(question, abort=True, err=True)
    return ask(ctx, profile, lambda client: _ask_all(client, profile, plan))


async def _ask_all(client: "RegistryClient", profile: Profile, plan: Plan) -> dict[Case, Tried]:
    clock = SystemClock()
    turns = RequestQueue(RateLimiter(profile.requests_per_second, profile.requests_in_flight, clock.now().mono), clock)

    async def send(request: DispatchRequest) -> Tried:
        return await try_dispatch(lambda asked: turns.take(lambda: client.dispatch(asked)), request, clock)

    run = MatrixRun(
        plan,
        send=send,
        clock=clock,
        correlation_prefix=profile.correlation_prefix,
        in_flight=profile.requests_in_flight,
    )
    await run.run()
    return run.cells


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"


def _lines(found: list[Difference], cells: dict[Case, Tried]) -> list[str]:
    lines = []
    for difference in found:
        after = str(difference.after) if difference.after else f"no answer: {cells[difference.case].row.error}"
        lines.append(f"≠  {_words(difference.case)}  {difference.before} → {after}")
    return lines


def _words(case: Case) -> str:
    return f"{case.capability}  {case.worker_id}  {case.risk_tier}"


def _document(
    path: Path, baseline: Baseline, found: list[Difference], cells: dict[Case, Tried], new: list[Case]
) -> dict[str, Any]:
    return {
        "baseline": str(path),
        "namespace": baseline.namespace,
        "cells": len(baseline.answers),
        "same": len(baseline.answers) - len(found),
        "differences": [
            {
                **difference.case._asdict(),
                "before": _answer(difference.before),
                "after": _answer(difference.after),
                "error": cells[difference.case].row.error or None,
                "correlation_id": cells[difference.case].row.correlation_id,
            }
            for difference in found
        ],
        "new": [case._asdict() for case in new],
    }


def _answer(answer: CellAnswer | None) -> dict[str, str | None] | None:
    return None if answer is None else {"result": answer.result.value, "code": answer.code}
