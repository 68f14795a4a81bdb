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
    look = _LOOKS.get(type(keyring).__module__)
    if look is not None:
        try:
            is_open = look(keyring)
        except Exception as error:
            raise os_keyring.Failed(str(error).strip().rstrip(".") or type(error).__name__) from error
        if is_open is None:
            return None
        if not is_open:
            raise Locked("it would ask for its password")
    return os_keyring.read(keyring, service, user)


def _secret_service(keyring: Any) -> bool | None:
    """Whether the collection is unlocked; None if there is none: to read it would make one, and ask for a password."""
    from contextlib import closing

    import secretstorage

    with closing(secretstorage.dbus_init()) as bus:
        try:
            collection = secretstorage.Collection(bus, getattr(keyring, "preferred_collection", _DEFAULT))
            return not collection.is_locked()
        except secretstorage.ItemNotFoundException:
            return None


def _kwallet(keyring: Any) -> bool | None:
    """Whether this program has the wallet open; if only others have, it would still ask whether we may."""
    return keyring.handle >= 0 and bool(keyring.iface.isOpen(keyring.handle))


def _libsecret(keyring: Any) -> bool | None:
    """Whether the default collection is unlocked; None if there is none."""
    from gi.repository import Secret  # type: ignore[import-not-found, unused-ignore]

    service = Secret.Service.get_sync(Secret.ServiceFlags.LOAD_COLLECTIONS, None)
    alias = Secret.COLLECTION_DEFAULT
    found = Secret.Collection.for_alias_sync(service, alias, Secret.CollectionFlags.NONE, None)
    return None if found is None else not found.get_locked()


_LOOKS: Final[dict[str, Callable[[Any], bool | None]]] = {
    "keyring.backends.SecretService": _secret_service,
    "keyring.backends.kwallet": _kwallet,
    "keyring.backends.libsecret": _libsecret,
}
"""By the backend's module. The others' reads ask nobody, or can't be told not to."""
