"""What a hall on your own machine or network shows beyond the registry's API: its fleet, decisions and policy.

These are the routes of the published hall, of ours and of other implementations. Their fields may differ, so each is
searched for under all known names, and may be missing. Only our hall has `/policy` and `/policy/explain`.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlencode

import msgspec

from pyhall_tui.registry.decode import Decision, Unreadable, decode, read_object, read_struct, text
from pyhall_tui.registry.errors import NotFound
from pyhall_tui.registry.hall_account import Account, account_in
from pyhall_tui.registry.models import Outcome

if TYPE_CHECKING:
    from pyhall_tui.registry.client import RegistryClient

T = TypeVar("T")

MOST_DECISIONS: Final = 500
"""Decisions per request."""
_LISTS_LIMIT: Final = 16 * 1024 * 1024


class HallStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A hall's own status."""

    name: str | None
    version: str | None
    online: bool | None
    workers: int | None
    decisions: int | None
    decisions_today: int | None
    denials_today: int | None
    policy_error: str | None
    upstream: dict[str, Any] | None
    """The registry that it follows: `url`, `last_poll`, `last_heard`, `stale`, `when_stale`, `error`, as received."""
    halls: tuple[dict[str, Any], ...] = ()
    """The halls that live on its store, as received: `name`, `version`, `since`, `silent`, `living`, `decisions`, …"""
    log: dict[str, Any] | None = None
    """The head of its decision log and the last checkpoint, as received: `seq`, `entry_hash`, `signed_by`, …"""
    account: Account = Account()
    """The account's standing, as the hall knows it."""
    fields: dict[str, Any]
    """The whole answer."""


class HallDecision(msgspec.Struct, frozen=True, kw_only=True):
    """One decision in the log. Texts are unchanged."""

    key: str
    """Identifies it in a list: the same decision has the same key in every answer."""
    seq: int | None
    outcome: Outcome
    outcome_text: str
    at: str | None
    worker_id: str | None
    capability: str | None
    namespace: str | None
    risk_tier: str | None
    rule: str | None
    code: str | None
    reason: str | None
    correlation_id: str | None
    decision_id: str | None
    latency_ms: float | None
    fields: dict[str, Any]
    """All of its fields."""


