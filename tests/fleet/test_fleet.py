"""How the fleet applies verdicts and ban lists: states, ages, transitions."""

from collections.abc import Callable

import pytest

from pyhall_tui.clock import Moment
from pyhall_tui.fleet import fleet as fleet_module
from pyhall_tui.fleet.drift_state import DriftState
from pyhall_tui.fleet.entry import State
from pyhall_tui.fleet.events import Event, Kind, Severity
from pyhall_tui.fleet.fleet import Fleet
from pyhall_tui.fleet.order import SortKey
from pyhall_tui.registry.models import BanList, BanListEntry, Verdict
from tests.fleet.ordering import order

HASH = "a" * 64
OTHER = "b" * 64


def moment(seconds: float) -> Moment:
    return Moment(1_000.0 + seconds, 1_774_000_000.0 + seconds)


def verdict(worker_id: str = "wkr_1", **changes: object) -> Verdict:
    fields: dict[str, object] = {
        "worker_id": worker_id,
        "known": True,
        "status": "active",
        "attested": True,
        "sha256": HASH,
        "ban_word": "clean",
        "correlation_id": "req-1",
    }
    return Verdict(**(fields | changes))  # type: ignore[arg-type]


def ban_list(*hashes: str, **changes: object) -> BanList:
    entries = {digest: BanListEntry(sha256=digest, reason="exfiltrates") for digest in hashes}
    return BanList(entries=entries, **changes)  # type: ignore[arg-type]


def fleet_with(*worker_ids: str) -> Fleet:
    fleet = Fleet(interval=60)
    fleet.watch(worker_ids or ("wkr_1",))
    return fleet


def apply(fleet: Fleet, at: float, **changes: object) -> list[Event]:
    return fleet.apply(verdict(**changes), moment(at), moment(at))  # type: ignore[arg-type]


def state(fleet: Fleet, at: float = 0.0, worker_id: str = "wkr_1") -> State:
    entry = fleet.get(worker_id)
    assert entry is not None
    return entry.state(moment(at).mono, fleet.stale_after)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, State.CLEAN),
        ({"banned": True}, State.BANNED),
        ({"status": "revoked"}, State.REVOKED),
        ({"status": "retired"}, State.RETIRED),
        ({"status": "paused"}, State.UNKNOWN),
        ({"status": None}, State.UNKNOWN),
        ({"known": False, "status": None}, State.UNKNOWN),
        ({"attested": False}, State.UNATTESTED),
        ({"doubts": ("ban_status is 'pending'",)}, State.UNKNOWN),
        ({"status": "revoked", "banned": True}, State.BANNED),
    ],
)
def test_only_an_active_attested_undoubted_worker_is_clean(changes: dict[str, object], expected: State) -> None:
    fleet = fleet_with()
    apply(fleet, 0, **changes)
    assert state(fleet) is expected


def test_a_worker_not_verified_yet_is_waiting_and_not_clean() -> None:
    assert state(fleet_with()) is State.WAITING


def test_a_clean_verdict_is_stale_past_twice_its_due_time() -> None:
    fleet = fleet_with()
    apply(fleet, 0)
    assert state(fleet, 120) is State.CLEAN
    assert state(fleet, 121) is State.STALE


def test_age_never_hides_a_ban() -> None:
    fleet = fleet_with()
    apply(fleet, 0, banned=True)
    assert state(fleet, 100_000) is State.BANNED


def test_an_age_is_never_negative() -> None:
    """F23: the requested moment may be later than the drawn one."""
    fleet = fleet_with()
    apply(fleet, 10)
    entry = fleet.get("wkr_1")
    assert entry is not None
    assert entry.age(moment(0).mono) == 0


def test_a_restored_verdict_is_stale_until_it_is_verified_again() -> None:
    fleet = fleet_with()
    fleet.restore(verdict(), None, 0.0, moment(-1))
    assert state(fleet) is State.STALE
    apply(fleet, 1)
    assert state(fleet, 1) is State.CLEAN


