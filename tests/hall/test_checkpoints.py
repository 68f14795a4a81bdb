"""Signed checkpoints: a log that was written again from the beginning does not pass for the one that was signed."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyhall_tui.hall import audit, checkpoints
from pyhall_tui.hall.checkpoints import Checkpoint, Rewritten, Signing, change_key, prove, read_all, sign_head
from pyhall_tui.hall.exchange import export, load
from pyhall_tui.hall.retention import Retention, prune
from pyhall_tui.hall.signed_note import NoteMistake, SigningKey
from pyhall_tui.hall.store import SqliteStore, Store
from pyhall_tui.hall.store.protocol import CHECKPOINTS_KEPT
from tests.clock import ManualClock, settle
from tests.hall.tampering import tampering

KEY = SigningKey("hall.yourco.org", bytes(range(32)))
OTHER = SigningKey("hall.yourco.org", bytes(32))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(clock: ManualClock) -> Iterator[Store]:
    store = SqliteStore(clock=clock)
    fill(store, 10)
    yield store
    store.close()


def fill(store: Store, rows: int, outcome: str = "deny") -> None:
    for _ in range(rows):
        receipt = {"namespace": "a", "rule": "r", "outcome": outcome, "decided_at": store.now()}
        audit.append(store, receipt)


def rewrite(store: Store, first: int, *, keep_checkpoints: bool = True) -> None:
    """Write the log again from row `first` on, with its chain and head, as who owns the store's machine can."""
    kept = [row.receipt for row in store.log.page(0, 10**9, 10**6)]
    with tampering(store) as db:
        db.execute("DELETE FROM decisions")
        db.execute("DELETE FROM meta WHERE name = 'audit_head'")
        if not keep_checkpoints:
            db.execute("DELETE FROM checkpoints")
    for number, receipt in enumerate(kept, 1):
        text = receipt.replace('"deny"', '"allow"') if number >= first else receipt
        store.log.decide(lambda text=text: audit.Batch([text]))
    assert audit.verify(store).whole


def test_a_signed_log_is_proven_up_to_its_head(store: Store) -> None:
    sign_head(store, KEY)
    assert prove(store, [KEY.public])[:3] == (10, store.now(), None)


def test_rows_after_the_last_checkpoint_are_counted_and_not_called_proven(store: Store, clock: ManualClock) -> None:
    sign_head(store, KEY)
    fill(store, 3)
    assert prove(store, [KEY.public])[:5] == (10, store.now(), None, "", 3)


async def test_old_rows_after_the_last_checkpoint_are_a_finding(store: Store, clock: ManualClock) -> None:
    sign_head(store, KEY)
    fill(store, 3)
    await clock.advance(checkpoints.EVERY * 4)
    proof = prove(store, [KEY.public])
    assert proof.bad_seq == 11
    assert "not proven" in proof.why


async def test_a_first_row_after_a_quiet_week_is_none(store: Store, clock: ManualClock) -> None:
    sign_head(store, KEY)
    await clock.advance(7 * 86_400)
    fill(store, 1)
    assert prove(store, [KEY.public]).bad_seq is None


def test_a_log_that_was_rewritten_is_found_with_the_first_row_that_differs(store: Store) -> None:
    for _ in range(3):
        sign_head(store, KEY)
        fill(store, 10)
    sign_head(store, KEY)
    rewrite(store, 25)
    proof = prove(store, [KEY.public])
    assert (proof.upto, proof.bad_seq) == (20, 21)
    assert "rewritten" in proof.why


def test_a_log_rewritten_together_with_its_checkpoints_is_not_proven(store: Store) -> None:
    sign_head(store, KEY)
    rewrite(store, 1, keep_checkpoints=False)
    assert prove(store, [KEY.public]).bad_seq == 1
    sign_head(store, OTHER)
    assert "no checkpoint signed by" in prove(store, [KEY.public]).why


def test_a_checkpoint_kept_elsewhere_finds_it_too(store: Store) -> None:
    note = sign_head(store, KEY)
    assert note
    rewrite(store, 1, keep_checkpoints=False)
    assert "rewritten" in prove(store, [KEY.public], read_all([note], KEY.public)).why


