"""Reads the operating system's keyring only if that asks nobody for a password. It may block, as `os_keyring` may."""

from collections.abc import Callable
from typing import Any, Final

from pyhall_tui.profiles import os_keyring
from pyhall_tui.profiles.os_keyring import Keyring, Locked

_DEFAULT: Final = "/org/freedesktop/secrets/aliases/default"


def read(keyring: Keyring, service: str, user: str) -> str | None:
    """Return what is stored, or None.

    Raises:
        Locked: it would ask somebody to unlock it; it was not read.
        Failed: there was no answer; something may be stored anyway.
    """
    would_ask = _WOULD_ASK.get(type(keyring).__module__)
    if would_ask is not None:
        try:
            asks = would_ask(keyring)
        except Exception as error:
            raise os_keyring.Failed(str(error).strip().rstrip(".") or type(error).__name__) from error
        if asks:
            raise Locked("it would ask for its password")
    return os_keyring.read(keyring, service, user)


def _secret_service(keyring: Any) -> bool:
    """Whether the collection is locked, or would have to be made, for which a first password is asked for."""
    from contextlib import closing

    import secretstorage

    with closing(secretstorage.dbus_init()) as bus:
        try:
            return bool(secretstorage.Collection(bus, getattr(keyring, "preferred_collection", _DEFAULT)).is_locked())
        except secretstorage.ItemNotFoundException:
            return True


def _kwallet(keyring: Any) -> bool:
    """Whether this program has the wallet open: asking whether others have would not keep it from asking for us."""
    return keyring.handle < 0 or not keyring.iface.isOpen(keyring.handle)


def _libsecret(keyring: Any) -> bool:
    """Whether the default collection is locked."""
    from gi.repository import Secret  # type: ignore[import-not-found, unused-ignore]

    service = Secret.Service.get_sync(Secret.ServiceFlags.LOAD_COLLECTIONS, None)
    alias = Secret.COLLECTION_DEFAULT
    found = Secret.Collection.for_alias_sync(service, alias, Secret.CollectionFlags.NONE, None)
    return found is None or bool(found.get_locked())


_WOULD_ASK: Final[dict[str, Callable[[Any], bool]]] = {
    "keyring.backends.SecretService": _secret_service,
    "keyring.backends.kwallet": _kwallet,
    "keyring.backends.libsecret": _libsecret,
}
"""By the backend's module. The others' reads ask nobody, or can't be told not to."""