def test_a_ban_is_an_alarm_that_says_who_said_so() -> None:
    fleet = fleet_with()
    apply(fleet, 0)
    (event,) = apply(fleet, 5, banned=True, ban_reason="exfiltrates", correlation_id="req-9")
    assert (event.kind, event.severity, event.source) == (Kind.BANNED, Severity.ALARM, "verify")
    assert (event.before, event.after) == ("clean", "BANNED")
    assert (event.correlation_id, event.detail) == ("req-9", "exfiltrates")


def test_a_worker_banned_at_first_sight_is_an_alarm_too() -> None:
    fleet = fleet_with()
    assert [event.kind for event in apply(fleet, 0, banned=True)] == [Kind.BANNED]


def test_the_ban_list_bans_every_worker_with_that_hash_at_once() -> None:
    fleet = fleet_with("wkr_1", "wkr_2", "wkr_3")
    apply(fleet, 0)
    apply(fleet, 0, worker_id="wkr_2")
    apply(fleet, 0, worker_id="wkr_3", sha256=OTHER)
    events = fleet.apply_ban_list(ban_list(HASH), moment(1), moment(1))
    assert [(event.worker_id, event.source) for event in events] == [("wkr_1", "ban list"), ("wkr_2", "ban list")]
    assert state(fleet, 1, "wkr_3") is State.CLEAN


def test_a_worker_verified_after_the_list_is_matched_with_it() -> None:
    fleet = fleet_with()
    fleet.apply_ban_list(ban_list(HASH), moment(0), moment(0))
    (event,) = apply(fleet, 1)
    assert (event.kind, event.source) == (Kind.BANNED, "ban list")


def test_a_clean_verify_does_not_lift_a_ban_that_the_list_still_holds() -> None:
    fleet = fleet_with()
    apply(fleet, 0)
    fleet.apply_ban_list(ban_list(HASH), moment(1), moment(1))
    assert apply(fleet, 2) == []
    assert state(fleet, 2) is State.BANNED


def test_a_ban_set_again_for_another_reason_between_two_verifies_is_an_alarm() -> None:
    """F57."""
    fleet = fleet_with()
    apply(fleet, 0, banned=True, ban_reason="exfiltrates")
    assert apply(fleet, 60, banned=True, ban_reason="exfiltrates") == []
    (event,) = apply(fleet, 120, banned=True, ban_reason="mines coins")
    assert (event.kind, event.severity, event.detail) == (Kind.BANNED, Severity.ALARM, "mines coins")
    assert event.before != event.after
    assert apply(fleet, 180, banned=True, ban_reason="mines coins") == []


def test_a_ban_set_again_for_another_reason_is_reported_once_by_the_first_source_that_sees_it() -> None:
    """F57."""
    fleet = fleet_with()
    apply(fleet, 0)
    told = fleet.apply_ban_list(ban_list(HASH), moment(5), moment(5))
    told += apply(fleet, 6, banned=True, ban_reason="exfiltrates")
    again = BanList(entries={HASH: BanListEntry(sha256=HASH, reason="mines coins")})
    told += fleet.apply_ban_list(ban_list(), moment(8), moment(8))
    told += fleet.apply_ban_list(again, moment(10), moment(10))
    told += apply(fleet, 11, banned=True, ban_reason="mines coins")
    told += fleet.apply_ban_list(again, moment(15), moment(15))
    assert [(event.kind, event.detail) for event in told] == [
        (Kind.BANNED, "exfiltrates"),
        (Kind.BANNED, "mines coins"),
    ]


def test_two_sources_that_word_one_ban_differently_are_one_alarm() -> None:
    """F57: they go on taking turns."""
    fleet = fleet_with()
    apply(fleet, 0)
    told = []
    for at in range(0, 100, 10):
        told += fleet.apply_ban_list(ban_list(HASH), moment(at + 1), moment(at + 1))
        told += apply(fleet, at + 2, banned=True, ban_reason="banned by the board")
    assert [event.kind for event in told] == [Kind.BANNED]


