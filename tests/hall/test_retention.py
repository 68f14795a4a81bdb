"""What is kept of the decision log: everything by default; the log itself records removals."""

import asyncio
import json
import threading
from pathlib import Path

import pytest

from pyhall_tui.hall import audit, retention
from pyhall_tui.hall.errors import StoreError
from pyhall_tui.hall.retention import Doubt, Retention, TakingOut, keep_short, prune
from pyhall_tui.hall.store import SqliteStore, Store
from pyhall_tui.hall.store.chain import GENESIS
from tests.clock import ManualClock
from tests.hall.tampering import rows, tampering
from tests.waiting import until

DAY = 86_400


def receipt(number: int, at: str = "2026") -> dict[str, object]:
    return {"n": number, "namespace": "a", "rule": "r", "outcome": "allow", "decided_at": at}


def fill(store: Store, count: int) -> None:
    audit.append(store, *(receipt(number, store.now()) for number in range(count)))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(clock: ManualClock) -> Store:
    return SqliteStore(clock=clock)


def use_daily(store: Store, clock: ManualClock, days: int) -> None:
    """Make a decision a day, the last of them now."""
    for number in range(days):
        clock.skip(DAY * (number > 0))
        fill(store, 1)


def change(store: Store, sql: str, *values: object) -> None:
    with tampering(store) as db:
        db.execute(sql, values)


# By count


def test_old_rows_go_and_the_rest_is_whole(store: Store) -> None:
    fill(store, 10)
    assert prune(store, Retention(4)) == 6
    checked = audit.verify(store)
    assert checked.whole and checked.rows == 4
    fill(store, 1)
    assert audit.verify(store).rows == 5 and store.log.count() == 5
    change(store, "DELETE FROM decisions WHERE seq = 8")
    assert audit.verify(store).bad_seq == 8


@pytest.mark.parametrize("keep", [0, 1, 3])
def test_the_requested_number_of_decisions_stays_however_often_some_are_removed(store: Store, keep: int) -> None:
    for number in range(1, 6):
        fill(store, 4)
        prune(store, Retention(keep))
        checked = audit.verify(store)
        assert checked.whole and checked.rows == keep, number
        assert checked.removal is not None and checked.removal.recorded_from == 1


def test_what_goes_is_a_row_of_the_chain_with_range_time_reason_and_last_hash(store: Store) -> None:
    """F98"""
    fill(store, 10)
    last = audit.hash_of(store, 6)
    now = store.now()
    prune(store, Retention(4))
    assert audit.verify(store).removal == audit.Removal(
        at=now, first=1, last=6, last_hash=last, reason="only the last 4 decisions are kept (--keep-decisions)"
    )
    assert [entry["n"] for entry in audit.decisions(store, 9)] == [9, 8, 7, 6], "it is no decision"
    assert store.log.rule_hits() == {"r": 4}
    assert '"retention":' in list(audit.export(store))[-1]


def test_nothing_goes_by_default(store: Store, clock: ManualClock) -> None:
    """F92"""
    fill(store, 10)
    assert prune(store, Retention()) == 0
    assert audit.verify(store) == audit.Checked(10)


# In small pieces, while the hall is served


