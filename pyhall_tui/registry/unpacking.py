"""A body taken out of its `Content-Encoding` in small pieces: httpx unpacks a bomb before one can count."""

import zlib
from collections.abc import Iterator
from typing import Final

_AT_A_TIME: Final = 256 * 1024
"""Bytes of one piece."""


class NotPacked(Exception):
    """The body is not what its header says; the message is a sentence."""


class Gunzip:
    """Unpacks gzip (RFC 1952): one or several members, and nothing else."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what `data` unpacks to. Stop iterating when it is too much.

        Raises:
            NotPacked: it is not gzip, or something else follows it.
        """
        while data:
            if self._member.eof:
                self._member = zlib.decompressobj(wbits=31)
            self._begun = True
            try:
                piece = self._member.decompress(data, _AT_A_TIME)
            except zlib.error:
                raise NotPacked("The answer says that it is gzip, but it is not, or not all of it.") from None
            if piece:
                yield piece
            data = self._member.unused_data or self._member.unconsumed_tail

    def end(self) -> None:
        """Note that nothing more comes.

        Raises:
            NotPacked: it was truncated.
        """
        if self._begun and not self._member.eof:
            raise NotPacked("The answer was truncated: its gzip stream does not end.")
