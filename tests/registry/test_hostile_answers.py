"""Answers that mislead or overload: nested, duplicated, incomplete, huge."""

from typing import Any

import msgspec
import pytest

from pyhall_tui.registry.client import RegistryClient
from pyhall_tui.registry.decode import UnclearBanList, Unreadable, read_ban_list, read_object, read_verdict
from pyhall_tui.registry.errors import BadRequest, BanListUnclear, NotARegistrysAnswer
from pyhall_tui.registry.json_body import MOST_DEEP, indented
from pyhall_tui.registry.local_hall import hall_decisions
from pyhall_tui.registry.models import KEPT, DispatchRequest, Verdict
from tests.registry.raw_server import RawServer, answer, json
from tests.registry.test_decode import DOCUMENTED, HASH, OLDER, verdict

BANNED = "cd" * 32
DEEP = [MOST_DEEP + 1, 970, 5_000, 100_000]


def is_clean(told: Verdict) -> bool:
    return told.known and told.attested and told.status == "active" and not told.banned and not told.doubts


def without(shape: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in shape.items() if key != name}


@pytest.mark.parametrize("name", ["namespace", "status", "attested", "attest_sha256", "ban_status"])
def test_the_documented_shape_is_clean_only_with_every_field_it_promises(name: str) -> None:
    """F104: also beside the older shape, whose fields do not stand in for those of this one."""
    assert is_clean(verdict(DOCUMENTED))
    for shape in (without(DOCUMENTED, name), DOCUMENTED | {name: None}):
        assert not is_clean(verdict(shape))
    both = {**without(DOCUMENTED, name), **without(OLDER, "status")}
    assert not is_clean(verdict(both))


@pytest.mark.parametrize("name", ["status", "current_hash", "banned"])
def test_the_older_shape_is_clean_only_with_every_field_that_decides(name: str) -> None:
    """F104."""
    assert is_clean(verdict(OLDER))
    for shape in (without(OLDER, name), OLDER | {name: None}):
        assert not is_clean(verdict(shape))


@pytest.mark.parametrize("attested", [None, False])
def test_what_does_not_say_that_it_is_attested_is_not(attested: bool | None) -> None:
    """F104."""
    assert not verdict(DOCUMENTED, attested=attested).attested
    assert not verdict(without(DOCUMENTED, "attested")).attested


@pytest.mark.parametrize(
    "odd", [{"attested": "true"}, {"attested": 1}, {"status": 7}, {"attest_sha256": 7}, {"ban_status": True}]
)
def test_a_field_of_another_type_is_never_clean_and_hides_no_ban(odd: dict[str, Any]) -> None:
    """F104."""
    with pytest.raises(Unreadable, match="wrong type"):
        verdict(DOCUMENTED, **odd)
    assert verdict(DOCUMENTED, banned=True, **odd).banned


def test_an_answer_that_holds_an_error_is_not_clean() -> None:
    """F104."""
    assert not is_clean(verdict(DOCUMENTED, error="the store is down"))


