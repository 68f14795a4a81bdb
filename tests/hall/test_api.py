"""The contract's operations over a real socket."""

import socket
from collections.abc import Iterator

import httpx
import pytest

from pyhall_tui.hall.errors import StoreError
from tests.hall.tampering import rows
from tests.live_hall import CAPABILITY, HASH, NAMESPACE, WORKER, LiveHall, live_hall

ASK = {"namespace": NAMESPACE, "capability": CAPABILITY, "worker_id": WORKER}


@pytest.fixture
def http(hall: LiveHall) -> Iterator[httpx.Client]:
    with client(hall) as http:
        yield http


def client(hall: LiveHall, **headers: str) -> httpx.Client:
    return httpx.Client(base_url=hall.url, headers=hall.headers | headers, trust_env=False, verify=False)


def test_dispatch_allows_in_the_documented_shape(http: httpx.Client) -> None:
    answer = http.post("/api/v1/dispatch", json=ASK | {"context": {"risk_tier": "low", "correlation_id": "req-456"}})
    assert answer.status_code == 200
    decision = answer.json()
    assert decision.pop("decision_id").startswith("dec_")
    assert decision == {
        "outcome": "allow",
        "worker_id": WORKER,
        "capability": CAPABILITY,
        "correlation_id": "req-456",
    }


def test_dispatch_denies_in_the_documented_shape(http: httpx.Client) -> None:
    answer = http.post("/api/v1/dispatch", json=ASK | {"context": {"risk_tier": "critical", "correlation_id": "r"}})
    assert answer.status_code == 200
    decision = answer.json()
    assert decision.pop("decision_id").startswith("dec_")
    assert decision == {
        "outcome": "deny",
        "deny_code": "POLICY_BLOCKED",
        "reason": "Capability is restricted by namespace policy",
        "correlation_id": "r",
    }


def test_a_hold_is_not_an_allow(http: httpx.Client) -> None:
    decision = http.post("/api/v1/dispatch", json=ASK | {"context": {"risk_tier": "high"}}).json()
    assert decision["outcome"] == "hold"
    assert decision["supervisor_required"] is True
    assert decision["deny_code"] == "DENY_REQUIRES_HUMAN_APPROVAL"


@pytest.mark.parametrize("correlation", ["req-456", "ü / \n \u0000", " x ", "0" * 2000])
def test_the_correlation_id_comes_back_unchanged(http: httpx.Client, correlation: str) -> None:
    answer = http.post("/api/v1/dispatch", json=ASK | {"context": {"correlation_id": correlation}})
    assert answer.json()["correlation_id"] == correlation


def test_the_correlation_id_may_come_in_a_header(http: httpx.Client) -> None:
    answer = http.post("/api/v1/dispatch", json=ASK, headers={"X-Correlation-Id": "h-1"})
    assert answer.json()["correlation_id"] == answer.headers["x-correlation-id"] == "h-1"
    assert http.get("/api/v1/verify/none", headers={"X-Correlation-Id": "h-2"}).json()["correlation_id"] == "h-2"


def test_without_a_correlation_id_the_hall_makes_one(http: httpx.Client) -> None:
    made = {http.post("/api/v1/dispatch", json=ASK).json()["correlation_id"] for _ in range(2)}
    assert len(made) == 2 and all(made)


def test_verify_answers_both_shapes_in_one_object(http: httpx.Client) -> None:
    verdict = http.get(f"/api/v1/verify/{WORKER}").json()
    documented = {
        "worker_id": WORKER,
        "namespace": NAMESPACE,
        "status": "active",
        "attested": True,
        "attest_sha256": HASH,
        "ban_status": "clean",
    }
    older = {"current_hash": HASH, "banned": False, "ban_reason": None, "ai_generated": False, "ai_service": None}
    assert documented.items() <= verdict.items()
    assert older.items() <= verdict.items()
    assert verdict["attested_at"]
    assert verdict["display_name"] == "My Worker"
    assert verdict["capabilities"] == [CAPABILITY]


def test_verify_can_be_told_to_answer_one_shape_only(hall: LiveHall, http: httpx.Client) -> None:
    hall.hall.verify_shape = "documented"
    assert "banned" not in http.get(f"/api/v1/verify/{WORKER}").json()
    hall.hall.verify_shape = "older"
    assert "ban_status" not in http.get(f"/api/v1/verify/{WORKER}").json()


