"""The roster compared with sorting everything again, over random histories."""

import inspect
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyhall_tui.fleet.entry import State
from pyhall_tui.fleet.fleet import Fleet
from pyhall_tui.fleet.ids import worker_and_fleet
from pyhall_tui.fleet.order import NamedFleet, Roster, SortKey
from tests.fleet.ordering import order
from tests.fleet.test_fleet import HASH, OTHER, apply, ban_list, fleet_with, moment, verdict

Step = tuple[str, Any, Any]
IDS = [f"wkr_{number}" for number in range(6)]
STALE_AFTER = 20.0

QUERIES = [
    *("", "mail", "stale", "wkr_1", "state:stale", "!name:mail", "verified<9s", "attested:yes", "changed<9s"),
    *("!changed>9s", "cap:embed", "!cap:say,nothing", "ns:acme", "id:wkr_1,wkr_2 cap:embed !changed<9s mail"),
]

verdicts = st.tuples(
    st.just("verdict"),
    st.sampled_from(IDS),
    st.fixed_dictionaries(
        {
            "status": st.sampled_from(["active", "retired", "revoked"]),
            "attested": st.booleans(),
            "banned": st.booleans(),
            "display_name": st.sampled_from([None, "Summarizer", "Mailer"]),
            "namespace": st.sampled_from([None, "org.acme", "org.other"]),
            "capabilities": st.sampled_from([(), ("llm.Embed",), ("x.say", "llm.embed"), ("x.say",)]),
        }
    ),
)
watched = st.tuples(st.sampled_from(["watch", "unwatch"]), st.sampled_from(IDS), st.none())
time_passes = st.tuples(st.just("wait"), st.none(), st.sampled_from([1.0, 7.0, 13.0, 40.0]))
looks = st.tuples(
    st.just("look"),
    st.none(),
    st.tuples(
        st.sampled_from(QUERIES),
        st.sampled_from(list(SortKey)),
        st.booleans(),
    ),
)


@given(st.lists(st.one_of(verdicts, watched, time_passes, looks), max_size=60))
def test_the_result_is_always_as_if_everything_were_sorted_again(steps: list[tuple[str, str, object]]) -> None:
    fleet, now = Fleet(STALE_AFTER / 2), 0.0
    fleet.watch(IDS[:3])
    roster = Roster(fleet)
    look: tuple[str, SortKey, bool] = ("", SortKey.STATE, False)
    for kind, worker_id, what in steps:
        if kind == "verdict":
            fleet.apply(verdict(worker_id, **what), moment(now), moment(now))  # type: ignore[arg-type]
        elif kind == "watch":
            fleet.watch([worker_id])
        elif kind == "unwatch":
            fleet.unwatch([worker_id])
        elif kind == "wait":
            now += what  # type: ignore[operator]
        else:
            look = what  # type: ignore[assignment]
        query, sort, descending = look
        before = roster.ids
        said_changed = roster.refresh(moment(now), query, sort, descending=descending)
        mono, wall = moment(now)
        assert roster.ids == order(fleet, mono, query, sort, descending=descending, wall=wall)
        assert said_changed or roster.ids is before
        assert roster.counts == fleet.counts(moment(now).mono)


@given(
    st.lists(st.one_of(verdicts, watched, time_passes), max_size=20),
    st.lists(st.one_of(verdicts, watched, time_passes, looks, st.none()), max_size=40),
    st.sampled_from(list(SortKey)),
    st.booleans(),
)
def test_members_taken_in_steps_are_as_if_taken_at_once_whatever_happens_between_the_steps(
    before: list[Step], meanwhile: list[Step | None], sort: SortKey, is_left: bool
) -> None:
    """Between steps, the roster shows the members that it had; left in the middle, it is as it was."""
    fleet, now = Fleet(STALE_AFTER / 2), 0.0
    fleet.watch(IDS[:2])
    roster = Roster(fleet)
    roster.refresh(moment(0), "", sort)
    fleet.watch(IDS[2:5])
    for step in before:
        now = take(step, fleet, now)
    growing, members = roster.growing(moment(now), sort, size=1), list[str]()
    for one in meanwhile:
        if one is None:
            members = members if is_under_way(growing) else sorted(roster.worker_ids)
            next(growing, None)
        elif one[0] == "look":
            roster.refresh(moment(now), "", one[2][1])
            assert not is_under_way(growing) or sorted(roster.worker_ids) == members
        else:
            now = take(one, fleet, now)
    growing.close() if is_left else [*growing]
    roster.refresh(moment(now), "", sort)
    assert roster.ids == order(fleet, *moment(now)[:1], "", sort, wall=moment(now)[1])
    assert roster.counts == fleet.counts(moment(now).mono)


