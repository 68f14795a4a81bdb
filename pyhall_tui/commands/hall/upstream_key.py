"""Where `hall serve` gets the key for its upstream: a variable, a private file or the OS keyring, never an argument."""

import os
import stat
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from pyhall_tui import paths
from pyhall_tui.commands.hall.group import errors_explained
from pyhall_tui.files.regular_file import NotText, edited_text, read_bounded
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.environment import KEY, value_of
from pyhall_tui.profiles.urls import is_insecure, normalise_url, origin

if TYPE_CHECKING:
    from pyhall_tui.profiles.profile import Profile

FILE, PROFILE = "--upstream-key-file", "--upstream-profile"
_OPEN_TO_OTHERS = stat.S_IRWXO | stat.S_IWGRP | stat.S_IXGRP
"""Mode bits that the file must not have. A service manager may let the service's group read it."""
_SMALL = 16 * 1024


class UpstreamAt(NamedTuple):
    """An upstream's base URL, and the key for it."""

    url: str
    key: ApiKey | None


def upstream_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that name the upstream and its key; the command gets them as `above`: None for no upstream."""

    @click.option("--upstream", metavar="URL", help="Enforce this registry's ban list too; its key is PYHALL_API_KEY.")
    @click.option(
        FILE,
        "key_file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Take the upstream's key from this file, which other users can't read.",
    )
    @click.option(
        PROFILE,
        "profile",
        metavar="NAME",
        help="Take the upstream and its key from this profile: the key that the OS keyring has for it.",
    )
    @wraps(command)
    def with_upstream(*, upstream: str | None, key_file: Path | None, profile: str | None, **rest: Any) -> Any:
        with errors_explained():
            above = _upstream(upstream, key_file, profile)
        return command(above=above, **rest)

    return with_upstream


def _upstream(url: str | None, file: Path | None, profile: str | None) -> UpstreamAt | None:
    if file and profile:
        raise click.UsageError(f"give {FILE} or {PROFILE}, not both")
    if profile:
        return _of_profile(profile, checked_url(url) if url else None)
    if url is None:
        if file:
            raise click.UsageError(f"{FILE} needs --upstream")
        return None
    return UpstreamAt(checked_url(url), key_in(file) if file else key_of_environment())


def checked_url(url: str, option: str = "--upstream") -> str:
    """Return an upstream's base URL in its one spelling.

    Raises:
        click.UsageError: it is not a URL, or a key sent there could be read on the way.
    """
    try:
        url = normalise_url(url)
    except ValueError as wrong:
        raise click.UsageError(f"{option}: {wrong}") from None
    if is_insecure(url):
        raise click.UsageError(f"{option} {url}: use https, because a key in plain http can be read on the way")
    return url


def key_of_environment() -> ApiKey | None:
    """Return the key in `PYHALL_API_KEY`, or None if it is not set.

    Raises:
        click.UsageError: it is not a key that can be sent; its text is not in the message.
    """
    text = value_of(KEY, os.environ)
    try:
        return None if text is None else ApiKey(text)
    except ValueError as wrong:
        raise click.UsageError(f"{KEY} is not a usable key: {wrong}") from None


def key_in(file: Path) -> ApiKey:
    """Return the key in a file that only its owner, and perhaps a group, can read.

    Raises:
        click.UsageError: there is no such file; its name, which may be the key itself, is not in the message.
        OSError, FileMistake: it can't be read or used; its text is not in the message.
    """
    from pyhall_tui.hall.errors import FileMistake

    try:
        mode = file.stat().st_mode
    except (FileNotFoundError, ValueError):
        raise click.UsageError(f"{FILE}: there is no such file. Give the file's name, never the key itself") from None
    if os.name == "posix" and mode & _OPEN_TO_OTHERS:
        raise FileMistake(f"{file}: other users can read or change this key: run chmod 600 on it, or make a new one")
    try:
        return ApiKey(edited_text(read_bounded(file, _SMALL)))
    except (ValueError, NotText) as wrong:
        raise FileMistake(f"{file} has no usable key: {wrong}") from None


def _of_profile(name: str, url: str | None) -> UpstreamAt:
    """Return a profile's registry, and the key that the OS keyring has for it. No variable overrides them.

    Raises:
        click.UsageError: there is no such profile, or it is for another registry than `url`.
        FileMistake: its key can't be had.
    """
    profile = _profile_named(name)
    registry = checked_url(profile.registry_url, f"{PROFILE} {name}:")
    if url is not None and origin(url) != origin(registry):
        raise click.UsageError(f"{PROFILE} {name} is for {registry}: its key is not sent to {url}")
    return UpstreamAt(url or registry, _key_in_keyring(profile))


def _profile_named(name: str) -> "Profile":
    from pyhall_tui.hall.errors import FileMistake
    from pyhall_tui.profiles.profile_store import ProfilesFileError, ProfileStore

    try:
        stored = ProfileStore(paths.config_dir() / "profiles.toml").load()
    except (ProfilesFileError, paths.NoFolder) as wrong:
        raise FileMistake(str(wrong)) from None
    profile = stored.named(name)
    if profile is None:
        known = ", ".join(each.name for each in stored.profiles) or "none"
        raise click.UsageError(f"{PROFILE}: there is no profile {name}; there are: {known}")
    return profile


def _key_in_keyring(profile: "Profile") -> ApiKey:
    import asyncio

    from pyhall_tui.hall.errors import FileMistake
    from pyhall_tui.profiles.keys import KeyStore

    answer = asyncio.run(KeyStore(environ={}).load(profile))
    if answer.key is None:
        why = answer.sentence.removesuffix(answer.way_out).rstrip(" .:")
        raise FileMistake(f"{PROFILE} {profile.name}: {why}. Store the key with the app, or use {FILE}")
    return answer.key
