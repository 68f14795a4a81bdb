"""How `hall serve --upstream` asks its upstream: with the same client as everything else here."""

import logging
import socket
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Any

import click

from pyhall_tui.commands.hall.group import say
from pyhall_tui.commands.hall.upstream_key import FILE, PROFILE
from pyhall_tui.hall.models import Ban
from pyhall_tui.hall.session import Enrolled, Refused, UpstreamError
from pyhall_tui.hall.upstream import Heard
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.environment import KEY
from pyhall_tui.profiles.profile import Profile

if TYPE_CHECKING:
    from pyhall_tui.clock import Clock
    from pyhall_tui.hall.store import Store
    from pyhall_tui.hall.upstream import Upstream, WhenStale
    from pyhall_tui.registry.client import RegistryClient
    from pyhall_tui.registry.errors import RegistryError
    from pyhall_tui.registry.models import BanListEntry

_TIMEOUT = 20.0
"""Seconds for one whole answer."""
_STANDING = 60.0
"""Seconds between two questions for the account's standing, or fewer if the session would end before."""
_SMALL = 64 * 1024
_CAPABILITIES = ("hall.policy.gate", "hall.ban-list.enforce")
_ENDS = ("expires_at", "expires", "expiry", "valid_until")


def open_client(url: str, key: ApiKey | None) -> "RegistryClient":
    """Return a client for the upstream, with the same certificates, proxies and limits as the app's own."""
    from pyhall_tui.clock import SystemClock
    from pyhall_tui.registry.client import RegistryClient

    return RegistryClient(
        Profile(name="upstream", namespace="", registry_url=url, timeout=_TIMEOUT), key, SystemClock()
    )


def follow(
    url: str,
    key: ApiKey | None,
    store: "Store",
    clock: "Clock",
    *,
    namespace: str | None,
    interval: float,
    silence: float,
    when_stale: "WhenStale",
    instance: str | None = None,
) -> "Upstream":
    """Return an upstream that is polled and, with a key, has a session.

    Args:
        namespace: the upstream's namespace to enroll this hall in; None enrolls it nowhere.
        interval: seconds between two polls.
        silence: seconds without an answer until `when_stale` applies; a poll must fit into them.
        instance: this hall's id among those on the store.

    Raises:
        click.UsageError: it can't be enrolled without a key, or would count as unreachable between two polls.
    """
    from pyhall_tui.hall.session import Session
    from pyhall_tui.hall.upstream import Upstream

    if silence < interval:
        raise click.UsageError(
            f"--stale-after is {silence:g} s, and the upstream is only polled every {interval:g} s: "
            "give a longer --stale-after or a shorter --upstream-interval"
        )
    if namespace and key is None:
        raise click.UsageError(f"--upstream-namespace needs the upstream's key: set {KEY}, or give {FILE} or {PROFILE}")
    logging.getLogger("pyhall_tui.registry").setLevel(logging.ERROR)  # `/status` shows the upstream's state
    client = open_client(url, key)
    for warning in client.warnings:
        say(warning, err=True)
    session = Session(
        store,
        clock,
        url=url,
        namespace=namespace,
        enroll=partial(enroll_hall, client, namespace) if namespace else None,
        standing=partial(ask_for_standing, client),
        lasts=silence,
        pause=min(_STANDING, silence / 3),
    )
    ask = partial(ask_for_bans, client)
    return Upstream(
        url,
        ask,
        store,
        clock,
        interval=interval,
        stale_after=silence,
        when_stale=when_stale,
        session=session if key else None,
        instance=instance,
        forget=client.forget_ban_list,
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
        raise _in_the_halls_words(error) from None
    bans = None if told.unchanged else _Bans(told.entries)
    return Heard(bans, told.truncated or told.unreadable > 0, told.age)


class _Bans(Collection[Ban]):
    """The entries of a list in the hall's words. Each is made when it is its turn: there may be a million."""

    def __init__(self, entries: "Mapping[str, BanListEntry]") -> None:
        self._entries = entries

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, ban: object) -> bool:
        return isinstance(ban, Ban) and ban.sha256 in self._entries

    def __iter__(self) -> Iterator[Ban]:
        for entry in self._entries.values():
            yield Ban(
                sha256=entry.sha256,
                reason=entry.reason or "",
                reported_at=entry.reported_at or "",
                source=entry.source or "upstream",
                review_status=entry.review_status,
            )


