"""Rules: sensible defaults, and a mistake affects only its own rule."""

import pytest

from pyhall_tui.alarms.alarm import Condition
from pyhall_tui.alarms.flapping import FlappingLimit
from pyhall_tui.alarms.rules import Tell, default_rules, rules_from
from pyhall_tui.fleet.events import Severity


def test_a_lost_registry_and_a_revoked_worker_count_like_a_rejected_key() -> None:
    rules = default_rules()
    key = rules.of(Condition.KEY_REJECTED)
    for condition in (Condition.REGISTRY_LOST, Condition.REVOKED, Condition.BANNED, Condition.DRIFTED):
        assert rules.of(condition).severity >= key.severity is Severity.ALARM
        assert rules.of(condition).tell >= key.tell == {Tell.LINE}


def test_what_the_profile_switches_on_rings_for_bans_and_revocations() -> None:
    rules = default_rules(bell=True, desktop=True)
    for condition in Condition:
        called = condition in (Condition.BANNED, Condition.REVOKED)
        assert (Tell.BELL in rules.of(condition).tell) is called
        assert (Tell.DESKTOP in rules.of(condition).tell) is called


def test_a_rule_sets_severity_and_ways_of_telling() -> None:
    table = {
        "drifted": "note",
        "vanished": {"severity": "warning", "tell": ["line"]},
        "registry_lost": {"tell": ["bell", "desktop"]},
        "banned": {"tell": []},
        "flapping": {"changes": 3, "minutes": 1},
    }
    rules, mistakes = rules_from(table, bell=True)
    assert not mistakes
    assert rules.of(Condition.DRIFTED) == (Severity.NOTICE, frozenset())
    assert rules.of(Condition.VANISHED) == (Severity.WARNING, {Tell.LINE})
    assert rules.of(Condition.REGISTRY_LOST) == (Severity.ALARM, set(Tell))
    assert rules.of(Condition.BANNED) == (Severity.ALARM, frozenset())
    assert rules.of(Condition.REVOKED).tell == {Tell.LINE, Tell.BELL}
    assert rules.flapping == FlappingLimit(changes=3, minutes=1)


@pytest.mark.parametrize(
    ("table", "path"),
    [
        ("loud", ()),
        ({"bannd": "alarm"}, ("bannd",)),
        ({"banned": "loud"}, ("banned",)),
        ({"banned": 3}, ("banned",)),
        ({"banned": {"severity": "loud"}}, ("banned", "severity")),
        ({"banned": {"tell": "bell"}}, ("banned", "tell")),
        ({"banned": {"tell": ["siren"]}}, ("banned", "tell")),
        ({"banned": {"tell": [["bell"]]}}, ("banned", "tell")),
        ({"banned": {"level": "alarm"}}, ("banned", "level")),
        ({"flapping": {"changes": 0}}, ("flapping", "changes")),
        ({"flapping": {"changes": True}}, ("flapping", "changes")),
        ({"flapping": {"minutes": "ten"}}, ("flapping", "minutes")),
        ({"flapping": {"minutes": float("nan")}}, ("flapping", "minutes")),
    ],
)
def test_a_mistake_is_a_sentence_with_its_place_and_the_default_holds(table: object, path: tuple[str, ...]) -> None:
    rules, mistakes = rules_from(table)
    assert [mistake.path for mistake in mistakes] == [path]
    assert mistakes[0].sentence.endswith(".")
    assert rules == default_rules()


def test_the_other_rules_stay() -> None:
    rules, mistakes = rules_from({"banned": "loud", "drifted": "warning"})
    assert len(mistakes) == 1
    assert rules.of(Condition.DRIFTED).severity is Severity.WARNING
