"""The policy gate: rules and what counts before them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pyhall_tui.hall import gate
from pyhall_tui.hall.context import Hall
from pyhall_tui.hall.errors import FileMistake
from pyhall_tui.hall.models import Asked, Worker
from pyhall_tui.hall.policy import Policy, PolicyFile, Rule, StoredPolicy, parse, save_rules
from pyhall_tui.hall.store import Store
from tests.clock import ManualClock

ALLOW_ALL = Policy(default="allow")
GOOD = {"namespace": "org.yourco", "capabilities": ("llm.text.generate",), "sha256": "ab" * 32, "attested_at": "2026"}


def asked(capability: str = "llm.text.generate", worker: str = "w", tier: str = "unstated", **fields: Any) -> Asked:
    known = {"namespace": "org.yourco", "capability": capability, "worker_id": worker, "tier": tier}
    return Asked(**(known | fields))


def decide(policy: Policy, *arguments: str, **fields: Any) -> str:
    decision = policy.decide(asked(*arguments, **fields))
    return f"{decision.outcome} by {decision.rule}"


def test_the_first_rule_that_matches_decides() -> None:
    policy = parse(
        """
        [[rule]]
        id = "no-mail"
        outcome = "deny"
        capability = "mail.*"
        [[rule]]
        id = "all"
        outcome = "allow"
        """,
        "p",
    )
    assert decide(policy, "mail.send") == "deny by no-mail"
    assert decide(policy, "llm.text.generate") == "allow by all"


def test_a_rule_matches_by_all_that_it_names() -> None:
    rule = Rule(
        id="r", outcome="allow", namespace="org.*", capability="llm.*", worker="w-?", risk_tiers=("low", "medium")
    )
    policy = Policy(rule=(rule,))
    assert decide(policy, "llm.x", "w-1", "low") == "allow by r"
    assert decide(policy, "LLM.x", "w-1", "low") == "deny by default"
    assert decide(policy, "llm.x", "w-12", "low") == "deny by default"
    assert decide(policy, "llm.x", "w-1", "high") == "deny by default"
    assert policy.decide(asked("llm.x", "w-1", "low", namespace="x.alice")).outcome == "deny"


def test_a_tier_that_is_not_stated_escapes_no_rule_that_speaks_of_it() -> None:
    low_only = Policy(rule=(Rule(id="low", outcome="allow", risk_tiers=("low",)),))
    assert decide(low_only) == "deny by default"
    refuses = Policy(rule=(Rule(id="say", outcome="deny", risk_tiers=("unstated",)), Rule(id="all", outcome="allow")))
    assert decide(refuses) == "deny by say"


def test_without_a_rule_the_default_is_to_deny_with_its_code() -> None:
    decision = Policy().decide(asked())
    assert (decision.outcome, decision.code) == ("deny", "DENY_NO_MATCHING_RULE")
    assert decide(ALLOW_ALL) == "allow by default"


def test_a_rule_gives_its_own_code_and_reason() -> None:
    rules = (Rule(id="d", outcome="deny", code="DENY_REQUIRES_HUMAN", reason="Ask Eve", capability="a"),)
    decision = Policy(rule=rules).decide(asked("a"))
    assert (decision.code, decision.reason) == ("DENY_REQUIRES_HUMAN", "Ask Eve")


@pytest.mark.parametrize(
    ("worker", "code"),
    [
        (None, "DENY_NO_AVAILABLE_WORKER"),
        (Worker(worker_id="w", **GOOD | {"namespace": "x.alice"}), "DENY_NO_AVAILABLE_WORKER"),
        (Worker(worker_id="w", **GOOD, hash_ban_reason="r"), "ATTEST_BANNED_HASH"),
        (Worker(worker_id="w", **GOOD, ban_reason="r"), "DENY_WORKER_BANNED"),
        (Worker(worker_id="w", **GOOD, ban_reason="r", status="retired"), "DENY_WORKER_BANNED"),
        (Worker(worker_id="w", **GOOD, status="retired"), "DENY_WORKER_RETIRED"),
        (Worker(worker_id="w", **GOOD, status="revoked"), "DENY_WORKER_REVOKED"),
        (Worker(worker_id="w", **GOOD | {"sha256": None}), "DENY_WORKER_ATTESTATION_MISSING"),
        (Worker(worker_id="w", **GOOD | {"attested_at": None}), "DENY_WORKER_ATTESTATION_MISSING"),
        (Worker(worker_id="w", **GOOD | {"sha256": "PENDING"}), "DENY_WORKER_ATTESTATION_INVALID_HASH"),
        (Worker(worker_id="w", **GOOD | {"capabilities": ("a",)}), "NO_WORKER_FOR_CAPABILITY"),
        (Worker(worker_id="w", **GOOD), None),
    ],
)
def test_what_is_known_of_the_worker_counts_before_the_policy(worker: Worker | None, code: str | None) -> None:
    assert gate.decide(worker, asked(), ALLOW_ALL).code == code


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ('default = "maybe"', "p:1:1: default: expected allow or deny, not 'maybe'", ""),
        ('[[rule]]\noutcome = "hald"', "p:2:1: rule 1: outcome: expected allow, deny or hold, not 'hald'", ""),
        ('defalt = "deny"', "p:1:1: there is an unknown field", "defalt"),
        ('default = "deny"\n\n[[rule]]\noutcome = "allow"\n  capabilty = "x"', "p:5:3:", "capabilty"),
        ('[[rule]]\noutcome = "allow"\n[[rule]]\ncapability = "a"', "p:3:1:", "outcome"),
        ('[[rule]]\noutcome = "allow"\nrisk_tiers = ["low", "lo"]', "p:3:1:", "lo"),
        ('[[rule]]\nid = "a"\noutcome = "allow"\n[[rule]]\noutcome = "deny"\nid = "a"', "p:6:1:", "earlier"),
        ("[[rule]\n", "p:1:7:", "]"),
        ('[[rule]]\nid = "', "p:2:7:", "nterminated"),
        ("rule = 3", "p:1:1:", "array"),
        ('[[rule]]\noutcome = "deny"\ntimezone = "Mars"', "p:1:1:", "Mars"),
        ('[[rule]]\noutcome = "deny"\nhours = "25:00-26:00"', "p:3:1:", "hours"),
    ],
)
def test_a_mistake_is_told_with_line_and_column(text: str, place: str, says: str) -> None:
    with pytest.raises(FileMistake) as caught:
        parse(text, "p")
    assert str(caught.value).startswith(place)
    assert says in str(caught.value)


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text('default = "deny"')
    source = PolicyFile(file)
    assert source.current().default == "deny"
    file.write_text('default = "allow"')
    assert source.current().default == "allow"


@pytest.mark.parametrize("change", ["mistake", "gone"])
def test_a_file_with_a_mistake_keeps_the_old_rules_and_says_so(tmp_path: Path, change: str) -> None:
    file = tmp_path / "policy.toml"
    file.write_text('[[rule]]\nid = "old"\noutcome = "allow"')
    source = PolicyFile(file)
    if change == "mistake":
        file.write_text('[[rule]]\nid = "new"\noutcome = "allow')
    else:
        file.unlink()
    assert decide(source.current()) == "allow by old"
    assert source.error is not None and str(file) in source.error
    file.write_text('[[rule]]\nid = "newer"\noutcome = "allow"')
    assert decide(source.current()) == "allow by newer"
    assert source.error is None


def test_rules_in_the_store_come_back_as_they_were_and_are_followed_at_once(tmp_path: Path) -> None:
    served, other = Store(tmp_path / "hall.db"), Store(tmp_path / "hall.db")
    source = StoredPolicy(served)
    assert decide(source.current()) == "deny by default"
    policy = Policy(rule=(Rule(id="r", outcome="hold", risk_tiers=("high",)),), default="allow")
    save_rules(other, policy)
    assert source.current() == policy
    served.close()
    other.close()


def test_a_rule_may_speak_of_any_field_of_the_context() -> None:
    policy = Policy(rule=(Rule(id="dev", outcome="allow", context={"env": ("dev", "stage"), "dry": (True,)}),))
    assert decide(policy, context={"env": "dev", "dry": True, "more": 1}) == "allow by dev"
    assert decide(policy, context={"env": "prod", "dry": True}) == "deny by default"
    assert decide(policy, context={"env": ["dev"], "dry": True}) == "deny by default"
    assert decide(policy, context={"env": "dev"}) == "deny by default"


@pytest.mark.parametrize(
    ("hours", "at", "open_"),
    [
        ("08:00-18:00", "2026-11-25T07:59", False),
        ("08:00-18:00", "2026-11-25T08:00", True),
        ("08:00-18:00", "2026-11-25T18:00", False),
        ("22:00-06:00", "2026-11-25T23:00", True),
        ("22:00-06:00", "2026-11-25T05:59", True),
        ("22:00-06:00", "2026-11-25T12:00", False),
    ],
)
def test_a_rule_may_have_hours(hours: str, at: str, open_: bool) -> None:
    berlin = Rule(id="r", outcome="allow", hours=hours, timezone="Europe/Berlin")
    wall = datetime.fromisoformat(f"{at}+01:00").timestamp()
    assert (berlin.miss(asked(wall=wall)) is None) == open_


def test_a_rule_may_have_days_of_the_week() -> None:
    rule = Rule(id="r", outcome="allow", days=("wed",))
    assert rule.miss(asked(wall=datetime(2026, 11, 25, tzinfo=UTC).timestamp())) is None
    assert rule.miss(asked(wall=datetime(2026, 11, 26, tzinfo=UTC).timestamp())) == "hours"


def test_a_rule_may_have_a_rate_for_each_worker() -> None:
    clock = ManualClock()
    hall = Hall(Store(clock=clock), clock=clock)
    save_rules(hall.store, Policy(rule=(Rule(id="r", outcome="allow", rate="2/minute"),)))
    for worker_id in ("a", "b"):
        hall.store.put_worker(Worker(worker_id=worker_id, **GOOD))

    def dispatch(worker_id: str) -> str:
        receipt = gate.dispatch(hall, asked(worker=worker_id), "c")
        return str(receipt["deny_code"] or receipt["outcome"])

    assert [dispatch("a") for _ in range(3)] == ["allow", "allow", "POLICY_RATE_EXCEEDED"]
    assert dispatch("b") == "allow"
    clock.skip(30)
    assert [dispatch("a") for _ in range(2)] == ["allow", "POLICY_RATE_EXCEEDED"]
