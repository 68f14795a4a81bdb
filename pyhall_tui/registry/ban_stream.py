"""Reads a ban list as it arrives: neither its whole text nor an object for each entry is ever held."""

import hashlib
import re
from collections import ChainMap
from collections.abc import Callable
from typing import Final

import msgspec

from pyhall_tui.registry.ban_index import BanIndex
from pyhall_tui.registry.ban_lists import (
    AnyEntry,
    Entry,
    UnclearBanList,
    kept,
    may_be_cut,
    read_ban_list,
    read_entry,
    worst_reading,
)
from pyhall_tui.registry.json_body import TwoReadings, Unreadable, decode, is_plain_list, plain, short
from pyhall_tui.registry.models import BanList, BanListEntry
from pyhall_tui.registry.trip import TooMuchHeld

AT_ONCE: Final = 1024 * 1024
"""A list up to this many bytes is read at once; a longer one is read piece by piece."""
MOST_HELD: Final = 16 * 1024 * 1024
"""Bytes of a list that are held at a time: one entry, or a list that is not an array, may have no more."""
_PIECE: Final = 256 * 1024
"""Bytes that are decoded at a time, so that other threads have their turn."""

_OPENS: Final = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r\n]*\[")
_CLOSES: Final = re.compile(rb"\][ \t\r\n]*\Z")
_MOST_CUTS: Final = 16
"""How many places are tried as the end of an entry before waiting for more."""


class BanListReader:
    """Reads one ban list. `feed` takes received bytes, `end` returns the list; both may be called on any thread."""

    def __init__(
        self, limit: int | None, correlation_id: str, mask: Callable[[bytes], bytes], *, known: bytes = b""
    ) -> None:
        """Start a list.

        Args:
            limit: how many entries were requested.
            mask: removes the key from a text.
            known: the digest of a list that need not be read to its end.
        """
        self._known = known
        self._outcome: BanList | Unreadable | None = None
        """What `finish` has made of it."""
        self._limit, self._correlation_id, self._mask = limit, correlation_id, mask
        self._digest = hashlib.sha256()
        self._held = bytearray()
        self._is_array: bool | None = None
        self._wanted = AT_ONCE
        """Bytes to wait for before searching for the next piece."""
        self._index = BanIndex(lambda text: mask(text.encode()).decode())
        self._given = self._unreadable = 0
        self._any_object = False
        self._unclear = ""
        self._worst: dict[str, BanListEntry] = {}
        self.size = 0
        """Bytes received."""

    @property
    def digest(self) -> bytes:
        """The SHA-256 of everything received."""
        return self._digest.digest()

    def feed(self, data: bytes) -> None:
        """Take the next bytes.

        Raises:
            Unreadable: it is not a ban list.
            TooMuchHeld: one of its entries is too long, or it is not an array and too long.
        """
        self.size += len(data)
        self._digest.update(data)
        self._held += data
        if len(self._held) >= self._wanted and self._begins_an_array():
            self._read_pieces()
        if len(self._held) > MOST_HELD:
            raise TooMuchHeld(
                f"The ban list has something larger than {MOST_HELD // 1024 // 1024} MiB that cannot be read in pieces."
            )

    def finish(self) -> None:
        """Read what is left of a long list, so that `end` returns at once; nothing more comes."""
        if self.digest != self._known:
            try:
                self._outcome = self._end()
            except Unreadable as wrong:
                self._outcome = wrong

    def end(self) -> BanList:
        """Return the list; nothing more comes.

        Raises:
            UnclearBanList: a key appears twice in it.
            Unreadable: it is not a ban list.
        """
        outcome = self._outcome or self._end()
        if isinstance(outcome, Unreadable):
            raise outcome
        return outcome

    def _end(self) -> BanList:
        if not self._is_array:
            body = self._mask(bytes(self._held))
            return msgspec.structs.replace(read_ban_list(body, self._limit, self._correlation_id), size=self.size)
        closed = _CLOSES.search(self._held)
        if closed is None:
            raise Unreadable("it is not valid JSON: its list does not end")
        rest = bytes(self._held[: closed.start()])
        if self._given and not rest.strip():
            raise Unreadable("it is not valid JSON: its list ends with a comma")
        self._take(rest)
        self._held.clear()
        self._index.close_block()
        if self._unclear:
            entries = ChainMap(self._worst, self._index)  # type: ignore[arg-type]  # nothing is written to it
            worst = BanList(entries=entries, truncated=True, besides=True, correlation_id=self._correlation_id)
            raise UnclearBanList(self._unclear, worst)
        if self._given and self._given == self._unreadable and not self._any_object:
            raise Unreadable("nothing in its list is a ban")
        return BanList(
            entries=self._index,
            truncated=may_be_cut(self._given, self._limit),
            unreadable=self._unreadable,
            size=self.size,
            correlation_id=self._correlation_id,
        )

    def _begins_an_array(self) -> bool:
        if self._is_array is None:
            opens = _OPENS.match(self._held)
            self._is_array = opens is not None
            if opens is not None:
                del self._held[: opens.end()]
        return self._is_array

    def _read_pieces(self) -> None:
        """Read whole entries from the front of what is held, a piece at a time."""
        while len(self._held) >= _PIECE:
            cut = self._take_up_to(_PIECE)
            if not cut and len(self._held) > _PIECE:
                cut = self._take_up_to(len(self._held))
            if not cut:
                break
            del self._held[: cut + 1]
        # If nothing could be read, try again when there is twice as much: each try takes as long as there are bytes.
        self._wanted = max(_PIECE, 2 * len(self._held)) if len(self._held) >= _PIECE else _PIECE

    def _take_up_to(self, most: int) -> int:
        """Take the entries in the first bytes; return the position of the comma after the last one, or 0.

        A comma separates two entries only if what is before it can be decoded as a list; a comma within a text can't.
        """
        end = most
        for _ in range(_MOST_CUTS):
            end = max(self._held.rfind(b"},", 0, end) + 1, 0) or self._held.rfind(b",", 0, end)
            if end <= 0:
                return 0
            try:
                self._take(bytes(self._held[:end]))
            except _NotAPiece:
                continue
            return end
        return 0

    def _take(self, piece: bytes) -> None:
        """Take whole entries, with commas between them."""
        body = plain(b"[%b]" % piece)
        try:
            found = msgspec.json.decode(body, type=list[AnyEntry])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _NotAPiece(short(str(error), 200)) from None
        try:
            if not is_plain_list(body):
                decode(body)
        except TwoReadings as two:
            self._unclear = str(two)
            self._worst |= worst_reading(body)
        for entry in found:
            self._add(entry)

    def _add(self, entry: AnyEntry) -> None:
        self._given += 1
        if type(entry) is Entry:
            self._any_object = True
            try:
                digest = bytes.fromhex(entry.sha256) if len(entry.sha256) == 64 else b""
            except (TypeError, ValueError):
                digest = b""
            if len(digest) == 32:
                words = (entry.reason, entry.reported_at, entry.source, entry.review_status)
                self._index.add(
                    digest, [word if type(word) is str and len(word) < 1_000 else kept(word) for word in words]
                )
                return
        ban = read_entry(entry, None)
        if ban is None:
            self._unreadable += 1
        else:
            words = (ban.reason, ban.reported_at, ban.source, ban.review_status)
            self._index.add(bytes.fromhex(ban.sha256), words)


class _NotAPiece(Unreadable):
    """What seemed to be whole entries is not, or is not JSON."""

    def __init__(self, why: str) -> None:
        super().__init__(f"it is not valid JSON, or a field has the wrong type: {why}")
