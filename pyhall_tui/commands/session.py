"""How a command finds the profile and key, asks the registry, and reports what went wrong."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn, TypeVar

import click

from pyhall_tui import paths
from pyhall_tui.clock import Clock, SystemClock
from pyhall_tui.commands.output import printable
from pyhall_tui.journal.journal import Journal
from pyhall_tui.logs.log_file import configure_logging
from pyhall_tui.logs.masking import mask, register_secret
from pyhall_tui.profiles.chosen_profile import HOW_TO_MAKE_ONE, NO_PROFILE, choose_profile
from pyhall_tui.profiles.environment import KEY, variables_in_force
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.profile_store import ProfileStore
from pyhall_tui.profiles.urls import origin
from pyhall_tui.registry.errors import RegistryError
from pyhall_tui.threads.daemon_executor import DaemonExecutor

if TYPE_CHECKING:
    from pyhall_tui.profiles.api_key import ApiKey
    from pyhall_tui.registry.client import RegistryClient

T = TypeVar("T")

YES, NO, FAILED, USAGE = 0, 1, 2, 64
"""Exit codes: done, the answer is no, it could not be checked or done, wrong usage."""


def fail(ctx: click.Context, sentence: str) -> NoReturn:
    """Print one line on stderr that says what is wrong, and end with the code for “could not be checked or done”."""
    tell(ctx, sentence)
    raise SystemExit(FAILED)


def tell(ctx: click.Context, sentence: str) -> None:
    """Print one line on stderr, with the command's name before it."""
    click.echo(printable(mask(f"{ctx.command_path}: {sentence}")), err=True)


def open_profile(ctx: click.Context) -> Profile:
    """Return the profile to use: `--profile`, else the default one, else the environment's.

    Environment variables override its values. Ends the command if there is no profile.
    """
    start_log()
    name: str | None = ctx.find_root().obj
    try:
        chosen = choose_profile(_store(name), name)
    except paths.NoFolder as mistake:
        fail(ctx, str(mistake))
    if chosen.profile is None:
        fail(ctx, chosen.problem or f"{NO_PROFILE} {HOW_TO_MAKE_ONE}")
    if chosen.stored is not None and name is not None:
        _tell_overridden(ctx, chosen.stored, chosen.profile)
    return chosen.profile


def _tell_overridden(ctx: click.Context, profile: Profile, chosen: Profile) -> None:
    """Warn if another registry than the named profile's is used."""
    if origin(profile.registry_url) != origin(chosen.registry_url):
        names = " and ".join(name for name in variables_in_force() if name != KEY)
        tell(ctx, f"{names} override {profile.name}: using {chosen.namespace} at {chosen.registry_url}.")


def start_log() -> None:
    """Send warnings to the log, or nowhere if there is no folder for it: Python would print them on stderr."""
    path = None
    with suppress(paths.NoFolder):
        path = paths.state_dir() / "pyhall-tui.log"
    configure_logging(path)


def open_journal() -> Journal | None:
    """Open the journal; None if there is no folder for one."""
    with suppress(paths.NoFolder):
        return Journal.open(paths.data_dir() / "journal.db", SystemClock())
    return None


def _store(name: str | None) -> ProfileStore | None:
    """Return the profiles' store; None if there is no folder for it and no profile was named."""
    try:
        return ProfileStore(paths.config_dir() / "profiles.toml")
    except paths.NoFolder:
        if name is not None:
            raise
        return None


def ask(
    ctx: click.Context,
    profile: Profile,
    call: Callable[["RegistryClient"], Awaitable[T]],
    clock: Clock | None = None,
) -> T:
    """Open the profile's client, run `call` with it, close it. A registry error ends the command.

    A `RegistryError` becomes one line on stderr and exit code 2; ctrl+c is 130.
    """
    try:
        return asyncio.run(_asked(ctx, profile, call, clock or SystemClock()))
    except RegistryError as error:
        fail(ctx, sentence_of(error))


def sentence_of(error: RegistryError) -> str:
    """Return what is wrong, what to do, and whether it may have taken effect, in one line."""
    recorded = error.may_have_reached and error.method != "GET"
    reached = " It may have reached the registry anyway." if recorded else ""
    return f"{error} {error.advice}{reached} [{error.correlation_id}]"


async def _asked(
    ctx: click.Context, profile: Profile, call: Callable[["RegistryClient"], Awaitable[T]], clock: Clock
) -> T:
    from pyhall_tui.registry.client import RegistryClient

    asyncio.get_running_loop().set_default_executor(DaemonExecutor())  # no DNS lookup outlives the timeout
    key = await _key(ctx, profile)
    async with RegistryClient(profile, key, clock) as client:
        for warning in client.warnings:
            tell(ctx, warning)
        return await call(client)


async def _key(ctx: click.Context, profile: Profile) -> "ApiKey | None":
    """Return the key from the environment or the keyring. If there is none, requests go without, and a line says why.

    Ends the command if there is a key that can't be sent: without it, the answer would be a different one.
    """
    from pyhall_tui.profiles.keys import KeyState, KeyStore

    answer = await KeyStore().load(profile)
    if answer.state is KeyState.UNUSABLE:
        fail(ctx, answer.sentence)
    if answer.key is not None:
        register_secret(answer.key.reveal())
    else:
        why = answer.sentence.removesuffix(answer.way_out).rstrip(" .:")
        tell(ctx, f"{why}. Set {KEY}, or store the key with the app." if answer.way_out else answer.sentence)
    return answer.key
