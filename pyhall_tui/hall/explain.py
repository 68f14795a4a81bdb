"""Explains which rule decides a dispatch, and why the others don't."""

from typing import Any

import msgspec

from pyhall_tui.hall import gate
from pyhall_tui.hall.context import Grounds
from pyhall_tui.hall.errors import BadRequest
from pyhall_tui.hall.hours import in_words
from pyhall_tui.hall.models import Asked, decode_dispatch
from pyhall_tui.hall.policy import Decision, Rule, in_context


class Step(msgspec.Struct, frozen=True):
    """One rule that was checked: `why` says what it does, or why it doesn't match."""

    rule: str
    matches: bool
    why: str


class Explanation(msgspec.Struct, frozen=True):
    """A decision and how it was reached. `worker` is what the registry says about it before any rule."""

    decision: Decision
    worker: str
    steps: tuple[Step, ...]


def request(
    *, namespace: str, capability: str, worker_id: str, risk_tier: str | None, context: str, wall: float
) -> Asked:
    """Return the dispatch to explain, read as the hall reads a real one.

    Args:
        risk_tier: put into the context; None leaves the context as it is.
        context: the dispatch's context, in JSON.

    Raises:
        BadRequest: the hall would refuse such a dispatch; the sentence names the field.
    """
    try:
        given = context.encode()
        fields = msgspec.json.decode(given)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        raise BadRequest("invalid field: context: expected a JSON object") from None
    if risk_tier is not None:
        if not isinstance(fields, dict):
            raise BadRequest("invalid field: context: expected a JSON object")
        if fields.setdefault("risk_tier", risk_tier) != risk_tier:
            raise BadRequest(f"invalid field: context: its risk_tier is not {risk_tier}: give only one")
        given = msgspec.json.encode(fields)
    named = {"namespace": namespace, "capability": capability, "worker_id": worker_id}
    try:
        body = msgspec.json.encode(named | {"context": msgspec.Raw(given)})
    except UnicodeEncodeError:
        raise BadRequest("the request is not UTF-8") from None
    asked, _ = decode_dispatch(body, wall)
    return asked


def explain(grounds: Grounds, asked: Asked) -> Explanation:
    """Decide a dispatch as the gate does, without logging it or using a rate, and say why.

    The rules are checked even if something refuses the dispatch before them, to show what they would say.
    """
    decision = gate.decide(grounds, asked, take=False)
    known = decision.reason or "" if decision.rule == "registry" else "active, attested, clean and enrolled for it"
    steps = []
    for rule in grounds.policy.rule:
        missed = rule.miss(asked)
        steps.append(Step(rule.id, missed is None, _does(rule) if missed is None else _misses(rule, asked, missed)))
        if missed is None:
            break
    else:
        steps.append(Step("default", True, f"{grounds.policy.default}, because no rule matches"))
    return Explanation(decision, known, tuple(steps))


def _does(rule: Rule) -> str:
    return f"{rule.outcome}, up to {rule.rate} for each worker" if rule.rate else rule.outcome


def _misses(rule: Rule, asked: Asked, missed: str) -> str:
    if missed == "hours":
        return f"it is not {in_words(rule.hours, rule.days, rule.timezone)}"
    if missed == "risk_tiers":
        return f"risk tier {asked.tier} is not among {', '.join(rule.risk_tiers)}"
    if missed == "context":
        return next(
            _context(asked, name, values)
            for name, values in rule.context.items()
            if not in_context(asked, name, values)
        )
    has = {"namespace": asked.namespace, "capability": asked.capability, "worker": asked.worker_id}[missed]
    return f"{missed} {has} does not match {getattr(rule, missed)}"


def _context(asked: Asked, name: str, values: tuple[Any, ...]) -> str:
    has = f"context's {name} is {asked.context[name]!r}" if name in asked.context else f"the context has no {name}"
    return f"{has}; the rule needs {', '.join(map(repr, values))}"
