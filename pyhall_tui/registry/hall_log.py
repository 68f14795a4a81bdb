"""What a hall says about its decision log: its id and head, and a row that was seen before. Only our hall has it."""

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import msgspec

from pyhall_tui.registry.decode import Unreadable, read_struct

if TYPE_CHECKING:
    from pyhall_tui.registry.client import RegistryClient

_LIMIT: Final = 64 * 1024
_MOST_ROWS: Final = 10**12
_HASH: Final = re.compile("[0-9a-f]{64}|GENESIS")
_ID: Final = re.compile("[!-~]{1,200}")


class SeenRow(msgspec.Struct, frozen=True):
    """A row that was asked about; without a hash, the log does not contain it."""

    seq: int
    entry_hash: str | None = None


class HallLog(msgspec.Struct, frozen=True, kw_only=True):
    """A decision log as its hall shows it; hashes are 64 hex digits, or `GENESIS` before the first row."""

    log_id: str
    seq: int
    entry_hash: str
    anchor: int
    """The last row that was removed; the log contains those after it."""
    seen: SeenRow
    public_key: str | None = None
    """The key that signs the log, as a line; None if it is not signed."""
    checkpoint: str | None = None
    """The newest signed note about its head."""


async def hall_log(client: "RegistryClient", seen: int) -> HallLog:
    """Ask for a hall's log, and for the row with the number `seen`.

    Raises:
        NotFound: this registry does not show it.
        RegistryError: no usable answer came.
    """
    return await client.read(f"/api/v1/log?{urlencode({'seen': seen})}", lambda body: _read(body, seen), limit=_LIMIT)


def _read(body: bytes, seen: int) -> HallLog:
    log = read_struct(body, HallLog)
    hashes = [log.entry_hash, *filter(None, [log.seen.entry_hash])]
    is_sound = _ID.fullmatch(log.log_id) and all(map(_HASH.fullmatch, hashes)) and log.seen.seq == seen
    if not is_sound or not 0 <= log.anchor <= log.seq <= _MOST_ROWS:
        raise Unreadable("it is not about a decision log")
    return log
