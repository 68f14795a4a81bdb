"""How a local hall is shown: its decisions, its rules, an explanation, its status."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from pyhall_tui.registry.local_hall import HallAlert, HallDecision, HallExplanation, HallPolicy, HallRule, HallStatus
from pyhall_tui.registry.models import Outcome
from pyhall_tui.render.log_head import log_lines
from pyhall_tui.render.text import (
    Cell,
    Style,
    age,
    clean,
    clean_lines,
    full_time,
    id_text,
    iso_time,
    time_of_day,
    wall_of,
)
from pyhall_tui.render.worker import raw_json

_LOOKS = {
    Outcome.ALLOW: ("●", Style.GOOD),
    Outcome.DENY: ("✖", Style.ERROR),
    Outcome.HOLD: ("◆", Style.WARNING),
    Outcome.OTHER: ("≠", Style.WARNING),
}
_WORDS = {"allow": Style.GOOD, "deny": Style.ERROR, "hold": Style.WARNING}
_LABEL = 14
_MOST_HALLS = 50
_WHEN_STALE = {
    "keep": "what was last known still counts",
    "deny-high": "high, critical and unstated tiers are denied",
    "deny-all": "everything is denied",
}
_TIMES = ("last_poll", "last_heard")


class DecisionRow(NamedTuple):
    """The cells of one decision in the feed, by column."""

    when: Cell
    outcome: tuple[Cell, Cell]
    worker: Cell
    capability: Cell
    tier: Cell
    rule: Cell
    code: Cell
    correlation: Cell


class RuleRow(NamedTuple):
    """The cells of one rule, by column."""

    number: Cell
    outcome: Cell
    hits: Cell
    rule: Cell
    capability: Cell
    worker: Cell
    tiers: Cell
    note: Cell


def decision_row(decision: HallDecision, now_wall: float) -> DecisionRow:
    """Return one decision's cells."""
    wall = wall_of(decision.at)
    return DecisionRow(
        when=Cell(time_of_day(wall, now_wall) if wall else clean(decision.at or "–", 20), Style.DIM),
        outcome=outcome_cells(decision),
        worker=Cell(id_text(decision.worker_id or "–")),
        capability=Cell(clean(decision.capability or "–")),
        tier=Cell(clean(decision.risk_tier or "–"), Style.DIM),
        rule=Cell(clean(decision.rule or "–"), Style.DIM),
        code=Cell(clean(decision.code or "–"), Style.PLAIN if decision.code else Style.DIM),
        correlation=Cell(clean(decision.correlation_id or "–"), Style.DIM),
    )


def decision_values(decision: HallDecision) -> dict[str, Any]:
    """Return what an export says of a decision, by column: the hall's own texts."""
    return {
        "when": iso_time(wall_of(decision.at)) or decision.at,
        "outcome": decision.outcome_text or decision.outcome.value,
        "worker": decision.worker_id,
        "capability": decision.capability,
        "tier": decision.risk_tier,
        "rule": decision.rule,
        "code": decision.code,
        "correlation": decision.correlation_id,
    }


def outcome_cells(decision: HallDecision) -> tuple[Cell, Cell]:
    """Return glyph and word of a decision; an unknown decision keeps its own word."""
    glyph, style = _LOOKS[decision.outcome]
    word = clean(decision.outcome_text, 40) if decision.outcome is Outcome.OTHER else decision.outcome.value
    return Cell(glyph, style), Cell(word or "?", style)


def decision_text(decision: HallDecision) -> str:
    """Return one decision as a line of text, for the clipboard."""
    parts = [decision.at, decision.outcome_text, decision.worker_id, decision.capability, decision.risk_tier]
    more = [("rule", decision.rule), ("code", decision.code), ("correlation", decision.correlation_id)]
    return clean("  ".join([part or "–" for part in parts] + [f"{name} {value}" for name, value in more if value]))


