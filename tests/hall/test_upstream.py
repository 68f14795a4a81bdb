"""A hall that follows an upstream registry: its bans count here, and the hall fails closed while it is unreachable."""

import asyncio
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from pyhall_tui.commands.hall.upstream import ask_for_bans, open_client
from pyhall_tui.hall import gate
from pyhall_tui.hall.context import Hall
from pyhall_tui.hall.errors import StoreError
from pyhall_tui.hall.models import Asked, Ban, Worker
from pyhall_tui.hall.policy import Policy, save_rules
from pyhall_tui.hall.session import UpstreamError
from pyhall_tui.hall.store import SqliteStore
from pyhall_tui.hall.upstream import Heard, Upstream, WhenStale
from pyhall_tui.profiles.api_key import ApiKey
from tests.clock import ManualClock
from tests.hall.process import run, served
from tests.live_hall import WORKER, LiveHall
from tests.registry.raw_server import answer, json, never, raw_server
from tests.waiting import until

HASH = "ab" * 32


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def local(clock: ManualClock) -> Iterator[Hall]:
    """A hall of one worker, which it allows everything."""
    hall = Hall(SqliteStore(clock=clock), clock=clock)
    save_rules(hall.store, Policy(default="allow"))
    hall.store.put_worker(Worker(worker_id="w", namespace="n", capabilities=("c",), sha256=HASH, attested_at="2026"))
    yield hall
    hall.store.close()


def followed_at(url: str, key: str, local: Hall, clock: ManualClock, when_stale: WhenStale = "deny-high") -> Upstream:
    ask = partial(ask_for_bans, open_client(url, ApiKey(key)))
    local.upstream = Upstream(url, ask, local.store, clock, stale_after=600, when_stale=when_stale)
    return local.upstream


def follow(local: Hall, upstream: LiveHall, clock: ManualClock, when_stale: WhenStale = "deny-high") -> Upstream:
    return followed_at(upstream.url, upstream.key, local, clock, when_stale)


def dispatch(local: Hall, tier: str = "low") -> str:
    receipt = gate.dispatch(local, Asked(namespace="n", capability="c", worker_id="w", tier=tier), "c")
    return str(receipt["deny_code"] or receipt["outcome"])


@pytest.fixture(autouse=True)
def dead_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """F11: an upstream on this machine is reached without one."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "::1/128,[::1],10.0.0.0/8")


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


async def test_an_empty_list_takes_no_several_bans_away_at_once(
    local: Hall, hall: LiveHall, clock: ManualClock
) -> None:
    """A registry that lost its list answers `[]` too: the bans stay, and the status says so until they are back."""
    others = [f"{number:064x}" for number in range(2)]
    for banned in (HASH, *others):
        hall.store.ban_hash(banned, "malware")
    followed = follow(local, hall, clock)
    await followed.poll()
    for banned in (HASH, *others):
        hall.store.unban_hash(banned)
    for _ in range(2):
        await followed.poll()
        assert dispatch(local) == "ATTEST_BANNED_HASH"
        assert "it had 3 bans, which all stay" in followed.state()["error"]
        assert not followed.stale
    local.store.unban_hash(HASH)
    assert dispatch(local) == "allow"
    hall.store.ban_hash(others[0], "malware")
    await followed.poll()
    assert followed.state()["error"] is None
    assert [ban.sha256 for ban in local.store.bans()] == [others[0]]


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
    assert [dispatch(local, tier) for tier in tiers] == outcomes  # no answer yet
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


async def test_an_entry_that_cannot_be_read_may_be_anybodys(local: Hall, hall: LiveHall, clock: ManualClock) -> None:
    hall.store.ban_hash(HASH, "x")
    followed = follow(local, hall, clock)
    await followed.poll()
    hall.faults.add(body='[{"sha256": "PENDING"}]')
    await followed.poll()
    assert dispatch(local) == "ATTEST_BANNED_HASH"


async def test_the_key_follows_no_redirect(local: Hall, hall: LiveHall, clock: ManualClock) -> None:
    followed = follow(local, hall, clock)
    hall.faults.add(path="/api/v1/ban-list", status=302, headers={"Location": f"{hall.url}/elsewhere"})
    await followed.poll()
    assert followed.error is not None and "302" in followed.error
    assert len(hall.requests) == 1


async def test_an_upstream_that_never_ends_its_answer_keeps_nobody(local: Hall, clock: ManualClock) -> None:
    async with raw_server() as server:
        server.answer(never)
        task = asyncio.create_task(followed_at(server.url, "phk_live_x", local, clock).run())
        await until(lambda: server.requests)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert local.upstream is not None and local.upstream.stale


async def test_a_ban_that_falls_off_the_end_of_a_list_that_may_be_cut_stays(local: Hall, clock: ManualClock) -> None:
    """F22."""
    others = [{"sha256": f"{number:064x}"} for number in range(500)]
    async with raw_server() as server:
        server.answer(json([{"sha256": HASH}]), json(others), json(others[1:]))
        followed = followed_at(server.url, "phk_live_x", local, clock)
        await followed.poll()
        await followed.poll()
        assert dispatch(local) == "ATTEST_BANNED_HASH"
        await followed.poll()
        assert (dispatch(local), local.store.ban_count()) == ("allow", 499)


async def test_what_could_not_be_kept_is_tried_again_though_the_upstream_says_unchanged(
    local: Hall, hall: LiveHall, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise StoreError("the disk is full")

    followed = follow(local, hall, clock)
    hall.store.ban_hash(HASH, "x")
    with monkeypatch.context() as broken:
        broken.setattr(local.store, "add_upstream_bans", fails)
        await followed.poll()
    assert followed.error == "the disk is full" and followed.stale
    await followed.poll()
    assert dispatch(local) == "ATTEST_BANNED_HASH" and not followed.stale


async def test_a_long_list_is_taken_in_pieces_between_which_others_have_their_turn(
    local: Hall, clock: ManualClock
) -> None:
    """F93: new bans come in before old ones go, and the hall's own stay."""
    lists = [
        Heard([Ban(sha256=f"{number:064x}", reason="theirs", reported_at="1") for number in numbers])
        for numbers in (range(6000), range(3000, 9000))
    ]
    heard = iter(lists)

    async def fetch() -> Heard:
        return next(heard)

    own = f"{3000:064x}"
    local.store.ban_hash(own, "own")
    followed = Upstream("http://up", fetch, local.store, clock)
    for step, (bans, *_) in enumerate(lists):
        polling, counts = asyncio.create_task(followed.poll()), set()
        while not polling.done():
            counts.add(local.store.ban_count())
            await asyncio.sleep(0)
        assert len(counts) > 10 and min(counts) >= (1, 6000)[step] and followed.error is None
        assert {ban.sha256 for ban in local.store.bans()} == {ban.sha256 for ban in bans or ()}
    assert next(ban for ban in local.store.bans() if ban.sha256 == own).reason == "own"


