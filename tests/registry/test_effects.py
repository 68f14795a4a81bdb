"""Whether a write may have had an effect: what each status says about it, and that the advice is to check first."""

from collections.abc import Awaitable, Callable

import pytest

from pyhall_tui.registry.client import RegistryClient
from pyhall_tui.registry.errors import RegistryError
from pyhall_tui.registry.models import DispatchRequest, EnrollRequest
from tests.registry.raw_server import RawServer, answer, json

HASH = "ab" * 32
DISPATCH = DispatchRequest(namespace="org.yourco", capability="c", worker_id="wkr_1", context={})
ENROLL = EnrollRequest(namespace="org.yourco", display_name="n", capabilities=("c",), sha256=HASH)

Write = Callable[[RegistryClient], Awaitable[object]]
WRITES: dict[str, Write] = {
    "dispatch": lambda client: client.dispatch(DISPATCH),
    "enroll": lambda client: client.enroll(ENROLL),
    "attest": lambda client: client.attest("wkr_1", HASH),
    "report": lambda client: client.report(HASH, "steals"),
}
UNKNOWN = [303, 408, 409, 418, 420, 444, 499, 500, 501, 502, 503, 504, 520, 524, 599]
REFUSED = [301, 302, 307, 308, 400, 401, 403, 404, 405, 413, 415, 422, 425, 429, 451]


async def failure(write: Write, client: RegistryClient) -> RegistryError:
    with pytest.raises(RegistryError) as caught:
        await write(client)
    return caught.value


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
async def test_after_an_unclear_status_the_advice_is_to_check_first(
    server: RawServer, client: RegistryClient, write: Write
) -> None:
    """F65, F66: a 303 says that it was acted on, a 408, 409 or 5xx says nothing; none is ever “try again”."""
    for status in UNKNOWN:
        server.answer(json({"error": "no"}, f"{status} Odd", "Location: /elsewhere", "Retry-After: 1"))
        error = await failure(write, client)
        assert error.may_have_reached, status
        assert "check" in error.advice.lower() and "again" not in error.advice, status
    assert len(server.requests) == len(UNKNOWN)


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
async def test_a_refusal_is_one_and_says_what_to_correct(
    server: RawServer, client: RegistryClient, write: Write
) -> None:
    """F65."""
    for status in REFUSED:
        server.answer(json({"error": "no"}, f"{status} Odd", "Location: /elsewhere"))
        error = await failure(write, client)
        assert not error.may_have_reached, status
        assert "Check first" not in error.advice and error.advice, status


@pytest.mark.parametrize(
    "script",
    [
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\n\r\n" * 3,
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{",
        b"no HTTP at all\r\n\r\n",
        answer(b"", "204 No Content"),
        json({"error": "half"}, "206 Partial Content"),
    ],
)
async def test_an_answer_that_is_none_leaves_the_outcome_open(
    server: RawServer, open_client: Callable[..., RegistryClient], script: bytes
) -> None:
    """F66: an interim answer without a final one, another protocol, half an answer."""
    server.answer(script)
    error = await failure(WRITES["dispatch"], open_client(server.url, timeout=0.3))
    assert error.may_have_reached and "decision log" in error.advice


@pytest.mark.parametrize("status", UNKNOWN)
async def test_a_read_changes_nothing_and_has_no_effect(server: RawServer, client: RegistryClient, status: int) -> None:
    """F66: for writes only."""
    server.answer(json({"error": "no"}, f"{status} Odd", "Location: /elsewhere"))
    with pytest.raises(RegistryError) as caught:
        await client.verify("wkr_1", retry=False)
    assert not caught.value.may_have_reached
