"""What a hall says about its API keys: what each may do, and when it was last used. Only our hall has it."""

from typing import TYPE_CHECKING, Final

import msgspec

from pyhall_tui.registry.decode import read_struct
from pyhall_tui.registry.errors import Forbidden, Unauthorized
from pyhall_tui.registry.hall_account import NOT_SAID

if TYPE_CHECKING:
    from pyhall_tui.registry.client import RegistryClient

_LIMIT: Final = 1024 * 1024


class HallKey(msgspec.Struct, frozen=True, kw_only=True):
    """One API key, which is not in it. Texts are unchanged."""

    key_id: str
    label: str = ""
    scopes: tuple[str, ...] = ()
    """What it may do, besides reading; empty for everything."""
    last_used: str | None = None
    """To about a minute; None if no use was noted."""
    yours: bool = False
    """It is the key that asked."""


class HallKeys(msgspec.Struct, frozen=True):
    """The keys that a hall shows to this one: those of its namespace, or only itself."""

    keys: tuple[HallKey, ...]


async def hall_keys(client: "RegistryClient") -> HallKeys | None:
    """Ask a hall for its keys; None: it doesn't show them, or not to this key.

    Raises:
        RegistryError: no answer came.
    """
    try:
        return await client.read("/api/v1/keys", lambda body: read_struct(body, HallKeys), limit=_LIMIT, retry=False)
    except (*NOT_SAID, Unauthorized, Forbidden):
        return None