def test_a_banned_worker_is_banned_in_both_shapes(hall: LiveHall, http: httpx.Client) -> None:
    hall.store.ban(WORKER, "leaks keys")
    verdict = http.get(f"/api/v1/verify/{WORKER}").json()
    assert (verdict["status"], verdict["ban_status"], verdict["banned"]) == ("banned", "banned", True)
    assert verdict["ban_reason"] == "leaks keys"


@pytest.mark.parametrize(
    ("worker_id", "segment"),
    [("../x", "..%2Fx"), ("a/b", "a%2Fb"), ("a?b", "a%3Fb"), ("ü", "%C3%BC"), ("a%2Fb", "a%252Fb"), ("a b", "a%20b")],
)
def test_a_worker_id_is_one_segment_whatever_is_in_it(
    hall: LiveHall, http: httpx.Client, worker_id: str, segment: str
) -> None:
    hall.add_worker(worker_id)
    assert http.get(f"/api/v1/verify/{segment}").json()["worker_id"] == worker_id
    assert hall.requests[-1].raw_path == f"/api/v1/verify/{segment}"


def test_enroll_makes_an_active_attested_worker(http: httpx.Client) -> None:
    asked = {
        "namespace": NAMESPACE,
        "display_name": "Neu",
        "capabilities": ["a", "b", "a"],
        "sha256": "sha256:" + "AB" * 32,
    }
    answer = http.post("/api/v1/hall/enroll", json=asked)
    assert answer.status_code == 201
    verdict = http.get(f"/api/v1/verify/{answer.json()['worker_id']}").json()
    assert (verdict["display_name"], verdict["capabilities"]) == ("Neu", ["a", "b"])
    assert (verdict["status"], verdict["attested"], verdict["attest_sha256"]) == ("active", True, "ab" * 32)


def test_a_banned_hash_cannot_be_enrolled(hall: LiveHall, http: httpx.Client) -> None:
    hall.store.ban_hash("ab" * 32, "malware")
    asked = {"namespace": NAMESPACE, "display_name": "N", "capabilities": ["a"], "sha256": "AB" * 32}
    answer = http.post("/api/v1/hall/enroll", json=asked)
    assert answer.status_code == 400
    assert answer.json()["code"] == "ATTEST_BANNED_HASH"
    assert "sha256" in answer.json()["error"]


@pytest.mark.parametrize("field", ["sha256", "package_hash"])
def test_attest_takes_the_hash_under_either_name(http: httpx.Client, field: str) -> None:
    answer = http.put(
        f"/api/v1/workers/{WORKER}/attest", json={field: "ef" * 32, "ai_generated": True, "ai_model": "m"}
    )
    assert answer.json()["worker_id"] == WORKER
    assert answer.json()[field] == "ef" * 32
    verdict = http.get(f"/api/v1/verify/{WORKER}").json()
    assert (verdict["attest_sha256"], verdict["ai_generated"], verdict["ai_model"]) == ("ef" * 32, True, "m")


def test_a_retired_worker_cannot_be_attested(hall: LiveHall, http: httpx.Client) -> None:
    hall.store.set_status(WORKER, "retired")
    answer = http.put(f"/api/v1/workers/{WORKER}/attest", json={"sha256": "ef" * 32})
    assert answer.status_code == 400
    assert "retired" in answer.json()["error"]


def test_the_ban_list_is_newest_first_and_may_be_limited(hall: LiveHall, http: httpx.Client) -> None:
    """F22: as many entries as requested may mean a truncated list."""
    for number in range(5):
        hall.store.ban_hash(f"{number:064x}", f"reason {number}")
    bans = http.get("/api/v1/ban-list").json()
    assert [ban["reason"] for ban in bans] == [f"reason {number}" for number in (4, 3, 2, 1, 0)]
    assert set(bans[0]) == {"sha256", "reason", "reported_at", "source", "review_status"}
    assert http.get("/api/v1/ban-list?limit=2").json() == bans[:2]


def test_the_ban_list_is_sent_again_only_when_it_changed(hall: LiveHall, http: httpx.Client) -> None:
    def ask(tag: str) -> httpx.Response:
        return http.get("/api/v1/ban-list", headers={"If-None-Match": tag})

    empty = http.get("/api/v1/ban-list").headers["etag"]
    assert ask(empty).status_code == 304
    hall.store.ban(WORKER, "x")
    changed = ask(empty)
    assert changed.status_code == 200 and len(changed.json()) == 1
    assert ask(changed.headers["etag"]).status_code == 304
    hall.store.unban(WORKER)
    assert ask(changed.headers["etag"]).json() == []