def test_a_ban_list_that_drops_its_reasons_is_not_news() -> None:
    """F57: nor is it when they come back."""
    fleet = fleet_with()
    apply(fleet, 0)
    bare = BanList(entries={HASH: BanListEntry(sha256=HASH)})
    told = []
    for answer in (ban_list(HASH), bare, ban_list(HASH)):
        told += fleet.apply_ban_list(answer, moment(5), moment(5))
    assert [event.kind for event in told] == [Kind.BANNED]


def test_a_ban_that_left_the_list_stays_until_a_newer_verify_says_otherwise() -> None:
    fleet = fleet_with()
    apply(fleet, 0)
    fleet.apply_ban_list(ban_list(HASH), moment(1), moment(1))
    fleet.apply_ban_list(ban_list(truncated=True), moment(6), moment(6))
    assert state(fleet, 6) is State.BANNED
    (event,) = apply(fleet, 7)
    assert (event.kind, event.before, event.after) == (Kind.UNBANNED, "BANNED", "clean")


def test_the_list_tells_which_workers_to_verify_next() -> None:
    fleet = fleet_with("wkr_1", "wkr_2")
    apply(fleet, 0)
    apply(fleet, 0, worker_id="wkr_2", sha256=OTHER)
    for at, answer, expected in [
        (1, ban_list(HASH), ["wkr_1"]),
        (2, ban_list(HASH), []),
        (3, ban_list(unchanged=True), []),
        (4, ban_list(OTHER), ["wkr_2", "wkr_1"]),
        (5, ban_list(), ["wkr_2"]),
        (6, ban_list(), []),
    ]:
        fleet.apply_ban_list(answer, moment(at), moment(at))
        assert fleet.listed_otherwise == expected, at


def test_a_verify_requested_before_the_ban_was_seen_does_not_lift_it() -> None:
    fleet = fleet_with()
    apply(fleet, 0)
    fleet.apply_ban_list(ban_list(HASH), moment(5), moment(5))
    fleet.apply_ban_list(ban_list(), moment(6), moment(6))
    assert fleet.apply(verdict(), moment(4), moment(7)) == []
    assert state(fleet, 7) is State.BANNED


def test_a_doubtful_answer_does_not_lift_a_ban() -> None:
    fleet = fleet_with()
    apply(fleet, 0, banned=True)
    assert apply(fleet, 1, doubts=("ban_status is missing",)) == []
    assert state(fleet, 1) is State.BANNED


def test_an_unchanged_ban_list_still_bans_a_worker_with_a_listed_hash() -> None:
    fleet = fleet_with()
    fleet.apply_ban_list(ban_list(HASH), moment(0), moment(0))
    apply(fleet, 1, sha256=OTHER)
    assert [event.kind for event in apply(fleet, 2)] == [Kind.HASH_CHANGED, Kind.BANNED]
    assert fleet.apply_ban_list(ban_list(unchanged=True), moment(3), moment(3)) == []
    assert state(fleet, 3) is State.BANNED


def test_a_registry_that_came_back_empty_makes_every_worker_unknown() -> None:
    """F20: nothing from the old store is shown as current, not even a ban."""
    fleet = fleet_with("wkr_1", "wkr_2")
    apply(fleet, 0)
    apply(fleet, 0, worker_id="wkr_2", banned=True)
    gone = {"known": False, "status": None, "attested": False, "sha256": None}
    assert [event.kind for event in apply(fleet, 60, **gone)] == [Kind.VANISHED]
    assert [event.kind for event in apply(fleet, 60, worker_id="wkr_2", **gone)] == [Kind.VANISHED, Kind.UNBANNED]
    assert {state(fleet, 60, worker_id) for worker_id in ("wkr_1", "wkr_2")} == {State.UNKNOWN}


