"""The policy gate: rules and what counts before them."""

import json
import os
import sys
import tomllib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pyhall_tui.hall import gate, watched_file
from pyhall_tui.hall.context import Grounds
from pyhall_tui.hall.errors import FileMistake, StoreError
from pyhall_tui.hall.hours import Day, in_words
from pyhall_tui.hall.models import Asked, Worker
from pyhall_tui.hall.policy import Policy, PolicyFile, Rule, StoredPolicy, parse, save_rules
from pyhall_tui.hall.store import SqliteStore
from pyhall_tui.hall.watched_file import wait_until_still
from tests.clock import ManualClock
from tests.hall.tampering import tampering

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


def test_an_unstated_tier_does_not_escape_rules_about_it() -> None:
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
    store = SqliteStore()
    if worker:
        store.put_worker(worker)
        if worker.hash_ban_reason:
            store.ban_hash(worker.sha256 or "", worker.hash_ban_reason)
    grounds = Grounds(store, ALLOW_ALL, None, lambda tier: None)
    assert gate.decide(grounds, asked(), take=True).code == code


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
        ('[[rule]]\noutcome = "deny"\ntimezone = "Mars"', "p:3:1: rule 1: timezone: unknown time zone Mars", ""),
        ('[[rule]]\noutcome = "deny"\nhours = "25:00-26:00"', "p:3:1:", "hours"),
        ("", "p:1:1: the file is empty", ""),
        ("  \n# nothing yet\n", "p:1:1: the file is empty", ""),
        ("\0" * 30, "p:1:1:", ""),
    ],
)
def test_a_mistake_is_reported_with_line_and_column(text: str, place: str, says: str) -> None:
    with pytest.raises(FileMistake) as caught:
        parse(text, "p")
    assert str(caught.value).startswith(place)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("risk_tiers = []", "risk_tiers: it is empty: write a list of low, medium, high, critical, unstated, or leave"),
        ("days = []", "days: it is empty"),
        ("context = {}", "context: it is empty"),
        ("context = { env = [] }", "context: it is empty"),
        ("context = { env = [nan] }", "context: the values of env can never match"),
        ('capability = ""', "capability: it is empty: leave it out for any"),
        ('worker = ""', "worker: it is empty"),
        ('namespace = ""', "namespace: it is empty"),
        ('capability = "a[z-b]"', "capability: a[z-b] can never match"),
        ('hours = "08:00-08:00"', "hours: the window 08:00-08:00 is empty: leave it out for the whole day"),
        ('hours = "24:00-08:00"', "hours: expected two times"),
        ('id = ""', "id: it is empty"),
        ('rate = "0/hour"', "rate: expected a number"),
        ('timezone = ""', "timezone: unknown time zone (empty)"),
        ('timezone = "../etc/passwd"', "timezone: unknown time zone ../etc/passwd"),
        ('timezone = "America"', "timezone: unknown time zone America"),
    ],
)
def test_a_condition_that_can_match_nothing_is_a_mistake_wherever_a_policy_is_read(line: str, says: str) -> None:
    """F81, F101: in a file, and in the store."""
    text = f'[[rule]]\noutcome = "allow"\n{line}'
    with pytest.raises(FileMistake) as caught:
        parse(text, "p")
    assert f"p:3:1: rule 1: {says}" in str(caught.value)
    store = SqliteStore()
    rule = json.dumps({"id": "r"} | tomllib.loads(text)["rule"][0]).replace("NaN", "null")
    with tampering(store) as db:
        db.execute("INSERT INTO rules VALUES (0, ?)", (rule,))
    with pytest.raises(StoreError, match=r"can't be read: .* hall policy set"):
        StoredPolicy(store).current()


# A file saved while it is watched


OLD, NEW = '[[rule]]\nid = "old"\noutcome = "allow"\n', '[[rule]]\nid = "new"\noutcome = "allow"\n'


