"""Who signs a store's log, and what a log proves from which something was deleted: in each store."""

import pytest

from pyhall_tui.hall import audit
from pyhall_tui.hall.checkpoints import Rewritten, Signing, change_key, prove, read_all, sign_head, state_of
from pyhall_tui.hall.errors import StoreError
from pyhall_tui.hall.exchange import export, load
from pyhall_tui.hall.signed_note import SigningKey
from pyhall_tui.hall.signers import OtherKey, newest_note, newest_stated
from pyhall_tui.hall.store import SqliteStore, Store
from tests.clock import ManualClock
from tests.hall.store_contract.places import fill
from tests.hall.tampering import cut

KEY = SigningKey("hall.yourco.org", bytes(range(32)))
OTHERS = [
    pytest.param(SigningKey("hall.yourco.org", bytes(32)), id="of the same name"),
    pytest.param(SigningKey("other.yourco.org", bytes(32)), id="of another name"),
]


def seqs(store: Store, key: SigningKey) -> list[int]:
    return [each.seq for each in read_all(store.log.checkpoints(), key.public)]


@pytest.mark.parametrize("other", OTHERS)
def test_no_key_signs_where_another_one_does(store: Store, other: SigningKey) -> None:
    fill(store, 3)
    sign_head(store, KEY)
    before = store.log.checkpoints()
    with pytest.raises(OtherKey, match=r"is signed by hall\.yourco\.org \(key [0-9a-f]{8}\), up to row 3.*change-key"):
        Signing(store, other, ManualClock()).require_whole()
    with pytest.raises(OtherKey):
        sign_head(store, other)
    assert store.log.checkpoints() == before
    assert prove(store, [KEY.public]).upto == 3


@pytest.mark.parametrize("other", OTHERS)
def test_after_a_change_of_key_both_keys_prove_their_rows(store: Store, other: SigningKey) -> None:
    fill(store, 3)
    sign_head(store, KEY)
    change_key(store, KEY.public, other)
    assert (seqs(store, KEY), seqs(store, other)) == ([3], [3])
    with pytest.raises(OtherKey):
        sign_head(store, KEY)
    fill(store, 2)
    Signing(store, other, ManualClock()).require_whole()
    sign_head(store, other)
    assert (seqs(store, KEY), seqs(store, other)) == ([3], [3, 5])
    assert prove(store, [KEY.public, other.public]).upto == prove(store, [other.public]).upto == 5
    copy = SqliteStore()
    load(copy, list(export(store)), "export")
    assert (seqs(copy, KEY), seqs(copy, other)) == ([3], [3, 5])


def test_a_key_is_only_changed_on_the_log_that_the_key_before_has_signed(store: Store) -> None:
    other: SigningKey = SigningKey("other.yourco.org", bytes(32))
    fill(store, 3)
    with pytest.raises(StoreError, match="is not signed"):
        change_key(store, KEY.public, other)
    sign_head(store, KEY)
    with pytest.raises(OtherKey):
        change_key(store, other.public, SigningKey("third.yourco.org", bytes(32)))
    cut(store, 2)
    with pytest.raises(Rewritten):
        change_key(store, KEY.public, other)
    assert seqs(store, other) == []


def test_a_head_is_signed_once_by_each_key(store: Store) -> None:
    fill(store, 3)
    note = sign_head(store, KEY)
    assert note == sign_head(store, KEY) == newest_note(store)
    assert store.log.checkpoints() == [note]


@pytest.mark.parametrize("note", ["", "x", "a\n\n— b c\n", "a\nb\n\n— b AAAA\n"])
def test_a_newest_checkpoint_that_cannot_be_read_is_not_passed_over(store: Store, note: str) -> None:
    fill(store, 3)
    sign_head(store, KEY)
    store.log.put_checkpoint(4, note or "\n")
    with pytest.raises(OtherKey, match="can't be read"):
        sign_head(store, KEY)
    assert state_of(store, None)["error"]


def test_a_newest_checkpoint_with_a_wrong_signature_is_not_passed_over(store: Store) -> None:
    fill(store, 3)
    note = sign_head(store, KEY)
    assert note
    store.log.put_checkpoint(4, note.replace("\n3\n", "\n4\n"))
    with pytest.raises(OtherKey, match="its signature is wrong"):
        Signing(store, KEY, ManualClock()).require_whole()


def test_a_store_says_who_signed_it_without_a_key(store: Store) -> None:
    assert newest_stated(store) is None
    fill(store, 3)
    sign_head(store, KEY)
    stated = newest_stated(store)
    assert stated is not None
    assert (stated.signer, stated.seq) == (f"hall.yourco.org (key {KEY.public.number.hex()})", 3)
    assert state_of(store, None)["stated"] == stated._asdict()


# What is deleted


def test_an_emptied_log_is_not_proven(store: Store) -> None:
    fill(store, 3)
    sign_head(store, KEY)
    cut(store, 0, checkpoints=True)
    assert audit.verify(store).whole
    proof = prove(store, [KEY.public])
    assert (proof.upto, proof.bad_seq) == (0, 1)
    assert "the log is empty" in proof.why
    assert sign_head(store, KEY) is None


def test_an_emptied_log_whose_checkpoints_are_left_is_not_signed(store: Store) -> None:
    fill(store, 3)
    sign_head(store, KEY)
    cut(store, 0)
    with pytest.raises(Rewritten, match="row 3 was signed"):
        sign_head(store, KEY)
    assert prove(store, [KEY.public]).bad_seq == 1


@pytest.mark.parametrize("checkpoints", [False, True])
def test_a_cut_log_is_bad_from_its_first_missing_row_on(store: Store, checkpoints: bool) -> None:
    for count in (2, 16):
        fill(store, count)
        note = sign_head(store, KEY)
    assert note
    cut(store, 10, checkpoints=checkpoints)
    proof = prove(store, [KEY.public], read_all([note], KEY.public))
    assert (proof.upto, proof.bad_seq) == (2, 11)
    assert "row 18 was signed" in proof.why and "rows 3 to 10 are not proven" in proof.why


def test_a_log_cut_behind_a_checkpoint_is_bad_from_its_first_missing_row_on(store: Store) -> None:
    for count in (10, 8):
        fill(store, count)
        sign_head(store, KEY)
    cut(store, 10)
    proof = prove(store, [KEY.public])
    assert (proof.upto, proof.bad_seq) == (10, 11)
    assert "not proven" not in proof.why
