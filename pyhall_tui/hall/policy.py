"""The policy gate: rules, the first that matches decides; where none does, the stated default."""

import logging
import re
import zoneinfo
from collections.abc import Callable
from datetime import datetime
from fnmatch import translate
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, get_args

import msgspec

from pyhall_tui.hall import tomlfile
from pyhall_tui.hall.errors import FileMistake, StoreError
from pyhall_tui.hall.models import Asked
from pyhall_tui.hall.store import Store
from pyhall_tui.regular_file import reason, require_regular

Outcome = Literal["allow", "deny", "hold"]
Tier = Literal["low", "medium", "high", "critical", "unstated"]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Hours = Annotated[str, msgspec.Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$")]
Rate = Annotated[str, msgspec.Meta(pattern=r"^[1-9]\d{0,5}/(second|minute|hour|day)$")]

TIERS: tuple[Tier, ...] = get_args(Tier)
DAYS: tuple[Day, ...] = get_args(Day)
SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
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
    "hours": "two times, such as 08:00-18:00",
    "rate": "a number and a unit, such as 10/minute (second, hour, day)",
    "context": 'a table of lists, such as { env = ["prod"] }',
}
"""What may stand at a key, where msgspec's own words say too little."""


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """One rule; it matches by all that it names. Globs are `*`, `?` and `[…]`, compared with case.

    `risk_tiers`: without, every tier; a dispatch that names none has the tier `unstated`. `context`: a field of the
    dispatch's context, with the values it may have. `hours` (`22:00-06:00` goes over midnight) and `days` are in
    `timezone`. `rate` is how often the rule allows each worker; beyond it, it denies.
    """

    id: str
    outcome: Outcome
    namespace: str = "*"
    capability: str = "*"
    worker: str = "*"
    risk_tiers: tuple[Tier, ...] = ()
    context: dict[str, tuple[str | int | float | bool, ...]] = {}
    hours: Hours | None = None
    days: tuple[Day, ...] = ()
    timezone: str = "UTC"
    rate: Rate | None = None
    code: str | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        try:
            zoneinfo.ZoneInfo(self.timezone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"there is no timezone {self.timezone}") from None

    def miss(self, asked: Asked) -> str | None:
        """Return the name of the first condition that the dispatch does not meet; None where the rule matches."""
        if not _fits(asked.namespace, self.namespace):
            return "namespace"
        if not _fits(asked.capability, self.capability):
            return "capability"
        if not _fits(asked.worker_id, self.worker):
            return "worker"
        if self.risk_tiers and asked.tier not in self.risk_tiers:
            return "risk_tiers"
        if any(asked.context.get(name) not in values for name, values in self.context.items()):
            return "context"
        return None if self._open(asked.wall) else "hours"

    def _open(self, wall: float) -> bool:
        if not (self.hours or self.days):
            return True
        now = datetime.fromtimestamp(wall, zoneinfo.ZoneInfo(self.timezone))
        if self.days and DAYS[now.weekday()] not in self.days:
            return False
        if self.hours is None:
            return True
        start, end = self.hours.split("-")
        clock = now.strftime("%H:%M")
        return start <= clock < end if start < end else clock >= start or clock < end


def _fits(text: str, glob: str) -> bool:
    """As `fnmatchcase`, which forgets all but a few hundred globs and translates them anew."""
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
    rate: str | None = None  # how often the rule allows each worker: for who counts


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A list of rules and what counts where none matches."""

    rule: tuple[Rule, ...] = ()
    default: Literal["allow", "deny"] = "deny"
    default_code: str = "DENY_NO_MATCHING_RULE"
    default_reason: str = "No rule of the policy matches, and its default is to deny"

    def decide(self, asked: Asked) -> Decision:
        """Return the decision of the first rule that matches, else the default's."""
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
    """Read a policy in TOML: `default = "deny"` and `[[rule]]` tables; a rule without an id is called by its number.

    Raises:
        FileMistake: with `name:line:column` and what is wrong there.
    """
    raw = tomlfile.loads(text, name)
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
                f"the id {made.id} is an earlier rule's - at `$.rule[{index}].id`", text, name, "rule"
            )
        seen.add(made.id)
    return policy


class StoredPolicy:
    """The policy that is kept in the store; read again when it was changed, by whichever process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._revision: str | None = None
        self._policy = Policy()
        self.error: str | None = None

    def current(self) -> Policy:
        """Return the policy in force."""
        revision = self._store.meta("policy_revision")
        if revision != self._revision:
            self._policy, self._revision = load_rules(self._store), revision
        return self._policy


class PolicyFile:
    """A policy in a TOML file; read again when the file changes. A file with a mistake keeps the old rules.

    Raises:
        FileMistake: the file can't be read the first time.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.error: str | None = None
        self._stamp = self._look()
        self._policy = self._read()

    def current(self) -> Policy:
        """Return the policy in force; `error` says what keeps a newer one from it."""
        stamp = self._look()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._policy, self.error = self._read(), None
            except FileMistake as error:
                self.error = str(error)
                _log.warning("%s (the rules before it stay in force)", error)
        return self._policy

    def _look(self) -> tuple[int, int, int]:
        try:
            found = self.path.stat()
        except OSError:
            return (0, 0, 0)
        return (found.st_mtime_ns, found.st_size, found.st_ino)

    def _read(self) -> Policy:
        try:
            require_regular(self.path.stat().st_mode, self.path)  # a pipe says it once, and the hall would wait on it
        except OSError as error:
            raise FileMistake(f"{self.path}: cannot be read: {reason(error)}") from None
        return parse(tomlfile.read_text(self.path), str(self.path))


def save_rules(store: Store, policy: Policy) -> None:
    """Keep a policy in the store in place of the one that is there; a hall that serves it follows at once."""
    with store.write() as db:
        db.execute("DELETE FROM rules")
        rows = [(number, msgspec.json.encode(rule).decode()) for number, rule in enumerate(policy.rule)]
        db.executemany("INSERT INTO rules VALUES (?, ?)", rows)
        defaults = msgspec.structs.replace(policy, rule=())
        store.set_meta("policy_default", msgspec.json.encode(defaults).decode())
        store.set_meta("policy_revision", str(int(store.meta("policy_revision") or 0) + 1))


def load_rules(store: Store) -> Policy:
    """Return the policy that is kept in the store; one that has none denies everything.

    Raises:
        StoreError: what is kept there is no policy.
    """
    rows = store.read("SELECT rule FROM rules ORDER BY position")
    try:
        rules = tuple(msgspec.json.decode(row[0], type=Rule) for row in rows)
        defaults = msgspec.json.decode(store.meta("policy_default") or "{}", type=Policy)
    except msgspec.ValidationError as error:
        raise StoreError(f"the policy in the hall's store cannot be read: {error}") from None
    return msgspec.structs.replace(defaults, rule=rules)
