"""A long ban list is read as it arrives, with the same result as if it were read whole."""

import json as python_json
import threading
import tracemalloc
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from pyhall_tui.registry import ban_stream
from pyhall_tui.registry.ban_index import BanIndex
from pyhall_tui.registry.ban_lists import UnclearBanList, read_ban_list
from pyhall_tui.registry.ban_stream import BanListReader
from pyhall_tui.registry.client import BAN_LIST_LIMIT, RegistryClient
from pyhall_tui.registry.errors import BanListUnclear, NotARegistrysAnswer
from pyhall_tui.registry.json_body import Unreadable
from pyhall_tui.registry.models import BanList
from tests.examples import examples
from tests.registry.conftest import KEY
from tests.registry.raw_server import RawServer, answer

MANY = 30_000
"""Entries that take more than is read at once."""


def same(data: bytes) -> bytes:
    return data


def entry(number: int, **fields: Any) -> dict[str, Any]:
    reason = f'steals "keys" }},{{ no. {number}'
    return {"sha256": f"{number:064x}", "reason": reason, "reported_at": "2026-11-26", "source": "s"} | fields


@pytest.fixture
def in_small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ban_stream, "AT_ONCE", 40)
    monkeypatch.setattr(ban_stream, "_PIECE", 40)


def streamed(data: bytes, step: int) -> BanList | str:
    reader = BanListReader(None, "req-1", same)
    try:
        for at in range(0, len(data), step):
            reader.feed(data[at : at + step])
        return reader.end()
    except UnclearBanList as unclear:
        return msgspec.structs.replace(unclear.worst, entries=dict(unclear.worst.entries))
    except Unreadable:
        return "unreadable"


def whole(data: bytes) -> BanList | str:
    try:
        return read_ban_list(data, None, "req-1")
    except UnclearBanList as unclear:
        return unclear.worst
    except Unreadable:
        return "unreadable"


HASHES = some.sampled_from([f"{number:064x}" for number in range(4)] + ["sha256:" + "AB" * 32, "none", "", "ab" * 31])
TEXTS = some.text(max_size=6) | some.sampled_from(["},{", '"', "\\", "],[", "ü\u2028", "x" * 1_100])
VALUES = TEXTS | some.none() | some.integers() | some.booleans() | some.lists(TEXTS, max_size=2)
ENTRIES = some.fixed_dictionaries({"sha256": HASHES}, optional={"reason": VALUES, "source": VALUES, "x": VALUES})
LISTS = some.lists(ENTRIES | HASHES | some.integers() | some.none() | some.lists(HASHES, max_size=2), max_size=8)
WRITTEN = some.sampled_from(
    [
        lambda value: msgspec.json.encode(value),
        lambda value: python_json.dumps(value).encode(),
        lambda value: python_json.dumps(value, indent=1).encode(),
        lambda value: python_json.dumps(value).replace('"source"', '"sha256"').encode(),
        lambda value: b"\xef\xbb\xbf " + msgspec.json.encode(value) + b" \n",
        lambda value: msgspec.json.encode(value)[:-1] + b",]",
        lambda value: msgspec.json.encode(value)[:-1],
        lambda value: msgspec.json.encode(value) + b"]",
        lambda value: msgspec.json.encode(value).replace(b":", b"", 1),
    ]
)


@settings(max_examples=examples(400), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LISTS, WRITTEN, some.integers(1, 60))
def test_a_list_in_pieces_is_read_as_one_that_is_read_whole(
    in_small_pieces: None, value: list[Any], write: Any, step: int
) -> None:
    data = write(value)
    read, expected = streamed(data, step), whole(data)
    if isinstance(read, BanList) and isinstance(expected, BanList):
        if expected.besides:
            assert read.besides and expected.entries.keys() <= read.entries.keys() | worst_of(data)
            return
        assert dict(read.entries) == dict(expected.entries)
        assert msgspec.structs.replace(read, entries={}, size=0) == msgspec.structs.replace(expected, entries={})
    else:
        assert read == expected


def worst_of(data: bytes) -> set[str]:
    """Of entries that can be read in one way only, the hash counts, and not what looks like one elsewhere in them."""
    found = [each for each in python_json.loads(data) if isinstance(each, list | dict)]
    inner = [each if isinstance(each, list) else [*each.values()] for each in found]
    return {text.lower().removeprefix("sha256:") for values in inner for text in flat(values)}


def flat(values: list[Any]) -> list[str]:
    return [
        text for each in values for text in (flat(each) if isinstance(each, list) else [each]) if isinstance(text, str)
    ]