def test_a_hall_may_have_no_ban_list(hall: LiveHall, http: httpx.Client) -> None:
    hall.hall.ban_list = False
    assert http.get("/api/v1/ban-list").status_code == 404


def test_health_needs_no_key(hall: LiveHall) -> None:
    health = httpx.get(f"{hall.url}/health", trust_env=False, verify=False).json()
    assert health["ok"] is True and health["version"]


def test_reports_and_telemetry_are_taken(http: httpx.Client) -> None:
    assert http.post("/api/v1/ban-list/report", json={"sha256": "ab" * 32, "reason": "odd"}).status_code == 202
    assert http.get("/api/v1/ban-list").json() == []
    assert http.post("/api/v1/telemetry/decisions", json={"decisions": []}).status_code == 200
    assert http.get("/api/account/standing").json()["standing"] == "ok"


# The six statuses, each from its real cause


@pytest.mark.parametrize("field", ["namespace", "capability", "worker_id"])
def test_400_names_the_missing_field(http: httpx.Client, field: str) -> None:
    answer = http.post("/api/v1/dispatch", json={key: value for key, value in ASK.items() if key != field})
    assert answer.status_code == 400
    assert answer.json()["error"] == f"missing field: {field}"


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/api/v1/dispatch", ASK | {"capability": 7}, "capability"),
        ("/api/v1/dispatch", ASK | {"worker_id": ""}, "worker_id"),
        ("/api/v1/dispatch", ASK | {"context": []}, "context"),
        ("/api/v1/dispatch", ASK | {"context": {"risk_tier": "banana"}}, "context.risk_tier"),
        ("/api/v1/dispatch", ASK | {"context": {"correlation_id": 5}}, "context.correlation_id"),
        (
            "/api/v1/hall/enroll",
            {"namespace": NAMESPACE, "display_name": "N", "capabilities": [], "sha256": "ab" * 32},
            "capabilities",
        ),
        (
            "/api/v1/hall/enroll",
            {"namespace": NAMESPACE, "display_name": "N", "capabilities": ["a"], "sha256": "a1b2c3..."},
            "sha256",
        ),
    ],
)
def test_400_names_the_invalid_field(http: httpx.Client, path: str, body: object, field: str) -> None:
    answer = http.post(path, json=body)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(f"invalid field: {field}:")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff\xfe", b'{"namespace": "\xff"}'])
def test_400_for_what_is_not_a_json_object(http: httpx.Client, body: bytes) -> None:
    answer = http.post("/api/v1/dispatch", content=body)
    assert answer.status_code == 400
    assert "body" in answer.json()["error"]


def test_400_for_a_limit_that_is_not_a_number(http: httpx.Client) -> None:
    for limit in ("0", "-1", "x", "", "١"):
        answer = http.get("/api/v1/ban-list", params={"limit": limit})
        assert answer.status_code == 400 and "limit" in answer.json()["error"]


@pytest.mark.parametrize("header", [None, "Bearer phk_live_wrong", "Bearer", "Basic eDp5", ""])
def test_401_without_a_good_key(hall: LiveHall, header: str | None) -> None:
    with httpx.Client(base_url=hall.url, trust_env=False, verify=False) as http:
        headers = {} if header is None else {"Authorization": header}
        for answer in (
            http.post("/api/v1/dispatch", json=ASK, headers=headers),
            http.get(f"/api/v1/verify/{WORKER}", headers=headers),
            http.post("/api/v1/hall/enroll", json={}, headers=headers),
            http.get("/api/v1/ban-list", headers=headers),
        ):
            assert answer.status_code == 401
            assert "API key" in answer.json()["error"]


def test_401_for_a_revoked_key(hall: LiveHall, http: httpx.Client) -> None:
    assert http.get(f"/api/v1/verify/{WORKER}").status_code == 200
    hall.store.revoke_key(hall.store.all_keys()[0].key_id)
    assert http.get(f"/api/v1/verify/{WORKER}").status_code == 401


