"""Unpacks a body's `Content-Encoding`, counting as it grows: httpx unpacks a bomb before anyone can count."""

import zlib


class NotPacked(Exception):
    """The body is not what its header says; the message is a sentence."""


class Gunzip:
    """Unpacks gzip (RFC 1952): one or several members, and nothing else."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)
        self._begun = False

    def feed(self, data: bytes, most: int) -> bytes:
        """Return what `data` unpacks to, at most that many bytes; the rest is lost, so ask for one too many.

        Raises:
            NotPacked: it is not gzip, or something else follows it.
        """
        out = bytearray()
        while data and len(out) < most:
            if self._member.eof:
                self._member = zlib.decompressobj(wbits=31)
            self._begun = True
            try:
                out += self._member.decompress(data, most - len(out))
            except zlib.error:
                raise NotPacked("The answer says that it is gzip, but it is not, or not all of it.") from None
            data = self._member.unused_data
        return bytes(out)

    def end(self) -> None:
        """Note that nothing more comes.

        Raises:
            NotPacked: it was truncated.
        """
        if self._begun and not self._member.eof:
            raise NotPacked("The answer was truncated: its gzip stream does not end.")