def test_many_new_members_are_left_to_growing_and_few_are_not() -> None:
    fleet = Fleet(STALE_AFTER / 2)
    fleet.watch(IDS)
    roster = Roster(fleet)
    assert not roster.is_outgrown, "the first look takes all, at once"
    roster.refresh(moment(0), "", SortKey.STATE)
    fleet.watch(f"new_{number}" for number in range(2_000))
    assert not roster.is_outgrown
    fleet.watch(["one more"])
    assert roster.is_outgrown
    roster.refresh(moment(0), "", SortKey.STATE, keeps_members=True)
    assert len(roster.ids) == len(IDS)
    steps = roster.growing(moment(0), SortKey.STATE)
    assert next(steps, "ended") is None and not roster.is_outgrown
    assert len([*steps]) < 20
    roster.refresh(moment(0), "", SortKey.STATE)
    assert len(roster.ids) == len(IDS) + 2_001


def test_members_that_were_left_to_growing_are_taken_by_the_next_look_if_it_is_given_up() -> None:
    """As many came as went, and what said so was read meanwhile."""
    fleet = fleet_with("wkr_1", "wkr_2")
    roster = Roster(fleet)
    roster.refresh(moment(0), "", SortKey.WORKER)
    growing = roster.growing(moment(0), SortKey.WORKER, size=1)
    next(growing)
    fleet.watch(["wkr_3"])
    fleet.unwatch(["wkr_1"])
    roster.refresh(moment(0), "", SortKey.WORKER)
    assert roster.ids == ["wkr_1", "wkr_2"]
    growing.close()
    assert roster.refresh(moment(0), "", SortKey.WORKER)
    assert roster.ids == ["wkr_2", "wkr_3"]


def large_roster() -> tuple[Fleet, Roster]:
    """Return a fleet that takes too long to sort between two frames, each of its workers verified, and its roster."""
    fleet = fleet_with(*(f"wkr_{number:05}" for number in range(20_001)))
    for entry in [*fleet]:
        fleet.apply(verdict(entry.worker_id), moment(1), moment(1))
    roster = Roster(fleet)
    roster.refresh(moment(1), "", SortKey.STATE)
    return fleet, roster


def shown_in_steps(roster: Roster, now: float) -> None:
    """Bring it up to date as a table does."""
    steps = [*roster.growing(moment(now), SortKey.STATE)]
    assert len(steps) > 10
    roster.refresh(moment(now), "", SortKey.STATE)


def test_very_many_changes_are_left_to_growing() -> None:
    fleet, roster = large_roster()
    few = [entry.worker_id for entry in fleet][:1_000]
    for worker_id in few:
        fleet.apply(verdict(worker_id, banned=True), moment(2), moment(2))
    assert not roster.is_outgrown
    fleet.apply(verdict("wkr_20000", banned=True), moment(3), moment(3))
    assert roster.is_outgrown
    assert not roster.refresh(moment(3), "", SortKey.STATE, keeps_members=True), "nothing is sorted yet"
    shown_in_steps(roster, 3)
    assert not roster.is_outgrown
    assert roster.ids[:2] == ["wkr_20000", "wkr_00000"]
    assert roster.counts == fleet.counts(moment(3).mono)


def test_when_all_verdicts_are_old_at_once_as_after_a_long_sleep_most_are_left_to_growing() -> None:
    fleet, roster = large_roster()
    later = 1 + fleet.stale_after + 1
    roster.refresh(moment(later), "", SortKey.STATE)
    assert roster.is_outgrown
    shown_in_steps(roster, later)
    assert roster.counts[State.STALE] == len(fleet) and not roster.is_outgrown


