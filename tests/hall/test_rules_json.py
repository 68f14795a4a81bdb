"""The ecosystem's rules.json, read as a policy."""

import json
from pathlib import Path

import pytest

from pyhall_tui.hall.errors import FileMistake
from pyhall_tui.hall.models import Asked
from pyhall_tui.hall.policy import Policy
from pyhall_tui.hall.rules_json import read

# as in the ecosystem's hello-greeter sample
DEV = {
    "rule_id": "rr_dev",
    "match": {"capability_id": "cap.hello.greet", "env": {"in": ["dev", "stage"]}},
    "decision": {
        "candidate_workers_ranked": [{"worker_species_id": "wrk.hello.greeter", "score_hint": 1.0}],
        "required_controls_suggested": ["ctrl.obs.audit-log-append-only"],
        "escalation": {"policy_gate": False, "human_required_default": False},
        "preconditions": {},
    },
}
PROD = {
    "rule_id": "rr_prod",
    "match": {"capability_id": "cap.hello.greet", "env": "prod", "data_label": {"in": ["PUBLIC"]}},
    "decision": {"escalation": {"policy_gate": True}},
}


def imported(*rules: object) -> tuple[Policy, list[str]]:
    return read(json.dumps({"rules": rules}).encode(), "rules.json")


def outcome(policy: Policy, capability: str = "cap.hello.greet", **context: str) -> str:
    return policy.decide(Asked(namespace="n", capability=capability, worker_id="w", context=context)).outcome


def test_their_match_is_ours_and_no_rule_denies() -> None:
    policy, _ = imported(DEV, PROD)
    assert outcome(policy, env="dev") == "allow"
    assert outcome(policy, env="edge") == "deny"
    assert outcome(policy) == "deny"
    assert outcome(policy, "cap.other", env="dev") == "deny"


def test_what_a_gate_or_a_human_must_see_is_held() -> None:
    policy, notes = imported(PROD)
    assert outcome(policy, env="prod", data_label="PUBLIC") == "hold"
    assert any("policy_gate" in note for note in notes)


@pytest.mark.parametrize(
    ("match", "field"),
    [
        ({"capability_id": {"in": []}}, "capability_id"),
        ({"capability_id": ""}, "capability_id"),
        ({"capability_id": {"in": ["", ""]}}, "capability_id"),
        ({"capability_id": "cap.a", "env": {"in": []}}, "env"),
        ({"capability_id": {"any": True}, "qos_class": {"in": []}}, "qos_class"),
    ],
)
def test_a_rule_that_can_match_nothing_is_left_out_and_named(match: dict[str, object], field: str) -> None:
    """F81"""
    policy, notes = imported({"rule_id": "rr_never", "match": match}, DEV)
    assert [rule.id for rule in policy.rule] == ["rr_dev"]
    assert notes[0] == f"rr_never: left out, because it can match nothing: {field} may have no value"
    assert outcome(policy, "anything", env="prod") == "deny"


def test_a_value_that_no_dispatch_can_have_is_dropped() -> None:
    """F81: and what is left is a policy that is read again."""
    policy, _ = imported({"rule_id": "r", "match": {"capability_id": {"in": ["", "cap.a", "cap.a"]}, "env": ""}})
    assert [(rule.id, rule.capability, rule.context) for rule in policy.rule] == [("r", "cap.a", {"env": ("",)})]


def test_what_our_rules_cannot_express_is_reported() -> None:
    _, notes = imported(DEV)
    assert any("wrk.hello.greeter" in note for note in notes)
    assert any("ctrl.obs.audit-log-append-only" in note for note in notes)


def test_any_and_several_capabilities() -> None:
    several = {"rule_id": "r", "match": {"capability_id": {"in": ["a*", "b"]}, "env": {"any": True}}}
    policy, _ = imported(several)
    assert outcome(policy, "a*") == outcome(policy, "b") == "allow"
    assert outcome(policy, "ab") == "deny"


def test_a_match_that_is_not_known_is_left_out_not_widened() -> None:
    policy, notes = imported({"rule_id": "r", "match": {"moon": "full"}})
    assert policy.rule == ()
    assert "moon" in notes[0]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"rules": []}', b'{"rules": [{"rule_id": "r", "match": {"env": 3}}]}'])
def test_another_kind_of_file_is_a_mistake(body: bytes) -> None:
    with pytest.raises(FileMistake, match=r"rules\.json"):
        read(body, "rules.json")


def test_the_ecosystems_sample_is_read() -> None:
    sample = Path(__file__).parent / "data" / "rules-hello-greeter.json"
    policy, notes = read(sample.read_bytes(), sample.name)
    assert [rule.outcome for rule in policy.rule] == ["allow", "hold"]
    assert len(notes) == 5
