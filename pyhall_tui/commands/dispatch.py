"""`pyhall-tui dispatch …`: ask for one decision, without the app."""

import json
from typing import TYPE_CHECKING, Any

import click

from pyhall_tui.clock import SystemClock
from pyhall_tui.commands import completed
from pyhall_tui.commands.output import printable
from pyhall_tui.commands.session import FAILED, NO, YES, ask, fail, open_journal, open_profile, tell
from pyhall_tui.dispatch.codes import explain
from pyhall_tui.dispatch.form import RISK_TIERS, UNSTATED, DispatchForm, FormMistakes
from pyhall_tui.dispatch.result import Result, Tried, abandoned, try_dispatch
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.registry.correlation import new_correlation_id
from pyhall_tui.registry.models import DispatchRequest
from pyhall_tui.render.decision import LOOKS, milliseconds

if TYPE_CHECKING:
    from pyhall_tui.registry.client import RegistryClient

_HINTS = {
    "capability": "--capability",
    "worker_id": "--worker",
    "correlation_id": "--correlation-id",
    "context": "--context",
    "risk_tier": "--risk-tier",
}


@click.command("dispatch")
@click.option(
    "--capability",
    required=True,
    help="What the worker wants to do, for example llm.text.generate.",
    shell_complete=completed.capabilities,
)
@click.option(
    "--worker",
    "worker_id",
    required=True,
    metavar="WORKER",
    help="The worker that wants to do it.",
    shell_complete=completed.workers,
)
@click.option(
    "--risk-tier",
    type=click.Choice([*RISK_TIERS, UNSTATED]),
    default="low",
    show_default=True,
    help="The risk tier to send; none sends no tier.",
)
@click.option("--correlation-id", metavar="ID", help="Generated if not given.")
@click.option("--context", default="", metavar="JSON", help="Additional context, as a JSON object.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def dispatch_command(
    ctx: click.Context,
    capability: str,
    worker_id: str,
    risk_tier: str,
    correlation_id: str | None,
    context: str,
    as_json: bool,
) -> None:
    """Ask the registry for a decision. The registry may record it.

    Exit code 0: allowed. 1: denied, held for a human, or any answer that is not a plain allow. 2: no answer; if the
    registry may have decided anyway, the line on stderr says so. A dispatch is never sent twice.
    """
    profile = open_profile(ctx)
    form = DispatchForm(
        capability=capability,
        worker_id=worker_id,
        risk_tier=risk_tier,
        correlation_id=correlation_id or new_correlation_id(profile.correlation_prefix),
        context=context,
    )
    request = _request(ctx, form, profile)
    began = SystemClock().now().wall
    try:
        tried = ask(ctx, profile, lambda client: _try(client, request))
    except KeyboardInterrupt:
        _keep(profile, abandoned(request, began))
        raise
    _keep(profile, tried)
    _print(ctx, tried, as_json=as_json)
    ctx.exit(_code(tried))


def _request(ctx: click.Context, form: DispatchForm, profile: Profile) -> DispatchRequest:
    try:
        return form.request(profile.namespace)
    except FormMistakes as mistakes:
        field, sentence = next(iter(mistakes.sentences.items()))
        if field not in _HINTS:
            fail(ctx, sentence)
        raise click.BadParameter(sentence, param_hint=_HINTS[field]) from None


async def _try(client: "RegistryClient", request: DispatchRequest) -> Tried:
    return await try_dispatch(client.dispatch, request, SystemClock())


def _keep(profile: Profile, tried: Tried) -> None:
    """Record it in the app's history. If the journal can't be written, the answer is still printed."""
    if (journal := open_journal()) is not None:
        with journal:
            journal.record_dispatch(profile.name, tried.row)


def _code(tried: Tried) -> int:
    if not tried.result.is_answer:
        return FAILED
    return YES if tried.result is Result.ALLOW else NO


def _print(ctx: click.Context, tried: Tried, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(_document(tried)))
    elif tried.result.is_answer:
        click.echo(_line(tried))
    if not tried.result.is_answer:
        reached = " The registry may have received and decided it: the outcome is unknown."
        may = reached if tried.result is Result.UNKNOWN else ""
        tell(ctx, f"{tried.row.error} {tried.advice}{may} [{tried.row.correlation_id}]")
        return
    if tried.correlation_same is False:
        tell(ctx, f"Sent correlation id {tried.row.correlation_id}, but {tried.row.correlation_back} came back.")
    meaning = explain(tried.row.deny_code)
    if meaning is not None and not as_json:
        tell(ctx, str(meaning))


def _line(tried: Tried) -> str:
    look, row = LOOKS[tried.result], tried.row
    word = look.word if tried.result is not Result.OTHER else f"{look.word} ({row.outcome or 'no outcome'})"
    why = ": ".join(text for text in (row.deny_code, row.reason) if text)
    ids = f"decision {row.decision_id or '-'}  {row.correlation_id}  {milliseconds(row.elapsed_ms)}"
    return printable("  ".join(part for part in (look.glyph, word, why, ids) if part))


def _document(tried: Tried) -> dict[str, Any]:
    row = tried.row
    return {
        "result": tried.result.value,
        "outcome": row.outcome or None,
        "namespace": row.namespace,
        "capability": row.capability,
        "worker_id": row.worker_id,
        "context": json.loads(row.context),
        "deny_code": row.deny_code,
        "reason": row.reason,
        "decision_id": row.decision_id,
        "correlation_id": row.correlation_id,
        "correlation_id_back": row.correlation_back,
        "status": row.status,
        "elapsed_ms": row.elapsed_ms,
        "error": row.error or None,
        "may_have_reached": row.may_have_reached,
    }
