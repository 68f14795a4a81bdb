"""A raw server and clients, all closed at the end of the test."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from pyhall_tui.clock import SystemClock
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.registry.client import RegistryClient
from tests.registry.raw_server import RawServer, raw_server

KEY = "phk_live_5ecret0fTheHouse"

OpenClient = Callable[..., RegistryClient]


@pytest.fixture(autouse=True)
def no_proxy_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
async def server() -> AsyncIterator[RawServer]:
    async with raw_server() as raw:
        yield raw


@pytest.fixture
async def open_client() -> AsyncIterator[OpenClient]:
    async with AsyncExitStack() as stack:
        opened: list[RegistryClient] = []

        def make(url: str, key: str | None = KEY, **fields: Any) -> RegistryClient:
            hooks = {name: fields.pop(name) for name in ("on_request", "clock") if name in fields}
            profile = Profile(name="test", namespace="org.yourco", registry_url=url, **fields)
            clock = hooks.pop("clock", SystemClock())
            client = RegistryClient(profile, None if key is None else ApiKey(key), clock, **hooks)
            opened.append(client)
            stack.push_async_callback(client.aclose)
            return client

        yield make


@pytest.fixture
def client(server: RawServer, open_client: OpenClient) -> RegistryClient:
    """A client of `server` that waits long enough on a busy machine."""
    return open_client(server.url, timeout=30.0)