def test_a_worker_that_the_registry_forgot_stays_banned_while_the_list_holds_its_hash() -> None:
    fleet = fleet_with()
    apply(fleet, 0)
    fleet.apply_ban_list(ban_list(HASH), moment(1), moment(1))
    apply(fleet, 2, known=False, status=None, attested=False, sha256=None)
    assert state(fleet, 2) is State.BANNED


@pytest.mark.parametrize(
    ("before", "after", "kind", "words"),
    [
        ({"attested": False}, {}, Kind.ATTESTED, ("unattested", "attested")),
        ({}, {"attested": False}, Kind.UNATTESTED, ("attested", "unattested")),
        ({}, {"sha256": OTHER}, Kind.HASH_CHANGED, (HASH, OTHER)),
        ({}, {"status": "retired"}, Kind.STATUS_CHANGED, ("active", "retired")),
        ({"known": False, "status": None}, {}, Kind.APPEARED, ("unknown", "active")),
        ({}, {"known": False, "status": None}, Kind.VANISHED, ("active", "unknown")),
        ({"attested": False}, {"known": False, "status": None}, Kind.VANISHED, ("unattested", "unknown")),
    ],
)
def test_each_change_is_an_event_with_before_and_after(
    before: dict[str, object], after: dict[str, object], kind: Kind, words: tuple[str, str]
) -> None:
    fleet = fleet_with()
    apply(fleet, 0, **before)
    assert [(event.kind, event.before, event.after) for event in apply(fleet, 1, **after)] == [(kind, *words)]


def test_a_revoked_worker_is_an_alarm() -> None:
    fleet = fleet_with()
    apply(fleet, 0)
    assert [event.severity for event in apply(fleet, 1, status="revoked")] == [Severity.ALARM]


def test_the_first_verdict_of_a_healthy_worker_is_not_an_event() -> None:
    assert apply(fleet_with(), 0) == []


def test_an_answer_overtaken_by_a_newer_one_is_dropped() -> None:
    fleet = fleet_with()
    apply(fleet, 10, banned=True)
    assert fleet.apply(verdict(), moment(3), moment(11)) == []
    assert state(fleet, 11) is State.BANNED


def test_a_verdict_of_a_worker_no_longer_watched_is_dropped() -> None:
    fleet = fleet_with()
    fleet.unwatch(["wkr_1"])
    assert apply(fleet, 0, banned=True) == []
    assert len(fleet) == 0


def test_undoing_a_removal_brings_back_what_was_known() -> None:
    fleet = fleet_with()
    apply(fleet, 0)
    gone = fleet.unwatch(["wkr_1"])
    fleet.put_back(gone)
    assert state(fleet, 1) is State.CLEAN


def test_a_screen_pulls_only_what_changed_since_it_last_looked() -> None:
    fleet = fleet_with("wkr_1", "wkr_2", "wkr_3")
    seen = fleet.revision
    apply(fleet, 0, worker_id="wkr_3")
    apply(fleet, 0, worker_id="wkr_1")
    assert fleet.changed_since(seen) == ["wkr_1", "wkr_3"]
    assert fleet.changed_since(fleet.revision) == []


def test_a_folder_that_drifts_is_a_state_and_an_event_and_ends_as_one() -> None:
    fleet = fleet_with()
    apply(fleet, 0)
    (event,) = fleet.set_drift("wkr_1", DriftState.DRIFTED, "worker.py changed", moment(1))
    assert (event.kind, state(fleet, 1)) == (Kind.DRIFTED, State.DRIFTED)
    (event,) = fleet.set_drift("wkr_1", DriftState.MATCH, "", moment(2))
    assert (event.kind, state(fleet, 2)) == (Kind.DRIFT_ENDED, State.CLEAN)


def test_bans_come_first_whatever_the_sort() -> None:
    fleet = fleet_with("a", "b", "c")
    for worker_id in "abc":
        apply(fleet, 0, worker_id=worker_id, display_name=worker_id.upper(), banned=worker_id == "b")
    for sort in SortKey:
        for descending in (False, True):
            assert order(fleet, moment(0).mono, "", sort, descending=descending)[0] == "b"