async def ask_for_standing(client: "RegistryClient") -> str | None:
    """Ask for the account's standing: a read that needs the key. None if the upstream does not report it.

    Raises:
        Refused: it rejects the key.
        UpstreamError: no usable answer came.
    """
    from pyhall_tui.registry.decode import read_object, text
    from pyhall_tui.registry.errors import (
        Forbidden,
        NotARegistrysAnswer,
        NotFound,
        Redirected,
        RegistryError,
        UnexpectedStatus,
    )

    def read(body: bytes) -> str | None:
        return text(read_object(body).get("standing"))

    try:
        return await client.read("/api/account/standing", read, limit=_SMALL, retry=False)
    except (NotFound, Forbidden, UnexpectedStatus, NotARegistrysAnswer, Redirected):
        return None
    except RegistryError as error:
        raise _in_the_halls_words(error) from None


async def enroll_hall(client: "RegistryClient", namespace: str) -> Enrolled:
    """Enroll this hall at the upstream, with the hash of this program.

    Raises:
        Refused: it rejects the key, the namespace or the hall.
        UpstreamError: no usable answer came.
    """
    import asyncio

    from pyhall_tui.registry.errors import RegistryError
    from pyhall_tui.registry.models import EnrollRequest

    request = EnrollRequest(
        namespace=namespace,
        display_name=f"pyhall-tui hall on {socket.gethostname()}",
        capabilities=_CAPABILITIES,
        sha256=await asyncio.to_thread(_own_hash),
    )
    try:
        answer = await client.enroll(request)
    except RegistryError as error:
        raise _in_the_halls_words(error) from None
    return read_session(answer.fields, time())


def read_session(fields: dict[str, Any], now: float) -> Enrolled:
    """Read an enrollment's answer, which the contract leaves open: a session, by itself or nested, or a worker."""
    within = fields.get("session")
    where = {**fields, **within} if isinstance(within, dict) else fields
    named = (where.get(name) for name in ("session_id", "enrollment_id", "id", "worker_id"))
    found = next((value for value in named if isinstance(value, str) and value), None)
    ends = [wall for name in _ENDS if (wall := _wall(where.get(name))) is not None]
    if isinstance(left := where.get("expires_in"), int | float) and (wall := _wall(left, since=now)) is not None:
        ends.append(wall)
    return Enrolled(found, ends[0] if ends else None)


def _wall(value: object, *, since: float = 0.0) -> float | None:
    """Return a stated time, ISO 8601 or seconds after `since`, as seconds since the epoch; None if it is not a time."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            stated = datetime.fromtimestamp(since + value, UTC)
        else:
            stated = datetime.fromisoformat(value if isinstance(value, str) else "")
        return stated.replace(tzinfo=stated.tzinfo or UTC).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _own_hash() -> str:
    import pyhall_tui
    from pyhall_tui.packages.package_hash import PackageUnreadable, hash_package

    try:
        return hash_package(Path(pyhall_tui.__file__).parent).sha256
    except PackageUnreadable as error:
        raise UpstreamError(f"This program's own package can't be hashed: {error}", unheard=True) from None


def _in_the_halls_words(error: "RegistryError") -> UpstreamError:
    """Turn a registry error into the hall's own; a rejected key or enrollment is a separate case."""
    from pyhall_tui.registry.errors import BadRequest, Forbidden, Unauthorized

    if isinstance(error, Unauthorized):
        return Refused("The upstream rejects this hall's key (401): give it a valid one and restart the hall.")
    if isinstance(error, Forbidden):
        return Refused(f"This hall's key has no access to this namespace (403): {error.error_text}")
    if isinstance(error, BadRequest):
        return Refused(f"The upstream rejects this hall's enrollment (400): {error.error_text}")
    return UpstreamError(str(error), unheard=not error.may_have_reached)
