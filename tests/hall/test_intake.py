"""What the published local hall accepts: a worker by its record, a decision made elsewhere."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from pyhall_tui.hall import audit
from pyhall_tui.hall.intake import artifact_hash
from pyhall_tui.hall.store import SqliteStore
from tests.live_hall import HASH, NAMESPACE, WORKER, LiveHall, live_hall

VECTORS = json.loads((Path(__file__).parents[1] / "attest/data/record-artifact-hash-vectors.json").read_text())


@pytest.fixture
def http(hall: LiveHall) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=hall.url, headers=hall.headers, trust_env=False, verify=False) as http:
        yield http


def record(worker_id: str = f"{NAMESPACE}.greeter", **fields: Any) -> dict[str, Any]:
    made = {"worker_id": worker_id, "worker_species_id": "wrk.hello.greeter", "capabilities": ["cap.hello.greet"]}
    made |= fields
    return made | {"artifact_hash": f"sha256:{artifact_hash(made)}"}


# A record


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["record"]["worker_id"])
def test_a_records_hash_is_the_ecosystems(vector: dict[str, Any]) -> None:
    assert f"sha256:{artifact_hash(vector['record'])}" == vector["artifact_hash"]


def test_a_worker_is_put_in_by_its_record_and_changed_by_the_next(http: httpx.Client) -> None:
    first = http.post("/enroll", json=record())
    told = first.json()
    assert first.status_code == 201
    assert {"enrolled": True, "worker_id": "org.yourco.greeter", "artifact_hash_verified": True}.items() <= told.items()
    assert "updated" not in told and told["enrolled_at"]
    again = http.post("/enroll", json=record(capabilities=["cap.other"]))
    assert again.status_code == 200
    assert again.json() == told | {"updated": True}
    verdict = http.get("/api/v1/verify/org.yourco.greeter").json()
    assert (verdict["capabilities"], verdict["attested"], verdict["namespace"]) == (["cap.other"], False, NAMESPACE)


def test_it_is_attested_with_the_package_hash_that_it_names_and_keeps_it(http: httpx.Client) -> None:
    http.post("/enroll", json=record(attestation={"code_hash": f"sha256:{HASH.upper()}"}))
    http.post("/enroll", json=record(attestation={"code_hash": "PENDING_ATTESTATION"}))
    verdict = http.get("/api/v1/verify/org.yourco.greeter").json()
    assert (verdict["attested"], verdict["attest_sha256"]) == (True, HASH)


@pytest.mark.parametrize("stated", ["sha256:" + "0" * 64, "unverified", ""])
def test_a_record_that_was_changed_is_refused(http: httpx.Client, stated: str) -> None:
    answer = http.post("/enroll", json=record() | {"artifact_hash": stated})
    assert (answer.status_code, answer.json()["code"]) == (400, "DENY_WORKER_TAMPERED")
    assert http.get("/api/v1/verify/org.yourco.greeter").status_code == 404


@pytest.mark.parametrize("field", ["worker_id", "worker_species_id", "capabilities", "artifact_hash"])
def test_what_is_missing_is_named(http: httpx.Client, field: str) -> None:
    answer = http.post("/enroll", json={name: value for name, value in record().items() if name != field})
    assert answer.status_code == 400 and field in answer.json()["error"]


def test_a_key_puts_nothing_into_another_namespace(hall: LiveHall, http: httpx.Client) -> None:
    hall.add_worker("wkr_hers", namespace="x.alice")
    assert http.post("/enroll", json=record("x.alice.greeter")).status_code == 403
    assert http.post("/enroll", json=record("wkr_hers")).status_code == 403
    assert http.post("/enroll", json=record("wkr_new")).status_code == 201
    assert http.get("/api/v1/verify/wkr_new").json()["namespace"] == NAMESPACE


def test_a_ban_and_a_revocation_outlast_a_record(hall: LiveHall, http: httpx.Client) -> None:
    hall.store.ban(WORKER, "leaks")
    http.post("/enroll", json=record(WORKER, attestation={"code_hash": "cd" * 32}))
    assert http.get(f"/api/v1/verify/{WORKER}").json()["banned"] is True
    banned = http.post("/enroll", json=record("wkr_new", attestation={"code_hash": HASH}))
    assert (banned.status_code, banned.json()["code"]) == (400, "ATTEST_BANNED_HASH")
    hall.store.set_status(WORKER, "revoked")
    refused = http.post("/enroll", json=record(WORKER))
    assert refused.status_code == 400 and "revoked" in refused.json()["error"]


# A decision


def ingest(http: httpx.Client, **fields: Any) -> httpx.Response:
    return http.post("/decisions/ingest", json={"capability_id": "cap.x", "tenant_id": NAMESPACE} | fields)


def test_a_decision_made_elsewhere_is_in_the_log_and_says_so(hall: LiveHall, http: httpx.Client) -> None:
    answer = ingest(http, decision_id="d1", denied=True, deny_reason="blast:78", env="prod", blast_score=78)
    assert (answer.status_code, answer.json()) == (201, {"recorded": True, "decision_id": "d1"})
    ingest(http, decision_id="d2", denied=0, selected_worker=WORKER, decided_at="2020-01-01T01:00:00+01:00")
    allowed, denied = http.get("/dispatches").json()["dispatches"]
    assert (denied["decision_id"], denied["outcome"], denied["deny_code"]) == ("d1", "deny", "blast:78")
    assert (denied["denied"], denied["blast_score"], denied["rule"]) == (1, 78, "ingested")
    assert (allowed["outcome"], allowed["worker_id"], allowed["selected_worker"]) == ("allow", WORKER, WORKER)
    assert allowed["decided_at"] == "2020-01-01T00:00:00.000Z"
    assert http.get("/policy").json()["other_hits"] == {"ingested": 2}
    assert http.get("/status").json()["denials_today"] == 1
    assert audit.verify(hall.store).whole


def test_the_same_decision_again_is_there_once_each_namespaces_by_itself(hall: LiveHall, http: httpx.Client) -> None:
    for _ in range(3):
        assert ingest(http, decision_id="d1").status_code == 201
    hers = {"Authorization": f"Bearer {hall.store.add_key('x.alice')}"}
    http.post("/decisions/ingest", json={"capability_id": "c", "decision_id": "d1"}, headers=hers)
    assert [entry["namespace"] for entry in audit.decisions(hall.store, 9)] == ["x.alice", NAMESPACE]


def test_a_time_that_is_none_or_is_yet_to_come_is_now(hall: LiveHall, http: httpx.Client) -> None:
    for at in ("yesterday", "9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+23:59"):
        ingest(http, decided_at=at)
    now = hall.store.now()
    assert all(now[:4] == entry["decided_at"][:4] for entry in audit.decisions(hall.store, 9))


def test_another_namespaces_decision_is_refused(http: httpx.Client) -> None:
    assert ingest(http, tenant_id="x.alice").status_code == 403


# Without a key


def test_without_a_key_both_are_refused_unless_local_writes_are_on(hall: LiveHall) -> None:
    for path, body in (("/enroll", record()), ("/decisions/ingest", {"capability_id": "c"})):
        url = hall.url + path
        assert httpx.post(url, json=body, trust_env=False, verify=False).status_code == 401
        hall.hall.local_writes = True
        assert httpx.post(url, json=body, trust_env=False, verify=False).status_code == 201
        page = httpx.post(url, json=body, trust_env=False, verify=False, headers={"Origin": "https://evil.example"})
        assert page.status_code == 403, "a page in a browser on this machine is not its operator"
        wrong = httpx.post(url, json=body, trust_env=False, verify=False, headers={"Authorization": "Bearer no"})
        assert wrong.status_code == 401
        hall.hall.local_writes = False
    assert [worker.namespace for worker in hall.store.workers()] == [NAMESPACE, NAMESPACE]


def test_without_a_key_the_id_has_to_name_the_namespace() -> None:
    with live_hall(local_writes=True) as hall:
        answer = httpx.post(f"{hall.url}/enroll", json=record("wkr_new"), trust_env=False, verify=False)
        assert answer.status_code == 400 and "has no namespace" in answer.json()["error"]


def test_a_store_of_the_first_version_takes_them_too(tmp_path: Path) -> None:
    path = tmp_path / "hall.db"
    SqliteStore(path).close()
    db = sqlite3.connect(path)
    db.executescript("DROP TABLE ingested; DROP TABLE rates; DROP TABLE changes; PRAGMA user_version=1;")
    db.close()
    store = SqliteStore(path)
    assert store.log.note_ingested("n", "d", 1) and not store.log.note_ingested("n", "d", 2)
    store.close()


def test_a_body_that_is_nested_too_deeply_is_refused(http: httpx.Client) -> None:
    answer = http.post("/enroll", content=b'{"x":' + b"[" * 200_000)
    assert answer.status_code == 400 and "nested too deeply" in answer.json()["error"]


def test_a_number_beyond_all_bounds_is_refused(http: httpx.Client) -> None:
    answer = http.post("/enroll", content=json.dumps(record())[:-1].encode() + b', "x": ' + b"9" * 5_000 + b"}")
    assert answer.status_code == 400 and "can't be read" in answer.json()["error"]
