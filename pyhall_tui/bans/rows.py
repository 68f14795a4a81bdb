"""A ban list in order, newest report first, and what of it a search finds. A million entries take 36 MiB.

Rows are hashes, packed: 32 bytes each, and 4 for the order. What an entry says is looked up in the list itself when it
is shown. Ordering holds some 80 bytes an entry while it runs, and takes seconds for a million: call it in a thread.
"""

from array import array
from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, TypeVar, overload

from pyhall_tui.registry.ban_index import BanIndex, Words
from pyhall_tui.registry.models import BanListEntry

T = TypeVar("T")

_DIGEST: Final = 32
_SECONDS: Final = 1 << 34
"""Times are between 1970 and 2514; others count as the nearest."""
_NUMBERS: Final = 1 << 29
_LOOK_EVERY: Final = 1_024
"""Entries after which it is asked whether the result is still wanted."""
_FEWEST_DIGITS: Final = 4
_HEX: Final = frozenset("0123456789abcdef")


class NotWanted(Exception):
    """Nobody waits for the result any more."""


class BanRows(Sequence[str]):
    """Hashes in the order in which they are shown. Where one is, is found without an index in memory."""

    def __init__(self, digests: bytearray, order: "array[int]") -> None:
        """`digests` are in the order in which the entries came; `order` has their numbers as they are shown."""
        self._digests, self._order = digests, order

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        number = self._order[index]
        return self._digests[number * _DIGEST : (number + 1) * _DIGEST].hex()

    def __len__(self) -> int:
        return len(self._order)

    def __contains__(self, sha256: object) -> bool:
        return self.place_of(sha256) is not None

    def index(self, value: object, start: int = 0, stop: int | None = None) -> int:
        """Return where a hash is.

        Raises:
            ValueError: it is not there.
        """
        place = self.place_of(value)
        if place is None or place not in range(*slice(start, stop).indices(len(self))):
            raise ValueError(value)
        return place

    def place_of(self, sha256: object) -> int | None:
        """Return where a hash is; it takes milliseconds in a list of a million."""
        if not isinstance(sha256, str) or len(sha256) != 2 * _DIGEST:
            return None
        try:
            digest = bytes.fromhex(sha256)
        except ValueError:
            return None
        at = self._digests.find(digest)
        while at >= 0 and at % _DIGEST:
            at = self._digests.find(digest, at + 1)
        try:
            return self._order.index(at // _DIGEST) if at >= 0 else None
        except ValueError:
            return None

    def only(self, is_found: Callable[[int], bool]) -> "BanRows":
        """Return the rows whose entries' numbers are found, in the same order."""
        return BanRows(self._digests, array("I", filter(is_found, self._order)))

    def of(self, hashes: Iterable[str]) -> "BanRows":
        """Return the rows of these hashes, in the same order."""
        places = sorted(place for sha256 in hashes if (place := self.place_of(sha256)) is not None)
        return BanRows(self._digests, array("I", (self._order[place] for place in places)))

    @property
    def entry_count(self) -> int:
        """How many entries the whole list has."""
        return len(self._digests) // _DIGEST


def newest_first(entries: Mapping[str, BanListEntry], is_wanted: Callable[[], bool] = lambda: True) -> BanRows:
    """Return a list's rows, newest report first; entries without a readable time come last.

    Raises:
        NotWanted: `is_wanted` said no.
    """
    digests = bytearray()
    keys: array[int] = array("Q")
    for number, (digest, words) in enumerate(_while_wanted(_in_order(entries), is_wanted)):
        digests += digest
        keys.append((_SECONDS - 1 - _seconds(words[1])) * _NUMBERS + number)
    return BanRows(digests, array("I", (key % _NUMBERS for key in sorted(keys))))


def search(
    rows: BanRows,
    entries: Mapping[str, BanListEntry],
    query: str,
    is_wanted: Callable[[], bool] = lambda: True,
) -> BanRows:
    """Return the rows that have every word of a query: in the reason, source, status or time, or as a hash's start.

    A word counts as the start of a hash from four digits on, or with `sha256:` before it.

    Args:
        entries: the list that `rows` were made of.

    Raises:
        NotWanted: `is_wanted` said no.
    """
    words = [(word, _digits(word)) for word in query.casefold().split()]
    if not words:
        return rows
    found = bytearray(rows.entry_count)
    for number, (digest, said) in enumerate(_while_wanted(_in_order(entries), is_wanted)):
        text = "\n".join(filter(None, said)).casefold()
        if all(word in text or (digits and digest.hex().startswith(digits)) for word, digits in words):
            found[number] = 1
    return rows.only(lambda number: found[number] == 1)


def _in_order(entries: Mapping[str, BanListEntry]) -> Iterator[tuple[bytes, Words]]:
    """Yield each entry's digest and words once, in the order that `BanRows` numbers them."""
    if isinstance(entries, BanIndex):
        yield from entries.unmasked()
    elif isinstance(entries, ChainMap):  # its own way makes a set of all hashes
        for place, part in enumerate(entries.maps):
            for digest, words in _in_order(part):
                if not any(digest.hex() in before for before in entries.maps[:place]):
                    yield digest, words
    else:
        for entry in entries.values():
            yield bytes.fromhex(entry.sha256), (entry.reason, entry.reported_at, entry.source, entry.review_status)


def _while_wanted(entries: Iterable[T], is_wanted: Callable[[], bool]) -> Iterator[T]:
    for number, entry in enumerate(entries):
        if number % _LOOK_EVERY == 0 and not is_wanted():
            raise NotWanted
        yield entry


def reported_at(text: str | None) -> float | None:
    """Return the wall time of a report; None if there is none, or it can't be read. Without a zone it is UTC."""
    try:
        time = datetime.fromisoformat((text or "").strip())
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _seconds(text: str | None) -> int:
    return min(max(0, int(reported_at(text) or 0)), _SECONDS - 1)


def _digits(word: str) -> str:
    """Return the hash digits in a word; fewer than four would match hashes by chance."""
    digits = word.removeprefix("sha256:")
    is_hash = bool(digits) and set(digits) <= _HEX and (digits != word or len(digits) >= _FEWEST_DIGITS)
    return digits if is_hash else ""
