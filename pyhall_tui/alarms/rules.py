"""How urgent each kind of alarm is, and how you are notified: the defaults, and a profile's own rules."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

import msgspec

from pyhall_tui.alarms.alarm import CONDITIONS, Condition
from pyhall_tui.alarms.flapping import FlappingLimit
from pyhall_tui.fleet.events import Severity


class Tell(StrEnum):
    """How you are notified that an alarm fires."""

    LINE = "line"
    """On the current screen."""
    BELL = "bell"
    DESKTOP = "desktop"


class Rule(NamedTuple):
    """How urgent an alarm of one kind is, and how you are notified. `bell` and `desktop` always come with a `line`."""

    severity: Severity
    tell: frozenset[Tell]


class Mistake(NamedTuple):
    """A rule that can't be read: where, and a sentence. The default applies instead."""

    path: tuple[str, ...]
    sentence: str


SEVERITIES: Final = {"alarm": Severity.ALARM, "warning": Severity.WARNING, "note": Severity.NOTICE}
"""The words of a rule. The header counts only alarms."""
_WARNINGS: Final = (Condition.BAN_LIST_FAILING,)
"""Not alarms unless a rule says so: they recover within seconds, or verify covers for them."""
_CALLED: Final = (Condition.BANNED, Condition.REVOKED)
"""What rings and notifies if the profile has that switched on."""
_FLAPPING: Final = ("changes", "minutes")
_MOST_CHANGES: Final = 1_000


class Rules(msgspec.Struct, frozen=True):
    """The rules of one profile."""

    by_condition: Mapping[Condition, Rule]
    flapping: FlappingLimit = FlappingLimit()

    def of(self, condition: Condition) -> Rule:
        """Return the rule for one kind."""
        return self.by_condition[condition]


def default_rules(*, bell: bool = False, desktop: bool = False) -> Rules:
    """Return the rules of a profile without its own; `bell` and `desktop` are its switches for bans."""
    return Rules({condition: _default(condition, None, bell=bell, desktop=desktop) for condition in Condition})


def rules_from(table: object, *, bell: bool = False, desktop: bool = False) -> tuple[Rules, list[Mistake]]:
    """Return the rules that a profile's `alarms` table gives, and what is wrong with it.

    A mistake affects only its own rule.
    """
    if not isinstance(table, Mapping):
        return default_rules(bell=bell, desktop=desktop), [Mistake((), "The alarm rules must be a table.")]
    mistakes: list[Mistake] = []
    rules = dict(default_rules(bell=bell, desktop=desktop).by_condition)
    limit = FlappingLimit()
    for name, value in table.items():
        condition = CONDITIONS.get(name)
        if condition is None:
            mistakes.append(
                Mistake((name,), f"There is no kind of alarm {name!r}; there are: {', '.join(CONDITIONS)}.")
            )
            continue
        given = value if isinstance(value, Mapping) else {"severity": value}
        severity = _severity(name, given, mistakes, is_table=given is value)
        tell = _tell(name, given, mistakes)
        base = _default(condition, severity, bell=bell, desktop=desktop)
        rules[condition] = base if tell is None else base._replace(tell=tell)
        if condition is Condition.FLAPPING:
            limit = _limit(name, given, mistakes)
        known = ("severity", "tell", *(_FLAPPING if condition is Condition.FLAPPING else ()))
        mistakes += [Mistake((name, key), f"{key!r} means nothing here.") for key in given if key not in known]
    return Rules(rules, limit), mistakes


def _default(condition: Condition, severity: Severity | None, *, bell: bool, desktop: bool) -> Rule:
    if severity is None:
        severity = Severity.WARNING if condition in _WARNINGS else Severity.ALARM
    tell = {Tell.LINE} if severity is Severity.ALARM else set()
    if tell and condition in _CALLED:
        tell |= {way for way, on in ((Tell.BELL, bell), (Tell.DESKTOP, desktop)) if on}
    return Rule(severity, frozenset(tell))


def _severity(name: str, given: Mapping[str, Any], mistakes: list[Mistake], *, is_table: bool) -> Severity | None:
    word = given.get("severity")
    if word is None:
        return None
    if not isinstance(word, str) or word not in SEVERITIES:
        path = (name, "severity") if is_table else (name,)
        mistakes.append(Mistake(path, f"The severity of {name} must be one of {', '.join(SEVERITIES)}."))
        return None
    return SEVERITIES[word]


def _tell(name: str, given: Mapping[str, Any], mistakes: list[Mistake]) -> frozenset[Tell] | None:
    ways = given.get("tell")
    if ways is None:
        return None
    known = [way.value for way in Tell]
    if not isinstance(ways, list) or not all(isinstance(way, str) and way in known for way in ways):
        sentence = f"How {name} is told must be a list of {', '.join(known)}; an empty one tells nobody."
        mistakes.append(Mistake((name, "tell"), sentence))
        return None
    return frozenset(map(Tell, ways)) | ({Tell.LINE} if ways else frozenset())


def _limit(name: str, given: Mapping[str, Any], mistakes: list[Mistake]) -> FlappingLimit:
    limit = FlappingLimit()
    changes, minutes = given.get("changes", limit.changes), given.get("minutes", limit.minutes)
    if not isinstance(changes, int) or isinstance(changes, bool) or not 1 <= changes <= _MOST_CHANGES:
        mistakes.append(Mistake((name, "changes"), f"Changes must be a whole number from 1 to {_MOST_CHANGES}."))
        changes = limit.changes
    if not isinstance(minutes, int | float) or isinstance(minutes, bool) or not 0 < minutes <= 1_440:
        mistakes.append(Mistake((name, "minutes"), "Minutes must be a number above 0, at most 1440 (a day)."))
        minutes = limit.minutes
    return FlappingLimit(changes=changes, minutes=float(minutes))
