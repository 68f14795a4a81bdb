"""The ban list as the client requests it."""

import pytest

from pyhall_tui.registry.client import BAN_LIST_LIMIT, RegistryClient
from pyhall_tui.registry.errors import BadRequest, NotARegistrysAnswer
from tests.registry.raw_server import RawServer, answer, json

ENTRIES = [{"sha256": "ab" * 32, "reason": "r"}]


async def test_it_asks_for_more_than_any_list_holds(server: RawServer, client: RegistryClient) -> None:
    server.answer(json(ENTRIES))
    assert not (await client.ban_list()).truncated
    assert server.requests[0].target == f"/api/v1/ban-list?limit={BAN_LIST_LIMIT}"


@pytest.mark.parametrize("status", ["400 Bad Request", "422 Unprocessable Content"])
async def test_if_the_limit_is_not_accepted_it_asks_without_one_from_then_on(
    server: RawServer, client: RegistryClient, status: str
) -> None:
    server.answer(json({"error": "limit too large"}, status), json(ENTRIES), json([]))
    assert (await client.ban_list()).entries
    assert not (await client.ban_list()).unchanged
    assert [request.target.partition("?")[2] for request in server.requests] == [f"limit={BAN_LIST_LIMIT}", "", ""]


async def test_a_refusal_without_a_limit_is_an_error(server: RawServer, client: RegistryClient) -> None:
    server.answer(json({"error": "no"}, "400 Bad Request"))
    with pytest.raises(BadRequest):
        await client.ban_list()
    assert len(server.requests) == 2


async def test_the_same_body_is_unchanged_without_an_etag(server: RawServer, client: RegistryClient) -> None:
    server.answer(json(ENTRIES))
    assert [(await client.ban_list()).unchanged for _ in range(3)] == [False, True, True]
    assert "if-none-match" not in server.requests[1].headers


async def test_an_etag_is_sent_back_and_304_is_unchanged(server: RawServer, client: RegistryClient) -> None:
    """F22: a list that may be truncated stays so."""
    many = [{"sha256": f"{number:064x}"} for number in range(500)]
    server.answer(json(many, "200 OK", 'ETag: "v1"'), answer(b"", "304 Not Modified"), json(ENTRIES))
    first, second, third = [await client.ban_list() for _ in range(3)]
    assert (first.truncated, second.truncated, third.truncated) == (True, True, False)
    assert (second.unchanged, third.unchanged) == (True, False)
    assert [request.headers.get("if-none-match") for request in server.requests] == [None, '"v1"', '"v1"']


async def test_an_unrequested_304_is_not_a_ban_list(server: RawServer, client: RegistryClient) -> None:
    server.answer(answer(b"", "304 Not Modified"))
    with pytest.raises(Exception, match="304"):
        await client.ban_list()


async def test_an_answer_that_is_none_is_not_remembered(server: RawServer, client: RegistryClient) -> None:
    server.answer(answer(b"{}"), answer(b"{}"), json(ENTRIES))
    for _ in range(2):
        with pytest.raises(NotARegistrysAnswer):
            await client.ban_list()
    assert (await client.ban_list()).entries


async def test_an_etag_that_no_header_can_carry_back_is_left_out(server: RawServer, client: RegistryClient) -> None:
    server.answer(json(ENTRIES, "200 OK", 'ETag: "ü"'))
    assert [(await client.ban_list()).unchanged for _ in range(2)] == [False, True]
    assert "if-none-match" not in server.requests[1].headers


@pytest.mark.parametrize("link", ['<https://h/x?page=2>; rel="next"', "</x>; rel=prev, </y>; REL=next"])
async def test_a_link_to_a_next_page_says_that_the_list_is_cut(
    server: RawServer, client: RegistryClient, link: str
) -> None:
    """F22"""
    server.answer(json(ENTRIES, "200 OK", f"Link: {link}"))
    assert [(await client.ban_list()).truncated for _ in range(2)] == [True, True]
