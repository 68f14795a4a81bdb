"""Where requests go: an id is one segment, no redirect is followed, the right proxy is used, nothing is unprotected."""

from base64 import b64encode

import pytest

from pyhall_tui.registry.errors import NotSent, Redirected, RegistryError, UnexpectedStatus, Unreachable
from pyhall_tui.registry.models import DispatchRequest
from pyhall_tui.registry.origin import read_origin, segment
from pyhall_tui.registry.proxy import choose_proxy
from tests.registry.conftest import KEY, OpenClient
from tests.registry.raw_server import RawServer, answer, json, raw_server, verdict

WORKER = "wkr_abc123"
DISPATCH = DispatchRequest(namespace="org.yourco", capability="c", worker_id=WORKER, context={})


@pytest.mark.parametrize(
    ("worker_id", "on_the_wire"),
    [
        ("wkr_abc123", "wkr_abc123"),
        ("org.acme.mailer.prod-01", "org.acme.mailer.prod-01"),
        ("a:b", "a%3Ab"),
        ("a/b", "a%2Fb"),
        ("a?b", "a%3Fb"),
        ("a#b", "a%23b"),
        ("../x", "..%2Fx"),
        (".", "%2E"),
        ("..", "%2E%2E"),
        ("%2e%2e", "%252e%252e"),
        ("ü", "%C3%BC"),
        ("a b\r\nX: y", "a%20b%0D%0AX%3A%20y"),
        ("\x00", "%00"),
        ("a\\b;c=d&e+f@g", "a%5Cb%3Bc%3Dd%26e%2Bf%40g"),
        ("{}", "%7B%7D"),
        ("//evil.example/x", "%2F%2Fevil.example%2Fx"),
    ],
)
@pytest.mark.parametrize("ending", ["", "/"])
async def test_a_worker_id_reaches_the_registry_as_one_segment(
    server: RawServer, open_client: OpenClient, worker_id: str, on_the_wire: str, ending: str
) -> None:
    """F13: also below a base URL with a path, with and without a slash at its end."""
    server.answer(verdict(worker_id), json({"worker_id": worker_id}))
    client = open_client(f"{server.url}/pyhall{ending}")
    await client.verify(worker_id)
    await client.attest(worker_id, "ab" * 32)
    assert [request.target for request in server.requests] == [
        f"/pyhall/api/v1/verify/{on_the_wire}",
        f"/pyhall/api/v1/workers/{on_the_wire}/attest",
    ]


@pytest.mark.parametrize("worker_id", ["", "\ud800", "x" * 70_000])
async def test_an_id_that_no_address_can_carry_is_not_sent(
    server: RawServer, open_client: OpenClient, worker_id: str
) -> None:
    with pytest.raises(NotSent):
        await open_client(server.url).verify(worker_id)
    assert not server.requests


def test_addresses_of_one_registry_are_one() -> None:
    """F13."""
    spellings = ("https://h/pyhall", "https://H:443/pyhall/", " https://h/pyhall// ")
    assert len({read_origin(url).base_url for url in spellings}) == 1
    assert read_origin("http://[::1]:8765").base_url == "http://[::1]:8765"


@pytest.mark.parametrize("url", ["", "h", "ftp://h", "https://", "https://u:p@h", "https://h/?a=b", "https://h:x"])
async def test_an_address_that_cannot_be_used_is_said_when_asked_and_not_shown(
    open_client: OpenClient, url: str
) -> None:
    with pytest.raises(NotSent) as caught:
        await open_client(url).health()
    assert str(caught.value).endswith(".") and "u:p" not in str(caught.value)


def test_a_segment_is_never_empty_or_dots() -> None:
    assert segment("...") == "..."
    with pytest.raises(ValueError, match="empty"):
        segment("")


