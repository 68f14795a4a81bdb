"""The local routes: our hall's over a real socket, and another implementation's with other field names."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from pyhall_tui.clock import SystemClock
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.registry.client import RegistryClient
from pyhall_tui.registry.errors import Forbidden, NotARegistrysAnswer, NotFound
from pyhall_tui.registry.local_hall import (
    hall_alerts,
    hall_decisions,
    hall_explanation,
    hall_policy,
    hall_status,
    hall_workers,
)
from pyhall_tui.registry.models import DispatchRequest, Outcome
from tests.live_hall import CAPABILITY, NAMESPACE, WORKER, LiveHall


@pytest.fixture
async def client(hall: LiveHall) -> AsyncIterator[RegistryClient]:
    profile = Profile(name="acme", namespace=NAMESPACE, registry_url=hall.url)
    async with RegistryClient(profile, ApiKey(hall.key), SystemClock()) as client:
        yield client


async def dispatch(client: RegistryClient, tier: str) -> None:
    context = {"risk_tier": tier}
    await client.dispatch(
        DispatchRequest(namespace=NAMESPACE, capability=CAPABILITY, worker_id=WORKER, context=context)
    )


def say(hall: LiveHall, path: str, body: Any) -> None:
    hall.faults.clear()
    hall.faults.add(path=path, body=msgspec.json.encode(body).decode())


async def test_our_halls_status_workers_and_alerts(hall: LiveHall, client: RegistryClient) -> None:
    hall.add_worker("wkr_two", sha256=None, attested_at=None)
    status = await hall_status(client)
    assert (status.name, status.workers, status.decisions_today, status.upstream) == ("pyhall-tui", 2, 0, None)
    assert await hall_workers(client) == (WORKER, "wkr_two")
    assert [alert.worker_id for alert in await hall_alerts(client)] == ["wkr_two"]


async def test_decisions_come_newest_first_and_continue_after_the_last_page(client: RegistryClient) -> None:
    for tier in ("low", "high", "critical"):
        await dispatch(client, tier)
    found = await hall_decisions(client)
    assert [each.outcome for each in found] == [Outcome.DENY, Outcome.HOLD, Outcome.ALLOW]
    assert (found[0].rule, found[0].code, found[0].worker_id) == ("deny-critical", "POLICY_BLOCKED", WORKER)
    assert [each.key for each in await hall_decisions(client, after=found[1].seq or 0)] == [found[0].key]


async def test_the_policy_and_an_explanation(client: RegistryClient) -> None:
    await dispatch(client, "low")
    policy = await hall_policy(client)
    assert [(rule.id, rule.hits) for rule in policy.rules][-1] == ("allow-llm", 1)
    told = await hall_explanation(client, worker_id=WORKER, capability=CAPABILITY, risk_tier="critical", at=None)
    assert (told.decision.outcome, told.decision.rule) == ("deny", "deny-critical")
    assert told.steps[-1].matches and "critical" in told.steps[0].why


async def test_a_registry_without_them_says_so(hall: LiveHall, client: RegistryClient) -> None:
    hall.faults.add(path="/status", status=404)
    with pytest.raises(NotFound, match="no local routes"):
        await hall_status(client)


async def test_rules_that_a_hall_shows_only_to_another_machine_are_forbidden(
    hall: LiveHall, client: RegistryClient
) -> None:
    hall.faults.add(path="/policy", status=403)
    with pytest.raises(Forbidden):
        await hall_policy(client)


async def test_a_peers_fields_are_found_under_its_own_names(hall: LiveHall, client: RegistryClient) -> None:
    denied = {"dispatch_id": "d2", "capability_id": "c", "denied": 1, "deny_reason": "DENY_X", "timestamp": "2026"}
    allowed = {"dispatch_id": "d1", "selected_worker": "w", "denied": 0, "matched_rule_id": "rr_1", "deny_reason": None}
    say(hall, "/dispatches", [denied, allowed, "no object"])
    found = await hall_decisions(client)
    assert [(each.key, each.outcome) for each in found] == [("d2", Outcome.DENY), ("d1", Outcome.ALLOW)]
    assert (found[0].code, found[0].capability, found[0].at) == ("DENY_X", "c", "2026")
    assert (found[1].worker_id, found[1].rule) == ("w", "rr_1")
    say(hall, "/workers", {"workers": [{"id": "a"}, {"worker_id": "b"}, {"worker_id": "a"}, {}]})
    assert await hall_workers(client) == ("a", "b")
    say(hall, "/status", {"version": "1", "workers_enrolled": "many"})
    assert (await hall_status(client)).workers is None


@pytest.mark.parametrize("fields", [{"outcome": "MAYBE", "denied": 0}, {}, {"outcome": "allow", "deny_code": "X"}])
async def test_a_decision_that_is_not_plain_is_never_an_allow(
    hall: LiveHall, client: RegistryClient, fields: dict[str, Any]
) -> None:
    say(hall, "/dispatches", {"dispatches": [fields]})
    assert (await hall_decisions(client))[0].outcome is not Outcome.ALLOW


@pytest.mark.parametrize("body", ['{"dispatches": 3}', "[1", "7", "<html>"])
async def test_a_body_of_another_shape_is_not_an_answer(hall: LiveHall, client: RegistryClient, body: str) -> None:
    hall.faults.add(path="/dispatches", body=body)
    with pytest.raises(NotARegistrysAnswer):
        await hall_decisions(client)