def decision_fields(decision: HallDecision) -> list[list[Cell]]:
    """Return a decision's lines: what was decided, why, and its ids."""
    glyph, word = outcome_cells(decision)
    wall = wall_of(decision.at)
    fields = [
        ("reason", decision.reason),
        ("code", decision.code),
        ("rule", decision.rule),
        ("worker", decision.worker_id),
        ("capability", decision.capability),
        ("risk tier", decision.risk_tier),
        ("namespace", decision.namespace),
        ("decided", full_time(wall) if wall else decision.at),
        ("latency", None if decision.latency_ms is None else f"{decision.latency_ms:g} ms"),
        ("correlation", decision.correlation_id),
        ("decision id", decision.decision_id),
    ]
    return [[glyph, Cell(f" {word.text}", word.style)], *(_field(name, value) for name, value in fields if value)]


def decision_json(decision: HallDecision) -> str:
    """Return the whole decision as received, indented."""
    return clean_lines(raw_json(msgspec.json.encode(decision.fields)))


def explanation_lines(told: HallExplanation) -> list[list[Cell]]:
    """Return how the hall would decide now: the outcome, the worker, each rule that was checked."""
    decision = told.decision
    style = _WORDS.get(decision.outcome, Style.WARNING)
    lines = [
        [
            Cell("By the current rules and fleet: ", Style.DIM),
            Cell(clean(decision.outcome, 40), style),
            Cell(f" by {clean(decision.rule, 80)}"),
        ],
        _field("worker", told.worker),
    ]
    if answer := " ".join(part for part in (decision.code, decision.reason) if part):
        lines.insert(1, _field("answers", answer))
    for step in told.steps:
        mark = Cell("→ ", Style.STRONG) if step.matches else Cell("  ", Style.DIM)
        said = Style.PLAIN if step.matches else Style.DIM
        lines.append([mark, Cell(f"{clean(step.rule, 40)}  "), Cell(clean(step.why, 300), said)])
    return [*lines, [Cell("This ignores rate limits and whether the upstream is reachable.", Style.DIM)]]


def rule_row(number: int, rule: HallRule) -> RuleRow:
    """Return one rule's cells."""
    return RuleRow(
        number=Cell(str(number), Style.DIM),
        outcome=Cell(clean(rule.outcome, 20), _WORDS.get(rule.outcome, Style.WARNING)),
        hits=Cell("–" if rule.hits is None else f"{rule.hits:,}", Style.PLAIN if rule.hits else Style.DIM),
        rule=Cell(clean(rule.id), Style.STRONG),
        capability=Cell(clean(rule.capability)),
        worker=Cell(clean(rule.worker)),
        tiers=Cell(clean(", ".join(rule.risk_tiers)) or "any", Style.DIM),
        note=Cell("▲ hidden", Style.WARNING) if rule.hidden else Cell(""),
    )


def other_row(name: str, outcome: str | None, hits: int | None) -> RuleRow:
    """Return the cells of what decides if no rule does: the default, the registry, the upstream."""
    word = clean(outcome or "deny", 20)
    said = "no rule matches" if name == "default" else "before or outside the rules"
    return RuleRow(
        number=Cell(""),
        outcome=Cell(word, _WORDS.get(word, Style.WARNING)),
        hits=Cell("–" if hits is None else f"{hits:,}", Style.PLAIN if hits else Style.DIM),
        rule=Cell(clean(name), Style.DIM),
        capability=Cell(said, Style.DIM),
        worker=Cell(""),
        tiers=Cell(""),
        note=Cell(""),
    )


def rule_lines(rule: HallRule) -> list[list[Cell]]:
    """Return all conditions of a rule, and, if it is unreachable, why it never decides."""
    when = _when(rule.hours, ", ".join(rule.days))
    fields = [
        ("hidden", rule.hidden),
        ("matches", f"capability {rule.capability}, worker {rule.worker}, namespace {rule.namespace}"),
        ("risk tiers", ", ".join(rule.risk_tiers)),
        ("context", ", ".join(f"{name} {value}" for name, value in rule.context.items())),
        ("when", f"{when} in {rule.timezone}" if when else ""),
        ("rate", f"{rule.rate} for each worker" if rule.rate else ""),
        ("answers", " ".join(part for part in (rule.code, rule.reason) if part)),
    ]
    return [_field(name, value, Style.WARNING if name == "hidden" else Style.PLAIN) for name, value in fields if value]


