"""A hall says which code it runs, and can be taken out of service."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import pyhall_tui.hall
from pyhall_tui.hall import audit, gate
from pyhall_tui.hall.context import Hall
from pyhall_tui.hall.exchange import export
from pyhall_tui.hall.models import Asked, Worker
from pyhall_tui.hall.own_code import code_hash
from pyhall_tui.hall.policy import save_rules
from pyhall_tui.hall.store import MEMORY, SqliteStore
from pyhall_tui.hall.store.protocol import Batch
from pyhall_tui.hall.upstream import Heard, Upstream
from pyhall_tui.packages.package_hash import hash_package
from tests.clock import ManualClock
from tests.hall.store_contract.places import SHARED, enrolled, receipt
from tests.live_hall import CAPABILITY, HASH, NAMESPACE, POLICY, WORKER, LiveHall, live_hall

ASK = {"namespace": NAMESPACE, "capability": CAPABILITY, "worker_id": WORKER}
CODE = Path(pyhall_tui.hall.__file__).parent


@pytest.fixture
def http(hall: LiveHall) -> Iterator[httpx.Client]:
    with client(hall) as http:
        yield http


def client(hall: LiveHall) -> httpx.Client:
    return httpx.Client(base_url=hall.url, headers=hall.headers, trust_env=False, verify=False)


# Its own code


def test_health_has_the_canonical_hash_of_the_halls_code(http: httpx.Client) -> None:
    told = http.get("/health").json()
    assert told["hall_hash"] == f"sha256:{hash_package(CODE).sha256}"
    assert told["hall_hash_banned"] is False


def test_what_does_not_belong_to_a_package_is_left_out(tmp_path: Path) -> None:
    for name in ("a/b.py", "a-b.py", "A.py", "a/__pycache__/b.pyc", "c.pyc", "manifest.json", ".git/x", "d.pyc/e.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    assert code_hash(tmp_path) == f"sha256:{hash_package(tmp_path).sha256}"


def test_code_that_cannot_be_read_has_no_hash(tmp_path: Path) -> None:
    assert code_hash(tmp_path / "archive.zip") is None
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    assert code_hash(tmp_path) is None


def test_a_ban_on_the_halls_own_code_is_told() -> None:
    clock = ManualClock()
    with live_hall(clock=clock) as hall, client(hall) as http:
        assert http.get("/health").json()["hall_hash_banned"] is False
        hall.store.ban_hash(hash_package(CODE).sha256, "backdoor")
        clock.skip(1)
        assert http.get("/health").json()["hall_hash_banned"] is True
        assert [alert["code"] for alert in http.get("/alerts").json()["alerts"]] == ["HALL_HASH_BANNED"]


def test_without_a_list_that_vouches_it_is_not_known_whether_its_code_is_banned() -> None:
    clock = ManualClock()

    async def silent() -> Heard:
        raise AssertionError("is not polled here")

    with live_hall(clock=clock) as hall, client(hall) as http:
        hall.hall.upstream = Upstream("http://up", silent, hall.store, clock)
        assert http.get("/health").json()["hall_hash_banned"] is None
        hall.store.ban_hash(hash_package(CODE).sha256, "backdoor")
        clock.skip(1)
        assert http.get("/health").json()["hall_hash_banned"] is True
        hall.hall.upstream, hall.hall.ban_list = None, False
        clock.skip(1)
        assert http.get("/health").json()["hall_hash_banned"] is None


# Online and offline


def test_offline_every_dispatch_is_denied_and_everything_else_answered(http: httpx.Client) -> None:
    assert http.get("/status").json()["online"] is True
    told = http.post("/api/server/go-offline").json()
    assert (told["ok"], told["online"]) == (True, False)
    status = http.get("/status").json()
    assert (status["online"], status["offline_since"]) == (False, told["offline_since"])
    decision = http.post("/api/v1/dispatch", json=ASK).json()
    assert (decision["outcome"], decision["deny_code"]) == ("deny", "DENY_HALL_OFFLINE")
    routed = {"capability_id": CAPABILITY, "env": "dev", "data_label": "PUBLIC", "tenant_id": "t"}
    assert http.post("/api/route", json=routed).json()["deny_reason"] == "DENY_HALL_OFFLINE"
    asked = {"worker_id": WORKER, "capability": CAPABILITY}
    assert http.get("/policy/explain", params=asked).json()["decision"]["code"] == "DENY_HALL_OFFLINE"
    assert http.get(f"/api/v1/verify/{WORKER}").json()["status"] == "active"
    assert [alert["code"] for alert in http.get("/alerts").json()["alerts"]] == ["DENY_HALL_OFFLINE"]
    assert http.post("/api/server/go-offline").json()["offline_since"] == told["offline_since"]
    assert http.post("/api/server/go-online").json() == {"ok": True, "online": True, "offline_since": None}
    assert http.post("/api/v1/dispatch", json=ASK).json()["outcome"] == "allow"


def test_being_offline_outlives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "hall.db"
    with live_hall(path) as hall, client(hall) as http:
        http.post("/api/server/go-offline")
    with live_hall(path) as hall, client(hall) as http:
        assert http.get("/status").json()["online"] is False
        http.post("/api/server/go-online")
    with live_hall(path) as hall, client(hall) as http:
        assert http.get("/status").json()["online"] is True


def test_only_this_machine_with_a_key_takes_it_out_of_service(hall: LiveHall, http: httpx.Client) -> None:
    without_key = httpx.post(f"{hall.url}/api/server/go-offline", trust_env=False, verify=False)
    passed_on = http.post("/api/server/go-offline", headers={"X-Forwarded-For": "192.0.2.1"})
    page = http.post("/api/server/go-offline", headers={"Origin": "https://evil.example"})
    assert (without_key.status_code, passed_on.status_code, page.status_code) == (401, 403, 403)
    assert http.get("/status").json()["online"] is True
    hall.hall.local_writes = True
    assert httpx.post(f"{hall.url}/api/server/go-offline", trust_env=False, verify=False).status_code == 200


@pytest.fixture(params=SHARED)
def two(request: pytest.FixtureRequest) -> Iterator[tuple[Hall, Hall]]:
    """Two halls on one store."""
    place = request.param(request)
    stores = enrolled(place.hall()), place.hall()
    stores[0].put_worker(
        Worker(worker_id=WORKER, namespace=NAMESPACE, capabilities=(CAPABILITY,), sha256=HASH, attested_at="1")
    )
    save_rules(stores[0], POLICY)
    yield Hall(stores[0]), Hall(stores[1])
    for store in place.halls:
        store.close()


ASKED = Asked(namespace=NAMESPACE, capability=CAPABILITY, worker_id=WORKER)


def test_no_hall_on_the_store_allows_anything_after_one_went_offline(two: tuple[Hall, Hall]) -> None:
    here, there = two

    async def decide(hall: Hall) -> tuple[str, str | None]:
        (receipt,) = await gate.dispatch_all_beside(hall, [(ASKED, "c")])
        assert isinstance(receipt, dict)
        return receipt["outcome"], receipt["deny_code"]

    async def in_turn() -> None:
        for _ in range(3):
            assert await decide(there) == ("allow", None)
            since = await here.service.go(online=False)
            assert await decide(there) == ("deny", "DENY_HALL_OFFLINE"), "the very next one"
            assert gate.dispatch(there, ASKED, "c")["deny_code"] == "DENY_HALL_OFFLINE"
            assert since is not None and there.service.since == here.service.since == since
            assert await there.service.go(online=False) == since, "a second call changes nothing"
            assert await there.service.go(online=True) is None
            assert await decide(here) == ("allow", None)

    asyncio.run(asyncio.wait_for(in_turn(), 60))
    assert audit.verify(here.store).whole


def test_what_was_judged_before_a_hall_went_offline_is_judged_again(two: tuple[Hall, Hall]) -> None:
    here, there = two
    if not there.store.log.waits:
        pytest.skip("SQLite's file is locked while it is judged")
    state = there.store.state()
    judged: list[str] = []

    def judge() -> Batch:
        judged.append(state.offline_since())
        if len(judged) == 1:
            here.store.set_setting("offline", "2026-11-26T10:00:00Z")
        return Batch([receipt(1)])

    there.store.log.decide(judge)
    assert judged == ["", "2026-11-26T10:00:00Z"]


def test_a_copy_of_a_store_is_not_offline() -> None:
    store = SqliteStore(MEMORY)
    store.set_setting("offline", "2026-11-26T10:00:00Z")
    assert not any('"offline"' in line for line in export(store))
    store.close()
