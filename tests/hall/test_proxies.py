"""Who a request comes from: only a named proxy says so, and a proxy on this machine does not make a stranger local."""

import pytest

from pyhall_tui.hall.guests import Guest, Guests
from pyhall_tui.hall.proxies import Proxies, read_network
from tests.hall.raw_client import tell
from tests.live_hall import LiveHall, live_hall

TRUSTED = Proxies(map(read_network, ("10.0.0.0/8", "192.0.2.1", "fd00::/8")))
LOCAL = Proxies([read_network("127.0.0.1")])


@pytest.mark.parametrize(
    ("headers", "client"),
    [
        ([], None),
        ([("x-forwarded-for", "203.0.113.7")], "203.0.113.7"),
        ([("x-forwarded-for", "127.0.0.1, 203.0.113.7")], "203.0.113.7"),
        ([("x-forwarded-for", "127.0.0.1"), ("x-forwarded-for", "203.0.113.7, 10.1.1.1")], "203.0.113.7"),
        ([("x-forwarded-for", "203.0.113.7,10.0.0.1 ,\t192.0.2.1")], "203.0.113.7"),
        ([("x-forwarded-for", "10.0.0.1, 10.0.0.2")], "10.0.0.1"),
        ([("x-forwarded-for", "203.0.113.7:4711")], "203.0.113.7"),
        ([("x-forwarded-for", "::ffff:203.0.113.7")], "203.0.113.7"),
        ([("x-forwarded-for", "2001:db8::1")], "2001:db8::1"),
        ([("x-forwarded-for", "[2001:db8::1]:443, fd00::1")], "2001:db8::1"),
        ([("x-forwarded-for", "203.0.113.7, unknown")], None),
        ([("x-forwarded-for", "203.0.113.7,")], None),
        ([("x-forwarded-for", "")], None),
        ([("x-forwarded-for", "\x00" * 3)], None),
        ([("x-forwarded-for", "1.1.1.1," * 20_000 + "203.0.113.7")], "203.0.113.7"),
        ([("forwarded", "for=203.0.113.7")], "203.0.113.7"),
        ([("forwarded", 'For="[2001:db8::1]:4711";proto=https;by=10.0.0.1')], "2001:db8::1"),
        ([("forwarded", 'for="127.0.0.1, proto=http;for=203.0.113.7;host=x')], "203.0.113.7"),
        ([("forwarded", "for=127.0.0.1"), ("forwarded", "proto=https; for=203.0.113.7, for=10.0.0.1")], "203.0.113.7"),
        ([("forwarded", "for=_hidden")], None),
        ([("forwarded", "proto=https")], None),
        ([("forwarded", "for=127.0.0.1"), ("x-forwarded-for", "203.0.113.7")], None),
        ([("forwarded", "for=203.0.113.7"), ("x-forwarded-for", "203.0.113.7")], "203.0.113.7"),
    ],
)
def test_the_client_is_the_last_address_that_is_not_a_proxy_s(headers: list[tuple[str, str]], client: str) -> None:
    sent = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    assert TRUSTED.client_of(sent) == client


@pytest.mark.parametrize("text", ["", "x", "10.0.0.0/33", "0.0.0.0/0", "::/0", "hall.example"])
def test_a_network_that_is_not_one_or_holds_everybody_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"neither an address nor|every address"):
        read_network(text)


def ask(hall: LiveHall, *headers: str, path: str = "/policy", version: str = "1.1", host: str = "localhost") -> int:
    """Send a request, by default with the right key; return the status."""
    key = [] if any(each.startswith("Authorization") for each in headers) else [f"Authorization: Bearer {hall.key}"]
    lines = [f"GET {path} HTTP/{version}", f"Host: {host}", "Connection: close", *key, *headers]
    return int(tell(hall.url, ("\r\n".join(lines) + "\r\n\r\n").encode()).split()[1])


