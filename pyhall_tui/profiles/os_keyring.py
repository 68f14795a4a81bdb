"""Chooses and asks the operating system's keyring. Import this module in its own thread, because it may block.

It uses only keyrings that the system itself encrypts. Anything else that the `keyring` library may find (a plain file,
a null keyring, a chain that ends in either) is refused: a key is never written in plain text.
"""

import os
import re
import sys
from importlib import import_module
from typing import Final, Protocol

from pyhall_tui.profiles.api_key import MASK, whole

_CLASSES: Final = {
    "SecretService": "keyring.backends.SecretService.Keyring",
    "KWallet": "keyring.backends.kwallet.DBusKeyring",
    "libsecret": "keyring.backends.libsecret.Keyring",
    "macOS": "keyring.backends.macOS.Keyring",
    "Windows": "keyring.backends.Windows.WinVaultKeyring",
}
_LOCKED: Final = {"KeyringLocked", "LockedException", "PromptDismissedException", "KeychainDenied"}
_NO_INTERACTION: Final = -25308
"""macOS: `errSecInteractionNotAllowed`, a locked keychain's answer to a session without a desktop."""


class Keyring(Protocol):
    """What we need from one of the `keyring` library's backends."""

    def get_password(self, service: str, username: str) -> str | None: ...
    def set_password(self, service: str, username: str, password: str) -> None: ...
    def delete_password(self, service: str, username: str) -> None: ...


class NoKeyring(Exception):
    """This machine or session has no usable keyring; the message says why, and can follow a colon."""


class Locked(Exception):
    """The keyring is locked, and nobody unlocked it when it asked."""


class Failed(Exception):
    """The keyring answered with an error; the message is its own."""


def find_keyring() -> Keyring:
    """Return the system's keyring, or the one that the user has configured for `keyring`.

    Raises:
        NoKeyring: there is none, or an unsupported one is configured.
    """
    if sys.platform not in ("darwin", "win32") and not os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        # Without a bus, we neither need to load a D-Bus library nor wait for it.
        raise NoKeyring("there is no session bus (DBUS_SESSION_BUS_ADDRESS is not set)")
    configured = _configured()
    if configured is not None:
        return configured
    reasons = []
    for name in _candidates():
        try:
            return _load(_CLASSES[name])
        except Exception as error:  # an import, D-Bus or a system library: each has its own error classes
            reasons.append(_why(error))
    raise NoKeyring(reasons[0])


def _candidates() -> tuple[str, ...]:
    """Return the platform's keyrings. Use the first that works; if none does, report the first one's reason."""
    if sys.platform == "darwin":
        return ("macOS",)
    if sys.platform == "win32":
        return ("Windows",)
    kde = "KDE" in os.environ.get("XDG_CURRENT_DESKTOP", "").split(":")
    return ("KWallet", "SecretService", "libsecret") if kde else ("SecretService", "KWallet", "libsecret")


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"the session bus is unreachable ({(error.strerror or str(error)).lower()})"
    text = str(error).rstrip(".") or type(error).__name__
    return text[:1].lower() + text[1:]


def _load(path: str) -> Keyring:
    module, _, name = path.rpartition(".")
    backend = getattr(import_module(module), name)
    _ = backend.priority  # raises if it can't work here
    keyring: Keyring = backend()
    return keyring


def _configured() -> Keyring | None:
    """Return the keyring set in PYTHON_KEYRING_BACKEND or keyringrc.cfg; of a chain, the first that can be trusted."""
    from keyring import core

    try:
        chosen = core.load_env() or core.load_config()
    except Exception as error:
        raise NoKeyring(f"the configured keyring cannot be used: {error}") from error
    if chosen is None:
        return None
    members = getattr(chosen, "backends", (chosen,))
    for keyring in members:
        if _name(keyring) in _CLASSES.values():
            trusted: Keyring = keyring
            return trusted
    raise NoKeyring(f"{_name(chosen)} is configured, which is not an encrypted keyring of the operating system")


def _name(keyring: object) -> str:
    return f"{type(keyring).__module__}.{type(keyring).__qualname__}"


def read(keyring: Keyring, service: str, user: str) -> str | None:
    """Return what is stored, or None.

    Raises:
        Locked, Failed: there was no answer; something may be stored anyway.
    """
    try:
        return keyring.get_password(service, user)
    except Exception as error:
        raise _translated(error) from error


def write(keyring: Keyring, service: str, user: str, secret: str) -> None:
    """Store `secret` and read it back: some keyrings silently truncate a long one.

    Raises:
        Locked, Failed: it was not stored, or not completely; an incomplete one is deleted again.
    """
    try:
        keyring.set_password(service, user, secret)
    except Exception as error:
        raise _hiding(secret, error) from None  # a library's error may carry its arguments
    try:
        kept = keyring.get_password(service, user)
    except Exception as error:
        wrong = _hiding(secret, error)
    else:
        if kept == secret:
            return
        wrong = Failed(_what_came_back(kept, secret))
    try:
        delete(keyring, service, user)
    except (Locked, Failed):
        wrong = type(wrong)(f"{wrong}, and what it holds now could not be deleted")
    raise wrong from None


def _what_came_back(kept: str | None, secret: str) -> str:
    if not kept:
        return "it took the key and returned nothing"
    if secret.startswith(kept):
        return f"it returned only the first {len(kept):,} of the key's {len(secret):,} characters"
    return "it returned something other than the key"


def _hiding(secret: str, error: Exception) -> "Locked | Failed":
    wrong = _translated(error)
    return type(wrong)(re.sub(whole(secret), MASK, str(wrong)))


def delete(keyring: Keyring, service: str, user: str) -> None:
    """Delete what is stored, and check that it is gone; it is not an error if nothing is stored.

    Raises:
        Locked, Failed: it is still stored, or may be.
    """
    try:
        keyring.delete_password(service, user)
    except Exception as error:
        # "No such password" and "cannot be deleted" have the same class, so check what is there.
        if type(error).__name__ != "PasswordDeleteError" or read(keyring, service, user) is not None:
            raise _translated(error) from error
    else:
        if read(keyring, service, user) is not None:
            raise Failed("the key is still there after it was deleted")


def _translated(error: BaseException) -> Locked | Failed:
    """Distinguish "locked" from other errors of any library under `keyring`, without importing one."""
    if type(error).__name__ == "InitError" and str(error).startswith("Failed to create the collection"):
        # The Secret Service is new: nothing in it is locked, and nobody answered its prompt for a first password.
        return Failed("it is empty, and cannot be set up without someone to choose a password for it")
    one: BaseException | None = error
    while one is not None:
        if type(one).__name__ in _LOCKED or _NO_INTERACTION in one.args:
            return Locked(str(error))
        one = one.__cause__ or one.__context__
    return Failed(str(error).strip().rstrip(".") or type(error).__name__)
