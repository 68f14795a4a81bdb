"""An answer is about the request, or it is not an answer; an enrollment names what can be watched."""

from typing import Any

import pytest

from pyhall_tui.registry.client import RegistryClient
from pyhall_tui.registry.errors import NotARegistrysAnswer
from pyhall_tui.registry.models import DispatchRequest, EnrollRequest, Outcome
from tests.registry.raw_server import RawServer, json

HASH = "ab" * 32
OTHER = "cd" * 32
DISPATCH = DispatchRequest(
    namespace="org.yourco", capability="llm.embed", worker_id="wkr_1", context={"correlation_id": "req-1"}
)
ENROLL = EnrollRequest(namespace="org.yourco", display_name="Mailer", capabilities=("llm.embed",), sha256=HASH)


@pytest.mark.parametrize(
    "named",
    [
        {"capability": "llm.text"},
        {"capability": "LLM.EMBED"},
        {"capability": "llm.embed "},
        {"capability": 7},
        {"capability": ["llm.embed"]},
        {"capability": ""},
        {"capability_id": "llm.text"},
        {"capability": "llm.embed", "capability_id": "llm.text"},
        {"worker_id": "wkr_2"},
        {"worker_id": "WKR_1"},
        {"worker_id": 1},
        {"namespace": "x.someone-else"},
    ],
)
async def test_a_dispatch_that_is_answered_for_another_is_not_an_allow(
    server: RawServer, client: RegistryClient, named: dict[str, Any]
) -> None:
    """F112."""
    server.answer(json({"outcome": "allow", "worker_id": "wkr_1", "correlation_id": "req-1"} | named))
    with pytest.raises(NotARegistrysAnswer, match="about another") as caught:
        await client.dispatch(DISPATCH)
    assert caught.value.may_have_reached


@pytest.mark.parametrize(
    "named", [{}, {"capability": None, "worker_id": None}, {"capability": "llm.embed", "worker_id": "wkr_1"}]
)
async def test_a_dispatch_that_is_answered_for_what_was_asked_or_for_nothing_named_counts(
    server: RawServer, client: RegistryClient, named: dict[str, Any]
) -> None:
    """F112."""
    server.answer(json({"outcome": "allow"} | named))
    assert (await client.dispatch(DISPATCH)).outcome is Outcome.ALLOW


@pytest.mark.parametrize(
    ("outcome", "read"), [("allow", Outcome.OTHER), ("deny", Outcome.DENY), ("hold", Outcome.HOLD)]
)
async def test_an_allow_with_another_correlation_id_is_not_a_plain_allow(
    server: RawServer, client: RegistryClient, outcome: str, read: Outcome
) -> None:
    """F112."""
    server.answer(json({"outcome": outcome, "correlation_id": "req-2"}))
    told = await client.dispatch(DISPATCH)
    assert (told.outcome, told.correlation_id, told.outcome_text) == (read, "req-2", outcome)


@pytest.mark.parametrize(
    "odd",
    ["", " ", "\n", "wkr_1\n", "\x1b[2J", "a" * 10_000, "-", "wkr\u200b1", 7, True, [], {"id": "wkr_1"}, 1.5],
    ids=lambda value: repr(value)[:20],
)
async def test_an_enrollment_with_an_impossible_worker_id_is_unknown(
    server: RawServer, client: RegistryClient, odd: object
) -> None:
    """F116."""
    for more in ({}, {"session_id": "ses_1"}):
        server.answer(json({"worker_id": odd, "status": "active"} | more, "201 Created"))
        with pytest.raises(NotARegistrysAnswer, match="its worker id") as caught:
            await client.enroll(ENROLL)
        assert caught.value.may_have_reached and "Check first" in caught.value.advice
        assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"data": {"worker_id": "wkr_1"}},
        {"ok": True},
        {"enrolled": True},
        {"id": "wkr_1"},
        {"session": {}},
        {"session_id": ""},
        {"session_id": 7},
        {"session": {"id": "\n"}},
        {"expires": "2026-12-01T00:00:00Z"},
    ],
)
async def test_an_enrollment_that_names_neither_worker_nor_session_is_unknown(
    server: RawServer, client: RegistryClient, fields: dict[str, Any]
) -> None:
    """F116."""
    server.answer(json(fields, "201 Created"))
    with pytest.raises(NotARegistrysAnswer, match="neither a worker nor a session") as caught:
        await client.enroll(ENROLL)
    assert caught.value.may_have_reached


@pytest.mark.parametrize(
    ("fields", "worker", "session"),
    [
        ({"worker_id": "wkr_1"}, "wkr_1", None),
        ({"worker_id": "org.acme.summarizer", "enrollment_id": "e1"}, "org.acme.summarizer", "e1"),
        ({"session_id": "ses_1", "expires": "2026-12-01T00:00:00Z"}, None, "ses_1"),
        ({"session": {"id": "ses_1"}, "worker_id": None}, None, "ses_1"),
        ({"session": "ses_1"}, None, "ses_1"),
        ({"id": "ses_1", "expires_in": 60}, None, "ses_1"),
    ],
)
async def test_an_enrollment_opens_a_worker_or_a_session(
    server: RawServer, client: RegistryClient, fields: dict[str, Any], worker: str | None, session: str | None
) -> None:
    """F116: contract, part 2."""
    server.answer(json(fields, "201 Created"))
    told = await client.enroll(ENROLL)
    assert (told.worker_id, told.session, told.fields) == (worker, session, fields)


@pytest.mark.parametrize(
    "named",
    [
        {"namespace": "x.someone-else"},
        {"display_name": "Printer"},
        {"sha256": OTHER},
        {"current_hash": f"sha256:{OTHER}"},
        {"capabilities": ["llm.text"]},
        {"capabilities": "llm.embed"},
    ],
)
async def test_an_enrollment_that_is_answered_for_another_is_unknown(
    server: RawServer, client: RegistryClient, named: dict[str, Any]
) -> None:
    """F112."""
    server.answer(json({"worker_id": "wkr_1"} | named, "201 Created"))
    with pytest.raises(NotARegistrysAnswer, match=r"about (another|(a )?different)") as caught:
        await client.enroll(ENROLL)
    assert caught.value.may_have_reached


@pytest.mark.parametrize(
    "fields", [{}, {"ok": True}, {"worker_id": "wkr_2"}, {"worker_id": 7}, {"sha256": OTHER}, {"package_hash": OTHER}]
)
async def test_an_attestation_that_is_answered_for_another_or_for_nothing_is_unknown(
    server: RawServer, client: RegistryClient, fields: dict[str, Any]
) -> None:
    """F112."""
    server.answer(json(fields))
    with pytest.raises(NotARegistrysAnswer) as caught:
        await client.attest("wkr_1", HASH)
    assert caught.value.may_have_reached
