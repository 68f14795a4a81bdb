"""Which `Host` names and pages a hall answers: no web page reaches it through a visitor's browser."""

import socket
from pathlib import Path

import httpx
import pytest

from pyhall_tui.hosts import name_of
from tests.hall.process import run, served
from tests.hall.raw_client import status_of, tell
from tests.live_hall import LiveHall, live_hall

PATHS = ("/health", "/workers", "/policy", "/status", "/alerts", "/dispatches", "/openapi.json", "/api/v1/ban-list")
OWN = (
    *("127.0.0.1", "127.0.0.1:8765", "localhost", "LOCALHOST:9", "localhost.", "localhost.:80", "localhost:"),
    *(
        "127.9.8.7",
        "[::1]",
        "[::1]:8765",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "hall.localhost",
        "LocalHost:65535",
    ),
    socket.gethostname(),
)
OTHERS = (
    *(
        "evil.example",
        "evil.example:8765",
        "EVIL.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "10.9.8.7",
    ),
    *(
        "evillocalhost",
        "localhost.com",
        "[2001:db8::1]",
        "0.0.0.0",
        "[::]",
        "2130706433",
        "0x7f.1",
        "127.0.0.1..",
        "[::2]",
    ),
)
NO_HOSTS = (
    "",
    " ",
    "a b",
    "localhost:x",
    "localhost:999999",
    "evil@localhost",
    "localhost/evil",
    "localhost,evil.example",
)
NO_HOSTS += ("http://localhost", "[::1", "::1]", "localhost:80:80", "lo\xe9alhost", "[::1]x", "?", "localhost#")


@pytest.fixture
def public() -> LiveHall:
    with live_hall(public_reads=True, local_writes=True) as hall:
        yield hall


@pytest.mark.parametrize("host", OWN)
def test_names_of_this_machine_are_answered(public: LiveHall, host: str) -> None:
    """F96: whatever the port, because it may be forwarded."""
    assert status_of(public.url, f"GET /workers HTTP/1.1\r\nHost: {host}") == 200


@pytest.mark.parametrize("host", OTHERS)
def test_others_are_refused(public: LiveHall, host: str) -> None:
    """F96: a page whose name leads to this machine reads nothing."""
    answer = tell(public.url, f"GET /workers HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 421 ")
    assert b"--allow-host" in answer and b"wkr_abc123" not in answer


@pytest.mark.parametrize("path", PATHS)
def test_no_path_is_answered_for_others(public: LiveHall, path: str) -> None:
    """F96: and a key changes nothing."""
    for key in ("", f"Authorization: Bearer {public.key}\r\n"):
        assert status_of(public.url, f"GET {path} HTTP/1.1\r\n{key}Host: evil.example") == 421


@pytest.mark.parametrize("host", NO_HOSTS)
def test_what_is_not_a_host_is_refused(public: LiveHall, host: str) -> None:
    """F96: nothing is guessed."""
    assert status_of(public.url, f"GET /workers HTTP/1.1\r\nHost: {host}") == 400


@pytest.mark.parametrize(
    "head",
    [
        "GET /workers HTTP/1.1",
        "GET /workers HTTP/1.0",
        "GET /workers HTTP/1.1\r\nHost: localhost\r\nHost: localhost",
        "GET /workers HTTP/1.1\r\nHost: evil.example\r\nHost: localhost",
        "GET /workers HTTP/1.0\r\nHost: localhost\r\nHost: evil.example",
        "GET http://evil.example/workers HTTP/1.1\r\nHost: localhost",
        "GET http://localhost/workers HTTP/1.1\r\nHost: evil.example",
        "GET //evil.example/workers HTTP/1.1\r\nHost: evil.example",
    ],
)
def test_one_host_is_named(public: LiveHall, head: str) -> None:
    """F96: no host, two, or one in the target."""
    assert status_of(public.url, head) in (400, 421)


CROSS = (
    "Sec-Fetch-Site: cross-site",
    "Sec-Fetch-Site: same-site",
    "sec-fetch-site:  Cross-Site ",
    "Sec-Fetch-Site: none\r\nSec-Fetch-Site: cross-site",
    "Sec-Fetch-Site: anything",
    "Origin: https://evil.example",
    "Origin: null",
    "Origin: http://localhost.evil.example",
    "Origin: http://localhost:3000",
    "Origin: ",
    "Origin: http://[",
)