class Watched:
    """A policy's file under a clock that only the test moves."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.file = folder / "policy.toml"
        self.file.write_text(OLD)
        self.source = PolicyFile(self.file, self.clock)

    def decision(self) -> str:
        return decide(self.source.current())

    def stand_still(self, seconds: float = 5.0) -> str:
        for _ in range(int(seconds / 0.5)):
            self.source.current()
            self.clock.skip(0.5)
        return self.decision()


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


def test_a_file_that_changes_counts_once_it_has_stood_still(watched: Watched) -> None:
    """F82"""
    watched.file.write_text(NEW)
    for _ in range(3):
        assert watched.decision() == "allow by old"
        watched.clock.skip(0.5)
    assert watched.stand_still() == "allow by new" and watched.source.error is None


def test_a_file_that_is_saved_in_two_writes_never_decides_by_half(watched: Watched) -> None:
    """F82: the denying rule comes last, and what comes before it can be read."""
    deny = '[[rule]]\nid = "no"\noutcome = "deny"\ncapability = "mail.*"\n'
    halves = ["", deny[:20], deny, deny + NEW[:-9], deny + NEW]
    for half in halves:
        watched.file.write_text(half)
        for _ in range(3):
            assert watched.decision() == "allow by old"
            watched.clock.skip(0.5)
    assert watched.stand_still() == "allow by new"
    assert decide(watched.source.current(), "mail.send") == "deny by no"


def test_a_change_of_the_same_size_and_time_is_seen(watched: Watched) -> None:
    """F82"""
    before = watched.file.stat()
    watched.file.write_text(NEW)
    os.utime(watched.file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert watched.stand_still() == "allow by new"


def test_content_that_changes_under_an_unchanged_stamp_is_waited_for(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F82: some file systems keep times in steps of two seconds."""
    monkeypatch.setattr(watched_file, "_stamp", lambda path: (1, 1, len(path.read_bytes())))
    watched.file.write_text(OLD + "#")
    assert watched.decision() == "allow by old"
    watched.file.write_text(NEW + "#")
    watched.clock.skip(3)
    assert watched.decision() == "allow by old", "what was read first is no longer there"
    assert watched.stand_still() == "allow by new"


def test_a_file_put_in_place_by_a_rename_counts_too(watched: Watched) -> None:
    """F82"""
    other = watched.file.with_name("new")
    other.write_text(NEW)
    other.replace(watched.file)
    assert watched.stand_still() == "allow by new"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda file: file.write_text(NEW[:-3]), "nterminated"),
        (lambda file: file.write_text(""), "the file is empty"),
        (lambda file: file.write_text("\ufeff  \n"), "the file is empty"),
        (lambda file: file.write_bytes(b"\0" * 100), "nothing but NUL bytes"),
        (lambda file: file.write_bytes(b"\xff\xfe" + NEW.encode("utf-16-le")), "it is UTF-16"),
        (lambda file: file.unlink(), "no such file"),
        (lambda file: (file.unlink(), file.mkdir()), "it is a folder"),
        (lambda file: (file.unlink(), os.mkfifo(file)), "it is a pipe"),
        (lambda file: (file.unlink(), file.symlink_to(file)), "can't be read"),
        (lambda file: file.write_text("x = 1"), "unknown field"),
    ],
    ids=["torn", "empty", "blank", "zeros", "utf-16", "gone", "folder", "pipe", "loop", "other"],
)
@pytest.mark.skipif(sys.platform == "win32", reason="pipes and links")
def test_a_file_that_is_not_a_policy_keeps_the_old_rules_and_is_reported(
    watched: Watched, change: Callable[[Path], object], says: str, caplog: pytest.LogCaptureFixture
) -> None:
    """F82"""
    change(watched.file)
    assert watched.stand_still() == "allow by old"
    assert watched.source.error is not None and says in watched.source.error
    assert str(watched.file) in watched.source.error
    assert len(caplog.messages) == 1 and "the last good policy, " in caplog.messages[0]
    if watched.file.is_dir():
        watched.file.rmdir()
    else:
        watched.file.unlink(missing_ok=True)
    watched.file.write_text(NEW)
    assert watched.stand_still() == "allow by new" and watched.source.error is None


def test_a_file_that_never_settles_is_reported(watched: Watched) -> None:
    """F82"""
    for number in range(40):
        watched.file.write_text(NEW + f"# {number}")
        assert watched.decision() == "allow by old"
        watched.clock.skip(1)
    assert watched.source.error is not None and "keeps changing" in watched.source.error
    assert watched.stand_still() == "allow by new" and watched.source.error is None


@pytest.mark.parametrize("text", ["", "# later\n", NEW[:-3], 'default = "al'])
def test_a_file_that_is_not_a_policy_at_the_start_is_refused(tmp_path: Path, text: str) -> None:
    """F82"""
    (tmp_path / "policy.toml").write_text(text)
    with pytest.raises(FileMistake, match=r"policy\.toml:\d+:\d+: "):
        PolicyFile(tmp_path / "policy.toml")


def test_at_the_start_a_file_that_was_saved_just_now_is_waited_for(tmp_path: Path) -> None:
    """F82"""
    file = tmp_path / "policy.toml"
    file.write_text("half")
    saved = file.stat().st_mtime
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 1:
            file.write_text("whole, and longer")

    wait_until_still(file, now=lambda: saved + 0.1, sleep=wait)
    assert len(waits) == 2
    wait_until_still(file, now=lambda: saved + 3600, sleep=wait)
    wait_until_still(tmp_path / "none", sleep=wait)
    assert len(waits) == 2
    with pytest.raises(FileMistake, match="keeps changing"):
        wait_until_still(file, now=lambda: saved, sleep=lambda _: file.write_text(file.read_text() + "more") and None)


