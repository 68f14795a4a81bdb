"""`GET /api/v1/keys`: a hall shows what its keys may do and when each was last used, in both stores."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from pyhall_tui.clock import SystemClock
from pyhall_tui.hall.scopes import ENROLL
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.registry.client import RegistryClient
from pyhall_tui.registry.hall_keys import HallKeys, hall_keys
from tests.live_hall import NAMESPACE, LiveHall, live_hall


@pytest.fixture(params=["sqlite", "postgres"])
def hall(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LiveHall]:
    """The real hall on each store."""
    if request.param == "sqlite":
        place: Path | str = tmp_path / "hall.db"
    else:
        place = request.getfixturevalue("postgres").database()
    with live_hall(place) as running:
        yield running


@contextmanager
def asking(hall: LiveHall, key: str) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=hall.url, headers=headers, trust_env=False, verify=False) as http:
        yield http


def shown(hall: LiveHall, key: str) -> list[dict[str, Any]]:
    with asking(hall, key) as http:
        answer = http.get("/api/v1/keys").raise_for_status()
    assert key not in answer.text and "key_hash" not in answer.text
    keys: list[dict[str, Any]] = answer.json()["keys"]
    return keys


@pytest.mark.thorough
def test_a_whole_key_sees_its_namespaces_valid_keys_and_a_key_with_scopes_only_itself(hall: LiveHall) -> None:
    scoped = hall.store.add_key(NAMESPACE, "CI", scopes=(ENROLL,))
    gone = hall.store.add_key(NAMESPACE, "gone")
    hall.store.add_key("x.alice", "somebody else's")
    ids = {key.label: key.key_id for key in hall.store.all_keys()}
    assert hall.store.revoke_key(ids["gone"])
    hall.store.note_key_uses({ids["CI"]: 1_790_000_000.0})
    found = {key["label"]: key for key in shown(hall, hall.key)}
    assert set(found) == {"", "CI"}
    assert found["CI"]["scopes"] == [ENROLL] and found["CI"]["last_used"] == "2026-09-21T14:13:20.000Z"
    assert found[""]["scopes"] == [] and found[""]["yours"] and not found["CI"]["yours"]
    (own,) = shown(hall, scoped)
    assert (own["label"], own["yours"], own["last_used"]) == ("CI", True, found["CI"]["last_used"])
    with asking(hall, gone) as http:
        assert http.get("/api/v1/keys").status_code == 401


@pytest.mark.thorough
def test_a_thousand_keys_are_bounded_and_the_newest_come_first(hall: LiveHall) -> None:
    with hall.store.write():
        for number in range(1_000):
            hall.store.add_key(NAMESPACE, str(number))
    scoped = hall.store.add_key(NAMESPACE, "CI", scopes=(ENROLL,))
    assert len(shown(hall, hall.key)) == 500
    assert [key["label"] for key in shown(hall, scoped)] == ["CI"]
    assert len(hall.store.keys_in_use(NAMESPACE, 10)) == 10


def test_without_a_key_nobody_sees_them(hall: LiveHall) -> None:
    hall.hall.public_reads = True
    assert httpx.get(f"{hall.url}/api/v1/keys", trust_env=False, verify=False).status_code == 401


async def asked(hall: LiveHall) -> HallKeys | None:
    profile = Profile(name="acme", namespace=NAMESPACE, registry_url=hall.url)
    async with RegistryClient(profile, ApiKey(hall.key), SystemClock()) as client:
        return await hall_keys(client)


@pytest.mark.parametrize("body", ["[]", "{}", '{"keys": {}}', '{"keys": [{}]}', '{"keys": [{"key_id": 1}]}', "<html>"])
async def test_an_odd_answer_says_nothing(body: str) -> None:
    with live_hall() as hall:
        assert await asked(hall) is not None
        hall.faults.add(path="/api/v1/keys", body=body)
        assert await asked(hall) is None


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_hall_that_does_not_show_them_says_nothing(status: int) -> None:
    with live_hall() as hall:
        hall.faults.add(path="/api/v1/keys", status=status)
        assert await asked(hall) is None