async def test_a_long_list_is_taken_from_the_wire_as_it_comes(local: Hall, clock: ManualClock) -> None:
    """F93: it is neither held as text nor as an object for each ban."""
    bans = [
        f'{{"sha256":"{number:064x}","reason":"no. {number}","reported_at":"2026-11-26"}}' for number in range(12_000)
    ]
    async with raw_server() as server:
        server.answer(answer(f"[{','.join(bans)}]".encode()))
        followed = followed_at(server.url, "phk_live_x", local, clock)
        await followed.poll()
    assert followed.error is None and local.store.ban_count() == 12_000
    assert {ban.reason for ban in local.store.bans()} == {f"no. {number}" for number in range(12_000)}


async def test_a_portals_page_is_not_a_ban_list_and_says_so(local: Hall, clock: ManualClock) -> None:
    """F17."""
    async with raw_server() as server:
        server.answer(answer(b"<html><title>Wifi</title>log in", "200 OK", "Content-Type: text/html"))
        followed = followed_at(server.url, "phk_live_x", local, clock)
        await followed.poll()
        assert followed.stale and followed.error and "Wifi" in followed.error


def test_serve_follows_an_upstream(hall: LiveHall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F05, F13: a carriage return after the key and a slash after the address don't matter."""
    monkeypatch.setenv("PYHALL_API_KEY", f"{hall.key}\r")
    hall.store.ban_hash(HASH, "from above")
    with served(tmp_path / "hall.db", "--upstream", f"{hall.url}/") as below, below.http() as http:
        for _ in range(500):
            if bans := http.get("/api/v1/ban-list").json():
                break
        assert bans[0]["reason"] == "from above"
        assert http.get("/status").json()["upstream"]["stale"] is False


async def test_it_is_asked_every_five_seconds(local: Hall, clock: ManualClock) -> None:
    asked: list[float] = []

    async def fetch() -> Heard:
        asked.append(clock.now().mono)
        return Heard(())

    polling = asyncio.create_task(Upstream("http://up", fetch, local.store, clock).run())
    await until(lambda: len(asked) >= 4, clock=clock)
    polling.cancel()
    assert all(5 <= later - before < 6.5 for before, later in pairwise(asked))


async def test_an_unchanged_list_is_a_304_that_counts_as_heard(local: Hall, hall: LiveHall, clock: ManualClock) -> None:
    hall.store.ban_hash(HASH, "x")
    followed = follow(local, hall, clock)
    await followed.poll()
    for _ in range(3):
        clock.skip(590)
        await followed.poll()
        assert "if-none-match" in hall.requests[-1].headers
    clock.skip(590)
    assert not followed.stale
    clock.skip(11)
    assert followed.stale


async def test_a_registry_without_a_tag_is_polled_as_well(local: Hall, clock: ManualClock) -> None:
    entry = {"sha256": HASH, "reason": "x", "reported_at": "2026-11-26"}
    async with raw_server() as server:
        server.answer(json([entry]))
        followed = followed_at(server.url, "k", local, clock)
        for _ in range(2):
            await followed.poll()
            clock.skip(590)
            assert not followed.stale
        assert dispatch(local) == "ATTEST_BANNED_HASH"
        assert not any("if-none-match" in request.headers for request in server.requests)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--stale-after", "0.05"), "--stale-after is 3 s, and the upstream is only polled every 5 s"),
        (("--stale-after", "1", "--upstream-interval", "90"), "--stale-after is 60 s"),
        (("--upstream-interval", "nan"), "'nan' is not a number"),
        (("--upstream-interval", "0"), "0.0 is not in the range x>=1"),
    ],
)
def test_an_interval_that_makes_it_stale_between_two_polls_is_refused(
    tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    result = run("serve", "--db", tmp_path / "hall.db", "--upstream", "http://127.0.0.1:1", *options)
    assert result.exit_code == 2
    assert said in result.output


def test_an_interval_without_an_upstream_is_refused(tmp_path: Path) -> None:
    result = run("serve", "--db", tmp_path / "hall.db", "--upstream-interval", "30")
    assert result.exit_code == 2
    assert "--upstream-interval needs --upstream" in result.output


def test_a_key_that_no_header_can_carry_is_reported_without_it(tmp_path: Path) -> None:
    """F05, F41."""
    result = run("serve", "--db", tmp_path / "hall.db", "--upstream", "http://localhost:9", PYHALL_API_KEY="phk\nlive")
    assert result.exit_code == 2
    assert "PYHALL_API_KEY" in result.stderr and "live" not in result.stderr


def test_an_upstream_in_plain_http_beyond_this_machine_is_refused(tmp_path: Path) -> None:
    result = run("serve", "--db", tmp_path / "hall.db", "--upstream", "http://registry.example")
    assert result.exit_code == 2
    assert "https" in result.stderr


async def unreachable() -> Heard:
    raise UpstreamError("no answer")


def ages(url: str, key: str) -> dict[str, str | None]:
    """Return the `Age` of the ban list, of the same list asked for again, and of a verdict."""
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, trust_env=False) as client:
        listed = client.get("/api/v1/ban-list")
        again = client.get("/api/v1/ban-list", headers={"If-None-Match": listed.headers["etag"]})
        verdict = client.get(f"/api/v1/verify/{WORKER}")
    assert (listed.status_code, again.status_code, verdict.status_code) == (200, 304, 200)
    return {name: each.headers.get("age") for name, each in (("list", listed), ("same", again), ("verify", verdict))}


