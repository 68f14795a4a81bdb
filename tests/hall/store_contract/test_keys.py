"""What every hall store does with API keys."""

import pytest

from pyhall_tui.hall.models import Key
from pyhall_tui.hall.store import Store, hash_key


def test_a_key_is_good_until_it_is_revoked(store: Store) -> None:
    token = store.add_key("n", "label")
    found = store.find_key(token)
    assert found is not None and (found.namespace, found.label, found.key_hash) == ("n", "label", hash_key(token))
    assert store.find_key("phk_live_none") is None and store.find_key("") is None
    assert store.revoke_key(found.key_id) and not store.revoke_key(found.key_id)
    assert store.find_key(token) is None
    assert [key.revoked_at is None for key in store.all_keys()] == [False]


def test_a_key_that_is_put_in_another_s_place_ends_that(store: Store) -> None:
    for token in ("old", "new"):
        store.put_key(Key(key_id="k", key_hash=hash_key(token), namespace="n"))
        assert store.find_key(token) is not None
    assert store.find_key("old") is None


def test_a_key_has_the_scopes_that_it_was_added_with(store: Store) -> None:
    scoped, whole = store.add_key("n", scopes=("runtime:delivery", "hall:enroll")), store.add_key("n")
    found = store.find_key(scoped)
    assert found is not None and found.scopes == ("runtime:delivery", "hall:enroll")
    assert {key.key_id: key.scopes for key in store.all_keys()}[found.key_id] == found.scopes
    other = store.find_key(whole)
    assert other is not None and other.scopes == ()
    assert store.revoke_key(found.key_id) and not store.revoke_key(found.key_id)
    assert store.find_key(scoped) is None and store.find_key(whole) is not None


@pytest.mark.parametrize("scopes", [((), ("a:b",)), (("a:b",), ()), (("a:b",), ("c:d",))])
def test_a_key_that_is_put_again_has_only_its_new_scopes(store: Store, scopes: tuple[tuple[str, ...], ...]) -> None:
    for each in scopes:
        store.put_key(Key(key_id="k", key_hash=hash_key("t"), namespace="n", scopes=each))
        found = store.find_key("t")
        assert found is not None and found.scopes == each
    assert [key.scopes for key in store.all_keys()] == [scopes[-1]]


def test_scopes_that_name_nothing_are_not_stored_as_a_key_for_everything(store: Store) -> None:
    row = {"key_id": "k", "key_hash": hash_key("t"), "namespace": "n", "label": "", "created_at": "1"}
    for scopes in ("", " ", "\u2003"):
        with pytest.raises(ValueError), store.write():
            store.put_row("scoped_keys", row | {"revoked_at": None, "scopes": scopes})
    assert store.find_key("t") is None and store.all_keys() == []


def test_a_row_of_a_copy_takes_the_place_of_the_same_key_in_the_other_table(store: Store) -> None:
    row = {"key_id": "k", "key_hash": hash_key("t"), "namespace": "n", "label": "", "created_at": "1"}
    with store.write():
        store.put_row("keys", row | {"revoked_at": None})
        store.put_row("scoped_keys", row | {"key_id": "k2", "revoked_at": None, "scopes": "a:b"})
    assert [(key.key_id, key.scopes) for key in store.all_keys()] == [("k2", ("a:b",))]


def test_the_last_use_of_a_key_is_noted_without_a_change(two: tuple[Store, Store]) -> None:
    """Otherwise each use would empty caches and wake streams."""
    here, there = two
    token = here.add_key("n", scopes=("a:b",))
    before, known = there.revision(), there.find_key(token)
    assert known is not None and here.key_uses() == {}
    here.note_key_uses({known.key_id: 1e9, "other": 1e9})
    there.note_key_uses({"other": 1e9, known.key_id: 1e9 + 1.5})
    assert here.key_uses()[known.key_id] == "2001-09-09T01:46:41.500Z"
    assert here.revision() == there.revision() == before
    assert there.find_key(known.key_id) is None and there.find_key(token) is known, "it is still cached"
    here.revoke_key(known.key_id)
    assert there.find_key(token) is None
