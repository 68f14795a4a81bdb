"""What a registry or hall says about your account, and about its own code. Anything unclear counts as not said."""

from typing import TYPE_CHECKING, Any, Final

import msgspec

from pyhall_tui.registry.decode import read_object, short
from pyhall_tui.registry.errors import (
    BadRequest,
    Forbidden,
    NotARegistrysAnswer,
    NotFound,
    Redirected,
    Unauthorized,
    UnexpectedStatus,
)

if TYPE_CHECKING:
    from pyhall_tui.registry.client import RegistryClient

_LIMIT: Final = 1024 * 1024
NOT_SAID: Final = (NotFound, UnexpectedStatus, BadRequest, NotARegistrysAnswer, Redirected)
"""Answers of a registry that has no such operation."""
SUSPENDED: Final = "suspended"
_GOOD_ENOUGH: Final = frozenset({"ok", "degraded", "grace"})
"""Standings that are certainly not *suspended*; the set of words is open, and an unknown one says nothing."""


class Account(msgspec.Struct, frozen=True):
    """An account's standing as received, and when it was checked."""

    standing: str | None = None
    checked_at: str | None = None

    @property
    def is_suspended(self) -> bool | None:
        """Whether it is suspended; None if that is not said."""
        word = (self.standing or "").strip().casefold()
        return True if word == SUSPENDED else False if word in _GOOD_ENOUGH else None


class OwnCode(msgspec.Struct, frozen=True):
    """What a hall says about its own code: its hash as received, and whether that is banned; None: not said."""

    hash: str | None = None
    banned: bool | None = None


def account_in(fields: dict[str, Any]) -> Account:
    """Read the account's standing from a hall's status."""
    return Account(_text(fields, "account_standing"), _text(fields, "standing_checked_at"))


async def ask_hall_account(client: "RegistryClient") -> Account | None:
    """Ask a hall's status for the account's standing; None: this is not a hall.

    Raises:
        RegistryError: no answer came.
    """
    try:
        return await client.read("/status", lambda body: account_in(read_object(body)), limit=_LIMIT, retry=False)
    except NOT_SAID:
        return None


async def ask_account(client: "RegistryClient") -> Account | None:
    """Ask a registry for the account's standing; None: it doesn't show it, or not to a key.

    Raises:
        RegistryError: no answer came.
    """
    try:
        return await client.read("/api/account/standing", _read_account, limit=_LIMIT, retry=False)
    except (*NOT_SAID, Unauthorized, Forbidden):  # it may be for a login
        return None


def _read_account(body: bytes) -> Account:
    fields = read_object(body)
    return Account(_text(fields, "standing"), _text(fields, "checked_at"))


async def ask_own_code(client: "RegistryClient") -> OwnCode:
    """Ask a hall about its own code.

    Raises:
        RegistryError: no answer came.
    """
    try:
        return await client.read("/health", _read_own_code, limit=_LIMIT, retry=False)
    except NOT_SAID:
        return OwnCode()


def _read_own_code(body: bytes) -> OwnCode:
    fields = read_object(body)
    banned = fields.get("hall_hash_banned")
    return OwnCode(_text(fields, "hall_hash"), banned if isinstance(banned, bool) else None)


def _text(fields: dict[str, Any], name: str) -> str | None:
    value = fields.get(name)
    return short(value, 200) if isinstance(value, str) else None
