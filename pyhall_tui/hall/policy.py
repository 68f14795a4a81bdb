"""The policy gate: the first rule that matches decides; if none matches, the default does."""

import logging
import re
from collections.abc import Callable
from fnmatch import translate
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, get_args

import msgspec

from pyhall_tui.clock import Clock, SystemClock
from pyhall_tui.files.regular_file import read_bounded, reason
from pyhall_tui.hall import hours as times
from pyhall_tui.hall import tomlfile
from pyhall_tui.hall.errors import FileMistake, StoreError
from pyhall_tui.hall.hours import DAYS, Day
from pyhall_tui.hall.models import Asked
from pyhall_tui.hall.store import Store
from pyhall_tui.hall.watched_file import WatchedFile

Outcome = Literal["allow", "deny", "hold"]
Tier = Literal["low", "medium", "high", "critical", "unstated"]
Hours = Annotated[str, msgspec.Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$")]
Rate = Annotated[str, msgspec.Meta(pattern=r"^[1-9]\d{0,5}/(second|minute|hour|day)$")]
Name = Annotated[str, msgspec.Meta(min_length=1)]
_NOT_EMPTY = msgspec.Meta(min_length=1)
Value = str | int | float | bool

TIERS: tuple[Tier, ...] = get_args(Tier)
_log = logging.getLogger(__name__)
_CODES = {"deny": "POLICY_BLOCKED", "hold": "DENY_REQUIRES_HUMAN_APPROVAL"}
_REASONS = {
    "deny": "Capability is restricted by namespace policy",
    "hold": "A human must approve this dispatch",
}


_WANTED = {
    "outcome": "allow, deny or hold",
    "default": "allow or deny",
    "risk_tiers": f"a list of {', '.join(TIERS)}",
    "days": f"a list of {', '.join(DAYS)}",
    "hours": "two times, such as 08:00-18:00 or 18:00-24:00",
    "rate": "a number and a unit, such as 10/minute (second, hour, day)",
    "context": 'a table of lists, such as { env = ["prod"] }',
}
"""The values that a key accepts, for keys where msgspec's own message says too little."""


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """One rule; it matches if all of its conditions are met. Globs are `*`, `?` and `[…]`, and are case-sensitive.

    `risk_tiers`: by default every tier; a dispatch that names none has the tier `unstated`. `context`: fields of the
    dispatch's context, and the values that each may have. `hours` and `days` are in `timezone`; `22:00-06:00` runs past
    midnight, and its morning belongs to the day before. `rate` is how often the rule allows each worker within any span
    of that length; beyond it, the rule denies.

    Raises:
        ValueError: a condition can never be met, or the time zone is unknown.
    """

    id: Name
    outcome: Outcome
    namespace: Name = "*"
    capability: Name = "*"
    worker: Name = "*"
    risk_tiers: Annotated[tuple[Tier, ...], _NOT_EMPTY] = ()
    context: Annotated[dict[str, Annotated[tuple[Value, ...], _NOT_EMPTY]], _NOT_EMPTY] = {}
    hours: Hours | None = None
    days: Annotated[tuple[Day, ...], _NOT_EMPTY] = ()
    timezone: str = "UTC"
    rate: Rate | None = None
    code: str | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        for name in ("namespace", "capability", "worker"):
            glob = getattr(self, name)
            if "(?!)" in translate(glob):  # what `[b-a]` translates to
                raise ValueError(f"{name}: {glob} can never match")
        for name, values in self.context.items():
            if all(value != value for value in values):  # nan
                raise ValueError(f"context: the values of {name} can never match")
        _named("timezone", times.zone, self.timezone)
        if self.hours:
            _named("hours", times.check, self.hours)

    def miss(self, asked: Asked) -> str | None:
        """Return the name of the first condition that the dispatch does not meet; None if the rule matches."""
        if not _fits(asked.namespace, self.namespace):
            return "namespace"
        if not _fits(asked.capability, self.capability):
            return "capability"
        if not _fits(asked.worker_id, self.worker):
            return "worker"
        if self.risk_tiers and asked.tier not in self.risk_tiers:
            return "risk_tiers"
        if any(not in_context(asked, name, values) for name, values in self.context.items()):
            return "context"
        return None if times.is_open(self.hours, self.days, self.timezone, asked.wall) else "hours"


def _named(key: str, check: Callable[[str], object], value: str) -> None:
    """Check a value; an error message starts with its key."""
    try:
        check(value)
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from None


def in_context(asked: Asked, name: str, values: tuple[Value, ...]) -> bool:
    """Whether a field of a dispatch's context has one of these values; true is not 1."""
    found = asked.context.get(name)
    return any(found == value and isinstance(found, bool) == isinstance(value, bool) for value in values)


def _fits(text: str, glob: str) -> bool:
    """As `fnmatchcase`, which caches only a few hundred translated globs."""
    return glob == "*" or _matcher(glob)(text) is not None


@lru_cache(maxsize=50_000)
def _matcher(glob: str) -> Callable[[str], re.Match[str] | None]:
    return re.compile(translate(glob)).match


class Decision(msgspec.Struct, frozen=True):
    """What was decided: `code` and `reason` are None on an allow; `rule` is a rule's id, `default` or `registry`."""

    outcome: Outcome
    rule: str
    code: str | None = None
    reason: str | None = None
    rate: str | None = None  # how often the rule allows each worker, for the code that counts


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A list of rules, and what applies if none matches."""

    rule: tuple[Rule, ...] = ()
    default: Literal["allow", "deny"] = "deny"
    default_code: str = "DENY_NO_MATCHING_RULE"
    default_reason: str = "No rule of the policy matches, and its default is to deny"

    def decide(self, asked: Asked) -> Decision:
        """Return the decision of the first rule that matches, otherwise the default."""
        for rule in self.rule:
            if rule.miss(asked) is None:
                if rule.outcome == "allow":
                    return Decision("allow", rule.id, rate=rule.rate)
                code = rule.code or _CODES[rule.outcome]
                return Decision(rule.outcome, rule.id, code, rule.reason or _REASONS[rule.outcome])
        if self.default == "allow":
            return Decision("allow", "default")
        return Decision("deny", "default", self.default_code, self.default_reason)


def parse(text: str, name: str) -> Policy:
    """Read a policy in TOML: `default = "deny"` and `[[rule]]` tables; a rule without an id is named by its number.

    Raises:
        FileMistake: with `name:line:column` and what is wrong there.
    """
    raw = tomlfile.loads(text, name)
    if not raw:
        raise FileMistake(f"{name}:1:1: the file is empty: a policy has a default, rules, or both")
    rules = raw.get("rule")
    for number, rule in enumerate(rules if isinstance(rules, list) else (), 1):
        if isinstance(rule, dict):
            rule.setdefault("id", f"rule-{number}")
    try:
        policy = msgspec.convert(raw, Policy)
    except msgspec.ValidationError as error:
        raise tomlfile.mistake(str(error), text, name, "rule", _WANTED) from None
    seen: set[str] = set()
    for index, made in enumerate(policy.rule):
        if made.id in seen:
            raise tomlfile.mistake(
                f"the id {made.id} is already used by an earlier rule - at `$.rule[{index}].id`", text, name, "rule"
            )
        seen.add(made.id)
    return policy


def _still_in_force(policy: Policy) -> str:
    count = len(policy.rule)
    return f"the last good policy, {count} rule{'s' * (count != 1)}, stays in force"


class StoredPolicy:
    """The policy in the store; read again after any process changes it.

    If rules can't be read, the old ones stay in force and `error` says so; on the first read it is a `StoreError`.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._revision: str | None = None
        self._policy = Policy()
        self.error: str | None = None

    def current(self) -> Policy:
        """Return the policy in force."""
        revision = self._store.state().policy_revision()
        if revision != self._revision:
            first, self._revision = self._revision is None, revision
            try:
                self._policy, self.error = load_rules(self._store), None
            except StoreError as error:
                if first:
                    self._revision = None
                    raise
                self.error = str(error)
                _log.warning("%s (%s)", error, _still_in_force(self._policy))
        return self._policy


class PolicyFile:
    """A policy in a TOML file; read again once the file has changed and settled. A mistake keeps the old rules.

    Raises:
        FileMistake: the file can't be read the first time.
    """

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        self.path = path
        self.error: str | None = None
        self._file = WatchedFile(path, clock or SystemClock())
        try:
            self._policy = self._parse(read_bounded(path))  # reads a pipe only once; the hall would wait for more
        except OSError as error:
            raise FileMistake(f"{path}: can't be read: {reason(error)}") from None

    def current(self) -> Policy:
        """Return the policy in force; `error` says why a newer one is not."""
        content = self._file.look()
        if content is not None:
            self._take(content)
        elif self._file.restless:
            self._say(f"{self.path} keeps changing: it is loaded when it has not changed for two seconds")
        return self._policy

    def _take(self, content: bytes | str) -> None:
        try:
            if isinstance(content, str):
                raise FileMistake(f"{self.path}: can't be read: {content}")
            self._policy, self.error = self._parse(content), None
        except FileMistake as error:
            self._say(str(error))
        else:
            _log.warning("%s: loaded, rules: %d, default: %s", self.path, len(self._policy.rule), self._policy.default)

    def _say(self, error: str) -> None:
        if error != self.error:
            self.error = error
            _log.warning("%s (%s)", error, _still_in_force(self._policy))

    def _parse(self, content: bytes) -> Policy:
        return parse(tomlfile.text_of(content, self.path), str(self.path))


def save_rules(store: Store, policy: Policy) -> None:
    """Replace the store's policy; a hall that serves the store applies it at once."""
    rules = [msgspec.json.encode(rule).decode() for rule in policy.rule]
    store.put_rules(rules, msgspec.json.encode(msgspec.structs.replace(policy, rule=())).decode())


def load_rules(store: Store) -> Policy:
    """Return the store's policy; a store without one denies everything.

    Raises:
        StoreError: the stored rules are not a policy.
    """
    kept, default = store.rules()
    try:
        rules = tuple(msgspec.json.decode(rule, type=Rule) for rule in kept)
        defaults = msgspec.json.decode(default, type=Policy)
    except msgspec.DecodeError as error:
        raise StoreError(
            f"the policy in the hall's store can't be read: {error} (replace it with hall policy set)"
        ) from None
    return msgspec.structs.replace(defaults, rule=rules)
