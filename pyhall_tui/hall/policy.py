"""The policy gate: rules, the first that matches decides; where none does, the stated default."""

import logging
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

import msgspec

from pyhall_tui.hall import tomlfile
from pyhall_tui.hall.errors import FileMistake, StoreError
from pyhall_tui.hall.models import UNSTATED
from pyhall_tui.hall.store import Store

Outcome = Literal["allow", "deny", "hold"]
Tier = Literal["low", "medium", "high", "critical", "unstated"]
_log = logging.getLogger(__name__)
_CODES = {"deny": "POLICY_BLOCKED", "hold": "DENY_REQUIRES_HUMAN_APPROVAL"}
_REASONS = {
    "deny": "Capability is restricted by namespace policy",
    "hold": "A human must approve this dispatch",
}


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """One rule. Globs are `*`, `?` and `[…]`, compared with case; without `risk_tiers` it counts for every tier.

    A dispatch that names no tier has the tier `unstated`, so that a rule can speak of it too.
    """

    id: str
    outcome: Outcome
    namespace: str = "*"
    capability: str = "*"
    worker: str = "*"
    risk_tiers: tuple[Tier, ...] = ()
    code: str | None = None
    reason: str | None = None

    def matches(self, namespace: str, capability: str, worker_id: str, tier: str) -> bool:
        """Whether this rule speaks of such a dispatch."""
        return (
            fnmatchcase(namespace, self.namespace)
            and fnmatchcase(capability, self.capability)
            and fnmatchcase(worker_id, self.worker)
            and (not self.risk_tiers or tier in self.risk_tiers)
        )


class Decision(msgspec.Struct, frozen=True):
    """What was decided: `code` and `reason` are None on an allow; `rule` is a rule's id, `default` or `registry`."""

    outcome: Outcome
    rule: str
    code: str | None = None
    reason: str | None = None


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A list of rules and what counts where none matches."""

    rule: tuple[Rule, ...] = ()
    default: Literal["allow", "deny"] = "deny"
    default_code: str = "DENY_NO_MATCHING_RULE"
    default_reason: str = "No rule of the policy matches, and its default is to deny"

    def decide(self, namespace: str, capability: str, worker_id: str, tier: str | None) -> Decision:
        """Return the decision of the first rule that matches, else the default's. `tier` None is `unstated`."""
        for rule in self.rule:
            if rule.matches(namespace, capability, worker_id, tier or UNSTATED):
                if rule.outcome == "allow":
                    return Decision("allow", rule.id)
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
        raise tomlfile.mistake(str(error), text, name, "rule") from None
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