def test_public_reads_need_no_key_but_refuse_a_bad_one(hall: LiveHall) -> None:
    hall.hall.public_reads = True
    with httpx.Client(base_url=hall.url, trust_env=False, verify=False) as http:
        assert http.get(f"/api/v1/verify/{WORKER}").status_code == 200
        assert http.get("/api/v1/ban-list").status_code == 200
        assert http.get("/api/v1/ban-list", headers={"Authorization": "Bearer x"}).status_code == 401
        assert http.post("/api/v1/dispatch", json=ASK).status_code == 401


def test_403_for_the_key_of_another_namespace(hall: LiveHall, http: httpx.Client) -> None:
    hall.add_worker("x.alice.one", namespace="x.alice")
    enroll = {"namespace": "x.someone-else", "display_name": "N", "capabilities": ["a"], "sha256": "ab" * 32}
    for answer in (
        http.post("/api/v1/dispatch", json=ASK | {"namespace": "x.someone-else"}),
        http.post("/api/v1/hall/enroll", json=enroll),
        http.put("/api/v1/workers/x.alice.one/attest", json={"sha256": "ab" * 32}),
    ):
        assert answer.status_code == 403
        assert "namespace" in answer.json()["error"]


def test_404_for_an_unknown_worker(http: httpx.Client) -> None:
    for answer in (
        http.get("/api/v1/verify/nobody"),
        http.put("/api/v1/workers/nobody/attest", json={"sha256": "ab" * 32}),
    ):
        assert answer.status_code == 404
        assert "nobody" in answer.json()["error"]


def test_404_and_405_for_routes_are_json_too(http: httpx.Client) -> None:
    assert "error" in http.get("/nowhere").json()
    wrong = http.get("/api/v1/dispatch")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
    assert "error" in wrong.json()


def test_400_for_invalid_http_is_json_too(hall: LiveHall) -> None:
    host, port = hall.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(b"hello\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.endswith(b'{"error":"Invalid HTTP request received."}')


def test_413_for_a_body_beyond_any_request(http: httpx.Client) -> None:
    answer = http.post("/api/v1/dispatch", content=b" " * (1024 * 1024 + 1))
    assert answer.status_code == 413
    assert "error" in answer.json()


def test_429_counts_each_key_by_itself_and_says_when_to_come_back() -> None:
    with live_hall(rate=0.5) as hall, client(hall) as http:
        assert http.get(f"/api/v1/verify/{WORKER}").status_code == 200
        limited = http.get(f"/api/v1/verify/{WORKER}")
        assert limited.status_code == 429
        assert 1 <= int(limited.headers["retry-after"]) <= 2
        assert "rate limit" in limited.json()["error"]
        other = {"Authorization": f"Bearer {hall.store.add_key(NAMESPACE)}"}
        assert http.get(f"/api/v1/verify/{WORKER}", headers=other).status_code == 200


def test_500_from_an_injected_fault(hall: LiveHall, http: httpx.Client) -> None:
    hall.faults.add(path="/api/v1/verify/*", status=500, count=1)
    failed = http.get(f"/api/v1/verify/{WORKER}")
    assert (failed.status_code, failed.json()) == (500, {"error": "injected fault 500"})
    assert http.get(f"/api/v1/verify/{WORKER}").status_code == 200


def test_500_when_the_hall_itself_fails_says_nothing_of_its_insides(hall: LiveHall, http: httpx.Client) -> None:
    hall.store.close()
    failed = http.get("/api/v1/verify/x")
    assert failed.status_code == 500
    assert failed.json()["error"] == "registry error: try again"


def test_503_while_the_disk_is_full_and_the_log_says_so_once_without_a_traceback(
    hall: LiveHall, http: httpx.Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> int:
        raise StoreError("can't write to the hall's store: the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(hall.store.log, "decide", full)
        failed = [http.post("/api/v1/dispatch", json=ASK) for _ in range(3)]
    assert [each.status_code for each in failed] == [503] * 3
    assert {each.json()["error"] for each in failed} == {"registry error: try again"}
    said = [(record.getMessage(), record.exc_info) for record in caplog.records if record.levelname == "ERROR"]
    assert said == [("can't write to the hall's store: the disk is full", None)]
    assert http.post("/api/v1/dispatch", json=ASK).status_code == 200


def test_a_key_is_kept_as_a_hash_only(hall: LiveHall) -> None:
    kept = repr([dict(row) for row in rows(hall.store, "SELECT * FROM keys")])
    assert hall.key not in kept
    assert hall.store.find_key(hall.key) is not None
