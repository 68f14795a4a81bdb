"""A hall's own metrics for Prometheus: what it decides, how long that takes, its upstream, the head of its log.

They count the decisions of all namespaces, so they have an address of their own, which needs no key and by default only
this machine can reach. What is counted is counted since the start.
"""

import math
import sqlite3
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from pyhall_tui import __version__
from pyhall_tui.hall.errors import StoreError
from pyhall_tui.metrics.text_format import Family, Histogram, Sample, Type, exposition

if TYPE_CHECKING:
    from pyhall_tui.hall.context import Hall

_OUTCOMES: Final = ("allow", "deny", "hold")
_REGISTRYS: Final = ("registry", "upstream", "default")
"""What decides besides the policy's rules."""
_SESSIONS: Final = ("none", "opening", "held", "expired", "refused")
_MOST_RULES: Final = 500
"""Rules that are counted one by one, those of earlier policies included; further ones count as `other`."""
_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


class DecisionCounts:
    """What was decided since the start."""

    def __init__(self) -> None:
        self.totals: Counter[tuple[str, str]] = Counter()
        """By outcome and rule."""
        self.durations = Histogram(_SECONDS)
        """Seconds from reading a dispatch to having its decision in the log."""
        self._rules: set[str] = set()

    def take(self, receipt: dict[str, Any], seconds: float) -> None:
        """Count a decision."""
        rule = receipt["rule"]
        if rule not in self._rules:
            if len(self._rules) >= _MOST_RULES:
                rule = "other"
            self._rules.add(rule)
        self.totals[(receipt["outcome"], rule)] += 1
        self.durations.observe(seconds)


def render(hall: "Hall", connections: int) -> str:
    """Return the text of `/metrics`. `connections` is how many clients are connected."""
    return exposition(_families(hall, connections))


def _families(hall: "Hall", connections: int) -> Iterator[Family]:
    counts = hall.decisions
    rules = [*_REGISTRYS, *_rules(hall)][:_MOST_RULES]
    totals = {(outcome, rule): 0 for rule in rules for outcome in _OUTCOMES} | dict(counts.totals)
    yield Family(
        "pyhall_hall_decisions_total",
        Type.COUNTER,
        "Decisions since the start, by outcome and by the rule that decided.",
        [Sample(count, {"outcome": outcome, "rule": rule}) for (outcome, rule), count in totals.items()],
    )
    yield Family(
        "pyhall_hall_decision_duration_seconds",
        Type.HISTOGRAM,
        "From reading a dispatch to having its decision in the log.",
        counts.durations.samples({}),
    )
    state: dict[str, Any] = hall.upstream.state() if hall.upstream else {"stale": False, "session": {"state": "none"}}
    yield Family(
        "pyhall_hall_upstream_session",
        Type.GAUGE,
        "The session to the upstream: 1 for the state that it is in, 0 for the others.",
        [Sample(state["session"]["state"] == each, {"state": each}) for each in _SESSIONS],
    )
    yield Family(
        "pyhall_hall_upstream_stale",
        Type.GAUGE,
        "Whether the upstream has been unreachable for too long (1); 0 also without an upstream.",
        [Sample(bool(state["stale"]))],
    )
    yield Family("pyhall_hall_connections", Type.GAUGE, "Clients that are connected.", [Sample(connections)])
    yield Family(
        "pyhall_hall_log_head",
        Type.GAUGE,
        "The number of the last row of the decision log; NaN if it can't be read.",
        [Sample(_head(hall))],
    )
    signing = hall.signing
    yield Family(
        "pyhall_hall_log_signed",
        Type.GAUGE,
        "The number of the last row of the decision log that a signed checkpoint covers; NaN without one.",
        [Sample(signing.last.seq if signing and signing.last else math.nan)],
    )
    yield Family(
        "pyhall_hall_policy_current",
        Type.GAUGE,
        "Whether the policy in force is the newest one (1), or a newer one has a mistake (0).",
        [Sample(hall.policy.error is None)],
    )
    yield Family("pyhall_hall_build_info", Type.GAUGE, "Always 1.", [Sample(1, {"version": __version__})])


def _rules(hall: "Hall") -> list[str]:
    """Return the rules of the policy in force; none if the store can't be read, which dispatches report."""
    try:
        return [rule.id for rule in hall.policy.current().rule]
    except (StoreError, sqlite3.Error):
        return []


def _head(hall: "Hall") -> float:
    try:
        return hall.store.log.head().seq
    except (StoreError, sqlite3.Error):
        return math.nan
