"""What is decided in one turn of the event loop is logged together, and sent after it is logged."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from pyhall_tui.hall import audit
from pyhall_tui.hall.errors import StoreError
from pyhall_tui.hall.ledger import Dispatch, Ledger, Receipt
from pyhall_tui.hall.models import Asked
from pyhall_tui.hall.store import SqliteStore, Store
from tests.hall.tampering import rows
from tests.waiting import until

ASKED = Asked(namespace="n", capability="c", worker_id="w")


def made(store: Store) -> Ledger:
    """A ledger that decides nothing, and writes what it gets."""

    def write(dispatches: Sequence[Dispatch]) -> list[Receipt]:
        receipts = [{"namespace": "n", "rule": "r", "outcome": "allow", "id": of} for _, of in dispatches]
        audit.append(store, *receipts)
        return receipts

    return Ledger(store, write)


async def test_decisions_of_one_turn_are_one_transaction_and_logged_when_sent(tmp_path: Path) -> None:
    store, other = SqliteStore(tmp_path / "hall.db"), SqliteStore(tmp_path / "hall.db")
    ledger = made(store)
    before = rows(other, "PRAGMA data_version")[0][0]

    async def decided(number: int) -> int:
        assert (await ledger.decide(ASKED, str(number)))["id"] == str(number)
        return other.log.head().seq

    assert await asyncio.gather(*map(decided, range(20))) == [20] * 20
    assert rows(other, "PRAGMA data_version")[0][0] == before + 1
    assert [entry["id"] for entry in audit.decisions(other, 99)] == [str(number) for number in range(19, -1, -1)]
    assert audit.verify(other) == audit.Checked(20)
    store.close()
    other.close()


async def test_if_it_cannot_be_written_each_failure_is_reported_and_the_next_is_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = SqliteStore()
    ledger = made(store)

    def full(*_: object) -> int:
        raise StoreError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(store.log, "decide", full)
        failed = await asyncio.gather(*(ledger.decide(ASKED, str(n)) for n in range(3)), return_exceptions=True)
    assert [str(error) for error in failed] == ["the disk is full"] * 3
    await ledger.decide(ASKED, "4")
    assert audit.verify(store) == audit.Checked(1)


async def test_one_that_cannot_be_decided_is_reported_and_the_others_are_decided() -> None:
    ledger = Ledger(SqliteStore(), lambda asked: [ValueError("no"), *({"id": of} for _, of in asked[1:])])
    failed, other = await asyncio.gather(*(ledger.decide(ASKED, str(n)) for n in range(2)), return_exceptions=True)
    assert str(failed) == "no" and other == {"id": "1"}


async def test_who_no_longer_waits_keeps_nobody_and_his_decision_is_in_the_log() -> None:
    store = SqliteStore()
    ledger = made(store)
    gone, stays = (asyncio.ensure_future(ledger.decide(ASKED, str(n))) for n in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    await stays
    assert audit.verify(store) == audit.Checked(2)


async def test_beside_the_loop_one_batch_follows_the_other_and_takes_what_came_meanwhile() -> None:
    gate = asyncio.Event()
    batches: list[list[str]] = []

    async def beside(dispatches: Sequence[Dispatch]) -> list[Receipt | Exception]:
        batches.append([of for _, of in dispatches])
        await gate.wait()
        if "2" in batches[-1]:
            raise StoreError("the server is lost")
        return [{"id": of} for _, of in dispatches]

    ledger = Ledger(SqliteStore(), lambda _: [], beside)
    first = asyncio.ensure_future(ledger.decide(ASKED, "1"))
    await asyncio.sleep(0)
    await until(lambda: batches)
    later = [asyncio.ensure_future(ledger.decide(ASKED, of)) for of in ("2", "3")]
    await asyncio.sleep(0)
    assert batches == [["1"]]
    gate.set()
    assert await first == {"id": "1"}
    failed = await asyncio.gather(*later, return_exceptions=True)
    assert [str(error) for error in failed] == ["the server is lost"] * 2
    assert await ledger.decide(ASKED, "4") == {"id": "4"}
    assert batches == [["1"], ["2", "3"], ["4"]]
