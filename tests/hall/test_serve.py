"""`pyhall-tui hall serve`, and what changes its store meanwhile, as processes of their own."""

import os
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
import trustme

from pyhall_tui.hall import audit
from pyhall_tui.hall.context import Hall
from pyhall_tui.hall.listening import listen
from pyhall_tui.hall.server import ForegroundServer
from pyhall_tui.hall.store import SqliteStore
from tests.hall.process import ASK, PROGRAM, Served, run, served

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "hall.db"


def test_serve_prints_its_address_and_a_new_stores_first_key_once(db: Path) -> None:
    with served(db, "--namespace", "x.alice") as hall:
        assert hall.url.startswith("http://127.0.0.1:")
        assert hall.key.startswith("phk_live_")
        with hall.http() as http:
            assert http.get("/api/v1/verify/none").status_code == 404
            assert http.post("/api/v1/dispatch", json=ASK).status_code == 403
        assert hall.end() == 0
        first = hall.key
    with served(db, key=first) as again:
        with again.http() as http:
            assert http.get("/api/v1/verify/none").status_code == 404
        again.end()
        assert again.process.stdout is not None
        assert again.process.stdout.read() == ""


def test_the_documentations_two_curl_lines_work_as_they_are(db: Path) -> None:
    with served(db, "--seed", "demo") as hall:
        dispatch = f"""curl -s -X POST {hall.url}/api/v1/dispatch \\
  -H "Authorization: Bearer {hall.key}" -H "Content-Type: application/json" \\
  -d '{{"namespace": "org.yourco", "capability": "llm.text.generate", "worker_id": "wkr_abc123"}}'"""
        verify = f'curl -s {hall.url}/api/v1/verify/wkr_abc123 -H "Authorization: Bearer {hall.key}"'
        environment = os.environ | {"NO_PROXY": "*"}
        allowed = subprocess.run(dispatch, shell=True, capture_output=True, text=True, env=environment).stdout
        verdict = subprocess.run(verify, shell=True, capture_output=True, text=True, env=environment).stdout
    assert '"outcome":"allow","worker_id":"wkr_abc123","capability":"llm.text.generate"' in allowed
    assert '"status":"active"' in verdict and '"attested":true' in verdict and '"ban_status":"clean"' in verdict


def test_the_store_is_changed_while_it_is_served(db: Path) -> None:
    with served(db, "--seed", "demo") as hall, hall.http() as http:

        def verdict() -> dict[str, object]:
            answer: dict[str, object] = http.get("/api/v1/verify/wkr_abc123").json()
            return answer

        digest = verdict()["attest_sha256"]
        assert run("ban", "wkr_abc123", "--reason", "test", "--db", db).stdout == "banned wkr_abc123\n"
        assert (verdict()["banned"], verdict()["ban_reason"]) == (True, "test")
        assert digest in {ban["sha256"] for ban in http.get("/api/v1/ban-list").json()}
        assert http.post("/api/v1/dispatch", json=ASK).json()["deny_code"] == "ATTEST_BANNED_HASH"
        assert run("unban", "wkr_abc123", "--db", db).exit_code == 0
        assert verdict()["banned"] is False
        assert run("attest", "wkr_abc123", "AB" * 32, "--db", db).exit_code == 0
        assert verdict()["attest_sha256"] == "ab" * 32
        assert run("ban", "ab" * 32, "--reason", "hash", "--db", db).exit_code == 0
        assert verdict()["ban_reason"] == "hash"
        assert run("retire", "wkr_abc123", "--db", db).exit_code == 0
        assert run("unban", "ab" * 32, "--db", db).exit_code == 0
        assert verdict()["status"] == "retired"


def test_a_file_that_is_not_a_store_is_left_as_it_is(tmp_path: Path) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("not a database, but long enough to look at, twice over\n" * 40)
    result = run("serve", "--port", "0", "--db", other)
    assert result.exit_code == 2
    assert "notes.txt" in result.stderr and "Traceback" not in result.stderr
    assert other.read_text().startswith("not a database")