async def test_a_long_list_is_read_in_pieces_and_every_entry_can_be_looked_up(
    server: RawServer, client: RegistryClient
) -> None:
    server.answer(answer(msgspec.json.encode([entry(number) for number in range(MANY)])))
    told = await client.ban_list()
    assert isinstance(told.entries, BanIndex)
    assert (len(told.entries), told.truncated, told.unreadable) == (MANY, False, 0)
    for number in (0, 1, MANY // 2, MANY - 1):
        found = told.entries[f"{number:064x}"]
        assert found.reason == entry(number)["reason"] and found.source == "s" and found.review_status is None
    assert f"{MANY:064x}" not in told.entries and "none" not in told.entries and told.entries.get("") is None
    assert {each.sha256 for each in told.entries.values()} == {f"{number:064x}" for number in range(MANY)}
    assert server.requests[0].target.endswith(f"limit={BAN_LIST_LIMIT}")


async def test_the_key_is_masked_in_what_is_looked_up(server: RawServer, client: RegistryClient) -> None:
    bans = [entry(number, reason=f"sent {KEY}") for number in range(MANY)]
    server.answer(answer(msgspec.json.encode(bans)))
    found = (await client.ban_list()).entries[f"{7:064x}"]
    assert found.reason is not None and found.reason.startswith("sent ") and KEY not in found.reason


@pytest.mark.parametrize("at", [0, MANY // 2, MANY - 1])
@pytest.mark.thorough
async def test_a_key_that_comes_twice_anywhere_in_a_long_list_is_told(
    server: RawServer, client: RegistryClient, at: int
) -> None:
    """F107: and every hash in it counts as banned."""
    odd = b'{"sha256":"%s","sha256":"none"}' % (b"cd" * 32)
    bans = [msgspec.json.encode(entry(number)) for number in range(MANY)]
    bans[at] = odd
    server.answer(answer(b"[" + b",".join(bans) + b"]"))
    with pytest.raises(BanListUnclear, match="twice") as caught:
        await client.ban_list()
    worst = caught.value.worst
    assert "cd" * 32 in worst.entries and f"{1:064x}" in worst.entries and worst.truncated and worst.besides


@pytest.mark.parametrize("end", [b"", b",", b",]", b"]]", b"}", b",7 8]"])
@pytest.mark.thorough
async def test_a_long_list_that_does_not_end_as_one_is_none(
    server: RawServer, client: RegistryClient, end: bytes
) -> None:
    bans = b",".join(msgspec.json.encode(entry(number)) for number in range(MANY))
    server.answer(answer(b"[" + bans + end))
    with pytest.raises(NotARegistrysAnswer):
        await client.ban_list()


async def test_the_same_long_list_is_unchanged(server: RawServer, client: RegistryClient) -> None:
    server.answer(answer(msgspec.json.encode([entry(number) for number in range(MANY)])))
    first, second = await client.ban_list(), await client.ban_list()
    assert (first.unchanged, second.unchanged) == (False, True) and second.size == first.size > ban_stream.AT_ONCE


@pytest.mark.parametrize("count", [20_000, 100_000, MANY])
def test_a_list_as_long_as_a_limit_may_be_truncated(count: int) -> None:
    """Two limits that registries have, and the one that was asked for."""
    reader = BanListReader(MANY, "req-1", same)
    reader.feed(b"[" + b",".join(b'"%064x"' % number for number in range(count)) + b"]")
    told = reader.end()
    assert told.truncated and len(told.entries) == count


@pytest.mark.thorough
def test_what_is_kept_of_a_long_list_takes_little_memory() -> None:
    """For each entry, hash and words."""
    pieces = [b",".join(msgspec.json.encode(entry(n)) for n in range(at, at + 1_000)) for at in range(0, 50_000, 1_000)]
    tracemalloc.start()
    try:
        reader = BanListReader(None, "req-1", same)
        reader.feed(b"[" + pieces[0])
        for piece in pieces[1:]:
            reader.feed(b"," + piece)
        reader.feed(b"]")
        told = reader.end()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(told.entries) == 50_000 and kept / 50_000 < 100


async def test_a_long_list_that_is_not_an_array_is_decoded_off_the_loop(
    server: RawServer, client: RegistryClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is decoded when all of it has come, which takes seconds for the longest: other registries go on meanwhile."""
    threads = []

    def read(*args: Any) -> BanList:
        threads.append(threading.current_thread())
        return read_ban_list(*args)

    monkeypatch.setattr(ban_stream, "read_ban_list", read)
    server.answer(answer(python_json.dumps({"hashes": [entry(number) for number in range(MANY)]}).encode()))
    assert len((await client.ban_list()).entries) == MANY
    assert threads
    assert threading.current_thread() not in threads


def test_a_list_that_was_read_to_its_end_already_is_not_read_again() -> None:
    reader = BanListReader(None, "req-1", same)
    reader.feed(python_json.dumps([entry(1)]).encode())
    reader.finish()
    assert reader.end() is reader.end()
    broken = BanListReader(None, "req-1", same)
    broken.feed(b"[{")
    broken.finish()
    with pytest.raises(Unreadable):
        broken.end()
    known = BanListReader(None, "req-1", same, known=broken.digest)
    known.feed(b"[{")
    known.finish()
    assert known.digest == broken.digest