@pytest.mark.parametrize("query", ["(", "[", "c++", "\\", "?", "*", "c++ ("])
def test_the_filter_takes_every_character_as_text(query: str) -> None:
    """F25: not a pattern, not a crash, but a match of the text."""
    fleet = fleet_with("w([c++\\?*", "plain")
    assert order(fleet, moment(0).mono, query, SortKey.STATE) == ["w([c++\\?*"]


def test_the_filter_looks_through_id_name_status_and_state() -> None:
    fleet = fleet_with("wkr_1", "wkr_2", "wkr_3")
    apply(fleet, 0, worker_id="wkr_1", display_name="Summarizer EU")
    apply(fleet, 0, worker_id="wkr_2", status="retired")
    apply(fleet, 0, worker_id="wkr_3", attested=False)
    for query, expected in [("summ eu", "wkr_1"), ("RETIRED", "wkr_2"), ("unattested", "wkr_3")]:
        assert order(fleet, moment(0).mono, query, SortKey.STATE) == [expected]


def test_an_unchanged_verdict_is_not_news_but_renews_the_age() -> None:
    fleet = fleet_with()
    apply(fleet, 0)
    news, revision = fleet.news, fleet.revision
    apply(fleet, 30, correlation_id="req-2")
    assert fleet.news == news
    assert fleet.changed_since(revision) == ["wkr_1"]
    assert state(fleet, at=149) is State.CLEAN


@pytest.mark.parametrize(
    "change",
    [{"banned": True}, {"status": "revoked"}, {"sha256": OTHER}, {"display_name": "Other"}, {"capabilities": ("c",)}],
)
def test_a_verdict_that_says_something_else_is_news(change: dict[str, object]) -> None:
    fleet = fleet_with()
    apply(fleet, 0)
    news = fleet.news
    apply(fleet, 30, **change)
    assert fleet.news > news


def test_a_verdict_that_ends_staleness_or_an_error_is_news() -> None:
    fleet = fleet_with()
    apply(fleet, 0)
    news = fleet.news
    apply(fleet, 200)
    assert fleet.news > news, "it was stale"
    fleet.failed("wkr_1", "no answer")
    news = fleet.news
    apply(fleet, 210)
    assert fleet.news > news, "the last try had failed"


def test_what_changed_long_ago_is_told_though_only_the_last_changes_are_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet_module, "_MOST_CHANGED", 3)
    fleet = fleet_with(*(f"wkr_{number}" for number in range(10)))
    revision = fleet.revision
    for number in range(8):
        apply(fleet, number, worker_id=f"wkr_{number}")
    assert fleet.changed_since(revision) == [f"wkr_{number}" for number in reversed(range(8))]
    assert fleet.changed_since(fleet.revision - 2) == ["wkr_7", "wkr_6"]
    assert len(fleet.changed_since(-1)) == 10


def test_a_very_large_fleet_holds_the_last_answers_as_they_came_and_leaves_the_others_to_the_journal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fleet_module, "MOST_RAW", 2)
    fleet = fleet_with("wkr_1", "wkr_2", "wkr_3")
    for number in (1, 2, 3):
        apply(fleet, number, worker_id=f"wkr_{number}", raw=b'{"a":1}')
    assert [entry.verdict.raw for entry in fleet if entry.verdict] == [b"", b'{"a":1}', b'{"a":1}']
    assert state(fleet, 3) is State.CLEAN


def test_what_workers_share_is_held_once() -> None:
    fleet = fleet_with("wkr_1", "wkr_2")
    for worker_id in ("wkr_1", "wkr_2"):
        words = {"status": "".join(["act", "ive"]), "capabilities": ("".join(["llm.", "text"]),)}
        apply(fleet, 0, worker_id=worker_id, hash_text="".join([HASH[:32], HASH[32:]]), **words)
    one, other = (entry.verdict for entry in fleet)
    assert one is not None
    assert other is not None
    assert one.status is other.status
    assert one.capabilities is other.capabilities
    assert one.hash_text is one.sha256


