"""Tests a profile step by step before it is saved, using only reads: a test sends no dispatch.

The contract has no operation that says which namespace a key is for. So we verify a worker that can't exist: 404 with
the key and 401 without it prove the key; 404 in the own namespace and 403 in another one prove the namespace. If the
registry answers such reads to anybody, as the public one does, the test can prove neither, and says so.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from pyhall_tui.clock import Clock
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.urls import is_loopback
from pyhall_tui.registry.errors import (
    Forbidden,
    NotFound,
    RateLimited,
    Redirected,
    RegistryError,
    StatusError,
    TlsFailed,
    Unauthorized,
)
from pyhall_tui.threads.loop_thread import LoopThread

if TYPE_CHECKING:
    from pyhall_tui.registry.client import RegistryClient

T = TypeVar("T")

_NOBODY: Final = "pyhall-tui-test"
"""The last part of the ids to verify: no worker has this name."""


class ProbeStep(StrEnum):
    """What is tested, in this order; the value is the word on the screen."""

    REACH = "reach"
    TLS = "TLS"
    KEY = "key"
    NAMESPACE = "namespace"
    BAN_LIST = "ban list"


class CheckResult(StrEnum):
    """The result of a step."""

    YES = "yes"
    NO = "no"
    UNPROVEN = "not proven"
    NOT_TRIED = "not tried"


class ProbeLine(NamedTuple):
    """One step's outcome. Texts are unchanged; `render` cleans them."""

    step: ProbeStep
    mark: CheckResult
    sentence: str
    advice: str = ""
    """What to do if the step failed or proved nothing."""
    new_url: str | None = None
    """The registry URL that a redirect names, to put into the profile if the operator trusts it."""


async def probe(profile: Profile, key: ApiKey | None, clock: Clock) -> AsyncIterator[ProbeLine]:
    """Try the profile's registry and yield a line for each step. Never raises a `RegistryError`.

    Sends at most six requests. Imports httpx: run it on its own loop (see `probe_apart`).
    """
    from pyhall_tui.registry.client import RegistryClient

    async with RegistryClient(profile, key, clock) as client, RegistryClient(profile, None, clock) as stranger:
        fault = await _fault(client.health(retry=False))
        for line in (_reach(profile, fault), _tls(profile, fault, client.warnings)):
            yield line
        if not _is_reached(fault):
            for step in (ProbeStep.KEY, ProbeStep.NAMESPACE, ProbeStep.BAN_LIST):
                yield ProbeLine(step, CheckResult.NOT_TRIED, "Not tried.")
            return
        own = await _fault(client.verify(f"{profile.namespace}.{_NOBODY}", retry=False))
        key_line = await _key(key, own, stranger, profile)
        yield key_line
        yield await _namespace(profile, own, key_line, client)
        yield await _ban_list(client, key_line)


def probe_apart(profile: Profile, key: ApiKey | None, clock: Clock) -> AsyncGenerator[ProbeLine, None]:
    """Do the same on another thread's loop, so that the caller's never waits; leaving early drops it."""
    return apart(lambda: probe(profile, key, clock), "pyhall-tui-probe")