def test_rules_in_the_store_that_cannot_be_read_keep_the_old_ones_and_are_said() -> None:
    """F82"""
    store = SqliteStore()
    save_rules(store, Policy(rule=(Rule(id="old", outcome="allow"),)))
    source = StoredPolicy(store)
    source.current()
    with tampering(store) as db:
        db.execute("UPDATE rules SET rule = '{'")
    store.set_setting("policy_revision", "99")
    assert decide(source.current()) == "allow by old"
    assert source.error is not None and "can't be read" in source.error
    save_rules(store, Policy(rule=(Rule(id="new", outcome="allow"),)))
    assert decide(source.current()) == "allow by new" and source.error is None


def test_rules_in_the_store_come_back_as_they_were_and_are_followed_at_once(tmp_path: Path) -> None:
    served, other = SqliteStore(tmp_path / "hall.db"), SqliteStore(tmp_path / "hall.db")
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


def at(text: str, zone: str = "+00:00") -> Asked:
    return asked(wall=datetime.fromisoformat(text + zone).timestamp())


def test_a_rule_may_have_days_of_the_week() -> None:
    rule = Rule(id="r", outcome="allow", days=("wed",))
    assert rule.miss(at("2026-11-25T00:00")) is None
    assert rule.miss(at("2026-11-26T00:00")) == "hours"


@pytest.mark.parametrize(
    ("moment", "open_"),
    [
        ("2026-11-27T05:59", False),  # Friday, in Thursday's night
        ("2026-11-27T21:59", False),
        ("2026-11-27T22:00", True),
        ("2026-11-28T00:00", True),
        ("2026-11-28T01:00", True),
        ("2026-11-28T05:59", True),
        ("2026-11-28T06:00", False),
        ("2026-11-28T23:00", False),
    ],
)
def test_a_night_counts_to_the_day_on_which_it_began(moment: str, open_: bool) -> None:
    """F85"""
    rule = Rule(id="r", outcome="allow", hours="22:00-06:00", days=("fri",))
    assert (rule.miss(at(moment)) is None) == open_


@pytest.mark.parametrize(
    ("hours", "open_at", "closed_at"),
    [
        ("18:00-24:00", "23:59", "00:00"),
        ("18:00-00:00", "23:59", "00:00"),
        ("00:00-24:00", "00:00", None),
        ("00:00-06:00", "00:00", "06:00"),
        ("23:59-00:01", "00:00", "00:01"),
    ],
)
def test_hours_may_end_at_midnight(hours: str, open_at: str, closed_at: str | None) -> None:
    """F85"""
    rule = parse(f'[[rule]]\noutcome = "allow"\nhours = "{hours}"', "p").rule[0]
    assert rule.miss(at(f"2026-11-25T{open_at}")) is None
    assert closed_at is None or rule.miss(at(f"2026-11-25T{closed_at}")) == "hours"


def test_a_night_in_which_the_clock_is_set_counts_to_its_day_too() -> None:
    """F85: Berlin goes back an hour on Sunday, 2026-10-25, and forward on Sunday, 2026-03-29."""
    rule = Rule(id="r", outcome="allow", hours="22:00-03:00", days=("sat",), timezone="Europe/Berlin")
    assert [rule.miss(at(f"2026-10-25T0{hour}:30")) for hour in range(3)] == [
        None,
        None,
        "hours",
    ]  # 02:30, 02:30, 03:30
    assert [rule.miss(at(f"2026-03-29T0{hour}:30")) for hour in range(2)] == [None, "hours"]  # 01:30, 03:30


@pytest.mark.parametrize(
    ("hours", "days", "words"),
    [
        ("22:00-06:00", ("fri",), "22:00 to 06:00 of the next day, beginning on fri (UTC)"),
        ("22:00-06:00", (), "22:00 to 06:00 of the next day (UTC)"),
        ("22:00-00:00", ("fri", "sat"), "22:00-00:00 on fri, sat (UTC)"),
        ("08:00-18:00", (), "08:00-18:00 (UTC)"),
        (None, ("sun",), "on sun (UTC)"),
        (None, (), ""),
    ],
)
def test_when_a_rule_is_open_is_said_in_words(hours: str | None, days: tuple[Day, ...], words: str) -> None:
    """F85"""
    assert in_words(hours, days, "UTC") == words


def test_true_is_not_one() -> None:
    rule = Rule(id="r", outcome="allow", context={"dry": (True,), "level": (1,)})
    assert rule.miss(asked(context={"dry": True, "level": 1.0})) is None
    assert rule.miss(asked(context={"dry": 1, "level": 1})) == "context"
    assert rule.miss(asked(context={"dry": True, "level": True})) == "context"