def test_the_same_answer_again_renews_the_age_and_the_correlation_id_and_nothing_else() -> None:
    fleet = fleet_with()
    apply(fleet, 0, display_name="Summarizer")
    news = fleet.news
    assert apply(fleet, 10, display_name="Summarizer", correlation_id="req-2") == []
    entry = fleet.get("wkr_1")
    assert entry is not None and entry.verdict is not None
    assert (entry.verdict.correlation_id, entry.asked) == ("req-2", moment(10).mono)
    assert fleet.news == news
    assert order(fleet, moment(10).mono, "summarizer", SortKey.STATE) == ["wkr_1"]


@pytest.mark.parametrize(
    ("changes", "query"),
    [
        ({"raw": b'{"ai_model":"Claude-9"}'}, "claude"),
        ({"display_name": "Archivist"}, "archivist"),
        ({"capabilities": ("mail.send",)}, "mail.send"),
        ({"doubts": ("odd",), "ban_word": "pending"}, "pending"),
    ],
)
def test_an_answer_that_differs_in_one_field_is_found_by_it(changes: dict[str, object], query: str) -> None:
    fleet = fleet_with()
    apply(fleet, 0)
    assert order(fleet, moment(0).mono, query, SortKey.STATE) == []
    apply(fleet, 10, **changes)
    assert order(fleet, moment(10).mono, query, SortKey.STATE) == ["wkr_1"]


def test_the_same_answer_after_a_failed_verify_or_an_earlier_run_is_news() -> None:
    fleet = fleet_with()
    fleet.restore(verdict(), None, 0.0, moment(-50))
    for at, spoil in ((0, None), (10, "It timed out.")):
        if spoil:
            fleet.failed("wkr_1", spoil)
        news = fleet.news
        apply(fleet, at)
        assert fleet.news > news
        entry = fleet.get("wkr_1")
        assert entry is not None
        assert (entry.restored, entry.error) == (False, "")


def _came_back(fleet: Fleet) -> None:
    gone = fleet.unwatch(["wkr_1"])
    fleet.apply_ban_list(ban_list(HASH), moment(1), moment(1))
    fleet.put_back(gone)


def _was_restored(fleet: Fleet) -> None:
    fleet.unwatch(["wkr_1"])
    fleet.apply_ban_list(ban_list(HASH), moment(1), moment(1))
    fleet.watch(["wkr_1"])
    fleet.restore(verdict(), None, 0.0, moment(-50))


def _was_verified(fleet: Fleet) -> None:
    apply(fleet, 0, sha256=OTHER)
    fleet.apply_ban_list(ban_list(HASH), moment(1), moment(1))
    fleet.apply_ban_list(BanList(entries={}, unchanged=True), moment(2), moment(2))
    apply(fleet, 3)


@pytest.mark.parametrize("comes", [_came_back, _was_restored, _was_verified])
def test_an_unchanged_ban_list_bans_a_worker_that_came_since(comes: Callable[[Fleet], None]) -> None:
    fleet = fleet_with("wkr_1", "wkr_2")
    apply(fleet, 0)
    comes(fleet)
    fleet.apply_ban_list(BanList(entries={}, unchanged=True), moment(4), moment(4))
    assert state(fleet, 4) is State.BANNED
    fleet.apply_ban_list(BanList(entries={}, unchanged=True), moment(9), moment(9))
    entry = fleet.get("wkr_1")
    assert entry is not None and entry.ban is not None
    assert entry.ban.seen == moment(9).mono


def test_a_worker_is_off_the_list_with_the_answer_that_leaves_it_out() -> None:
    fleet = fleet_with()
    apply(fleet, 0)
    for at, hashes in ((1, (OTHER,)), (2, (HASH,)), (3, ())):
        fleet.apply_ban_list(ban_list(*hashes), moment(at), moment(at))
        entry = fleet.get("wkr_1")
        assert entry is not None
        assert (entry.listed is not None) is bool(hashes == (HASH,))
