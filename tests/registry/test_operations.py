"""Every operation, and each documented status, against the embedded hall over a real socket."""

import json

import pytest

from pyhall_tui.registry.errors import (
    BadRequest,
    Forbidden,
    NotFound,
    NotSent,
    RateLimited,
    RegistryError,
    ServerError,
    Unauthorized,
)
from pyhall_tui.registry.models import DispatchRequest, EnrollRequest, Outcome, RequestRecord
from tests.live_hall import CAPABILITY, HASH, NAMESPACE, WORKER, LiveHall, live_hall
from tests.registry.conftest import KEY, OpenClient


def dispatch(**context: object) -> DispatchRequest:
    return DispatchRequest(namespace=NAMESPACE, capability=CAPABILITY, worker_id=WORKER, context=context)


def enroll(**fields: object) -> EnrollRequest:
    asked = {"namespace": NAMESPACE, "display_name": "My Worker", "capabilities": (CAPABILITY,), "sha256": HASH}
    return EnrollRequest(**(asked | fields))  # type: ignore[arg-type]


async def test_verify_reads_what_the_registry_knows(hall: LiveHall, open_client: OpenClient) -> None:
    verdict = await open_client(hall.url, hall.key).verify(WORKER)
    assert (verdict.known, verdict.status, verdict.ban_word, verdict.banned) == (True, "active", "clean", False)
    assert (verdict.attested, verdict.sha256, verdict.doubts) == (True, HASH, ())
    assert (verdict.namespace, verdict.display_name) == (NAMESPACE, "My Worker")


@pytest.mark.parametrize("shape", ["documented", "older", "both"])
async def test_a_ban_is_read_in_every_shape(hall: LiveHall, open_client: OpenClient, shape: str) -> None:
    hall.hall.verify_shape = shape
    hall.store.ban(WORKER, "leaks keys")
    verdict = await open_client(hall.url, hall.key).verify(WORKER)
    assert verdict.banned


async def test_a_worker_that_is_not_known_is_a_verdict_and_no_error(hall: LiveHall, open_client: OpenClient) -> None:
    verdict = await open_client(hall.url, hall.key).verify("wkr_none")
    assert (verdict.known, verdict.attested, verdict.doubts) == (False, False, ())


async def test_the_ban_list_is_read_once_and_then_only_when_it_changes(hall: LiveHall, open_client: OpenClient) -> None:
    client = open_client(hall.url, hall.key)
    hall.store.ban_hash("cd" * 32, "malware")
    first, second = await client.ban_list(), await client.ban_list()
    assert first.entries["cd" * 32].reason == "malware"
    assert (first.unchanged, second.unchanged) == (False, True)
    hall.store.ban_hash("ef" * 32, "worse")
    third = await client.ban_list()
    assert not third.unchanged and third.entries.keys() == {"cd" * 32, "ef" * 32}


async def test_health_says_version_and_time(hall: LiveHall, open_client: OpenClient) -> None:
    health = await open_client(hall.url, None).health()
    assert health.ok and health.version and health.server_date


@pytest.mark.parametrize(
    ("tier", "outcome", "code"),
    [
        ("low", Outcome.ALLOW, None),
        ("critical", Outcome.DENY, "POLICY_BLOCKED"),
        ("high", Outcome.HOLD, "DENY_REQUIRES_HUMAN_APPROVAL"),
    ],
)
async def test_dispatch_brings_the_decision(
    hall: LiveHall, open_client: OpenClient, tier: str, outcome: Outcome, code: str | None
) -> None:
    answer = await open_client(hall.url, hall.key).dispatch(dispatch(risk_tier=tier, correlation_id="req-456"))
    assert (answer.outcome, answer.deny_code, answer.correlation_id) == (outcome, code, "req-456")
    assert answer.decision_id and answer.exchange.status == 200


async def test_a_dispatch_is_sent_exactly_with_one_id(hall: LiveHall, open_client: OpenClient) -> None:
    client = open_client(hall.url, hall.key, correlation_prefix="night-")
    answer = await client.dispatch(dispatch(risk_tier="low"))
    sent = json.loads(answer.exchange.request_body)
    made = sent["context"]["correlation_id"]
    assert sent == {
        "namespace": NAMESPACE,
        "capability": CAPABILITY,
        "worker_id": WORKER,
        "context": {"risk_tier": "low", "correlation_id": made},
    }
    assert made.startswith("night-") and made == answer.correlation_id == answer.exchange.correlation_id
    assert dict(answer.exchange.request_headers)["X-Correlation-Id"] == made


@pytest.mark.parametrize("odd", ["ü / \n \x00", "a b", "%41", "x" * 2000])
async def test_any_correlation_id_comes_back_as_it_was(hall: LiveHall, open_client: OpenClient, odd: str) -> None:
    answer = await open_client(hall.url, hall.key).dispatch(dispatch(correlation_id=odd))
    assert answer.correlation_id == odd


async def test_enroll_makes_a_worker_that_verifies(hall: LiveHall, open_client: OpenClient) -> None:
    client = open_client(hall.url, hall.key)
    answer = await client.enroll(enroll(display_name="Neu", sha256="sha256:" + "AB" * 32))
    assert json.loads(answer.exchange.request_body) == {
        "namespace": NAMESPACE,
        "display_name": "Neu",
        "capabilities": [CAPABILITY],
        "sha256": "ab" * 32,
    }
    assert answer.worker_id is not None and answer.fields["worker_id"] == answer.worker_id
    assert (await client.verify(answer.worker_id)).sha256 == "ab" * 32


