"""Answers that are old when they come: a cache kept them, or a hall that has not heard of new bans."""

import pytest

from pyhall_tui.fleet.entry import Entry, State
from pyhall_tui.registry.client import RegistryClient
from tests.registry.raw_server import RawServer, answer, json

VERDICT = {
    "worker_id": "w",
    "namespace": "n",
    "status": "active",
    "attested": True,
    "attest_sha256": "ab" * 32,
    "ban_status": "clean",
}


def aged(body: bytes, *headers: str) -> bytes:
    return answer(body, "200 OK", *headers)


@pytest.mark.parametrize(
    ("age", "clears"), [("0", True), ("300", True), ("301", False), ("9" * 30, False), ("x", True)]
)
async def test_an_old_verdict_is_never_clean(server: RawServer, client: RegistryClient, age: str, clears: bool) -> None:
    body = json(VERDICT).partition(b"\r\n\r\n")[2]
    server.answer(aged(body, f"Age: {age}"))
    verdict = await client.verify("w")
    assert not verdict.doubts if clears else "minutes old" in verdict.doubts[0]
    assert (Entry("w", verdict).last_state() is State.CLEAN) is clears


async def test_the_age_of_the_same_list_is_the_newest_answers(server: RawServer, client: RegistryClient) -> None:
    same = b"HTTP/1.1 304 Not Modified\r\nETag: e\r\nAge: 700\r\n\r\n"
    server.answer(aged(b"[]", "ETag: e"), same, aged(b"[]", "ETag: e", "Age: 800"), aged(b"[]", "ETag: e"))
    assert [(await client.ban_list()).age for _ in range(4)] == [0, 700, 800, 0]
