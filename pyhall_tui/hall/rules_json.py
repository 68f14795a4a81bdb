"""Reads the ecosystem's own `rules.json` into a policy, and says what our rules can't express."""

from typing import Annotated, Any, Literal

import msgspec

from pyhall_tui.files.regular_file import NotText, edited_text
from pyhall_tui.hall.errors import FileMistake
from pyhall_tui.hall.policy import Policy, Rule, Value


class _In(msgspec.Struct, forbid_unknown_fields=True, rename={"values": "in"}):
    values: list[str]


class _Any(msgspec.Struct):
    any: Literal[True]


class _Their(msgspec.Struct):
    rule_id: Annotated[str, msgspec.Meta(min_length=1)]
    match: dict[str, Any]
    decision: dict[str, Any] = {}


class _Rules(msgspec.Struct):
    rules: Annotated[list[_Their], msgspec.Meta(min_length=1)]


_CONTEXT = ("env", "data_label", "tenant_risk", "qos_class")


def read(body: bytes, name: str) -> tuple[Policy, list[str]]:
    """Return the policy, and a sentence for everything in their rules that ours can't express.

    Only an allow becomes an allow: a rule that requires a human, the policy gate or preconditions becomes a hold.

    Raises:
        FileMistake: it is not such a file.
    """
    try:
        theirs = msgspec.json.decode(edited_text(body), type=_Rules).rules
    except (msgspec.DecodeError, NotText) as error:
        raise FileMistake(f"{name}: not the ecosystem's rules: {error}") from None
    notes: list[str] = []
    rules = [rule for their in theirs for rule in _rules(their, name, notes)]
    return Policy(rule=tuple(rules)), notes


def _rules(their: _Their, name: str, notes: list[str]) -> list[Rule]:
    """Return one rule for each capability in theirs."""
    unknown = sorted(set(their.match) - {"capability_id", *_CONTEXT})
    if unknown:
        notes.append(f"{their.rule_id}: left out, because it matches on {', '.join(unknown)}, which ours does not know")
        return []
    wanted = {field: _values(their, field, name) for field in ("capability_id", *_CONTEXT)}
    if never := [field for field, values in wanted.items() if values == ()]:
        notes.append(f"{their.rule_id}: left out, because it can match nothing: {', '.join(never)} may have no value")
        return []
    capabilities = wanted.pop("capability_id")
    context: dict[str, tuple[Value, ...]] = {field: values for field, values in wanted.items() if values is not None}
    outcome = _outcome(their, notes)
    several = capabilities is not None and len(capabilities) > 1
    return [
        Rule(
            id=f"{their.rule_id}-{number}" if several else their.rule_id,
            outcome=outcome,
            capability=_literal(capability),
            context=context,
        )
        for number, capability in enumerate(capabilities or (None,), 1)
    ]


def _literal(value: str | None) -> str:
    """Return a glob that matches only this; None matches anything."""
    return "*" if value is None else "".join(f"[{char}]" if char in "*?[" else char for char in value)


def _values(their: _Their, field: str, name: str) -> tuple[str, ...] | None:
    """Return the values that a match allows; None for any."""
    if field not in their.match:
        return None
    try:
        wanted = msgspec.convert(their.match[field], str | dict[str, Any])
        if isinstance(wanted, str):
            return _possible(field, [wanted])
        if "any" in wanted:
            msgspec.convert(wanted, _Any)
            return None
        return _possible(field, msgspec.convert(wanted, _In).values)
    except msgspec.ValidationError as error:
        raise FileMistake(f"{name}: {their.rule_id}: match on {field}: {error}") from None


def _possible(field: str, values: list[str]) -> tuple[str, ...]:
    """Return the values that a dispatch can have: a capability is never empty."""
    return tuple(value for value in dict.fromkeys(values) if value or field != "capability_id")


def _outcome(their: _Their, notes: list[str]) -> Literal["allow", "hold"]:
    """Return what their decision becomes here, and note what is lost."""
    escalation = their.decision.get("escalation") or {}
    strict = [word for word in ("policy_gate", "human_required_default") if escalation.get(word)]
    strict += ["preconditions"] if their.decision.get("preconditions") else []
    if strict:
        notes.append(f"{their.rule_id}: holds, because our rules can't express {', '.join(strict)}")
    candidates = [str(c.get("worker_species_id")) for c in their.decision.get("candidate_workers_ranked", [])]
    if candidates:
        notes.append(
            f"{their.rule_id}: its ranked candidates are dropped ({', '.join(candidates)}): any enrolled worker matches"
        )
    if controls := their.decision.get("required_controls_suggested"):
        notes.append(f"{their.rule_id}: its suggested controls are dropped ({', '.join(map(str, controls))})")
    return "hold" if strict else "allow"