async def test_attest_submits_a_hash(hall: LiveHall, open_client: OpenClient) -> None:
    client = open_client(hall.url, hall.key)
    answer = await client.attest(WORKER, "EF" * 32)
    assert (answer.worker_id, answer.sha256) == (WORKER, "ef" * 32)
    assert (await client.verify(WORKER)).sha256 == "ef" * 32


async def test_a_report_that_wants_a_login_is_refused_by_status(hall: LiveHall, open_client: OpenClient) -> None:
    with pytest.raises(RegistryError) as caught:
        await open_client(hall.url, "phk_live_wrong").report("ab" * 32, "steals", "https://evidence.example/1")
    assert (caught.value.method, caught.value.path) == ("POST", "/api/v1/ban-list/report")
    assert isinstance(caught.value, Unauthorized | Forbidden)


async def test_400_names_what_is_wrong(hall: LiveHall, open_client: OpenClient) -> None:
    with pytest.raises(BadRequest) as caught:
        await open_client(hall.url, hall.key).enroll(enroll(display_name=""))
    error = caught.value
    assert "display_name" in error.error_text and error.error_text in str(error)
    assert (error.status, error.method, error.path) == (400, "POST", "/api/v1/hall/enroll")
    assert error.correlation_id.startswith("req-") and not error.may_have_reached


async def test_401_is_a_rejected_key(hall: LiveHall, open_client: OpenClient) -> None:
    with pytest.raises(Unauthorized) as caught:
        await open_client(hall.url, KEY).dispatch(dispatch())
    assert caught.value.status == 401 and caught.value.error_text


async def test_403_is_a_key_of_another_namespace(hall: LiveHall, open_client: OpenClient) -> None:
    key = hall.store.add_key("x.someone-else")
    with pytest.raises(Forbidden) as caught:
        await open_client(hall.url, key).dispatch(dispatch())
    assert caught.value.status == 403 and caught.value.error_text


async def test_404_is_not_found_unless_it_is_a_verdict(hall: LiveHall, open_client: OpenClient) -> None:
    with pytest.raises(NotFound) as caught:
        await open_client(hall.url, hall.key).attest("wkr_none", "ab" * 32)
    assert caught.value.path == "/api/v1/workers/wkr_none/attest"


async def test_429_says_how_long_to_wait(open_client: OpenClient) -> None:
    with live_hall(rate=1) as hall:
        client = open_client(hall.url, hall.key)
        with pytest.raises(RateLimited) as caught:
            for _ in range(20):
                await client.verify(WORKER, retry=False)
    assert caught.value.retry_after is not None and caught.value.retry_after >= 1


async def test_500_may_have_taken_effect(hall: LiveHall, open_client: OpenClient) -> None:
    hall.faults.add(path="/api/v1/dispatch", status=500, count=1)
    with pytest.raises(ServerError) as caught:
        await open_client(hall.url, hall.key).dispatch(dispatch())
    assert caught.value.status == 500 and caught.value.may_have_reached
    assert sum(seen.raw_path == "/api/v1/dispatch" for seen in hall.requests) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
async def test_each_documented_status_has_a_class_with_all_that_is_known(
    hall: LiveHall, open_client: OpenClient, status: int
) -> None:
    hall.faults.add(path="/api/v1/hall/enroll", status=status, count=1)
    records: list[RequestRecord] = []
    with pytest.raises(RegistryError) as caught:
        await open_client(hall.url, hall.key, on_request=records.append).enroll(enroll())
    error = caught.value
    classes = {400: BadRequest, 401: Unauthorized, 403: Forbidden, 404: NotFound, 429: RateLimited, 500: ServerError}
    assert type(error) is classes[status]
    assert error.exchange is not None and error.exchange.status == status
    assert [(record.status, record.error) for record in records] == [(status, error.kind)]
    assert records[0].correlation_id == error.correlation_id


async def test_a_read_only_profile_sends_nothing_that_is_recorded(hall: LiveHall, open_client: OpenClient) -> None:
    client = open_client(hall.url, hall.key, read_only=True)
    for operation in (
        client.dispatch(dispatch()),
        client.enroll(enroll()),
        client.attest(WORKER, HASH),
        client.report(HASH, "why"),
    ):
        with pytest.raises(NotSent, match="read-only"):
            await operation
    assert not hall.requests
    assert (await client.verify(WORKER)).known


async def test_what_is_not_a_hash_is_not_sent(hall: LiveHall, open_client: OpenClient) -> None:
    with pytest.raises(NotSent, match="64 hex"):
        await open_client(hall.url, hall.key).attest(WORKER, "PENDING_ATTESTATION")
    assert not hall.requests


async def test_a_client_may_be_closed_twice_and_then_sends_nothing(hall: LiveHall, open_client: OpenClient) -> None:
    client = open_client(hall.url, hall.key)
    await client.aclose()
    await client.aclose()
    with pytest.raises(NotSent):
        await client.verify(WORKER)