def test_a_port_in_use_is_one_sentence_and_costs_no_key(db: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("serve", "--port", str(port), "--db", db)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert f"port {port}" in result.stderr and len(result.stderr.splitlines()) == 1
    store = SqliteStore(db)
    assert store.all_keys() == []
    store.close()


def test_beyond_this_machine_only_with_tls_or_explicitly(db: Path) -> None:
    result = run("serve", "--host", "0.0.0.0", "--port", "0", "--db", db)
    assert result.exit_code == 2  # click's own; the program turns it into 64
    assert "--tls-cert" in result.stderr and "--allow-plain-http" in result.stderr
    with served(db, "--host", "0.0.0.0", "--allow-plain-http") as hall:
        assert hall.url.startswith("http://0.0.0.0:")


def test_serves_tls(db: Path, tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    pem, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate.cert_chain_pems[0].write_to_path(pem)
    certificate.private_key_pem.write_to_path(key)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with served(db, "--tls-cert", str(pem), "--tls-key", str(key)) as hall:
        assert hall.url.startswith("https://127.0.0.1:")
        with httpx.Client(verify=ssl.create_default_context(cafile=tmp_path / "ca.pem"), trust_env=False) as http:
            assert http.get(f"{hall.url}/health").status_code == 200


def test_a_bad_certificate_is_one_sentence(db: Path, tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("nothing")
    result = run(
        "serve", "--port", "0", "--db", db, "--tls-cert", tmp_path / "cert.pem", "--tls-key", tmp_path / "none"
    )
    assert result.exit_code == 2
    assert result.stdout == "" and "cert.pem" in result.stderr and "Traceback" not in result.stderr


def test_a_policy_with_a_mistake_names_line_and_column(db: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('default = "deny"\n[[rule]]\noutcome = "perhaps"\n')
    result = run("serve", "--port", "0", "--db", db, "--policy", policy)
    assert result.exit_code == 2
    assert f"{policy}:3:1:" in result.stderr


@POSIX
def test_sigterm_answers_the_request_under_way_and_ends(db: Path, tmp_path: Path) -> None:
    """F31: an idle keep-alive connection keeps nobody; the slow request is answered."""
    faults = tmp_path / "faults.toml"
    faults.write_text('[[fault]]\npath = "/api/v1/verify/*"\nlatency = 1.0\n')
    with served(db, "--seed", "demo", "--faults", str(faults)) as hall, hall.http() as idle:
        assert idle.get("/health").status_code == 200
        with under_way(hall, "/api/v1/verify/wkr_abc123") as slow:
            assert hall.end() == 0
            answer = all_of(slow)
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b'"worker_id":"wkr_abc123"' in answer


@contextmanager
def under_way(hall: Served, path: str) -> Iterator[socket.socket]:
    """A connection with a request that the hall has accepted, but not answered."""
    host, port = hall.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {hall.key}\r\n\r\n"
        connection.sendall(request.encode())
        with hall.http() as later:
            assert later.get("/health").status_code == 200  # it came after the other, on the same loop
        yield connection


@POSIX
@pytest.mark.parametrize(("sig", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_second_signal_ends_it_at_once(db: Path, tmp_path: Path, sig: int, code: int) -> None:
    """F31: the second ctrl+c doesn't wait for requests."""
    faults = tmp_path / "faults.toml"
    faults.write_text('[[fault]]\npath = "/api/v1/verify/*"\nlatency = 60\n')
    with served(db, "--faults", str(faults)) as hall, under_way(hall, "/api/v1/verify/x"):
        hall.process.send_signal(sig)
        refused(hall.url)
        assert hall.end(sig) == code


@pytest.mark.parametrize("fault", [{"latency": 60.0}, {"slow": 5.0}], ids=["no answer yet", "half an answer"])
def test_what_is_not_answered_in_time_is_refused_without_a_traceback(
    fault: dict[str, float], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """F31: a request that never ends, and one that was only half sent."""
    monkeypatch.setattr("pyhall_tui.hall.server.GRACE", 0.2)
    hall = Hall(SqliteStore())
    hall.faults.add(path="/health", **fault)
    key = hall.store.add_key("org.yourco", "test")
    server, sock, announced = ForegroundServer(hall), listen(), threading.Event()
    thread = threading.Thread(target=server.run_on, args=(sock, announced.set), daemon=True)
    thread.start()
    assert announced.wait(30)
    with (
        socket.create_connection(sock.getsockname(), timeout=30) as slow,
        socket.create_connection(sock.getsockname(), timeout=30) as half,
    ):
        head = f"POST /api/v1/dispatch HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
        head += "Content-Length: 9\r\n\r\n"
        half.sendall(head.encode() + b"{")
        slow.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        begun = slow.recv(1) if "slow" in fault else b""
        until_taken(server, requests=2)
        server.should_exit = True
        answers = [all_of(slow), all_of(half)]
    thread.join(10)
    assert not thread.is_alive()
    assert answers[1].startswith(b"HTTP/1.1 503 ") and b'{"error":"the hall is shutting down' in answers[1]
    assert (begun + answers[0]).startswith(b"HTTP/1.1 200 " if begun else b"HTTP/1.1 503 ")
    assert [record.message for record in caplog.records] == [
        "2 requests under way: waiting at most 0 s; another signal ends the hall now",
        "2 requests not answered within 0 s: refused",
    ]
    assert not any(record.exc_info for record in caplog.records)


def all_of(connection: socket.socket) -> bytes:
    """Read until the other end closes."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


def until_taken(server: ForegroundServer, requests: int) -> None:
    """Wait until this many requests are under way."""
    for _ in range(3000):
        if len(server.server_state.tasks) == requests:
            return
        threading.Event().wait(0.01)
    raise AssertionError(f"not {requests} requests under way")


def refused(url: str) -> None:
    """Wait until nobody listens there any more."""
    host, port = url.removeprefix("http://").split(":")
    for _ in range(3000):
        try:
            socket.create_connection((host, int(port)), timeout=0.1).close()
        except OSError:
            return
        threading.Event().wait(0.01)
    raise AssertionError(f"{url} still listens")


@POSIX
def test_losing_the_terminal_ends_it_like_a_signal(db: Path, tmp_path: Path) -> None:
    """F31: a window that is closed sends SIGHUP."""
    faults = tmp_path / "faults.toml"
    faults.write_text('[[fault]]\npath = "/api/v1/verify/*"\nlatency = 0.5\n')
    with served(db, "--seed", "demo", "--faults", str(faults)) as hall, under_way(hall, "/api/v1/verify/w") as slow:
        assert hall.end(signal.SIGHUP) == 0
        assert all_of(slow).startswith(b"HTTP/1.1 404 ")


@POSIX
def test_with_nohup_it_survives_its_terminal(db: Path) -> None:
    """F31: a request to ignore SIGHUP is obeyed."""
    with served(db, by=["nohup", *PROGRAM]) as hall, hall.http() as http:
        hall.process.send_signal(signal.SIGHUP)
        assert http.get("/health").status_code == 200
        assert hall.end() == 0


@POSIX
def test_a_lookup_of_its_upstreams_name_that_hangs_keeps_it_from_nothing(db: Path) -> None:
    """F31: a resolver may take half a minute to give up."""
    hang = "lambda *_, **__: print(flush=True) or threading.Event().wait()"
    by = [*PROGRAM[:2], f"import socket, threading; socket.getaddrinfo = {hang}; {PROGRAM[2]}"]
    with served(db, "--upstream", "https://registry.example", by=by) as hall:
        assert hall.process.stdout is not None
        assert hall.process.stdout.readline() == "\n"  # it asks now
        with hall.http() as http:
            assert http.get("/health").status_code == 200
        assert hall.end() == 0  # otherwise it waits for a lookup that never returns


@POSIX
def test_ctrl_c_ends_it_with_130(db: Path) -> None:
    with served(db) as hall:
        assert hall.end(signal.SIGINT) == 130


@POSIX
def test_what_was_answered_is_there_after_kill_9(db: Path) -> None:
    with served(db) as hall, hall.http() as http:
        asked = {"namespace": "org.yourco", "display_name": "N", "capabilities": ["a"], "sha256": "ab" * 32}
        enrolled = [http.post("/api/v1/hall/enroll", json=asked).json()["worker_id"] for _ in range(20)]
        hall.process.kill()
        hall.process.wait(10)
    assert sqlite3.connect(db).execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with served(db, key=hall.key) as again, again.http() as http:
        for worker_id in enrolled:
            assert http.get(f"/api/v1/verify/{worker_id}").json()["worker_id"] == worker_id


def test_faults_of_a_file_are_checked(db: Path, tmp_path: Path) -> None:
    faults = tmp_path / "faults.toml"
    faults.write_text('[[fault]]\npath = "*"\nlatencyy = 1\n')
    result = run("serve", "--port", "0", "--db", db, "--faults", faults)
    assert result.exit_code == 2
    assert f"{faults}:3:1:" in result.stderr and "latencyy" in result.stderr


@POSIX
def test_every_decision_that_was_sent_is_in_the_log_after_kill_9_under_load(db: Path) -> None:
    told: set[str] = set()
    with served(db, "--seed", "demo", "--rate", "0") as hall:
        enough = threading.Event()

        def ask() -> None:
            with hall.http() as http, suppress(httpx.TransportError):
                while True:
                    told.add(http.post("/api/v1/dispatch", json=ASK).json()["decision_id"])
                    if len(told) > 200:
                        enough.set()

        with ThreadPoolExecutor(8) as pool:
            asking = [pool.submit(ask) for _ in range(8)]
            assert enough.wait(20)
            hall.process.kill()
            for each in asking:
                each.result(10)
    store = SqliteStore(db)
    logged = [entry["decision_id"] for entry in audit.decisions(store, 100_000)]
    assert audit.verify(store).whole
    store.close()
    assert told <= set(logged) and len(set(logged)) == len(logged)


def test_the_first_key_of_a_new_store_can_go_to_a_file_instead(db: Path, tmp_path: Path) -> None:
    file = tmp_path / "first-key"
    with served(db, "--first-key", str(file), key="later") as hall:
        hall.key = file.read_text().strip()
        assert hall.key.startswith("phk_live_")
        if sys.platform != "win32":
            assert file.stat().st_mode & 0o777 == 0o600
        with hall.http() as http:
            assert http.get("/api/v1/verify/none").status_code == 404
        assert hall.end() == 0
        assert hall.process.stdout is not None and hall.process.stdout.read() == ""
    kept = file.read_text()
    with served(db, "--first-key", str(file), key=hall.key) as again:
        assert again.end() == 0
    assert file.read_text() == kept


def test_a_first_key_is_not_made_if_its_file_cannot_be_written(db: Path, tmp_path: Path) -> None:
    file = tmp_path / "first-key"
    file.write_text("somebody else's")
    refused = run("serve", "--port", "0", "--db", db, "--first-key", file)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert f"{file} exists, but the store is new" in refused.stderr
    assert file.read_text() == "somebody else's"
    assert run("serve", "--port", "0", "--db", db, "--first-key", tmp_path / "none" / "key").exit_code == 2
    assert run("keys", "list", "--db", db).stdout == ""


@POSIX
def test_the_service_manager_hears_when_it_answers_and_when_it_stops(db: Path, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(60)
        with served(db, NOTIFY_SOCKET=str(tmp_path / "notify")) as hall:
            assert manager.recv(100) == b"READY=1"
            with hall.http() as http:
                assert http.get("/health").status_code == 200
            assert hall.end() == 0
            assert manager.recv(100) == b"STOPPING=1"