async def test_while_it_is_stale_answers_say_how_old_the_upstreams_bans_are(hall: LiveHall) -> None:
    """Whoever asks can heed it, as with a cache; before and after that, no answer needs it."""
    clock = ManualClock()
    served = partial(asyncio.to_thread, ages, hall.url, hall.key)
    answers = [Heard([]), Heard(None)]

    async def fetch() -> Heard:
        return answers.pop() if answers else await unreachable()

    hall.hall.upstream = upstream = Upstream("http://up", fetch, hall.store, clock, stale_after=600)
    assert set((await served()).values()) == {str(2**31)}, "it has never been heard"
    await upstream.poll()
    assert set((await served()).values()) == {None}
    await clock.advance(400)
    await upstream.poll()
    await clock.advance(601)
    await upstream.poll()
    assert set((await served()).values()) == {"601"}
    hall.hall.upstream = Upstream("http://up", unreachable, hall.store, clock, stale_after=600)
    assert set((await served()).values()) == {"601"}, "an earlier run has heard it"
    clock.skip(-3600)
    assert set((await served()).values()) == {"0"}


async def test_a_hall_heeds_the_age_of_its_upstreams_answer(local: Hall, hall: LiveHall, clock: ManualClock) -> None:
    """Its upstream is a hall that can't reach its own: what comes is as old as it says, however fresh the answer."""
    hall.hall.upstream = Upstream("http://top", unreachable, hall.store, clock, stale_after=300)
    followed = follow(local, hall, clock)
    await followed.poll()
    assert followed.stale and dispatch(local, "high") == "DENY_REGISTRY_STALE"
    hall.hall.upstream = None
    await followed.poll()
    assert not followed.stale and dispatch(local, "high") == "allow"
