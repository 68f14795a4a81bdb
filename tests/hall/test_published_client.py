"""The ecosystem's own client from the package index, unpatched, with only its base URL changed."""

from collections.abc import Iterator

import pytest
from pyhall.registry_client import RegistryClient, RegistryRateLimitError

from pyhall_tui.hall.store import MEMORY
from tests.live_hall import HASH, WORKER, LiveHall, live_hall


@pytest.fixture(params=[MEMORY, pytest.param("postgres", marks=pytest.mark.thorough)])
def place(request: pytest.FixtureRequest) -> str:
    """Where the hall's store is."""
    return request.getfixturevalue("postgres").database() if request.param == "postgres" else MEMORY


@pytest.fixture
def public(place: str) -> Iterator[LiveHall]:
    with live_hall(place, public_reads=True) as hall:
        yield hall


def client(hall: LiveHall) -> RegistryClient:
    return RegistryClient(base_url=hall.url, cache_ttl=0)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def test_it_sees_an_active_worker(public: LiveHall) -> None:
    verdict = client(public).verify(WORKER)
    assert (verdict.status, verdict.banned, verdict.current_hash) == ("active", False, HASH)
    assert verdict.attested_at is not None
    assert client(public).get_worker_hash(WORKER) == HASH


def test_a_worker_banned_in_the_hall_is_banned_to_it(public: LiveHall) -> None:
    public.store.ban(WORKER, "leaks keys")
    verdict = client(public).verify(WORKER)
    assert (verdict.status, verdict.banned, verdict.ban_reason) == ("banned", True, "leaks keys")
    assert client(public).is_hash_banned(HASH)
    assert client(public).get_worker_hash(WORKER) is None


def test_it_knows_an_unknown_worker_and_one_with_an_odd_id(public: LiveHall) -> None:
    public.add_worker("a/b ü?")
    assert client(public).verify("nobody").status == "unknown"
    assert client(public).verify("a/b ü?").status == "active"


def test_it_reads_the_ban_list_and_health(public: LiveHall) -> None:
    public.store.ban_hash("cd" * 32, "reason")
    (ban,) = client(public).get_ban_list()
    assert (ban.sha256, ban.reason, ban.review_status) == ("cd" * 32, "reason", "confirmed")
    assert client(public).health()["ok"] is True


def test_it_prefetches_and_caches(public: LiveHall) -> None:
    caching = RegistryClient(base_url=public.url)
    caching.prefetch([WORKER, "nobody"])
    asked = len(public.requests)
    assert caching.verify(WORKER).status == "active"
    assert len(public.requests) == asked


def test_it_is_told_to_slow_down(place: str) -> None:
    with live_hall(place, public_reads=True, rate=0.001) as hall:
        client(hall).verify(WORKER)
        with pytest.raises(RegistryRateLimitError):
            client(hall).verify(WORKER)
