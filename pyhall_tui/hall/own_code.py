"""The canonical package hash of the hall's own code (contract, part 2), and whether that hash is banned."""

import asyncio
import hashlib
import os
import sqlite3
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pyhall_tui.hall.errors import StoreError

if TYPE_CHECKING:
    from pyhall_tui.hall.context import Hall

_LEFT_OUT = frozenset({".git", "__pycache__", ".DS_Store", "manifest.json", "manifest.sig", "manifest.tmp"})
_LOOK = 1.0  # seconds between two looks at the ban list: `/health` needs no key, so anybody can ask it all day


@cache
def code_hash(root: Path = Path(__file__).parent) -> str | None:
    """Return `sha256:` and the package hash of the hall's code, read once; None if it can't be read as files."""
    lines = hashlib.sha256()
    try:
        for path in sorted(_files(root), key=lambda path: path.relative_to(root).parts):
            content = path.read_bytes()
            name, digest = path.relative_to(root).as_posix(), hashlib.sha256(content).hexdigest()
            lines.update(f"{name}\n{len(content)}\n{digest}\n".encode())
    except (OSError, UnicodeEncodeError):  # such as from an archive
        return None
    return f"sha256:{lines.hexdigest()}"


def _files(root: Path) -> list[Path]:
    found = []
    for folder, folders, names in os.walk(root, onerror=_raise):
        folders[:] = [name for name in folders if name not in _LEFT_OUT]
        found += [Path(folder, name) for name in names if name not in _LEFT_OUT and not name.endswith(".pyc")]
    return found


def _raise(error: OSError) -> None:
    raise error


class OwnCode:
    """What a hall says about its own code."""

    def __init__(self, hall: "Hall") -> None:
        self._hall = hall
        self._read = False
        self._looked = float("-inf")
        self._banned: bool | None = None

    async def read(self) -> None:
        """Compute the hash in a thread, unless that was done: at the start, before another version is installed."""
        if not self._read:
            await asyncio.to_thread(code_hash)
            self._read = True

    async def hash(self) -> str | None:
        """Return the hash of its code; None if it can't be read."""
        await self.read()
        return code_hash()

    async def banned(self) -> bool | None:
        """Whether that hash is on the ban list, as of a second ago at most.

        None: not known, because there is no hash or no list, or the list may lack the upstream's newest bans.
        """
        known, now = await self.hash(), self._hall.clock.now().mono
        if now - self._looked >= _LOOK:
            self._banned, self._looked = self._look(known), now
        return self._banned

    def _look(self, known: str | None) -> bool | None:
        hall = self._hall
        if known is None or not hall.ban_list:
            return None
        try:
            if hall.store.is_hash_banned(known.removeprefix("sha256:")):
                return True
        except (StoreError, sqlite3.Error):
            return None
        return None if hall.upstream and hall.upstream.stale else False