def test_the_keys_are_another_list_only_if_a_worker_comes_or_goes() -> None:
    fleet = fleet_with("wkr_1", "wkr_2")
    roster = Roster(fleet)
    roster.refresh(moment(0), "", SortKey.STATE)
    before = roster.keys
    fleet.apply(verdict("wkr_1"), moment(1), moment(1))
    roster.refresh(moment(1), "", SortKey.STATE)
    [*roster.growing(moment(1), SortKey.STATE)]
    assert roster.keys is before and before == ["wkr_1", "wkr_2"]
    fleet.unwatch(["wkr_1"])
    roster.refresh(moment(1), "", SortKey.STATE)
    assert roster.keys == ["wkr_2"] and before == ["wkr_1", "wkr_2"]


def take(step: Step, fleet: Fleet, now: float) -> float:
    """Let something happen to the fleet; return what time it is then."""
    kind, worker_id, what = step
    if kind == "verdict":
        fleet.apply(verdict(worker_id, **what), moment(now), moment(now))
    elif kind == "watch":
        fleet.watch([worker_id])
    elif kind == "unwatch":
        fleet.unwatch([worker_id])
    return now + (what if kind == "wait" else 0.0)


def is_under_way(steps: Generator[None, None, None]) -> bool:
    return inspect.getgeneratorstate(steps) == inspect.GEN_SUSPENDED


def test_a_verdict_that_says_what_the_last_one_said_moves_nothing() -> None:
    fleet = Fleet(STALE_AFTER / 2)
    fleet.watch(IDS)
    for worker_id in IDS:
        fleet.apply(verdict(worker_id), moment(0), moment(0))
    roster = Roster(fleet)
    roster.refresh(moment(0), "", SortKey.STATE)
    fleet.apply(verdict(IDS[2]), moment(5), moment(5))
    assert not roster.refresh(moment(5), "", SortKey.STATE)


def test_what_becomes_stale_without_a_word_from_the_registry_moves() -> None:
    fleet = Fleet(STALE_AFTER / 2)
    fleet.watch(IDS)
    for seconds, worker_id in enumerate(IDS):
        fleet.apply(verdict(worker_id), moment(seconds), moment(seconds))
    roster = Roster(fleet)
    roster.refresh(moment(6), "", SortKey.STATE)
    assert roster.refresh(moment(STALE_AFTER + 0.5), "", SortKey.STATE)
    assert roster.ids[0] == IDS[0]
    assert (roster.counts[State.STALE], roster.counts[State.CLEAN]) == (1, 5)


def test_the_filter_goes_by_the_state_and_not_by_what_verify_says_of_a_ban() -> None:
    """F24: a worker that the ban list bans leaves the filter `clean`, and `banned` finds only banned ones."""
    fleet = fleet_with("wkr_1", "wkr_2")
    apply(fleet, 0)
    apply(fleet, 0, worker_id="wkr_2", sha256=OTHER, ban_word="not banned")
    assert order(fleet, 0.0, "clean", SortKey.WORKER) == ["wkr_1", "wkr_2"]
    fleet.apply_ban_list(ban_list(HASH), moment(1), moment(1))
    assert order(fleet, 1.0, "clean", SortKey.WORKER) == ["wkr_2"]
    assert order(fleet, 1.0, "banned", SortKey.WORKER) == ["wkr_1"]


@pytest.mark.parametrize(
    "query",
    [HASH[:8], HASH[:4], HASH, HASH.upper(), f"sha256:{HASH}", f"SHA256:{HASH[:1].upper()}", f"sha256: {HASH}"],
)
def test_a_worker_is_found_by_its_hash(query: str) -> None:
    """F59: which of my workers have this hash?"""
    fleet = fleet_with("wkr_1", "wkr_2", "wkr_3")
    apply(fleet, 0)
    apply(fleet, 0, worker_id="wkr_2", sha256=OTHER)
    assert order(fleet, moment(1).mono, query, SortKey.WORKER) == ["wkr_1"]


