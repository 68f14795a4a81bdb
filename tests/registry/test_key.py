"""The key is sent only where it belongs, and never shown."""

import io
import logging
import traceback
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from pyhall_tui.registry.errors import RegistryError, Unauthorized
from pyhall_tui.registry.models import DispatchRequest
from tests.live_hall import LiveHall
from tests.registry.conftest import KEY, OpenClient
from tests.registry.raw_server import RawServer, answer, hang_up, json, never, verdict

HTTPCORE = tuple(f"httpcore.{part}" for part in ("connection", "http11", "proxy"))
WORKER = "wkr_abc123"
DISPATCH = DispatchRequest(namespace="org.yourco", capability="c", worker_id=WORKER, context={})


@pytest.fixture
def every_log() -> Iterator[io.StringIO]:
    """Everything that any logger says at DEBUG, whatever level it was given."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    names = ("", "asyncio", "pyhall_tui.registry", "httpx", "httpcore", *HTTPCORE)
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    logging.getLogger().addHandler(handler)
    yield stream
    logging.getLogger().removeHandler(handler)
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


def all_that_is_shown(error: BaseException) -> str:
    """A traceback with the local variables of every frame but the test's, and all that the error holds."""
    below_the_test = error.__traceback__ and error.__traceback__.tb_next
    dump = traceback.TracebackException(type(error), error, below_the_test, capture_locals=True)
    return "".join(dump.format()) + repr(vars(error))


@pytest.mark.parametrize("pasted", [KEY, f"  {KEY}\n", f"{KEY}\r"])
async def test_the_header_is_the_bearer_and_nothing_else(
    server: RawServer, open_client: OpenClient, pasted: str
) -> None:
    """F05."""
    server.answer(verdict())
    await open_client(server.url, pasted).verify(WORKER)
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


async def test_without_a_key_no_authorization_is_sent(server: RawServer, open_client: OpenClient) -> None:
    server.answer(verdict())
    await open_client(server.url, None).verify(WORKER)
    assert "authorization" not in server.requests[0].headers


@pytest.mark.parametrize("key", [KEY, None])
async def test_no_file_of_the_user_decides_on_authorization(
    server: RawServer, open_client: OpenClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, key: str | None
) -> None:
    """F06."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password geheim\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    server.answer(verdict())
    await open_client(server.url, key).verify(WORKER)
    assert server.requests[0].headers.get("authorization") == (key and f"Bearer {key}")


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(json({"error": f"bad key {KEY}"}, "401 Unauthorized", f"X-Echo: Bearer {KEY}"), id="401"),
        pytest.param(answer(f"<html>{KEY}".encode()), id="a page"),
        pytest.param(answer(b"x" * 110 + KEY.encode()), id="where the first words are cut"),
        pytest.param(answer(b"", "302 Found", f"Location: /?key={KEY}"), id="redirect"),
        pytest.param(json({"outcome": "deny", "deny_code": "X", "reason": KEY}), id="decision"),
        pytest.param(hang_up, id="closed"),
        pytest.param(never, id="time-out"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", id="cut"),
    ],
)
async def test_the_key_is_in_no_log_no_traceback_and_no_error(
    server: RawServer, open_client: OpenClient, every_log: io.StringIO, script: bytes
) -> None:
    """F41: also if the registry repeats it in its answer."""
    server.answer(script)
    client = open_client(server.url, timeout=0.2)
    shown = repr(vars(client))
    for operation in (client.verify(WORKER, retry=False), client.dispatch(DISPATCH)):
        try:
            shown += repr(await operation)
        except RegistryError as error:
            shown += all_that_is_shown(error) + f"{error.__cause__!r} {error.__context__!r}"
    assert len(server.requests) == 2
    sent = [request.headers["authorization"] for request in server.requests]
    assert sent == [f"Bearer {KEY}"] * 2
    for text in (shown, every_log.getvalue()):
        assert text
        assert not [piece for piece in (KEY, KEY[:16], KEY[9:], KEY[-12:]) if piece in text]


@pytest.mark.parametrize("url", ["https://127.0.0.1:{port}", "http://127.0.0.1:1"])
async def test_nor_without_a_connection(
    hall: LiveHall, open_client: OpenClient, every_log: io.StringIO, url: str
) -> None:
    """F41: a TLS error, a refused connection."""
    port = hall.url.rpartition(":")[2]
    with pytest.raises(RegistryError) as caught:
        await open_client(url.format(port=port)).verify(WORKER, retry=False)
    assert KEY[9:] not in all_that_is_shown(caught.value) + every_log.getvalue()


async def test_every_request_is_one_line_with_its_correlation_id(
    server: RawServer, open_client: OpenClient, caplog: pytest.LogCaptureFixture
) -> None:
    server.answer(verdict(), json({"error": "no"}, "401 Unauthorized"))
    caplog.set_level(logging.INFO)
    client = open_client(server.url)
    told = await client.verify(WORKER)
    with suppress(Unauthorized):
        await client.dispatch(DISPATCH)
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2
    assert lines[0].startswith(f"{told.correlation_id} GET /api/v1/verify/{WORKER} -> 200 ")
    assert " POST /api/v1/dispatch -> 401 " in lines[1]


async def test_the_record_of_an_exchange_masks_the_key(server: RawServer, open_client: OpenClient) -> None:
    server.answer(json({"outcome": "allow", "echo": KEY}, "200 OK", f"X-Echo: {KEY}"))
    exchange = (await open_client(server.url).dispatch(DISPATCH)).exchange
    assert dict(exchange.request_headers)["Authorization"] == "Bearer ••••••••"
    assert KEY not in repr(exchange) and KEY.encode() not in exchange.response_body
