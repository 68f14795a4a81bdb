"""A hall that follows an upstream registry: its bans count here, and a silent one is failed closed on."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyhall_tui.hall import gate
from pyhall_tui.hall.context import Hall
from pyhall_tui.hall.models import Asked, Worker
from pyhall_tui.hall.policy import Policy, save_rules
from pyhall_tui.hall.store import Store
from pyhall_tui.hall.upstream import Heard, Upstream, UpstreamError, WhenStale, read_bans
from tests.clock import ManualClock
from tests.hall.process import run, served
from tests.live_hall import LiveHall

HASH = "ab" * 32


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def local(clock: ManualClock) -> Iterator[Hall]:
    """A hall of one worker, which it allows everything."""
    hall = Hall(Store(clock=clock), clock=clock)
    save_rules(hall.store, Policy(default="allow"))
    hall.store.put_worker(Worker(worker_id="w", namespace="n", capabilities=("c",), sha256=HASH, attested_at="2026"))
    yield hall
    hall.store.close()


def follow(local: Hall, upstream: LiveHall, clock: ManualClock, when_stale: WhenStale = "deny-high") -> Upstream:
    followed = Upstream(upstream.url, upstream.key, local.store, clock, stale_after=600, when_stale=when_stale)
    local.upstream = followed
    return followed


def dispatch(local: Hall, tier: str = "low") -> str:
    receipt = gate.dispatch(local, Asked(namespace="n", capability="c", worker_id="w", tier=tier), "c")
    return str(receipt["deny_code"] or receipt["outcome"])


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


async def test_a_ban_of_the_upstream_counts_here(local: Hall, hall: LiveHall, clock: ManualClock) -> None:
    followed = follow(local, hall, clock)
    await followed.poll()
    assert dispatch(local) == "allow"
    hall.store.ban_hash(HASH, "malware", source="community")
    await followed.poll()
    assert dispatch(local) == "ATTEST_BANNED_HASH"
    assert [(ban.reason, ban.source) for ban in local.store.bans()] == [("malware", "community")]
    hall.store.unban_hash(HASH)
    await followed.poll()
    assert dispatch(local) == "allow"


async def test_the_halls_own_bans_stay(local: Hall, hall: LiveHall, clock: ManualClock) -> None:
    followed = follow(local, hall, clock)
    local.store.ban_hash(HASH, "ours")
    hall.store.ban_hash(HASH, "theirs")
    await followed.poll()
    hall.store.unban_hash(HASH)
    await followed.poll()
    assert [ban.reason for ban in local.store.bans()] == ["ours"]


async def test_the_list_is_taken_again_only_when_it_changed(local: Hall, hall: LiveHall, clock: ManualClock) -> None:
    hall.store.ban_hash(HASH, "x")
    followed = follow(local, hall, clock)
    await followed.poll()
    tag = local.store.ban_tag()
    await followed.poll()
    assert "if-none-match" in hall.requests[-1].headers
    assert local.store.ban_tag() == tag
    assert not followed.stale


@pytest.mark.parametrize(
    ("when_stale", "outcomes"),
    [
        ("keep", ["allow", "allow", "allow"]),
        ("deny-high", ["allow", "DENY_REGISTRY_STALE", "DENY_REGISTRY_STALE"]),
        ("deny-all", ["DENY_REGISTRY_STALE"] * 3),
    ],
)
async def test_an_upstream_that_is_not_heard_of_is_failed_closed_on(
    local: Hall, hall: LiveHall, clock: ManualClock, when_stale: WhenStale, outcomes: list[str]
) -> None:
    followed = follow(local, hall, clock, when_stale)
    tiers = ("low", "high", "unstated")
    assert [dispatch(local, tier) for tier in tiers] == outcomes  # never heard of yet
    await followed.poll()
    assert [dispatch(local, tier) for tier in tiers] == ["allow"] * 3
    hall.faults.add(status=500)
    clock.skip(601)
    await followed.poll()
    assert [dispatch(local, tier) for tier in tiers] == outcomes
    hall.faults.clear()
    await followed.poll()
    assert [dispatch(local, tier) for tier in tiers] == ["allow"] * 3


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"status": 429, "retry_after": 1},
        {"drop": "unheard"},
        {"cut": 1},
        {"body": "<html>"},
        {"body": "{}"},
        {"body": "[{}]"},
    ],
)
async def test_a_bad_answer_clears_nobody(
    local: Hall, hall: LiveHall, clock: ManualClock, fault: dict[str, object]
) -> None:
    hall.store.ban_hash(HASH, "x")
    followed = follow(local, hall, clock)
    await followed.poll()
    hall.store.unban_hash(HASH)
    hall.faults.add(**fault)
    await followed.poll()
    assert followed.error is not None
    assert dispatch(local) == "ATTEST_BANNED_HASH"


async def test_the_key_follows_no_redirect(local: Hall, hall: LiveHall, clock: ManualClock) -> None:
    followed = follow(local, hall, clock)
    hall.faults.add(path="/api/v1/ban-list", status=302, headers={"Location": f"{hall.url}/elsewhere"})
    await followed.poll()
    assert followed.error is not None and "302" in followed.error
    assert len(hall.requests) == 1


async def test_an_upstream_that_never_ends_its_answer_keeps_nobody(local: Hall, clock: ManualClock) -> None:
    hangs = threading.Event()

    def never(*_: object) -> Heard:
        hangs.set()
        threading.Event().wait()
        raise AssertionError

    followed = Upstream("http://127.0.0.1:1", None, local.store, clock, fetch=never)
    task = asyncio.create_task(followed.run())
    assert await asyncio.to_thread(hangs.wait, 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert followed.stale


def test_hashes_are_read_in_either_form_and_what_is_none_is_left_out() -> None:
    body = b'[{"sha256": "sha256:%s"}, {"sha256": "PENDING"}]' % (b"AB" * 32)
    assert [ban.sha256 for ban in read_bans(body)] == [HASH]
    with pytest.raises(UpstreamError):
        read_bans(b'[{"sha256": 5}]')


def test_serve_follows_an_upstream(hall: LiveHall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYHALL_API_KEY", hall.key)
    hall.store.ban_hash(HASH, "from above")
    with served(tmp_path / "hall.db", "--upstream", hall.url) as below, below.http() as http:
        for _ in range(500):
            if bans := http.get("/api/v1/ban-list").json():
                break
        assert bans[0]["reason"] == "from above"
        assert http.get("/status").json()["upstream"]["stale"] is False


def test_an_upstream_in_plain_http_beyond_this_machine_is_refused(tmp_path: Path) -> None:
    result = run("serve", "--db", tmp_path / "hall.db", "--upstream", "http://registry.example")
    assert result.returncode == 2
    assert "https" in result.stderr