class HallAlert(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the hall asks you to look at."""

    level: str | None
    code: str | None
    message: str | None
    worker_id: str | None


class HallRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule of the policy, how often it decided, and, if it is unreachable, a sentence that says why."""

    id: str
    outcome: str
    hits: int | None = None
    hidden: str | None = None
    namespace: str = "*"
    capability: str = "*"
    worker: str = "*"
    risk_tiers: tuple[str, ...] = ()
    context: dict[str, Any] = {}
    hours: str | None = None
    days: tuple[str, ...] = ()
    timezone: str = "UTC"
    rate: str | None = None
    code: str | None = None
    reason: str | None = None


class HallPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The policy in force; `error` says why a newer one is not in force."""

    rules: tuple[HallRule, ...]
    default: str | None = None
    default_hits: int | None = None
    error: str | None = None
    other_hits: dict[str, int] = {}


class ExplainedStep(msgspec.Struct, frozen=True):
    """One rule that was checked, and what it does or why it doesn't match."""

    rule: str
    matches: bool
    why: str


class _ExplainedDecision(msgspec.Struct, frozen=True):
    outcome: str
    rule: str
    code: str | None = None
    reason: str | None = None


class HallExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """How the hall would decide now, and how it gets there."""

    decision: _ExplainedDecision
    worker: str
    steps: tuple[ExplainedStep, ...]


async def hall_status(client: "RegistryClient", *, retry: bool = True) -> HallStatus:
    """Ask for the hall's status.

    Raises:
        NotFound: this registry has no local routes, like the public one.
        RegistryError: no usable answer came.
    """
    return await _ask(client, "/status", _read_status, retry)


async def hall_workers(client: "RegistryClient") -> tuple[str, ...]:
    """Ask for the ids of all of the hall's workers. Raises as `hall_status`."""
    return await _ask(client, "/workers", _read_worker_ids)


async def hall_decisions(client: "RegistryClient", after: int = 0) -> list[HallDecision]:
    """Ask for the last decisions, newest first; a hall that numbers them returns only those above `after`.

    Raises as `hall_status`.
    """
    asked = {"limit": MOST_DECISIONS} | ({"after": after} if after else {})
    return await _ask(client, f"/dispatches?{urlencode(asked)}", _read_decisions, retry=False)


async def hall_alerts(client: "RegistryClient") -> list[HallAlert]:
    """Ask what needs attention. Raises as `hall_status`."""
    return await _ask(client, "/alerts", _read_alerts)


async def hall_policy(client: "RegistryClient") -> HallPolicy:
    """Ask for the rules.

    Raises:
        NotFound: this hall does not show them (it is another implementation).
        Forbidden: it shows them only to its own machine.
        RegistryError: no usable answer came.
    """
    return await _ask(client, "/policy", lambda body: read_struct(body, HallPolicy))


async def hall_explanation(
    client: "RegistryClient",
    *,
    worker_id: str,
    capability: str,
    risk_tier: str | None,
    at: float | None,
    context: str | None = None,
) -> HallExplanation:
    """Ask how the current rules and fleet would decide such a dispatch.

    Args:
        at: a time in seconds since 1970; now, if None.
        context: a JSON object with whatever else a rule checks.

    Raises as `hall_policy`.
    """
    asked = {"worker_id": worker_id, "capability": capability, "risk_tier": risk_tier, "at": int(at) if at else None}
    asked["context"] = context
    query = urlencode({name: value for name, value in asked.items() if value is not None})
    return await _ask(client, f"/policy/explain?{query}", lambda body: read_struct(body, HallExplanation))


async def _ask(client: "RegistryClient", path: str, read: Callable[[bytes], T], retry: bool = True) -> T:
    try:
        return await client.read(path, read, limit=_LISTS_LIMIT, retry=retry)
    except NotFound as error:
        raise NotFound(
            "This registry has no local routes." if path == "/status" else "This hall does not show that.",
            status=error.status,
            error_text=error.error_text,
            method=error.method,
            path=error.path,
            correlation_id=error.correlation_id,
            advice="Only a local hall has them: run one with pyhall-tui hall serve.",
            exchange=error.exchange,
        ) from None


def _read_status(body: bytes) -> HallStatus:
    fields = read_object(body)
    policy, upstream, halls = fields.get("policy"), fields.get("upstream"), fields.get("halls")
    log = fields.get("log")
    return HallStatus(
        name=text(_first(fields, "hall_name", "name", "hall")),
        version=text(_first(fields, "hall_version", "version")),
        online=_first(fields, "online") if isinstance(_first(fields, "online"), bool) else None,
        workers=_number(_first(fields, "workers_enrolled", "workers", "workers_total")),
        decisions=_number(_first(fields, "decisions_total", "dispatches_total")),
        decisions_today=_number(_first(fields, "decisions_today", "dispatches_today")),
        denials_today=_number(_first(fields, "denials_today")),
        policy_error=text(policy.get("error")) if isinstance(policy, dict) else None,
        upstream=upstream if isinstance(upstream, dict) else None,
        halls=tuple(each for each in halls if isinstance(each, dict)) if isinstance(halls, list) else (),
        log=log if isinstance(log, dict) else None,
        account=account_in(fields),
        fields=fields,
    )


def _read_worker_ids(body: bytes) -> tuple[str, ...]:
    ids = (_first(worker, "worker_id", "id") for worker in _items(body, "workers"))
    return tuple(dict.fromkeys(worker_id for worker_id in ids if isinstance(worker_id, str) and worker_id))


def _read_decisions(body: bytes) -> list[HallDecision]:
    return [_decision(fields) for fields in _items(body, "dispatches", "decisions")]


def _decision(fields: dict[str, Any]) -> HallDecision:
    code = text(_first(fields, "deny_code", "deny_reason", "code"))
    word = text(_first(fields, "outcome", "decision"))
    denied = fields.get("denied")
    read = Decision(
        outcome=word.lower() if word else None,
        denied=bool(denied) if isinstance(denied, bool | int) else None,
        deny_code=code,
        supervisor_required=fields.get("supervisor_required") is True,
    )
    outcome = read.read()
    if outcome is Outcome.OTHER and word in (None, "DISPATCH") and denied in (0, False) and not code:
        outcome = Outcome.ALLOW  # another implementation's log has no other way to say so
    seq, decision_id = fields.get("seq"), text(_first(fields, "decision_id", "dispatch_id", "id"))
    at = text(_first(fields, "decided_at", "timestamp", "created_at", "at"))
    correlation = text(_first(fields, "correlation_id"))
    known = isinstance(seq, int) and not isinstance(seq, bool)
    return HallDecision(
        key=str(seq) if known else decision_id or f"{correlation} {at}",
        seq=seq if known else None,
        outcome=outcome,
        outcome_text=word or outcome.value,
        at=at,
        worker_id=text(_first(fields, "worker_id", "selected_worker", "selected_worker_species_id")),
        capability=text(_first(fields, "capability", "capability_id")),
        namespace=text(_first(fields, "namespace", "tenant_id")),
        risk_tier=text(_first(fields, "risk_tier", "tenant_risk")),
        rule=text(_first(fields, "rule", "matched_rule_id", "rule_id")),
        code=code,
        reason=text(_first(fields, "reason", "message")),
        correlation_id=correlation,
        decision_id=decision_id,
        latency_ms=float(latency) if isinstance(latency := fields.get("latency_ms"), int | float) else None,
        fields=fields,
    )


def _read_alerts(body: bytes) -> list[HallAlert]:
    return [
        HallAlert(
            level=text(_first(fields, "level", "severity")),
            code=text(_first(fields, "code", "type")),
            message=text(_first(fields, "message", "reason")),
            worker_id=text(_first(fields, "worker_id")),
        )
        for fields in _items(body, "alerts")
    ]


def _items(body: bytes, *names: str) -> Iterator[dict[str, Any]]:
    """Yield the objects of a list that is the whole body, or has one of these names.

    Raises:
        Unreadable: there is no such list.
    """
    value = decode(body)
    if isinstance(value, dict):
        value = next((value[name] for name in names if isinstance(value.get(name), list)), None)
    if not isinstance(value, list):
        raise Unreadable(f"it contains no list of {names[0]}")
    yield from (item for item in value if isinstance(item, dict))


def _first(fields: dict[str, Any], *names: str) -> Any:
    return next((fields[name] for name in names if fields.get(name) is not None), None)


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