@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent"])
@pytest.mark.parametrize("target", ["https://127.0.0.1/new", "/elsewhere", "//other.example/x"])
async def test_a_redirect_is_never_followed(
    server: RawServer, open_client: OpenClient, status: str, target: str
) -> None:
    """F14: not as a GET, not at all; the error has the new address in full."""
    server.answer(answer(b"", status, f"Location: {target}"))
    client = open_client(server.url)
    wanted = {"/elsewhere": f"{server.url}/elsewhere", "//other.example/x": "http://other.example/x"}
    for operation in (client.dispatch(DISPATCH), client.verify(WORKER)):
        with pytest.raises(Redirected) as caught:
            await operation
        assert caught.value.location == wanted.get(target, target)
        assert caught.value.location in str(caught.value) and not caught.value.may_have_reached
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "location", ["", "http://[bad", "https://h:port/", "http://[]/", "\xff", "javascript:a()", "x" * 70_000]
)
async def test_a_redirect_to_an_address_that_cannot_be_read_is_one_too(
    server: RawServer, open_client: OpenClient, location: str
) -> None:
    """F14: and a refusal, so that nothing was decided."""
    server.answer(answer(b"", "302 Found", f"Location: {location}"))
    for operation in (open_client(server.url).verify(WORKER), open_client(server.url).dispatch(DISPATCH)):
        with pytest.raises(Redirected) as caught:
            await operation
        assert not caught.value.may_have_reached and caught.value.base_url is None
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("location", "base_url"),
    [
        ("https://new.example/api/v1/dispatch", "https://new.example"),
        ("/below/api/v1/dispatch/", "{own}/below"),
        ("//other.example:9/api/v1/dispatch", "http://other.example:9"),
        ("https://sso.example/login?next=/api/v1/dispatch", None),
        ("https://sso.example/login#/api/v1/dispatch", None),
        ("https://user:word@new.example/api/v1/dispatch", None),
        ("ftp://new.example/api/v1/dispatch", None),
        ("{own}/api/v1/dispatch/", None),
        ("https://new.example/", None),
    ],
)
async def test_a_redirect_gives_a_registry_url_only_for_the_same_request_elsewhere(
    server: RawServer, open_client: OpenClient, location: str, base_url: str | None
) -> None:
    """F14: only then is it advised to put an address into the profile, and which."""
    server.answer(answer(b"", "308 Permanent Redirect", f"Location: {location.format(own=server.url)}"))
    with pytest.raises(Redirected) as caught:
        await open_client(server.url).dispatch(DISPATCH)
    wanted = base_url and base_url.format(own=server.url)
    assert caught.value.base_url == wanted
    assert caught.value.advice.startswith(f"Make {wanted} the profile's" if wanted else "Check the profile's")


@pytest.mark.parametrize("status", ["300 Multiple Choices", "304 Not Modified", "305 Use Proxy"])
async def test_a_3xx_that_leads_nowhere_is_an_unexpected_status(
    server: RawServer, open_client: OpenClient, status: str
) -> None:
    """F14."""
    server.answer(answer(b"", status))
    for operation in (open_client(server.url).verify(WORKER), open_client(server.url).dispatch(DISPATCH)):
        with pytest.raises(UnexpectedStatus, match=r"without a message\.$") as caught:
            await operation
        assert not caught.value.may_have_reached


async def test_a_key_is_not_sent_on_to_where_a_redirect_points(server: RawServer, open_client: OpenClient) -> None:
    async with raw_server() as other:
        other.answer(verdict())
        server.answer(answer(b"", "302 Found", f"Location: {other.url}/api/v1/verify/x"))
        with pytest.raises(Redirected):
            await open_client(server.url).verify(WORKER)
        assert not other.requests


async def test_plain_http_to_another_machine_is_refused(open_client: OpenClient) -> None:
    with pytest.raises(NotSent, match="allow_insecure"):
        await open_client("http://registry.invalid").verify(WORKER)


async def test_plain_http_that_is_allowed_is_a_warning(open_client: OpenClient) -> None:
    client = open_client("http://registry.invalid", allow_insecure=True)
    assert "registry.invalid" in client.warnings[0]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", "https://h"])
async def test_this_machine_and_https_need_no_leave(open_client: OpenClient, url: str) -> None:
    assert open_client(url).warnings == ()