async def apart(make: Callable[[], AsyncIterator[T]], name: str) -> AsyncGenerator[T, None]:
    """Run an iterator on the loop of a new thread with that name, and yield its items here; leaving early drops it."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[T | None] = asyncio.Queue()

    def hand_over(line: T | None) -> None:
        with contextlib.suppress(RuntimeError):  # the caller's loop is closed
            loop.call_soon_threadsafe(lines.put_nowait, line)

    async def run() -> None:
        try:
            async for line in make():
                hand_over(line)
        finally:
            hand_over(None)

    thread = LoopThread(name)
    try:
        done = thread.submit(run())
        while (line := await lines.get()) is not None:
            yield line
        await asyncio.wrap_future(done)
    finally:
        thread.stop(0.0)


async def _fault(asking: Coroutine[Any, Any, object]) -> RegistryError | None:
    try:
        await asking
    except RegistryError as error:
        return error
    return None


def _is_reached(fault: RegistryError | None) -> bool:
    """Whether a registry answered at all; one without `/health` answers 404, one that protects it 401."""
    return fault is None or (isinstance(fault, StatusError) and fault.status < 500)


def _reach(profile: Profile, fault: RegistryError | None) -> ProbeLine:
    host = profile.registry_url.partition("://")[2]
    if _is_reached(fault):
        return ProbeLine(ProbeStep.REACH, CheckResult.YES, f"{host} answers.")
    assert fault is not None
    if isinstance(fault, TlsFailed):
        return ProbeLine(ProbeStep.REACH, CheckResult.YES, f"{host} takes connections.")
    new_url = fault.base_url if isinstance(fault, Redirected) else None
    return ProbeLine(ProbeStep.REACH, CheckResult.NO, str(fault), fault.advice, new_url)


def _tls(profile: Profile, fault: RegistryError | None, warnings: tuple[str, ...]) -> ProbeLine:
    if isinstance(fault, TlsFailed):
        advice = fault.advice if "not trusted" in str(fault) else ""  # the other sentences say it themselves
        return ProbeLine(ProbeStep.TLS, CheckResult.NO, " ".join((str(fault), *warnings)), advice)
    if is_loopback(profile.registry_url) and not profile.registry_url.startswith("https:"):
        return ProbeLine(ProbeStep.TLS, CheckResult.YES, "Not needed: the registry is on this machine.")
    if not _is_reached(fault) and not isinstance(fault, Redirected | StatusError):
        return ProbeLine(ProbeStep.TLS, CheckResult.NOT_TRIED, "Not tried.")
    if not profile.registry_url.startswith("https:"):
        return ProbeLine(
            ProbeStep.TLS, CheckResult.UNPROVEN, "Not encrypted: the key crosses the network.", "Use https://."
        )
    if warnings:
        return ProbeLine(ProbeStep.TLS, CheckResult.UNPROVEN, " ".join(("The certificate is trusted, but:", *warnings)))
    return ProbeLine(ProbeStep.TLS, CheckResult.YES, "The certificate is trusted.")


async def _key(
    key: ApiKey | None, own: RegistryError | None, stranger: "RegistryClient", profile: Profile
) -> ProbeLine:
    if isinstance(own, Unauthorized) and key is None:
        return ProbeLine(
            ProbeStep.KEY, CheckResult.NO, "The registry needs a key, and there is none.", "Enter the key."
        )
    if isinstance(own, Unauthorized):
        advice = "Paste the key again, or make a new one in the registry's dashboard."
        return ProbeLine(ProbeStep.KEY, CheckResult.NO, f"The registry rejects the key. {own}", advice)
    if isinstance(own, RateLimited):
        return ProbeLine(ProbeStep.KEY, CheckResult.UNPROVEN, str(own), "Wait a moment, then test again.")
    if own is not None and not isinstance(own, Forbidden):
        return ProbeLine(ProbeStep.KEY, CheckResult.NO, str(own), own.advice)
    if key is None:
        return ProbeLine(
            ProbeStep.KEY, CheckResult.UNPROVEN, "There is no key.", "This registry answers reads without one."
        )
    refused = await _fault(stranger.verify(f"{profile.namespace}.{_NOBODY}", retry=False))
    if isinstance(refused, Unauthorized | Forbidden):
        return ProbeLine(ProbeStep.KEY, CheckResult.YES, "The registry accepts the key.")
    return ProbeLine(
        ProbeStep.KEY,
        CheckResult.UNPROVEN,
        "This registry answers reads without a key too, so they can't prove the key.",
        "A first dispatch will.",
    )


async def _namespace(
    profile: Profile, own: RegistryError | None, key_line: ProbeLine, client: "RegistryClient"
) -> ProbeLine:
    if isinstance(own, Forbidden):
        return ProbeLine(
            ProbeStep.NAMESPACE, CheckResult.NO, f"The key is not for {profile.namespace}. {own}", own.advice
        )
    if own is not None or key_line.mark is CheckResult.NO:
        return ProbeLine(ProbeStep.NAMESPACE, CheckResult.NOT_TRIED, "Not tried.")
    foreign = await _fault(client.verify(f"x.{_NOBODY}.{_NOBODY}", retry=False))
    if isinstance(foreign, Forbidden):
        return ProbeLine(ProbeStep.NAMESPACE, CheckResult.YES, f"The key is for {profile.namespace}.")
    return ProbeLine(
        ProbeStep.NAMESPACE,
        CheckResult.UNPROVEN,
        f"Reads can't show here whether the key is for {profile.namespace}.",
        "A first dispatch will.",
    )


async def _ban_list(client: "RegistryClient", key_line: ProbeLine) -> ProbeLine:
    try:
        bans = await client.ban_list(retry=False)
    except RegistryError as error:
        if isinstance(error, Unauthorized) and key_line.mark is CheckResult.NO:
            return ProbeLine(ProbeStep.BAN_LIST, CheckResult.NOT_TRIED, "Not readable without an accepted key.")
        missing = isinstance(error, NotFound) or (isinstance(error, StatusError) and error.status in (405, 410, 501))
        if missing:
            advice = "Bans are only seen in the verdicts on single workers."
            return ProbeLine(ProbeStep.BAN_LIST, CheckResult.UNPROVEN, "This registry has no ban list.", advice)
        return ProbeLine(ProbeStep.BAN_LIST, CheckResult.NO, str(error), error.advice)
    count = len(bans.entries)
    hashes = "1 package hash is" if count == 1 else f"{count} package hashes are"
    if bans.truncated:
        sentence = f"At least {hashes} banned. The list may be truncated, so it clears nobody."
        return ProbeLine(ProbeStep.BAN_LIST, CheckResult.UNPROVEN, sentence)
    return ProbeLine(ProbeStep.BAN_LIST, CheckResult.YES, f"{hashes} banned.")
