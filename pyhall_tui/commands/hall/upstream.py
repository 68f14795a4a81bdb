"""What `hall serve --upstream` asks its upstream with: the one client that everything else here asks with too."""

import os
from typing import TYPE_CHECKING

import click

from pyhall_tui.hall.models import Ban
from pyhall_tui.hall.upstream import Heard, UpstreamError
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.environment import KEY, value_of
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.urls import is_insecure, normalise_url

if TYPE_CHECKING:
    from pyhall_tui.registry.client import RegistryClient

_TIMEOUT = 20.0
"""Seconds for one whole answer."""


def checked_url(url: str) -> str:
    """Return an upstream's base URL in its one spelling.

    Raises:
        click.UsageError: it is none, or a key sent there could be read on the way.
    """
    try:
        url = normalise_url(url)
    except ValueError as wrong:
        raise click.UsageError(f"--upstream: {wrong}") from None
    if is_insecure(url):
        raise click.UsageError(f"--upstream {url}: a key in plain http can be read on the way, so it must be https")
    return url


def key_of_environment() -> ApiKey | None:
    """Return the key of `PYHALL_API_KEY`, or None where it is not set.

    Raises:
        click.UsageError: it is no key that can be sent; the text is not in the message.
    """
    text = value_of(KEY, os.environ)
    try:
        return None if text is None else ApiKey(text)
    except ValueError as wrong:
        raise click.UsageError(f"{KEY} is no key that can be sent: {wrong}") from None


def open_client(url: str, key: ApiKey | None) -> "RegistryClient":
    """Return a client of the upstream: its certificates, proxies and bounds are those of the app's own."""
    from pyhall_tui.clock import SystemClock
    from pyhall_tui.registry.client import RegistryClient

    return RegistryClient(
        Profile(name="upstream", namespace="", registry_url=url, timeout=_TIMEOUT), key, SystemClock()
    )


async def ask_for_bans(client: "RegistryClient") -> Heard:
    """Ask for the upstream's ban list.

    Raises:
        UpstreamError: no usable answer came.
    """
    from pyhall_tui.registry.errors import RegistryError

    try:
        told = await client.ban_list(retry=False)
    except RegistryError as error:
        raise UpstreamError(str(error)) from None
    bans = [
        Ban(
            sha256=entry.sha256,
            reason=entry.reason or "",
            reported_at=entry.reported_at or "",
            source=entry.source or "upstream",
            review_status=entry.review_status,
        )
        for entry in told.entries.values()
    ]
    return Heard(None if told.unchanged else bans, told.perhaps_cut or told.unreadable > 0)
