"""Which rule decides a dispatch, and why not the others."""

from typing import Any

import msgspec

from pyhall_tui.hall import gate
from pyhall_tui.hall.hours import in_words
from pyhall_tui.hall.models import Asked, Worker
from pyhall_tui.hall.policy import Decision, Policy, Rule, in_context


class Step(msgspec.Struct, frozen=True):
    """One rule that was asked: `why` says what it does, or what keeps it from matching."""

    rule: str
    matches: bool
    why: str


class Explanation(msgspec.Struct, frozen=True):
    """A decision with the way to it. `worker` is what the registry says of the worker before any rule is asked."""

    decision: Decision
    worker: str
    steps: tuple[Step, ...]


def explain(worker: Worker | None, asked: Asked, policy: Policy) -> Explanation:
    """Decide a dispatch as the gate does, without the log and the rates, and say how it came to that.

    The rules are asked even where the registry's refusal comes before them, to show what they would say.
    """
    decision = gate.decide(worker, asked, policy)
    known = decision.reason or "" if decision.rule == "registry" else "active, attested, clean and enrolled for it"
    steps = []
    for rule in policy.rule:
        missed = rule.miss(asked)
        steps.append(Step(rule.id, missed is None, _does(rule) if missed is None else _misses(rule, asked, missed)))
        if missed is None:
            break
    else:
        steps.append(Step("default", True, f"{policy.default}, because no rule matches"))
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
    return f"{has}; the rule wants {', '.join(map(repr, values))}"