async def test_this_machine_is_reached_without_a_proxy(
    server: RawServer, open_client: OpenClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F11: with a dead proxy in the environment."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    server.answer(verdict())
    assert (await open_client(server.url).verify(WORKER)).status == "active"


async def test_a_proxy_is_used_as_the_environment_says(
    server: RawServer, open_client: OpenClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"127.0.0.1:{server.port}")
    server.answer(verdict())
    await open_client("http://registry.invalid/p", allow_insecure=True).verify(WORKER)
    assert server.requests[0].target == "http://registry.invalid/p/api/v1/verify/wkr_abc123"


async def test_a_proxy_on_the_way_to_https_sees_no_key(
    server: RawServer, open_client: OpenClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", server.url)
    server.answer(answer(b"", "407 Proxy Authentication Required"))
    with pytest.raises(Unreachable, match=r"proxy for registry\.invalid refused: 407"):
        await open_client("https://registry.invalid").verify(WORKER, retry=False)
    assert server.requests[0].line.startswith("CONNECT registry.invalid:443")
    assert KEY.encode() not in server.bytes_seen


@pytest.mark.parametrize(
    ("no_proxy", "url", "direct"),
    [
        ("*", "https://registry.example", True),
        ("registry.example", "https://registry.example", True),
        (".example", "https://registry.example", True),
        ("*.example", "https://registry.example", True),
        ("example", "https://registry.example", True),
        ("ample", "https://registry.example", False),
        ("registry.example:443", "https://registry.example", True),
        ("registry.example:8443", "https://registry.example", False),
        ("10.0.0.0/8", "https://10.1.2.3", True),
        ("10.0.0.0/8", "https://11.1.2.3", False),
        ("10.1.2.3", "https://10.1.2.3:8443", True),
        ("[2001:db8::1]", "https://[2001:db8::1]", True),
        ("2001:db8::/32", "https://[2001:db8::1]", True),
        ("[2001:db8::1]:8443", "https://[2001:db8::1]:8443", True),
        ("[2001:db8::1]:8443", "https://[2001:db8::1]", False),
        ("localhost registry.example", "https://registry.example", True),
        ("BÜCHER.example", "https://bücher.example", True),
        (".Faß.example.", "https://a.faß.example", True),
        ("fass.example", "https://faß.example", False),
        ("Registry.Example.:443", "https://REGISTRY.example.", True),
        ("::ffff:10.1.2.3", "https://10.1.2.3", True),
        ("10.1.2.3", "https://[::ffff:10.1.2.3]", True),
        ("localhost,::1/128,[::1],10.0.0.0/8", "https://registry.example", False),
        ("", "https://registry.example", False),
    ],
)
def test_no_proxy_names_hosts_addresses_and_networks(
    monkeypatch: pytest.MonkeyPatch, no_proxy: str, url: str, direct: bool
) -> None:
    """F11."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert choose_proxy(read_origin(url)) == (None if direct else "http://proxy.example:3128", ())


async def test_a_no_proxy_entry_that_cannot_be_read_is_a_warning(
    open_client: OpenClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F11."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "localhost, ::1/128, [::1], 10.0.0.0/99, http://x/, [::1, ☃.example")
    warnings = open_client("https://registry.example").warnings
    assert [warning.split("'")[1] for warning in warnings] == ["10.0.0.0/99", "http://x/", "[::1", "☃.example"]


@pytest.mark.parametrize("written", ["proxy.example:3128", "//proxy.example:3128", " http://proxy.example:3128 "])
def test_a_proxy_may_be_written_without_its_scheme(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    """F11"""
    monkeypatch.setenv("HTTPS_PROXY", written)
    assert choose_proxy(read_origin("https://registry.example"))[0] == "http://proxy.example:3128"


async def test_a_proxy_that_cannot_be_used_is_said_without_its_password(
    open_client: OpenClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "gopher://user:geheim@proxy.example")
    with pytest.raises(NotSent, match="HTTPS_PROXY") as caught:
        await open_client("https://registry.example").verify(WORKER)
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("url", ["https://registry.example", "http://registry.example"])
async def test_a_proxy_that_is_not_reached_is_named_and_its_login_is_not(
    open_client: OpenClient, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """F06: the registry is not what refused."""
    monkeypatch.setenv(f"{url.partition(':')[0].upper()}_PROXY", "http://user:geheim@127.0.0.1:1/")
    with pytest.raises(Unreachable, match=r"at the proxy 127\.0\.0\.1:1: the connection was refused"):
        await open_client(url, allow_insecure=True).verify(WORKER, retry=False)


@pytest.mark.parametrize("url", ["https://registry.example", "http://registry.example"])
async def test_a_proxy_that_wants_a_login_is_said_to(
    server: RawServer, open_client: OpenClient, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """F06."""
    monkeypatch.setenv("ALL_PROXY", server.url)
    server.answer(answer(b"", "407 Proxy Authentication Required"))
    with pytest.raises(RegistryError) as caught:
        await open_client(url, allow_insecure=True).verify(WORKER, retry=False)
    assert caught.value.advice.startswith("The proxy requires a login")


async def test_a_proxys_login_goes_to_the_proxy_and_does_not_touch_the_key(
    server: RawServer, open_client: OpenClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F06."""
    monkeypatch.setenv("HTTP_PROXY", f"http://user:p%40ss@127.0.0.1:{server.port}")
    server.answer(verdict())
    await open_client("http://registry.invalid", allow_insecure=True).verify(WORKER)
    headers = server.requests[0].headers
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["proxy-authorization"] == f"Basic {b64encode(b'user:p@ss').decode()}"


async def test_without_a_key_plain_http_is_warned_of_without_speaking_of_one(open_client: OpenClient) -> None:
    client = open_client("http://registry.example", None, allow_insecure=True)
    assert client.warnings == (
        "Answers can be read and changed on the way: registry.example is reached over plain http://.",
    )
