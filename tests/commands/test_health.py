"""`pyhall-tui health`: 0 if a hall or a watcher is up, 1 if not, within the time, without a traceback."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from click.testing import CliRunner, Result

from pyhall_tui.commands import health
from tests.hall.process import served
from tests.live_hall import live_hall
from tests.watch.program import profile_of, watching


def ask(*arguments: str) -> Result:
    return CliRunner().invoke(health.health_command, arguments, prog_name="pyhall-tui health")


@contextmanager
def answering(answer: bytes | None) -> Iterator[str]:
    """Give each connection the answer and close it; keep it open without one if there is none. Yields its URL."""
    listening = socket.create_server(("127.0.0.1", 0))
    kept: list[socket.socket] = []

    def take() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            kept.append(connection)
            if answer is not None:
                connection.recv(4096)
                connection.sendall(answer)
                connection.close()

    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(30)
        for each in kept:
            each.close()


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


def of_json(body: bytes, status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 " + status + b"\r\nContent-Type: application/json\r\n\r\n" + body


def test_a_hall_is_up() -> None:
    with live_hall() as hall:
        done = ask(hall.url)
        assert [request.raw_path for request in hall.requests] == ["/health"]
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{hall.url}/health is up, version ")


def test_a_hall_with_a_certificate_for_another_name_is_up(tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("hall-1")
    certificate.private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
    both = str(tmp_path / "both.pem")
    with served(tmp_path / "hall.db", "--tls-cert", both, "--tls-key", both) as hall:
        assert ask(hall.url).exit_code == 0
        plain = ask(hall.url.replace("https", "http"))
    assert plain.exit_code == 1
    assert "Traceback" not in plain.output


@pytest.mark.thorough
def test_a_watcher_is_up(tmp_path: Path) -> None:
    with live_hall() as hall:
        profile_of(tmp_path, hall)
        with watching(tmp_path, hall.key, "--metrics", "127.0.0.1:0") as watch:
            watch.wait_for(lambda: "metrics are at" in watch.errors)
            url = watch.errors.partition("metrics are at ")[2].split()[0].rstrip(".")
            done = ask(url)
    assert (done.exit_code, done.output) == (0, f"{url} is up\n")
    assert ask(url).exit_code == 1


def test_it_is_not_up_if_nothing_listens() -> None:
    url = f"http://127.0.0.1:{closed_port()}"
    done = ask(url)
    assert (done.exit_code, done.output) == (1, f"pyhall-tui health: nothing listens at {url}/health\n")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46",
        of_json(b'{"ok": true, "version": "1"}', b"503 Service Unavailable"),
        of_json(b'{"ok": false, "version": "1"}'),
        of_json(b'{"ok": true}'),
        of_json(b'{"ok": 1, "version": "1"}'),
        of_json(b"[" * 60_000),
        of_json(b"\xff\xfe"),
        of_json(b"<html>pyhall_</html>"),
        b"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/health\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000,
    ],
)
def test_what_is_not_a_halls_or_a_watchers_answer_is_not_up(answer: bytes) -> None:
    with answering(answer) as url:
        done = ask(url)
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"pyhall-tui health: {url}/health ")


def test_control_characters_of_an_answer_do_not_reach_the_terminal() -> None:
    with answering(of_json(b'{"ok": true, "version": "1\\u001b[2J\\n"}')) as url:
        done = ask(url)
    assert "\x1b" not in done.output
    assert done.output.count("\n") == 1


def test_it_waits_only_as_long_as_it_should() -> None:
    with answering(None) as url:
        done = ask(url, "--timeout", "0.2")
    assert (done.exit_code, done.stderr) == (1, f"pyhall-tui health: {url}/health does not answer within 0.2 s\n")


@pytest.mark.parametrize(
    "address", ["hall", "127.0.0.1:8765", "ftp://a", "http://", "http://a:0", "http://a:x", "http://k@a", "http://a/ b"]
)
def test_what_is_not_a_url_is_wrong_usage(address: str) -> None:
    done = ask(address)
    assert done.exit_code == 2  # click's own; the program makes it 64
    assert "is not a URL like" in done.stderr


def usual(monkeypatch: pytest.MonkeyPatch, hall: str, watcher: str) -> None:
    """Move the usual places: others may listen there."""
    monkeypatch.setattr(health, "USUAL", ((f"{hall}/health", f"{hall}/health".replace("http:", "https:")), (watcher,)))


def test_without_a_url_one_that_is_up_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    with live_hall() as hall:
        usual(monkeypatch, hall.url, f"http://127.0.0.1:{closed_port()}/metrics")
        done = ask()
    assert (done.exit_code, done.stderr) == (0, "")


def test_without_a_url_one_that_is_ill_is_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    with live_hall() as hall, answering(of_json(b"", b"500 Internal Server Error")) as watcher:
        usual(monkeypatch, hall.url, f"{watcher}/metrics")
        done = ask()
    assert done.exit_code == 1
    assert done.stderr == f"pyhall-tui health: {watcher}/metrics answers 500\n"


def test_without_a_url_it_is_not_up_if_nothing_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    usual(monkeypatch, f"http://127.0.0.1:{closed_port()}", f"http://127.0.0.1:{closed_port()}/metrics")
    done = ask()
    assert done.exit_code == 1
    assert done.stderr.count("nothing listens at") == 2


def test_without_a_url_a_hall_with_tls_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    trustme.CA().issue_cert("hall-1").private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
    both = str(tmp_path / "both.pem")
    with served(tmp_path / "hall.db", "--tls-cert", both, "--tls-key", both) as hall:
        usual(monkeypatch, hall.url.replace("https", "http"), f"http://127.0.0.1:{closed_port()}/metrics")
        done = ask()
        hall.end()
        assert hall.process.stderr is not None and "WARNING" not in hall.process.stderr.read()
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith(hall.url)


def test_what_is_neither_tls_nor_http_is_still_reported_by_a_hall_with_tls(tmp_path: Path) -> None:
    trustme.CA().issue_cert("hall-1").private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
    both = str(tmp_path / "both.pem")
    with served(tmp_path / "hall.db", "--tls-cert", both, "--tls-key", both) as hall:
        with socket.create_connection(("127.0.0.1", int(hall.url.rpartition(":")[2]))) as stranger:
            stranger.sendall(b"\x00\x01garbage that is not TLS\r\n\r\n")
            assert stranger.recv(100) is not None
        hall.end()
        assert hall.process.stderr is not None and "invalid HTTP" in hall.process.stderr.read()


def test_the_program_itself_ends_with_64_for_wrong_usage() -> None:
    done = subprocess.run([sys.executable, "-m", "pyhall_tui", "health", "x"], capture_output=True, text=True)
    assert done.returncode == 64
