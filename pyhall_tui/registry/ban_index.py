"""The bans of a long list in little memory: about 60 bytes each, while an object for each takes 800."""

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence, ValuesView
from functools import lru_cache
from typing import Any, Final

import msgspec

from pyhall_tui.registry.models import BanListEntry

_DIGEST: Final = 32
_RECORD: Final = _DIGEST + 4
"""Bytes of a record: a hash, and the number of its entry."""
_BLOCK: Final = 64
"""Entries whose words are packed together."""

Words = Sequence[Any]
"""What an entry says besides its hash: reason, time of the report, source, status of the review."""


class BanIndex(Mapping[str, BanListEntry]):
    """Entries by bare lowercase hash. Only an entry that is looked up becomes an object; the last of several counts."""

    def __init__(self, finish: Callable[[str], str]) -> None:
        """Start empty. `finish` is applied to each text of an entry that is looked up: it masks the key."""
        self._finish = finish
        self._buckets: dict[int, bytearray] = {}
        """Records by `_bucket_of` their hash: with a million entries, about 60 in each."""
        self._blocks: list[bytes] = []
        self._open: list[Words] = []
        self._count = 0
        self._unpacked = lru_cache(maxsize=32)(self._unpack)

    def add(self, digest: bytes, words: Words) -> None:
        """Add an entry. `words` are as in `BanListEntry`, and of limited length."""
        number = (len(self._blocks) * _BLOCK + len(self._open)).to_bytes(4, "big")
        self._open.append(words)
        if len(self._open) == _BLOCK:
            self.close_block()
        key = _bucket_of(digest)
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = bytearray()
        at = _place(bucket, digest)
        if at < 0:
            bucket += digest + number
            self._count += 1
        else:
            bucket[at + _DIGEST : at + _RECORD] = number

    def close_block(self) -> None:
        """Pack what was added last. Call it after the last entry."""
        if self._open:
            self._open += [()] * (_BLOCK - len(self._open))
            self._blocks.append(zlib.compress(msgspec.msgpack.encode(self._open), 1))
            self._open = []

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        for bucket in self._buckets.values():
            for at in range(0, len(bucket), _RECORD):
                yield bucket[at : at + _DIGEST].hex()

    def __contains__(self, sha256: object) -> bool:
        return self._number(sha256) is not None

    def __getitem__(self, sha256: str) -> BanListEntry:
        number = self._number(sha256)
        if number is None:
            raise KeyError(sha256)
        return self._entry(sha256, number)

    def values(self) -> ValuesView[BanListEntry]:
        """Return all entries in their original order, which is fast; by hash it is not."""
        return _InOrder(self)

    def in_order(self) -> Iterator[BanListEntry]:
        """Yield the entries in their original order."""
        for number, digest, _ in self._numbered():
            yield self._entry(digest.hex(), number)

    def unmasked(self) -> Iterator[tuple[bytes, Words]]:
        """Yield digests and words in their original order, which is faster still. Never show these words."""
        for _, digest, words in self._numbered():
            yield digest, words

    def _numbered(self) -> Iterator[tuple[int, bytes, Words]]:
        numbers = bytearray(len(self._blocks) * _BLOCK * _DIGEST)
        counts = bytearray(len(self._blocks) * _BLOCK)
        for bucket in self._buckets.values():
            for at in range(0, len(bucket), _RECORD):
                number = int.from_bytes(bucket[at + _DIGEST : at + _RECORD], "big")
                numbers[number * _DIGEST : (number + 1) * _DIGEST] = bucket[at : at + _DIGEST]
                counts[number] = 1
        for number in range(len(counts)):
            if counts[number]:
                words = self._unpacked(number // _BLOCK)[number % _BLOCK]
                yield number, bytes(numbers[number * _DIGEST : (number + 1) * _DIGEST]), words

    def _entry(self, sha256: str, number: int) -> BanListEntry:
        reason, reported_at, source, review_status = (
            word and self._finish(word) for word in self._unpacked(number // _BLOCK)[number % _BLOCK]
        )
        return BanListEntry(
            sha256=sha256, reason=reason, reported_at=reported_at, source=source, review_status=review_status
        )

    def _number(self, sha256: object) -> int | None:
        if not isinstance(sha256, str) or len(sha256) != 64 or len(digest := _digest(sha256)) != _DIGEST:
            return None
        bucket = self._buckets.get(_bucket_of(digest), b"")
        at = _place(bucket, digest)
        return None if at < 0 else int.from_bytes(bucket[at + _DIGEST : at + _RECORD], "big")

    def _unpack(self, block: int) -> Sequence[Words]:
        found: Sequence[Words] = msgspec.msgpack.decode(zlib.decompress(self._blocks[block]))
        return found


class _InOrder(ValuesView[BanListEntry]):
    def __init__(self, index: BanIndex) -> None:
        super().__init__(index)
        self._index = index

    def __iter__(self) -> Iterator[BanListEntry]:
        return self._index.in_order()


def _digest(sha256: str) -> bytes:
    try:
        return bytes.fromhex(sha256)
    except ValueError:
        return b""


def _bucket_of(digest: bytes) -> int:
    """Return a number that spreads hashes evenly, even made-up ones that start alike."""
    return hash(digest) & 0x3FFF


def _place(bucket: bytes | bytearray, digest: bytes) -> int:
    """Return where the record of a hash starts, or -1 if there is none."""
    at = bucket.find(digest)
    while at % _RECORD and at >= 0:
        at = bucket.find(digest, at + 1)
    return at