@pytest.mark.parametrize("depth", DEEP)
@pytest.mark.parametrize(("opened", "closed"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_what_is_nested_too_deeply_is_unreadable_anywhere(depth: int, opened: bytes, closed: bytes) -> None:
    """F105."""
    nested = opened * depth + b"1" + closed * depth
    body = msgspec.json.encode(DOCUMENTED)[:-1] + b',"extra":' + nested + b"}"
    for read in (
        lambda: read_verdict("w", body, ""),
        lambda: read_object(body),
        lambda: read_ban_list(b'[{"sha256":"%s","reason":%s}]' % (BANNED.encode(), nested), None, ""),
        lambda: read_ban_list(b'{"hashes":[],"more":%s}' % nested, None, ""),
    ):
        with pytest.raises(Unreadable, match="deeply"):
            read()
    assert indented(body) is None and indented(b"[" * depth) is None


def test_what_is_nested_as_real_answers_are_is_read() -> None:
    """F105."""
    nested = "[" * (MOST_DEEP - 2) + "]" * (MOST_DEEP - 2)
    assert read_object(b'{"a": %s}' % nested.encode())["a"]
    assert indented(b'{"a": [1]}') == '{\n  "a": [\n    1\n  ]\n}'


async def test_a_local_halls_lists_are_bounded_in_depth_too(server: RawServer, client: RegistryClient) -> None:
    """F105."""
    server.answer(answer(b'[{"seq": 1, "extra": %s}]' % (b"[" * 500 + b"]" * 500)))
    with pytest.raises(NotARegistrysAnswer, match="deeply"):
        await hall_decisions(client)


@pytest.mark.parametrize(
    "body",
    [
        '[{"sha256":"%(banned)s","sha256":"none"}]',
        '[{"sha256":"none","sha256":"%(banned)s"}]',
        '[{"sha256":"sha256:%(upper)s","reason":"r","sha256":"%(other)s"}]',
        '{"hashes":["%(banned)s"],"hashes":[]}',
        '{"hashes":[{"sha256":"%(banned)s"}],"hashes":["%(other)s"],"count":1}',
        '{"hashes":[],"\\u0068ashes":["%(banned)s"]}',
        '[{"sha256":"%(banned)s","reason":"a","reason":"b"}]',
    ],
)
async def test_a_ban_list_with_a_key_twice_is_unreadable_and_bans_all_that_it_names(
    server: RawServer, client: RegistryClient, body: str
) -> None:
    """F107: which of the two counts would be each reader's own choice, so the worse one does."""
    data = (body % {"banned": BANNED, "upper": BANNED.upper(), "other": HASH}).encode()
    with pytest.raises(UnclearBanList, match="twice") as caught:
        read_ban_list(data, None, "req-1")
    assert BANNED in caught.value.worst.entries and caught.value.worst.truncated
    server.answer(answer(data), json([]))
    with pytest.raises(BanListUnclear, match="twice") as told:
        await client.ban_list()
    assert BANNED in told.value.worst.entries
    assert not (await client.ban_list()).unchanged


async def test_what_is_kept_of_a_verdict_is_bounded_and_said_to_be_cut(
    server: RawServer, client: RegistryClient
) -> None:
    """F115: 120 workers that answer 3.9 MiB each."""
    huge = "x" * 400_000
    fields = dict.fromkeys(("namespace", "display_name", "ban_reason", "attested_at", "extra"), huge)
    server.answer(json(DOCUMENTED | fields | {"worker_id": "w", "ban_status": huge, "capabilities": [huge] * 3}))
    told = await client.verify("w")
    assert told.is_cut and len(told.raw) == KEPT and told.raw_size > 4 * len(huge)
    assert told.ban_word is not None and told.ban_word.endswith("…")
    assert len(msgspec.json.encode(told)) < 4 * KEPT
    many = [f"cap.{number}" for number in range(200_000)]
    server.answer(json(DOCUMENTED | {"worker_id": "w", "capabilities": many}))
    kept = (await client.verify("w")).capabilities
    assert kept[0] == "cap.0" and 1_000 < len(kept) < KEPT


async def test_what_is_kept_of_every_other_answer_is_bounded(server: RawServer, client: RegistryClient) -> None:
    """F115: a decision, an error's sentence, a report's answer."""
    huge = "x" * 1_500_000
    server.answer(json({"outcome": "deny", "deny_code": huge, "reason": huge}))
    request = DispatchRequest(namespace="org.yourco", capability="c", worker_id="w", context={})
    told = await client.dispatch(request)
    assert len(told.exchange.response_body) == KEPT and told.exchange.response_size > len(huge)
    assert len(told.reason or "") < 5_000 and len(told.deny_code or "") < 2_000
    server.answer(json({"error": huge}, "400 Bad Request"), json({"error": huge}), json({"worker_id": huge}))
    with pytest.raises(BadRequest) as caught:
        await client.verify("w")
    assert len(str(caught.value)) < 3_000 and len(caught.value.error_text) < 2_000
    for _ in range(2):
        with pytest.raises(NotARegistrysAnswer) as odd:
            await client.verify("w")
        assert len(str(odd.value)) < 3_000
