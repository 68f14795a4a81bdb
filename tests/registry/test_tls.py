"""Which certificates we trust, and what is said about others."""

import asyncio
import datetime as dt
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import trustme

from pyhall_tui.registry.errors import TimedOut, TlsFailed, Unreachable
from pyhall_tui.registry.models import DispatchRequest
from tests.live_hall import LiveHall
from tests.registry.conftest import KEY, OpenClient
from tests.registry.raw_server import RawServer, hang_up, raw_server, verdict

WORKER = "wkr_abc123"
DISPATCH = DispatchRequest(namespace="org.yourco", capability="c", worker_id=WORKER, context={})


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA(organization_name="Acme Company CA")


def presenting(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


async def test_a_company_authority_in_ssl_cert_file_is_trusted(
    authority: trustme.CA, open_client: OpenClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """F12."""
    authority.cert_pem.write_to_path(tmp_path / "company.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "company.pem"))
    async with raw_server(presenting(authority.issue_cert("127.0.0.1"))) as server:
        server.answer(verdict())
        assert (await open_client(server.url).verify(WORKER)).status == "active"


async def test_without_the_authority_it_is_said_who_issued_the_certificate(
    authority: trustme.CA, open_client: OpenClient
) -> None:
    """F12: and nothing at all is sent there, no key, not even a request."""
    async with raw_server(presenting(authority.issue_cert("127.0.0.1"))) as server:
        with pytest.raises(TlsFailed) as caught:
            await open_client(server.url).dispatch(DISPATCH)
        assert "not trusted" in str(caught.value) and "Acme Company CA" in str(caught.value)
        assert not caught.value.may_have_reached
        assert not server.bytes_seen


async def test_a_certificate_that_has_expired_is_said_to(
    authority: trustme.CA, open_client: OpenClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority.cert_pem.write_to_path(tmp_path / "company.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "company.pem"))
    past = dt.datetime(2021, 1, 1, tzinfo=dt.UTC)
    old = authority.issue_cert("127.0.0.1", not_before=past, not_after=past + dt.timedelta(days=1))
    async with raw_server(presenting(old)) as server:
        with pytest.raises(TlsFailed, match="expired"):
            await open_client(server.url).verify(WORKER)


async def test_who_issued_it_is_said_of_one_that_has_expired_too(
    authority: trustme.CA, open_client: OpenClient
) -> None:
    """F12"""
    past = dt.datetime(2021, 1, 1, tzinfo=dt.UTC)
    old = authority.issue_cert("127.0.0.1", not_before=past, not_after=past + dt.timedelta(days=1))
    async with raw_server(presenting(old)) as server:
        with pytest.raises(TlsFailed, match=r"not trusted.*Acme Company CA"):
            await open_client(server.url).verify(WORKER)


async def test_a_certificate_of_another_host_is_said_to_be(
    authority: trustme.CA, open_client: OpenClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority.cert_pem.write_to_path(tmp_path / "company.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "company.pem"))
    async with raw_server(presenting(authority.issue_cert("other.example"))) as server:
        with pytest.raises(TlsFailed, match="another host") as caught:
            await open_client(server.url).verify(WORKER)
        assert "authority" not in caught.value.advice


async def test_plain_http_behind_an_https_address_is_said(hall: LiveHall, open_client: OpenClient) -> None:
    with pytest.raises(TlsFailed, match="does not use TLS"):
        await open_client(hall.url.replace("http:", "https:")).verify(WORKER)
    assert not hall.requests


async def test_a_handshake_that_does_not_end_is_a_time_out(server: RawServer, open_client: OpenClient) -> None:
    with pytest.raises(TimedOut):
        await open_client(server.url.replace("http:", "https:"), timeout=0.1).verify(WORKER)


async def test_a_certificate_file_that_cannot_be_read_is_a_warning(
    open_client: OpenClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "gone.pem"))
    assert "gone.pem" in open_client("https://registry.example").warnings[0]


async def test_a_file_that_is_not_a_certificate_is_reported_in_words(
    open_client: OpenClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F12"""
    monkeypatch.setenv("SSL_CERT_FILE", __file__)
    (warning,) = open_client("https://registry.example").warnings
    assert warning.endswith("which cannot be read: no certificate or crl found.")


@pytest.mark.parametrize("rehashed", [True, False])
async def test_a_folder_in_which_openssl_finds_no_certificate_is_a_warning(
    authority: trustme.CA, open_client: OpenClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rehashed: bool
) -> None:
    """F12"""
    authority.cert_pem.write_to_path(tmp_path / ("0123abcd.0" if rehashed else "company.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", os.pathsep.join((str(tmp_path), "/nowhere")))
    warnings = open_client("https://registry.example").warnings
    assert ["rehash" in warning for warning in warnings] == ([] if rehashed else [True])


@asynccontextmanager
async def tunnel_to(server: RawServer) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A proxy that leads every CONNECT to `server`; yields its URL and the heads it was sent."""
    heads: list[bytes] = []
    tasks: set[asyncio.Task[None]] = set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError):
                while data := await reader.read(65536):
                    writer.write(data)
        finally:
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        tasks.update(asyncio.create_task(pump(*ends)) for ends in ((reader, there_writer), (there_reader, writer)))

    proxy = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}", heads
    proxy.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0)


async def test_through_a_proxy_the_key_travels_inside_the_tunnel(
    authority: trustme.CA, open_client: OpenClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority.cert_pem.write_to_path(tmp_path / "company.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "company.pem"))
    async with (
        raw_server(presenting(authority.issue_cert("registry.invalid"))) as server,
        tunnel_to(server) as (proxy, heads),
    ):
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        server.answer(verdict(), hang_up)
        client = open_client("https://registry.invalid")
        assert (await client.verify(WORKER)).status == "active"
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
        assert heads[0].startswith(b"CONNECT registry.invalid:443") and KEY.encode() not in heads[0]
        with pytest.raises(Unreachable) as caught:
            await client.dispatch(DISPATCH)
        assert caught.value.may_have_reached


async def test_through_a_proxy_too_it_is_said_who_issued_the_certificate(
    authority: trustme.CA, open_client: OpenClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F12: most company authorities are met at a proxy that opens TLS."""
    async with (
        raw_server(presenting(authority.issue_cert("registry.invalid"))) as server,
        tunnel_to(server) as (proxy, _),
    ):
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        with pytest.raises(TlsFailed, match="Acme Company CA") as caught:
            await open_client("https://registry.invalid").dispatch(DISPATCH)
        assert not caught.value.may_have_reached and not server.bytes_seen