@pytest.mark.parametrize("left", [0, 4])
def test_a_log_that_was_cut_or_emptied_with_its_head_is_found(store: Store, left: int) -> None:
    note = sign_head(store, KEY)
    assert note
    with tampering(store) as db:
        db.execute("DELETE FROM decisions WHERE seq > ?", (left,))
        db.execute("DELETE FROM meta WHERE name = 'audit_head'")
        db.execute("DELETE FROM checkpoints")
        if left:
            (entry,) = db.execute("SELECT entry_hash FROM decisions WHERE seq = ?", (left,)).fetchone()
            db.execute("INSERT INTO meta VALUES ('audit_head', ?)", (f"{left}:{entry}",))
    assert audit.verify(store).whole
    proof = prove(store, [KEY.public], read_all([note], KEY.public))
    assert (proof.upto, proof.bad_seq) == (0, left + 1)
    assert "missing" in proof.why
    assert ("rows 1 to 4 are not proven" in proof.why) == (left == 4)


def test_a_store_that_was_never_signed_is_not_called_proven(store: Store) -> None:
    assert prove(store, [KEY.public]).bad_seq == 1


async def test_a_first_row_from_the_future_is_a_finding(store: Store, clock: ManualClock) -> None:
    sign_head(store, KEY)
    audit.append(store, {"namespace": "a", "rule": "r", "outcome": "deny", "decided_at": "2999-01-01T00:00:00Z"})
    await clock.advance(checkpoints.EVERY * 10)
    proof = prove(store, [KEY.public])
    assert (proof.upto, proof.bad_seq) == (10, 11) and "future" in proof.why


async def test_a_running_hall_stops_signing_once_another_key_does(store: Store, clock: ManualClock) -> None:
    signing = Signing(store, KEY, clock)
    task = asyncio.create_task(signing.run())
    await settle()
    change_key(store, KEY.public, OTHER)
    fill(store, 1)
    await clock.advance(checkpoints.EVERY + 2)
    assert signing.error and "change-key" in signing.error
    assert seqs(store.log.checkpoints()) == [10]
    task.cancel()
    await asyncio.wait([task])


def test_nothing_is_signed_over_a_log_that_was_rewritten(store: Store) -> None:
    sign_head(store, KEY)
    rewrite(store, 5)
    with pytest.raises(Rewritten, match="row 10 is not the one"):
        sign_head(store, KEY)


def test_a_log_that_was_shortened_by_retention_stays_proven(store: Store) -> None:
    for _ in range(3):
        sign_head(store, KEY)
        fill(store, 10)
    prune(store, Retention(rows=15))
    sign_head(store, KEY)
    assert store.log.anchor().seq == 25
    assert prove(store, [KEY.public])[0] == store.log.head().seq


def test_a_checkpoint_of_the_last_row_that_was_removed_still_counts(store: Store) -> None:
    sign_head(store, KEY)
    fill(store, 5)
    prune(store, Retention(rows=5))
    assert store.log.anchor().seq == 10
    assert prove(store, [KEY.public]).upto == 10


def test_a_copy_keeps_the_checkpoints(store: Store) -> None:
    sign_head(store, KEY)
    copy = SqliteStore()
    load(copy, list(export(store)), "export")
    assert prove(copy, [KEY.public]).upto == 10


def test_the_newest_checkpoints_are_kept(store: Store) -> None:
    for seq in range(CHECKPOINTS_KEPT + 10):
        store.log.put_checkpoint(seq, str(seq))
    kept = store.log.checkpoints()
    assert (len(kept), kept[0], kept[-1]) == (CHECKPOINTS_KEPT, "10", str(CHECKPOINTS_KEPT + 9))