def test_a_proxy_on_this_machine_does_not_make_a_stranger_local() -> None:
    with live_hall() as hall:
        assert ask(hall) == 200
        assert ask(hall, host="127.0.0.1") == ask(hall, host="[::1]") == ask(hall, host="hall.localhost") == 200
        assert ask(hall, "X-Forwarded-For: 127.0.0.1") == 403
        assert ask(hall, "Forwarded: for=127.0.0.1") == 403
        assert ask(hall, "Via: 1.1 proxy") == 403
        assert ask(hall, version="1.0") == 403


def test_this_machine_s_name_in_the_network_is_what_a_proxy_s_clients_ask_for() -> None:
    import socket

    name = socket.gethostname()
    with live_hall() as hall:
        assert ask(hall, host=name) == (200 if name == "localhost" else 403)
        assert ask(hall, host=name, path="/workers") == 200


def test_what_a_named_proxy_passes_on_is_never_local_even_without_a_header() -> None:
    with live_hall(proxies=LOCAL, local_writes=True) as hall:
        assert ask(hall) == 403
        assert ask(hall, "X-Forwarded-For: 127.0.0.1") == 403
        assert ask(hall, path="/workers") == 200


WRONG = "Authorization: Bearer wrong"


def wrong_keys(hall: LiveHall, client: str, count: int) -> list[int]:
    return [ask(hall, WRONG, f"X-Forwarded-For: {client}", path="/workers") for _ in range(count)]


def test_wrong_keys_are_slowed_down_for_each_address_and_a_right_one_is_not() -> None:
    with live_hall(proxies=LOCAL) as hall:
        assert wrong_keys(hall, "203.0.113.7", 21) == [401] * 20 + [429]
        assert ask(hall, "X-Forwarded-For: 203.0.113.7", path="/workers") == 200
        assert wrong_keys(hall, "203.0.113.8", 1) == [401]
        assert wrong_keys(hall, "9.9.9.9, 203.0.113.7", 1) == [429], "what the client wrote itself doesn't count"


def test_an_ipv6_network_is_one_address() -> None:
    with live_hall(proxies=LOCAL) as hall:
        for number in range(20):
            assert wrong_keys(hall, f"2001:db8::{number:x}", 1) == [401]
        assert wrong_keys(hall, "2001:db8::ffff", 1) == [429]
        assert wrong_keys(hall, "2001:db8:0:1::1", 1) == [401]


def test_who_waits_may_try_again_and_is_told_when() -> None:
    with live_hall(proxies=LOCAL) as hall:
        wrong_keys(hall, "203.0.113.7", 20)
        lines = (
            f"GET /workers HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{WRONG}\r\nX-Forwarded-For: 203.0.113.7"
        )
        answer = tell(hall.url, lines.encode() + b"\r\n\r\n").lower()
        assert b"retry-after: 3\r\n" in answer and b"too many wrong api keys" in answer


def test_an_unknown_proxy_on_this_machine_is_slowed_down_as_one_and_programs_here_are_not() -> None:
    with live_hall() as hall:
        for number in range(20):
            assert wrong_keys(hall, f"203.0.113.{number}", 1) == [401]
        assert wrong_keys(hall, "203.0.113.99", 1) == [429]
        assert [ask(hall, WRONG, path="/workers") for _ in range(30)] == [401] * 30


def test_any_number_of_addresses_takes_little_memory() -> None:
    with live_hall() as hall:
        for number in range(100_000):
            hall.hall.wrong_keys.wait(f"address {number}")
        assert len(hall.hall.wrong_keys) <= 10_000


def test_a_named_proxy_has_no_share_of_the_connections() -> None:
    guests = Guests(most=10, spared=TRUSTED)
    ended: list[str] = []

    def come(host: str) -> Guest:
        guest = guests.new(host)
        guest.end = lambda: ended.append(host)
        assert guests.let_in(guest)
        return guest

    for _ in range(8):
        come("10.0.0.1")
    assert ended == []
    for _ in range(8):
        come("203.0.113.7")
    assert ended.count("203.0.113.7") >= 3