async def test_it_goes_in_small_pieces_and_is_said(
    store: Store, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """F92: other work happens between two pieces, and new decisions stay."""
    monkeypatch.setattr(retention, "_PIECE", 2)
    fill(store, 100)
    task = asyncio.create_task(keep_short(store, Retention(20), clock))
    seen = set()

    def looked() -> bool:
        checked = audit.verify(store)
        assert checked.whole
        seen.add(checked.rows)
        return checked.rows == 20

    await until(looked, clock=clock)
    assert len(seen) > 4
    assert caplog.messages == [
        "rows 1 to 80 are being removed from the decision log: the last 20 decisions are kept (--keep-decisions)"
    ]
    monkeypatch.setattr(retention, "_PIECE", 500)
    fill(store, 1500)
    await clock.advance(61)
    await until(looked, clock=clock)
    assert len(caplog.messages) == 2
    task.cancel()


def test_one_that_was_killed_midway_continues_without_a_second_row(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F92"""
    monkeypatch.setattr(retention, "_PIECE", 10)
    fill(store, 100)
    work = TakingOut(store, Retention(20)).steps()
    for _ in range(4):
        next(work)
    del work
    checked = audit.verify(store)
    assert checked.whole and checked.rows == 70, "whole at each step"
    assert checked.removal is not None
    assert "rows 1 to 30 were removed by retention, and those up to 80 will follow" in checked.removal.told(
        checked.gone
    )
    assert prune(store, Retention()) == 0, "nobody asks for the rest"
    assert prune(store, Retention(50)) == 20, "nor for all of it"
    assert prune(store, Retention(20)) == 30
    assert audit.verify(store).rows == 20
    assert len(rows(store, "SELECT 1 FROM decisions WHERE namespace IS NULL")) == 1
    assert prune(store, Retention(10)) == 10
    assert audit.verify(store).whole and audit.verify(store).rows == 10


def test_rows_that_are_not_whole_stay_as_evidence(store: Store) -> None:
    fill(store, 10)
    change(store, "UPDATE decisions SET receipt = replace(receipt, 'allow', 'deny') WHERE seq = 3")
    with pytest.raises(StoreError, match="row 3 is missing or was changed, so nothing is removed"):
        prune(store, Retention(4))
    assert store.log.count() == 10 and audit.verify(store).bad_seq == 3


async def test_a_store_that_cannot_be_written_is_said_once_and_tried_again(
    store: Store, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fill(store, 10)

    def full(*_: object) -> int:
        raise StoreError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(store.log, "take_out", full)
        task = asyncio.create_task(keep_short(store, Retention(4), clock))
        await until(lambda: "old decisions stay in the log: the disk is full" in caplog.messages, clock=clock)
        await clock.advance(300)
    assert caplog.messages.count("old decisions stay in the log: the disk is full") == 1
    await until(lambda: store.log.count() == 4, clock=clock)
    task.cancel()


def test_decisions_from_elsewhere_are_forgotten_with_their_rows(store: Store) -> None:
    for number in range(4):
        told = receipt(number) | {"decision_id": f"d{number}", "rule": "ingested"}
        store.log.note_ingested("a", f"d{number}", audit.append(store, told))
    prune(store, Retention(1))
    assert [row[0] for row in rows(store, "SELECT decision_id FROM ingested")] == ["d3"]


def test_two_processes_and_dispatches_at_once_leave_a_whole_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_PIECE", 5)
    first, second = SqliteStore(tmp_path / "hall.db"), SqliteStore(tmp_path / "hall.db")
    fill(first, 300)
    threads = [
        threading.Thread(target=prune, args=(first, Retention(50))),
        threading.Thread(target=prune, args=(second, Retention(50))),
        threading.Thread(target=lambda: [fill(second, 1) for _ in range(50)]),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    checked = audit.verify(first)
    assert checked.whole and 50 <= checked.rows <= 100
    first.close()
    second.close()


# Rows missing without a record


def test_rows_and_head_taken_out_up_to_a_head_that_was_kept_elsewhere_are_missed(store: Store) -> None:
    """F98"""
    fill(store, 10)
    kept = store.log.head()
    change(store, "DELETE FROM decisions")
    store.set_setting("audit_anchor", f"{kept[0]}:{kept[1]}")
    checked = audit.verify(store, kept)
    assert not checked.whole and checked.bad_seq == 1
    assert "rows 1 to 10 are missing, and no row of the log says that retention removed them" in checked.why


def test_rows_before_an_anchor_that_was_moved_on_are_missed(store: Store) -> None:
    """F98: also if the log says that some were removed."""
    fill(store, 10)
    prune(store, Retention(8))
    change(store, "DELETE FROM decisions WHERE seq <= 5")
    store.set_setting("audit_anchor", f"5:{GENESIS}")
    assert not audit.verify(store).whole
    with store.write():
        store.set_setting("audit_anchor", "5:x")
    assert audit.verify(store).bad_seq is not None


def test_a_moved_anchor_is_missed_even_with_its_true_hash(store: Store) -> None:
    """F98"""
    fill(store, 10)
    prune(store, Retention(8))
    fifth = audit.hash_of(store, 5)
    change(store, "DELETE FROM decisions WHERE seq <= 5")
    store.set_setting("audit_anchor", f"5:{fifth}")
    checked = audit.verify(store)
    assert checked.bad_seq == 3 and "rows 3 to 5 are missing" in checked.why


def test_a_head_that_was_kept_elsewhere_and_is_below_the_anchor_proves_nothing_and_is_a_no(store: Store) -> None:
    """F98"""
    fill(store, 10)
    heads = [(n, audit.hash_of(store, n)) for n in (3, 6)]
    prune(store, Retention(4))
    checked = audit.verify(store, heads[0])
    assert not checked.whole and checked.bad_seq == 3 and "no longer kept" in checked.why
    assert "rows 1 to 6 were removed by retention" in checked.why
    assert audit.verify(store, heads[1]).whole
    assert audit.verify(store, (6, heads[0][1])).bad_seq == 6


def test_a_row_about_a_removal_that_was_changed_is_found(store: Store) -> None:
    """F98"""
    fill(store, 10)
    prune(store, Retention(4))
    change(store, "UPDATE decisions SET receipt = replace(receipt, '\"to\":6', '\"to\":7') WHERE seq = 11")
    assert audit.verify(store).bad_seq == 11


def test_a_row_about_a_removal_of_rows_with_another_hash_is_found(store: Store) -> None:
    """F98"""
    fill(store, 10)
    audit.append_removal(store, audit.Removal(at="t", first=1, last=5, last_hash="ab" * 32, reason="r"))
    change(store, "DELETE FROM decisions WHERE seq <= 4")
    fourth = json.loads(next(iter(audit.export(store))))["prev_hash"]
    store.set_setting("audit_anchor", f"4:{fourth}")
    assert not audit.verify(store).whole


def old_store(store: Store) -> None:
    """Remove rows 1 to 3 as versions before 0.2 did: without recording it."""
    fill(store, 10)
    store.set_setting("audit_anchor", f"3:{audit.hash_of(store, 3)}")
    change(store, "DELETE FROM decisions WHERE seq <= 3")


def test_a_store_from_which_an_earlier_version_took_rows_is_not_proven_and_stays_so(store: Store) -> None:
    """F98"""
    old_store(store)
    checked = audit.verify(store)
    assert checked.bad_seq == 1 and checked.rows == 7
    assert "rows 1 to 3 are missing" in checked.why and "earlier versions of pyhall-tui" in checked.why
    assert prune(store, Retention(2)) == 5
    for _ in range(3):
        checked = audit.verify(store)
        assert checked.bad_seq == 1 and "rows 1 to 3 are missing" in checked.why
        fill(store, 5)
        prune(store, Retention(2))


@pytest.mark.parametrize("mark", ["x", "-1:a", "1", ":", "9" * 40 + ":a", "1.5:a"])
@pytest.mark.parametrize("name", ["audit_anchor", "audit_head"])
def test_a_mark_that_names_no_row_is_a_sentence(store: Store, name: str, mark: str) -> None:
    fill(store, 3)
    store.set_setting(name, mark)
    try:
        assert not audit.verify(store).whole
    except StoreError as error:
        assert name in str(error)


# By age


def test_what_is_older_than_it_may_be_goes_counted_from_the_newest(store: Store, clock: ManualClock) -> None:
    """F91"""
    use_daily(store, clock, 100)
    assert prune(store, Retention(days=90)) == 9
    clock.skip(DAY)
    assert prune(store, Retention(days=90)) == 0, "age is the log's own"
    checked = audit.verify(store)
    assert checked.whole and checked.rows == 91 and checked.removal is not None
    assert checked.removal.reason == "none older than 90 days is kept (--keep-days)"


@pytest.mark.parametrize("days", [100, -365, 400, 36_500, 20])
def test_an_implausible_clock_takes_nothing_out_and_is_said(store: Store, clock: ManualClock, days: int) -> None:
    """F91"""
    use_daily(store, clock, 120)
    clock.jump_wall(days * DAY)
    with pytest.raises(Doubt, match=r"no decision is removed by age: .* Set the clock"):
        prune(store, Retention(days=90))
    assert audit.verify(store) == audit.Checked(120)


@pytest.mark.parametrize("days", [100, -365])
async def test_a_clock_that_jumps_while_serving_takes_nothing_out_whatever_is_decided_under_it(
    store: Store, clock: ManualClock, caplog: pytest.LogCaptureFixture, days: int
) -> None:
    """F91"""
    use_daily(store, clock, 85)
    task = asyncio.create_task(keep_short(store, Retention(days=90), clock))
    await clock.advance(1)
    clock.jump_wall(days * DAY)
    for _ in range(5):
        fill(store, 200)
        await clock.advance(70)
    assert audit.verify(store) == audit.Checked(1085)
    assert 1 <= len(caplog.messages) <= 2 and "Set the clock" in caplog.messages[0]
    clock.jump_wall(-days * DAY)
    fill(store, 200)
    await clock.advance(70)
    assert audit.verify(store) == audit.Checked(1285)
    task.cancel()


def test_rows_from_the_future_keep_all_after_them_and_are_said(store: Store, clock: ManualClock) -> None:
    """F91"""
    use_daily(store, clock, 100)
    clock.jump_wall(1000 * DAY)
    fill(store, 5)
    clock.jump_wall(-1000 * DAY)
    use_daily(store, clock, 100)
    with pytest.raises(Doubt, match="in the future"):
        prune(store, Retention(days=90))
    assert prune(store, Retention(rows=50)) == 155, "by count they go all the same"


def test_after_an_honest_pause_age_counts_again_once_it_was_used_for_a_week(store: Store, clock: ManualClock) -> None:
    """F91"""
    use_daily(store, clock, 10)
    clock.skip(200 * DAY)
    for day in range(7):
        clock.skip(DAY)
        fill(store, 1)
        if day < 6:
            with pytest.raises(Doubt, match="lie between the decision"):
                prune(store, Retention(days=90))
    clock.skip(DAY)
    fill(store, 1)
    assert prune(store, Retention(days=90)) == 10


def test_a_hall_that_rests_at_weekends_still_keeps_its_log_short(store: Store, clock: ManualClock) -> None:
    """F91"""
    for _ in range(10):
        for _ in range(5):
            fill(store, 1)
            clock.skip(DAY)
        clock.skip(2 * DAY)
    clock.skip(-2 * DAY)
    assert prune(store, Retention(days=30)) == 27
    assert prune(store, Retention(days=2)) > 10, "of what is left: all but the last days"


def test_a_time_in_the_log_that_cannot_be_read_is_a_doubt(store: Store) -> None:
    audit.append(store, receipt(1, "noon"))
    with pytest.raises(Doubt, match="can't be read: noon"):
        prune(store, Retention(days=1))


@pytest.mark.parametrize("days", [1e9, 1e300, float("inf"), float("nan")])
def test_a_number_of_days_beyond_all_time_takes_nothing_out(store: Store, clock: ManualClock, days: float) -> None:
    use_daily(store, clock, 10)
    assert prune(store, Retention(days=days)) == 0


def test_ages_of_rows_are_looked_at_in_pieces(
    store: Store, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F92"""
    monkeypatch.setattr(retention, "_SCAN", 7)
    use_daily(store, clock, 100)
    work = TakingOut(store, Retention(days=30))
    assert len(list(work.steps())) > 10
    assert work.gone == 69 and audit.verify(store).rows == 31