@pytest.mark.parametrize(
    "text",
    ["\n", "a\n", f"{KEY.public.name}\nx\nAAAA\nat 1\n", f"{KEY.public.name}\n1\nAAAA\nat 1\n", "other\n1\n%s\nat 1\n"],
)
def test_a_signed_text_that_is_not_a_checkpoint_of_this_log_is_refused(text: str) -> None:
    packed = "A" * 43 + "="
    with pytest.raises(NoteMistake, match="checkpoint"):
        Checkpoint.read(KEY.sign(text.replace("%s", packed)), KEY.public)


# While the hall is served


@contextmanager
def kept_elsewhere() -> Iterator[tuple[list[str], checkpoints.Send]]:
    notes: list[str] = []

    async def send(note: str) -> None:
        notes.append(note)

    yield notes, send


def seqs(notes: list[str]) -> list[int]:
    return [each.seq for each in read_all(notes, KEY.public)]


async def test_the_head_is_signed_at_the_start_each_minute_and_at_the_end(store: Store, clock: ManualClock) -> None:
    with kept_elsewhere() as (notes, send):
        task = asyncio.create_task(Signing(store, KEY, clock, elsewhere=send).run())
        await settle()
        assert seqs(notes) == [10]
        fill(store, 1)
        await clock.advance(checkpoints.EVERY - 2)
        assert seqs(notes) == [10]
        await clock.advance(3)
        assert seqs(notes) == [10, 11]
        await clock.advance(checkpoints.EVERY * 3)
        assert seqs(notes) == [10, 11]
        fill(store, 1)
        task.cancel()
        await asyncio.wait([task])
        assert seqs(notes) == [10, 11, 12] == seqs(store.log.checkpoints())


async def test_a_thousand_rows_are_signed_at_once(store: Store, clock: ManualClock) -> None:
    with kept_elsewhere() as (notes, send):
        task = asyncio.create_task(Signing(store, KEY, clock, elsewhere=send).run())
        await settle()
        fill(store, checkpoints.EVERY_ROWS)
        await clock.advance(2)
        assert seqs(notes) == [10, 10 + checkpoints.EVERY_ROWS]
        task.cancel()
        await asyncio.wait([task])


async def test_a_log_that_is_rewritten_while_it_is_served_is_reported_and_not_signed(
    store: Store, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    signing = Signing(store, KEY, clock)
    task = asyncio.create_task(signing.run())
    await settle()
    rewrite(store, 3, keep_checkpoints=False)
    fill(store, 1)
    await clock.advance(checkpoints.EVERY + 2)
    assert signing.error
    assert "rewritten" in signing.error
    assert "rewritten" in caplog.text
    assert store.log.checkpoints() == []
    task.cancel()
    await asyncio.wait([task])


async def test_a_place_that_fails_is_reported_and_tried_again(store: Store, clock: ManualClock) -> None:
    notes: list[str] = []
    broken = True

    async def send(note: str) -> None:
        if broken:
            raise OSError("the disk is full")
        notes.append(note)

    signing = Signing(store, KEY, clock, elsewhere=send)
    task = asyncio.create_task(signing.run())
    await settle()
    assert signing.error == "the checkpoint of the decision log is not kept elsewhere: the disk is full"
    broken = False
    await clock.advance(2)
    assert (seqs(notes), signing.error) == ([10], None)
    task.cancel()
    await asyncio.wait([task])


def test_a_hall_does_not_start_on_a_log_that_contradicts_what_was_kept_elsewhere(
    store: Store, clock: ManualClock
) -> None:
    note = sign_head(store, KEY)
    assert note
    (known,) = read_all([note], KEY.public)
    rewrite(store, 2, keep_checkpoints=False)
    with pytest.raises(Rewritten):
        Signing(store, KEY, clock, known=known).require_whole()
    Signing(store, OTHER, clock).require_whole()


def test_two_halls_on_one_store_sign_it_with_one_key(tmp_path: Path) -> None:
    one, two = SqliteStore(tmp_path / "hall.db"), SqliteStore(tmp_path / "hall.db")
    for hall in (one, two, one):
        fill(hall, 2)
        sign_head(hall, KEY)
    assert seqs(two.log.checkpoints()) == [2, 4, 6]
    one.close()
    two.close()
