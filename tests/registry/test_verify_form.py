"""A published local hall without `/api/v1` is asked about its workers at its own address."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.registry.client import RegistryClient
from pyhall_tui.registry.errors import NotARegistrysAnswer, NotFound, Unauthorized
from pyhall_tui.registry.verify_form import AGAIN
from tests.clock import ManualClock
from tests.live_hall import HASH, WORKER, LiveHall

PAGE = "<html><title>404</title>Not Found</html>"
NOBODY = "wkr_nobody"


def answer(hall: LiveHall, path: str, body: Any, status: int = 200) -> None:
    hall.faults.add(path=path, status=status, body=body if isinstance(body, str) else json.dumps(body))


def only_local(hall: LiveHall) -> None:
    """Answer as the published hall does: it has nothing below `/api`."""
    hall.faults.clear()
    answer(hall, "/api/*", PAGE, 404)


@asynccontextmanager
async def client_of(hall: LiveHall) -> AsyncIterator[tuple[RegistryClient, ManualClock]]:
    profile, clock = Profile(name="acme", namespace="org.yourco", registry_url=hall.url), ManualClock()
    async with RegistryClient(profile, ApiKey(hall.key), clock) as client:
        yield client, clock


def asked(hall: LiveHall) -> list[str]:
    paths = [request.raw_path for request in hall.requests]
    hall.requests.clear()
    return paths


API, LOCAL, BANS = f"/api/v1/verify/{WORKER}", f"/wcp/registry/verify/{WORKER}", "/wcp/registry/ban-list"


async def test_its_verdicts_are_shown_and_where_to_ask_is_remembered(hall: LiveHall) -> None:
    only_local(hall)
    async with client_of(hall) as (client, clock):
        verdict = await client.verify(WORKER, retry=False)
        assert (verdict.known, verdict.status, verdict.banned, verdict.sha256) == (True, "active", False, HASH)
        assert verdict.attested and verdict.doubts == ()
        assert asked(hall) == [API, BANS, LOCAL]
        await client.verify(WORKER, retry=False)
        assert asked(hall) == [LOCAL]
        clock.skip(AGAIN)
        await client.verify(WORKER, retry=False)
        assert asked(hall) == [API, BANS, LOCAL], "the documented address is tried again rarely"


async def test_a_ban_and_an_unknown_worker_are_read_there(hall: LiveHall) -> None:
    hall.store.ban(WORKER, "stolen")
    only_local(hall)
    async with client_of(hall) as (client, _):
        banned, unknown = await client.verify(WORKER), await client.verify(NOBODY)
        assert (banned.banned, banned.ban_reason) == (True, "stolen")
        assert not unknown.known


async def test_its_ban_list_is_not_taken_for_the_registrys(hall: LiveHall) -> None:
    only_local(hall)
    async with client_of(hall) as (client, _):
        await client.verify(WORKER)
        with pytest.raises(NotFound):
            await client.ban_list(retry=False)


async def test_once_the_documented_address_answers_it_counts_for_all(hall: LiveHall) -> None:
    only_local(hall)
    async with client_of(hall) as (client, clock):
        await client.verify(WORKER)
        hall.faults.clear()
        clock.skip(AGAIN)
        asked(hall)
        assert (await client.verify(WORKER)).namespace == "org.yourco"
        only_local(hall)
        assert not (await client.verify(WORKER)).known, "what goes missing there is a fault, not another form"
        assert asked(hall) == [API, API]


@pytest.mark.parametrize("body", [{"error": "worker not found"}, {"error": "no", "hashes": []}])
async def test_the_registrys_own_404_is_its_answer(hall: LiveHall, body: dict[str, Any]) -> None:
    answer(hall, "/api/*", body, 404)
    async with client_of(hall) as (client, _):
        assert not (await client.verify(WORKER)).known
        assert asked(hall) == [API]


@pytest.mark.parametrize("bans", [{}, [], {"hashes": None}, {"hashes": "x"}, PAGE])
async def test_what_is_no_local_hall_is_not_asked_there(hall: LiveHall, bans: Any) -> None:
    only_local(hall)
    answer(hall, BANS, bans)
    async with client_of(hall) as (client, _):
        for _ in range(2):
            verdict = await client.verify(WORKER, retry=False)
            assert not verdict.known and verdict.doubts
        assert asked(hall) == [API, BANS, API]


async def test_a_page_with_200_is_a_portals_and_no_reason_to_ask_elsewhere(hall: LiveHall) -> None:
    answer(hall, "/api/*", PAGE, 200)
    async with client_of(hall) as (client, _):
        with pytest.raises(NotARegistrysAnswer):
            await client.verify(WORKER, retry=False)
        assert asked(hall) == [API]


async def test_a_refused_key_is_not_a_missing_address(hall: LiveHall) -> None:
    answer(hall, "/api/*", PAGE, 401)
    async with client_of(hall) as (client, _):
        with pytest.raises(Unauthorized):
            await client.verify(WORKER, retry=False)
        assert asked(hall) == [API]
