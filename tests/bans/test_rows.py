"""A ban list in order and searched, from both kinds of list that the client makes."""

from collections import ChainMap
from collections.abc import Mapping

import pytest

from pyhall_tui.bans.rows import NotWanted, newest_first, reported_at, search
from pyhall_tui.registry.ban_index import BanIndex
from pyhall_tui.registry.models import BanListEntry

A, B, C = "a" * 64, "0b" * 32, "c0" * 32


def entry(sha256: str, at: str | None = None, reason: str | None = None) -> BanListEntry:
    return BanListEntry(sha256=sha256, reported_at=at, reason=reason, source="Community")


def as_dict(*entries: BanListEntry) -> Mapping[str, BanListEntry]:
    return {each.sha256: each for each in entries}


def as_index(*entries: BanListEntry) -> Mapping[str, BanListEntry]:
    index = BanIndex(str)
    for each in entries:
        index.add(bytes.fromhex(each.sha256), (each.reason, each.reported_at, each.source, each.review_status))
    index.close_block()
    return index


def as_chain(*entries: BanListEntry) -> Mapping[str, BanListEntry]:
    worse = {each.sha256: each for each in entries[:1]}
    return ChainMap(worse, dict(as_dict(*entries)))


LISTS = pytest.mark.parametrize("made", [as_dict, as_index, as_chain])


@LISTS
def test_the_newest_report_comes_first_and_what_has_no_time_last(made: type[dict[str, BanListEntry]]) -> None:
    entries = made(  # type: ignore[call-overload]
        entry(A), entry(B, "2026-01-01T00:00:00Z"), entry(C, "2026-01-01T01:00:00+00:30")
    )
    rows = newest_first(entries)
    assert list(rows) == [C, B, A]
    assert rows[1:] == [B, A]
    assert [rows.index(each) for each in (C, B, A)] == [0, 1, 2]
    assert "d" * 64 not in rows
    assert "x" * 64 not in rows


@LISTS
def test_a_search_needs_every_word(made: type[dict[str, BanListEntry]]) -> None:
    entries = made(entry(A, reason="Sends mail"), entry(B, reason="sends money"), entry(C))  # type: ignore[call-overload]
    rows = newest_first(entries)

    def found(query: str) -> list[str]:
        return list(search(rows, entries, query))

    assert found("  ") == list(rows)
    assert found("SENDS MAIL") == [A]
    assert found("community") == list(rows)
    assert found("sha256:C") == [C]
    assert found("C0C0") == [C]
    assert found("0b") == []  # too short for a hash
    assert found(B.upper()) == [B]
    assert found("sends elsewhere") == []


def test_what_is_found_has_its_own_places() -> None:
    entries = as_dict(entry(A, "2026-01-03"), entry(B, "2026-01-02"), entry(C, "2026-01-01"))
    some = newest_first(entries).of([C, A, "d" * 64])
    assert list(some) == [A, C]
    assert B not in some
    assert some.index(C) == 1


def test_a_hash_is_found_only_where_one_begins() -> None:
    """The end of one hash and the beginning of the next may look like a third."""
    entries = as_dict(entry("1" * 32 + "2" * 32), entry("3" * 32 + "4" * 32))
    assert "2" * 32 + "3" * 32 not in newest_first(entries)


@pytest.mark.parametrize("text", [None, "", "soon", "9999-99-99", "2026-01-01T00:00:00Zjunk"])
def test_an_unreadable_time_is_none(text: str | None) -> None:
    assert reported_at(text) is None


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00", "9999-12-31T23:59:59-12:00", "1969-12-31"])
def test_an_odd_time_is_ordered(text: str) -> None:
    assert len(newest_first(as_dict(entry(A, text), entry(B, "2026-01-01")))) == 2


def test_an_order_that_nobody_waits_for_is_not_finished() -> None:
    with pytest.raises(NotWanted):
        newest_first(as_dict(entry(A)), lambda: False)
