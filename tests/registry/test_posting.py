"""How alerts get to a receiver: over the registry's wire, to the URL that was given and nowhere else."""

import ssl
from pathlib import Path

import pytest
import trustme

from pyhall_tui.clock import SystemClock
from pyhall_tui.logs.masking import mask
from pyhall_tui.registry.posting import Moved, NotPosted, Poster, Reply, read_receiver
from tests.registry.raw_server import RawServer, answer, hang_up, raw_server

CLOCK = SystemClock()


def poster(url: str, **options: float) -> Poster:
    return Poster(read_receiver(url), CLOCK, **options)


async def test_a_post_is_one_request_with_json_and_no_key_of_ours(server: RawServer) -> None:
    server.answer(answer(b"ok"))
    assert await poster(f"{server.url}/a/b%20c?d=e&f").post(b'{"x":1}') == Reply(200, "ok", None)
    (request,) = server.requests
    assert (request.line, request.body) == ("POST /a/b%20c?d=e&f HTTP/1.1", b'{"x":1}')
    assert request.headers["content-type"] == "application/json"
    assert "authorization" not in request.headers


@pytest.mark.parametrize(
    ("given", "sent"),
    [("", "/"), ("/", "/"), ("?x=1", "/?x=1"), ("/ü?ö", "/%C3%BC?%C3%B6"), ("/a/", "/a/"), ("/a%2Fb", "/a%2Fb")],
)
async def test_the_path_is_sent_as_it_was_given(server: RawServer, given: str, sent: str) -> None:
    server.answer(answer(b""))
    await poster(server.url + given).post(b"{}")
    assert server.requests[0].target == sent


@pytest.mark.parametrize("status", ["301 x", "302 x", "303 x", "307 x", "308 x"])
@pytest.mark.parametrize(
    "location", ["", "/other", "//evil.example/x", "https://evil.example/t0ken-12345678", "javascript:x"]
)
async def test_no_redirect_is_followed_and_its_path_is_not_repeated(
    server: RawServer, status: str, location: str
) -> None:
    server.answer(answer(b"", status, *([f"Location: {location}"] if location else [])))
    with pytest.raises(Moved) as caught:
        await poster(server.url).post(b"{}")
    assert "a redirect" in str(caught.value) and "t0ken" not in str(caught.value)
    assert len(server.requests) == 1


async def test_what_goes_wrong_is_a_sentence_without_the_secret_path(server: RawServer) -> None:
    server.answer(hang_up)
    with pytest.raises(NotPosted) as caught:
        await poster(f"{server.url}/T0K3N-12345678").post(b"{}")
    assert str(caught.value) == f"127.0.0.1:{server.port} closed the connection without an answer."
    server.answer(b"220 mail.example SMTP ready\r\n\r\n")
    with pytest.raises(NotPosted, match="invalid HTTP response"):
        await poster(server.url).post(b"{}")


async def test_an_answer_without_end_is_cut(server: RawServer) -> None:
    async def endless(request, writer) -> None:
        writer.write(b"HTTP/1.1 500 x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(1_000):
            writer.write(b"2710\r\n" + b"x" * 10_000 + b"\r\n")
            await writer.drain()

    server.answer(endless)
    reply = await poster(server.url).post(b"{}")
    assert (reply.status, len(reply.text)) == (500, 300)


async def test_https_needs_a_certificate_that_is_trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    authority = trustme.CA(organization_name="Acme Company CA")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    async with raw_server(context) as server:
        server.answer(answer(b"ok"))
        with pytest.raises(NotPosted, match="is not trusted"):
            await poster(server.url).post(b"{}")
        assert not server.bytes_seen
        authority.cert_pem.write_to_path(tmp_path / "company.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "company.pem"))
        assert (await poster(server.url).post(b"{}")).status == 200


async def test_a_proxy_is_used_as_for_the_registry(server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url)
    server.answer(answer(b"from behind the proxy"))
    reply = await poster("http://alerts.acme.example/hook?x=1").post(b'{"y":2}')
    assert reply.text == "from behind the proxy"
    assert server.requests[0].line == "POST http://alerts.acme.example/hook?x=1 HTTP/1.1"
    assert server.requests[0].body == b'{"y":2}'


def test_a_proxy_that_cannot_be_used_gets_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://ada:s3cret@proxy.example")
    with pytest.raises(ValueError, match=r"HTTPS_PROXY .* SOCKS proxy") as caught:
        poster("https://alerts.acme.example")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("https://ada:hunter2@hooks.example/x", "hunter2"),
        ("https://ada:hunter2@hooks.example/x", "YWRhOmh1bnRlcjI="),
        ("https://hooks.example/services/T024BE7LD/B1", "T024BE7LD"),
        ("https://hooks.example/x?token=abcdef0123", "abcdef0123"),
        ("https://hooks.example/xxxxxxxxxxxxxxxxxxxxxxxxxxx", "xxxxxxxxxxxxxxxxxxxxxxxxxxx"),
    ],
)
def test_the_secrets_of_a_url_are_masked_wherever_they_are_logged(url: str, secret: str) -> None:
    assert read_receiver(url).shown == "https://hooks.example"
    assert secret not in mask(f"said {secret} there")


def test_ordinary_words_of_a_url_are_not_masked() -> None:
    read_receiver("https://hooks.example/api/v2/webhooks/services?channel=operations")
    assert mask("webhooks services operations") == "webhooks services operations"