def _when(hours: str | None, days: str) -> str:
    """Return hours and days in words; hours past midnight belong to the day on which they began."""
    start, _, end = (hours or "").partition("-")
    if end < start and end != "00:00":
        return f"{start} to {end} of the next day" + (f", beginning on {days}" if days else "")
    return " ".join(part for part in (hours or "", days) if part)


def policy_head(policy: HallPolicy) -> Cell:
    """Return the line above the rules: the file's mistake, or how many rules there are and which are unreachable."""
    if policy.error:
        last = f"The last good policy ({_rules(len(policy.rules))}) stays in force."
        return Cell(f"✖ {clean(policy.error, 400).rstrip('.')}. {last}", Style.ERROR)
    hidden = [rule.id for rule in policy.rules if rule.hidden]
    said = f"{_rules(len(policy.rules))}: the first match decides; otherwise {clean(policy.default or 'deny', 20)}."
    if hidden:
        return Cell(f"▲ {said} Unreachable: {clean(', '.join(hidden), 200)}.", Style.WARNING)
    return Cell(said, Style.DIM)


def _rules(count: int) -> str:
    return f"{count:,} rule{'s' * (count != 1)}"


def status_lines(status: HallStatus, alerts: list[HallAlert], now_wall: float) -> list[list[Cell]]:
    """Return the hall's status: itself, its counts, its upstream, what needs attention."""
    fields = [
        ("hall", " ".join(part for part in (status.name, status.version) if part) or None),
        ("workers", _count(status.workers)),
        ("decisions", _count(status.decisions)),
        ("today", _count(status.decisions_today)),
        ("denied today", _count(status.denials_today)),
    ]
    lines = [_field(name, value) for name, value in fields if value]
    lines[1:1] = _service_lines(status, now_wall)
    lines += [_field(*line) for line in log_lines(status.log, now_wall)]
    if status.policy_error:
        lines.append(_field("policy", status.policy_error, Style.ERROR))
    if status.halls:
        lines += [[Cell("")], [Cell("HALLS ON ITS STORE", Style.DIM)], *map(_hall_line, status.halls[:_MOST_HALLS])]
    lines += [[Cell("")], [Cell("UPSTREAM", Style.DIM)], *_upstream_lines(status.upstream, now_wall)]
    lines += [[Cell("")], [Cell("ALERTS", Style.DIM)]]
    return lines + ([_alert(alert) for alert in alerts] or [[Cell("None.", Style.GOOD)]])


def _service_lines(status: HallStatus, now_wall: float) -> Iterator[list[Cell]]:
    """Yield whether the hall is online, and the account's standing, as far as the hall says so."""
    if status.online is not None:
        yield _field("online", "yes") if status.online else _field("online", "no", Style.ERROR)
    if status.account.standing:
        checked = wall_of(status.account.checked_at)
        since = f" at {time_of_day(checked, now_wall)}" if checked else ""
        look = {True: Style.ERROR, False: Style.PLAIN, None: Style.WARNING}[status.account.is_suspended]
        yield _field("account", f"{status.account.standing}{since}", look)


