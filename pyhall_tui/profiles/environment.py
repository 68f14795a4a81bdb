"""Environment variables that override a profile, or replace one."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, overload

import msgspec

from pyhall_tui.profiles.profile import NAMESPACE, Profile
from pyhall_tui.profiles.profile_checks import SENTENCES
from pyhall_tui.profiles.urls import REGISTRY, normalise_url, origin

KEY: Final = "PYHALL_API_KEY"
URLS: Final = ("PYHALL_REGISTRY_URL", "PYHALL_REGISTRY")
"""The registry's URL in the SDKs and in their documentation; the first that is set counts."""
CREDENTIALS: Final = "CREDENTIALS_DIRECTORY"
"""Set by a service manager for a unit with `LoadCredential=`: a folder that only the unit can read."""
CREDENTIAL: Final = "api-key"
"""The file in it that holds the key."""
NAMESPACE_NAME: Final = "PYHALL_NAMESPACE"
PROFILE_NAME: Final = "environment"
"""The name of the profile that only the environment makes."""


class EnvironmentMistake(ValueError):
    """A variable's value is unusable; the message is a sentence that names the variable, never a key."""


def value_of(name: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """Return a variable without white space at its ends; None if it is unset or empty."""
    return environ.get(name, "").strip() or None


def credential_file(environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return the file in which a service manager provides the key; None if it provides none."""
    folder = value_of(CREDENTIALS, environ)
    if folder is None:
        return None
    file = Path(folder) / CREDENTIAL
    try:
        file.lstat()
    except FileNotFoundError:
        return None
    except OSError:
        pass  # it can't be told: reading it says why
    return file


def variables_in_force(environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return the names of the variables that currently override a profile, for the screen."""
    url = next((name for name in URLS if value_of(name, environ)), None)
    names = (url, NAMESPACE_NAME, KEY)
    return tuple(name for name in names if name and value_of(name, environ))


@overload
def overridden(profile: Profile, environ: Mapping[str, str] = os.environ) -> Profile: ...
@overload
def overridden(profile: None, environ: Mapping[str, str] = os.environ) -> Profile | None: ...
def overridden(profile: Profile | None, environ: Mapping[str, str] = os.environ) -> Profile | None:
    """Return the profile with the environment's overrides.

    Without a profile, the environment makes one if it has a key or a registry (by default the documented one); its
    namespace is empty if `PYHALL_NAMESPACE` is not set. Otherwise None.

    Permission for plain http was given for the profile's own registry, so another origin does not inherit it.

    Raises:
        EnvironmentMistake: a variable's value is not a URL or not a namespace.
    """
    url, namespace = _url(environ), _namespace(environ)
    if profile is None:
        if url is None and value_of(KEY, environ) is None and credential_file(environ) is None:
            return None
        return Profile(name=PROFILE_NAME, namespace=namespace or "", registry_url=url or REGISTRY)
    if namespace is not None:
        profile = msgspec.structs.replace(profile, namespace=namespace)
    if url is not None:
        same = origin(url) == origin(profile.registry_url)
        allowed = profile.allow_insecure and same
        profile = msgspec.structs.replace(profile, registry_url=url, allow_insecure=allowed)
    return profile


def instead(profile: Profile, asked: Profile, environ: Mapping[str, str] = os.environ) -> str:
    """Return which other registry and namespace the variables set, in sentences; empty if they set none.

    Args:
        asked: `overridden(profile)`.
    """
    url = next((name for name in URLS if value_of(name, environ)), "")
    said = []
    if asked.registry_url != profile.registry_url:
        said.append(f"{url} is set: {asked.registry_url} is used, not {profile.registry_url}.")
    if asked.namespace != profile.namespace:
        said.append(f"{NAMESPACE_NAME} is set: the namespace is {asked.namespace}, not {profile.namespace}.")
    return " ".join(said)


def named_by_variables(profile: Profile, environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return the variables that set a profile's registry and namespace; none for the demo, or for the file's own."""
    url = next((name for name in URLS if value_of(name, environ)), "")
    by_url = (url,) if url and _url(environ) == profile.registry_url else ()
    by_name = (NAMESPACE_NAME,) if _namespace(environ) == profile.namespace else ()
    return by_url + by_name


def _url(environ: Mapping[str, str]) -> str | None:
    for name in URLS:
        if value := value_of(name, environ):
            try:
                return normalise_url(value)
            except ValueError as wrong:
                raise EnvironmentMistake(f"{name} is set, but: {wrong}") from None
    return None


def _namespace(environ: Mapping[str, str]) -> str | None:
    value = value_of(NAMESPACE_NAME, environ)
    if value and not NAMESPACE.fullmatch(value):
        raise EnvironmentMistake(f"{NAMESPACE_NAME} is set, but: {SENTENCES['namespace']}")
    return value
