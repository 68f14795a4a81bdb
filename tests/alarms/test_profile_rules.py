"""The rules in `profiles.toml`: a mistake is a sentence with the line, and the other rules stay."""

from pathlib import Path

import msgspec
import pytest

from pyhall_tui.alarms.alarm import Condition
from pyhall_tui.alarms.profile_rules import ProfileRules
from pyhall_tui.alarms.rules import Tell, default_rules
from pyhall_tui.fleet.events import Severity
from pyhall_tui.profiles.operator import operator_of
from pyhall_tui.profiles.profile_store import ProfileStore

TEXT = """\
[profiles.acme]
namespace = "org.acme"
registry_url = "https://registry.example"
operator = "night shift"
bell = true

[profiles.acme.alarms]
drifted = "warning"
vanished = "loud"  # to be put right
flapping = { changes = 3, minutes = 5 }

[profiles.acme.alarms.revoked]
tell = ["siren"]
"""


@pytest.fixture
def store(tmp_path: Path) -> ProfileStore:
    (tmp_path / "profiles.toml").write_text(TEXT)
    return ProfileStore(tmp_path / "profiles.toml")


def test_mistakes_have_their_lines_and_the_other_rules_hold(store: ProfileStore) -> None:
    profile = store.load().named("acme")
    assert profile is not None
    rules = ProfileRules(store)
    found = rules.of(profile)
    assert found.of(Condition.DRIFTED).severity is Severity.WARNING
    assert found.of(Condition.VANISHED) == default_rules().of(Condition.VANISHED)
    assert found.of(Condition.REVOKED).tell == {Tell.LINE, Tell.BELL}
    assert (found.flapping.changes, found.flapping.minutes) == (3, 5)
    vanished, revoked = rules.mistakes
    assert "line 9, column" in vanished and vanished.endswith("alarm, warning, note.")
    assert "line 13, column" in revoked


def test_saving_the_profile_leaves_its_rules_and_their_comments(store: ProfileStore) -> None:
    profile = store.load().named("acme")
    assert profile is not None
    store.save(msgspec.structs.replace(profile, poll_interval=30.0, operator="ada"), profile)
    text = store.path.read_text()
    assert text.partition("[profiles.acme.alarms]")[2] == TEXT.partition("[profiles.acme.alarms]")[2]
    assert 'operator = "ada"' in text


def test_a_profile_without_rules_has_the_defaults(store: ProfileStore, tmp_path: Path) -> None:
    profile = store.load().named("acme")
    assert profile is not None
    rules = ProfileRules(ProfileStore(tmp_path / "none.toml"))
    assert rules.of(profile) == default_rules(bell=True)
    assert rules.mistakes == ()


def test_who_acknowledges_is_the_systems_user_unless_the_profile_says_otherwise(
    store: ProfileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = store.load().named("acme")
    assert profile is not None
    assert operator_of(profile) == "night shift"
    monkeypatch.setenv("LOGNAME", "ada")
    assert operator_of(msgspec.structs.replace(profile, operator=" ")) == "ada"