@pytest.mark.parametrize("header", CROSS)
def test_pages_of_other_sites_are_refused(public: LiveHall, header: str) -> None:
    """F96: they may not read, and above all not write."""
    decision = '{"capability_id": "c"}'
    write = f"POST /decisions/ingest HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(decision)}\r\n"
    assert status_of(public.url, f"GET /workers HTTP/1.1\r\nHost: localhost\r\n{header}") == 403
    answer = tell(public.url, f"{write}{header}\r\nConnection: close\r\n\r\n{decision}".encode())
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert not httpx.get(f"{public.url}/dispatches", trust_env=False).json()["dispatches"]


@pytest.mark.parametrize("header", ["Sec-Fetch-Site: none", "Sec-Fetch-Site: same-origin", "Origin: http://LOCALHOST"])
def test_an_address_typed_into_a_browser_is_answered(public: LiveHall, header: str) -> None:
    """F96: reading by hand is not another site's page."""
    assert status_of(public.url, f"GET /workers HTTP/1.1\r\nHost: localhost\r\n{header}") == 200


PASSED_ON = ["X-Forwarded-For: 192.0.2.1", "Via: 1.1 proxy", "X-Forwarded-Host: h", "CF-Connecting-IP: 192.0.2.1"]
PASSED_ON += ["True-Client-IP: 192.0.2.1", "X-Client-IP: 192.0.2.1", "x-original-forwarded-for: 192.0.2.1"]


@pytest.mark.parametrize("header", ["Sec-Fetch-Site: same-origin", *PASSED_ON])
def test_writes_without_a_key_are_of_this_machine_and_no_browser(public: LiveHall, header: str) -> None:
    """F96: what a local proxy forwards comes from elsewhere."""
    head = f"POST /decisions/ingest HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n{header}"
    assert status_of(public.url, head) == 401


@pytest.mark.parametrize("header", PASSED_ON)
def test_what_a_proxy_passes_on_may_not_see_the_policy(public: LiveHall, header: str) -> None:
    """F96: only this machine may, and the proxy is not who asks."""
    assert status_of(public.url, "GET /policy HTTP/1.1\r\nHost: localhost") == 200
    assert status_of(public.url, f"GET /policy HTTP/1.1\r\nHost: localhost\r\n{header}") == 403


def test_a_proxy_that_adds_no_header_is_known_by_how_it_asks(tmp_path: Path) -> None:
    """F96: it asks in HTTP/1.0, or for the name that its clients asked for."""
    with served(tmp_path / "hall.db", "--public-reads", "--allow-host", "hall.example") as hall:
        for line, host, expected in (
            ("HTTP/1.1", "localhost", 200),
            ("HTTP/1.1", "hall.example", 403),
            ("HTTP/1.0", "localhost", 403),
        ):
            assert status_of(hall.url, f"GET /policy {line}\r\nHost: {host}") == expected
            assert status_of(hall.url, f"GET /workers {line}\r\nHost: {host}") == 200


def test_further_names_are_an_option(tmp_path: Path) -> None:
    """F96: a hall behind a proxy, or on all addresses."""
    names = ("--allow-host", "Hall.Example.", "--allow-host", "2001:db8::1", "--allow-host", "Bücher.example")
    with served(tmp_path / "hall.db", "--host", "0.0.0.0", "--allow-plain-http", *names) as hall:
        for host in (
            "hall.example",
            "hall.example:443",
            "[2001:DB8:0::1]",
            "0.0.0.0",
            "localhost",
            "xn--bcher-kva.example",
        ):
            assert status_of(hall.url, f"GET /health HTTP/1.1\r\nHost: {host}") == 200, host
        assert status_of(hall.url, "GET /health HTTP/1.1\r\nHost: other.example") == 421


@pytest.mark.parametrize("name", ["http://hall.example", "a b", "", "hall.example/x", "☃.example", "bücher.example:x"])
def test_an_option_that_is_not_a_name_is_a_mistake(name: str, tmp_path: Path) -> None:
    """F96: it would never be answered."""
    result = run("serve", "--port", "0", "--db", tmp_path / "hall.db", "--allow-host", name)
    assert result.exit_code == 2 and "--allow-host" in result.stderr
    assert not (tmp_path / "hall.db").exists()


def test_a_name_has_one_form() -> None:
    """F96: capitals, a dot at the end, a port, an address written otherwise."""
    assert name_of("Hall.Example.:80") == name_of("hall.example") == "hall.example"
    assert name_of("[2001:DB8:0:0::1]:80") == name_of("2001:db8::1") == "2001:db8::1"
    assert name_of("[::ffff:192.0.2.1]") == "192.0.2.1"
    assert name_of("[fe80::1%eth0]") == "fe80::1"
