"""Finds unreachable rules: earlier rules already decide everything that they match."""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache

from pyhall_tui.hall.policy import TIERS, Policy, Rule

_TOKEN = re.compile(r"\*|\?|\[[!]?\]?[^\]]*\]|.", re.DOTALL)


@dataclass(frozen=True)
class Hidden:
    """An unreachable rule, the earlier rules that match everything it matches, and whether they agree with it."""

    rule: str
    by: tuple[str, ...]
    same_outcome: bool

    def __str__(self) -> str:
        others = " and ".join(self.by)
        effect = "with the same outcome" if self.same_outcome else "with another outcome"
        return f"rule {self.rule} is unreachable: {others} already decides everything it matches, {effect}"


def hidden_rules(policy: Policy) -> list[Hidden]:
    """Find the unreachable rules. There are no false alarms, but an unusual pair of globs may be missed."""
    found = []
    for number, rule in enumerate(policy.rule):
        takers = [earlier for earlier in policy.rule[:number] if _takes(earlier, rule)]
        by = [
            next((taker for taker in takers if tier in (taker.risk_tiers or TIERS)), None)
            for tier in rule.risk_tiers or TIERS
        ]
        covers = list(dict.fromkeys(taker.id for taker in by if taker))
        if all(by):
            same = all(taker is not None and taker.outcome == rule.outcome for taker in by)
            found.append(Hidden(rule.id, tuple(covers), same))
    return found


def _takes(earlier: Rule, later: Rule) -> bool:
    """Whether the earlier rule matches everything that the later one does, apart from risk tiers."""
    if not all(
        name in later.context and set(later.context[name]) <= set(values) for name, values in earlier.context.items()
    ):
        return False
    times = (earlier.hours, earlier.days, earlier.timezone)
    if (earlier.hours or earlier.days) and times != (later.hours, later.days, later.timezone):
        return False
    return (
        covers(earlier.namespace, later.namespace)
        and covers(earlier.capability, later.capability)
        and covers(earlier.worker, later.worker)
    )


def covers(glob: str, other: str) -> bool:
    """Whether `glob` matches every text that `other` matches. A yes is never wrong."""
    if glob == "*" or glob == other:
        return True
    mine, theirs = _start(glob), _start(other)
    if not (theirs.startswith(mine) or mine.startswith(theirs)):
        return False  # most pairs of rules in a long policy end here
    return _covers(_tokens(glob), _tokens(other))


@lru_cache(maxsize=50_000)
def _start(glob: str) -> str:
    """Return what every text that `glob` matches begins with."""
    return re.split(r"[*?\[]", glob, maxsplit=1)[0]


@lru_cache(maxsize=50_000)
def _tokens(glob: str) -> tuple[str, ...]:
    """Split a glob. In a run of `*` and `?`, put the `?` first and keep one `*`, which matches the same."""
    tokens: list[str] = _TOKEN.findall(glob)
    result: list[str] = []
    for token in tokens:
        if result and result[-1] == "*" and token in "*?":
            if token == "?":
                result.insert(-1, "?")
        else:
            result.append(token)
    return tuple(result)


@lru_cache(maxsize=4096)
def _covers(glob: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Match one glob's tokens against another's, as if the other's were characters."""
    reach = {0}  # how many tokens of `glob` may be matched so far
    for token in (*other, None):
        for position in range(len(glob)):
            if position in reach and glob[position] == "*":
                reach.add(position + 1)
        if token is None:
            return len(glob) in reach
        reach = {
            position if glob[position] == "*" else position + 1
            for position in reach
            if position < len(glob) and _takes_token(glob[position], token)
        }
    return False


def _takes_token(taker: str, token: str) -> bool:
    """Whether one token matches everything that another does; `*` matches any, and only `*` matches it."""
    if taker == "*" or taker == token:
        return True
    if token == "*":
        return False
    if taker == "?":
        return True
    if len(taker) > 1 and len(token) == 1 and token != "?":
        return fnmatchcase(token, taker)
    return False