def _hall_line(hall: dict[str, Any]) -> list[Cell]:
    """Return one hall on the store that several share."""
    silent, rate = hall.get("silent"), hall.get("decisions")
    living = hall.get("living") is True and hall.get("stale") is not True
    seen = f"last seen {age(silent)}" if isinstance(silent, int | float) else "last seen: not stated"
    parts = [
        clean(hall.get("version") or "?", 60),
        f"since {clean(hall.get('since') or '?', 30)}",
        seen,
        f"{rate:g} decisions/s" if isinstance(rate, int | float) else "",
        "polls the upstream" if hall.get("polls") is True else "",
        "upstream unreachable" if hall.get("stale") is True else "",
        clean(hall.get("policy_error") or "", 200),
    ]
    look = Cell("● ", Style.GOOD) if living else Cell("✖ ", Style.ERROR)
    name = clean(hall.get("name") or hall.get("instance") or "?", 60)
    return [look, Cell(f"{name}  "), Cell(" · ".join(part for part in parts if part), Style.DIM)]


def _upstream_lines(upstream: dict[str, Any] | None, now_wall: float) -> list[list[Cell]]:
    if upstream is None:
        return [[Cell("None: this hall has no upstream registry.", Style.DIM)]]
    stale = upstream.get("stale") is True
    state = Cell("✖ unreachable for too long", Style.ERROR) if stale else Cell("● reachable", Style.GOOD)
    lines = [[Cell("state".ljust(_LABEL), Style.DIM), state], _field("url", upstream.get("url") or "–")]
    for name in _TIMES:
        wall = wall_of(upstream.get(name))
        lines.append(_field(name.replace("_", " "), time_of_day(wall, now_wall) if wall else "never"))
    lines += _session_lines(upstream.get("session"), now_wall)
    policy = str(upstream.get("when_stale") or "")
    if policy:
        after = upstream.get("stale_after")
        since = f" after {after:g} s" if isinstance(after, int | float) else ""
        style = Style.ERROR if stale and policy != "keep" else Style.PLAIN
        lines.append(_field("when stale", f"{_WHEN_STALE.get(policy, policy)}{since}", style))
    if upstream.get("error"):
        lines.append(_field("last error", upstream["error"], Style.WARNING))
    return lines


_SESSIONS = {
    "none": ("– none", Style.DIM),
    "opening": ("… opening", Style.WARNING),
    "held": ("● held", Style.GOOD),
    "expired": ("✖ expired", Style.ERROR),
    "refused": ("✖ refused", Style.ERROR),
}


def _session_lines(session: object, now_wall: float) -> list[list[Cell]]:
    """Return the state of the session with the upstream; nothing if the hall doesn't mention one."""
    if not isinstance(session, dict):
        return []
    word = clean(session.get("state") or "?", 20)
    said, style = _SESSIONS.get(word, (word, Style.WARNING))
    end = wall_of(session.get("expires"))
    when = {"held": " until ", "expired": " since "}.get(word, "")
    lines = [
        [
            Cell("session".ljust(_LABEL), Style.DIM),
            Cell(said + (f"{when}{time_of_day(end, now_wall)}" if when and end else ""), style),
        ]
    ]
    if renewed := wall_of(session.get("renewed")):
        lines.append(_field("renewed", time_of_day(renewed, now_wall)))
    if session.get("namespace"):
        lines.append(_field("enrolled", f"as {session.get('id') or '–'} in {session['namespace']}"))
    if session.get("standing"):
        lines.append(_field("standing", session["standing"]))
    if session.get("error"):
        lines.append(_field("", session["error"], Style.DIM if word == "none" else style))
    return lines


def _alert(alert: HallAlert) -> list[Cell]:
    loud = (alert.level or "").lower() in ("error", "critical", "alarm")
    glyph = Cell("✖ ", Style.ERROR) if loud else Cell("▲ ", Style.WARNING)
    return [
        glyph,
        Cell(clean(alert.message or alert.code or "–", 400)),
        Cell(f"  {clean(alert.code or '')}", Style.DIM),
    ]


def _field(name: str, value: object, style: Style = Style.PLAIN) -> list[Cell]:
    return [Cell(name.ljust(_LABEL), Style.DIM), Cell(clean(value, 600), style)]


def _count(value: int | None) -> str | None:
    return None if value is None else f"{value:,}"
