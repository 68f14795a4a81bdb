"""What a key with scopes may do at a hall: read, and what its scopes allow."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from msgspec.structs import replace

from pyhall_tui.hall.openapi import document
from pyhall_tui.hall.scopes import ANY_KEY, DELIVERY, ENROLL, SCOPES, WHOLE_KEY, refusal
from pyhall_tui.hall.store import hash_key
from tests.live_hall import CAPABILITY, NAMESPACE, WORKER, LiveHall

ASK = {"namespace": NAMESPACE, "capability": CAPABILITY, "worker_id": WORKER}
ENROLLED = {"namespace": NAMESPACE, "display_name": "N", "capabilities": ["a"], "sha256": "ab" * 32}
ROUTED = {"capability_id": CAPABILITY, "env": "dev", "data_label": "PUBLIC", "tenant_id": "t"}
NEEDS = [
    ("POST", "/api/v1/dispatch", ASK, DELIVERY),
    ("POST", "/api/route", ROUTED, DELIVERY),
    ("POST", "/decisions/ingest", {"capability_id": CAPABILITY}, DELIVERY),
    ("POST", "/api/v1/telemetry/decisions", {"decisions": []}, DELIVERY),
    ("POST", "/api/v1/hall/enroll", ENROLLED, ENROLL),
    ("PUT", f"/api/v1/workers/{WORKER}/attest", {"sha256": "ab" * 32}, ENROLL),
    ("POST", "/enroll", {"worker_id": f"{NAMESPACE}.w"}, ENROLL),
    ("POST", "/api/v1/ban-list/report", {"sha256": "ab" * 32, "reason": "r"}, WHOLE_KEY),
    ("POST", "/api/server/go-online", {}, WHOLE_KEY),
    ("POST", "/api/server/go-offline", {}, WHOLE_KEY),
    ("GET", "/admin/faults", None, WHOLE_KEY),
    ("PUT", "/admin/faults", {"faults": []}, WHOLE_KEY),
    ("DELETE", "/admin/faults", None, WHOLE_KEY),
    *(
        ("GET", path, None, ANY_KEY)
        for path in (
            f"/api/v1/verify/{WORKER}",
            "/api/v1/ban-list",
            "/api/v1/log",
            "/api/account/standing",
            "/status",
            "/workers",
            "/dispatches",
            "/dispatches/active",
            "/alerts",
            "/policy",
            f"/policy/explain?worker_id={WORKER}&capability={CAPABILITY}",
            "/wcp/registry/ban-list",
            f"/wcp/registry/verify/{WORKER}",
        )
    ),
]


@contextmanager
def client(hall: LiveHall, *scopes: str) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {hall.store.add_key(NAMESPACE, scopes=scopes)}"}
    with httpx.Client(base_url=hall.url, headers=headers, trust_env=False, verify=False) as http:
        yield http


@pytest.mark.parametrize(("method", "path", "body", "needed"), NEEDS)
@pytest.mark.parametrize("scopes", [(ENROLL,), (DELIVERY,), SCOPES, ("later:scope",), ()])
def test_a_key_may_do_what_its_scopes_allow(
    hall: LiveHall, method: str, path: str, body: object, needed: str, scopes: tuple[str, ...]
) -> None:
    with client(hall, *scopes) as http:
        answer = http.request(method, path, json=body)
    if not scopes or needed == ANY_KEY or needed in scopes:
        assert answer.status_code < 300 or (answer.status_code, path) == (400, "/enroll"), answer.text
    else:
        assert answer.status_code == 403
        assert answer.json()["error"] == refusal(scopes, needed)
    assert len(hall.store.workers()) == 1 + (path == "/api/v1/hall/enroll" and answer.status_code == 201)


def test_every_route_that_changes_something_is_among_these() -> None:
    """So that the scope of a new one is decided. A route that is not decided is for keys without scopes."""
    tried = {(method, path.partition("?")[0].replace(WORKER, "{worker_id}")) for method, path, _, _ in NEEDS}
    described = {(method.upper(), path) for path, methods in document()["paths"].items() for method in methods}
    assert {each for each in described if each[0] != "GET"} <= tried


@pytest.mark.parametrize("scopes", [(ENROLL,), ()])
def test_the_namespace_counts_as_before(hall: LiveHall, scopes: tuple[str, ...]) -> None:
    with client(hall, *scopes) as http:
        answer = http.post("/api/v1/hall/enroll", json=ENROLLED | {"namespace": "x.someone-else"})
    assert answer.status_code == 403 and "namespace" in answer.json()["error"]


def test_a_local_write_without_a_key_needs_no_scope_but_a_key_beside_it_does(hall: LiveHall) -> None:
    hall.hall.local_writes = True
    with client(hall, ENROLL) as http:
        assert http.post("/decisions/ingest", json={"capability_id": "c"}).status_code == 403
        del http.headers["authorization"]
        assert http.post("/decisions/ingest", json={"capability_id": "c"}).status_code == 201


def test_a_key_that_gets_scopes_while_the_hall_runs_loses_the_rest_at_once(hall: LiveHall) -> None:
    with httpx.Client(base_url=hall.url, headers=hall.headers, trust_env=False, verify=False) as http:
        assert http.post("/api/v1/dispatch", json=ASK).status_code == 200
        (key,) = [each for each in hall.store.all_keys() if each.key_hash == hash_key(hall.key)]
        hall.store.put_key(replace(key, scopes=(ENROLL,)))
        assert http.post("/api/v1/dispatch", json=ASK).status_code == 403


def test_a_refusal_names_what_the_key_has_and_what_is_needed() -> None:
    assert refusal((), WHOLE_KEY) is None and refusal((ENROLL,), ENROLL) is None and refusal((ENROLL,), ANY_KEY) is None
    assert refusal((DELIVERY, ENROLL), WHOLE_KEY) == (
        "this key has only the scopes hall:enroll, runtime:delivery: this needs a key without scopes"
    )