@pytest.mark.parametrize("query", ["llm.embed", "LLM.Embed", "embed", "claude-9", "Claude", "claude embed"])
def test_a_worker_is_found_by_what_it_may_do_and_by_what_runs_it(query: str) -> None:
    """F59: which may do this?"""
    fleet = fleet_with("wkr_1", "wkr_2")
    apply(fleet, 0, capabilities=("llm.embed", "x.y"), raw=b'{"ai_model": "Claude-9", "ai_service": null}')
    apply(fleet, 0, worker_id="wkr_2", capabilities=("x.y",), raw=b"[")
    assert order(fleet, moment(1).mono, query, SortKey.WORKER) == ["wkr_1"]


def test_a_filter_by_hash_follows_a_hash_that_changes() -> None:
    """F59."""
    fleet = fleet_with("wkr_1")
    roster = Roster(fleet)
    apply(fleet, 0)
    assert roster.refresh(moment(1), OTHER, SortKey.WORKER) and roster.ids == []
    apply(fleet, 1, sha256=OTHER)
    assert roster.refresh(moment(1), OTHER, SortKey.WORKER) and roster.ids == ["wkr_1"]


def test_a_short_number_matches_no_hash_by_chance() -> None:
    """F59."""
    fleet = fleet_with("wkr_1")
    apply(fleet, 0)
    assert order(fleet, moment(1).mono, HASH[:3], SortKey.WORKER) == []


WORDS = {"acme": "acme org.acme", "Café": "Café x.café"}


@given(
    st.lists(st.tuples(st.sampled_from(sorted(WORDS)), st.one_of(verdicts, watched, time_passes, looks)), max_size=60)
)
def test_several_fleets_in_one_list_are_as_if_everything_were_sorted_again(
    steps: list[tuple[str, tuple[str, str, object]]],
) -> None:
    """Each fleet has its own interval, so that its workers become stale at their own time."""
    fleets = {name: Fleet(interval) for name, interval in zip(WORDS, (STALE_AFTER / 2, STALE_AFTER), strict=True)}
    named = [NamedFleet(name, fleet, WORDS[name]) for name, fleet in fleets.items()]
    roster, now = Roster(named), 0.0
    look: tuple[str, SortKey, bool] = ("", SortKey.STATE, False)
    for name, (kind, worker_id, what) in steps:
        fleet = fleets[name]
        if kind == "verdict":
            fleet.apply(verdict(worker_id, **what), moment(now), moment(now))  # type: ignore[arg-type]
        elif kind == "watch":
            fleet.watch([worker_id])
        elif kind == "unwatch":
            fleet.unwatch([worker_id])
        elif kind == "wait":
            now += what  # type: ignore[operator]
        else:
            look = what  # type: ignore[assignment]
        query, sort, descending = look
        before, (mono, wall) = roster.ids, moment(now)
        said_changed = roster.refresh(moment(now), query, sort, descending=descending)
        unseen = Roster(named)
        unseen.refresh(moment(now), query, sort, descending=descending)
        assert list(roster.ids) == list(unseen.ids)
        assert said_changed or roster.ids is before
        for number, fleet in enumerate(fleets.values()):
            assert roster.counts_of(number) == fleet.counts(mono)
            own = order(fleet, mono, query, sort, descending=descending, wall=wall)
            assert [worker for worker, of in map(worker_and_fleet, roster.ids) if of == [*fleets][number]] == own


@pytest.mark.parametrize("query", ["café", "x.CAF", "org.acme banned", "acme wkr_1"])
def test_a_filter_finds_all_workers_of_a_fleet_by_its_name(query: str) -> None:
    fleets = [NamedFleet(name, fleet_with("wkr_1"), WORDS[name]) for name in WORDS]
    for each in fleets:
        apply(each.fleet, 1.0, banned=True)
    roster = Roster(fleets)
    roster.refresh(moment(1.0), query, SortKey.STATE)
    wanted = "Café" if "caf" in query.lower() else "acme"
    assert [worker_and_fleet(key) for key in roster.ids] == [("wkr_1", wanted)]
