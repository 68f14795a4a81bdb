"""A body taken out of its `Content-Encoding`, counted as it grows: httpx unpacks a bomb before one can count."""

import zlib


class NotPacked(Exception):
    """What came is not what its header says; the message is a sentence."""


class Gunzip:
    """Unpacks gzip (RFC 1952): one member or several, and nothing besides."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)
        self._begun = False

    def feed(self, data: bytes, most: int) -> bytes:
        """Return what `data` unpacks to, at most that many bytes; what is beyond is lost, so ask for one too many.

        Raises:
            NotPacked: it is no gzip, or something else follows it.
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
        """Say that nothing more comes.

        Raises:
            NotPacked: it was cut.
        """
        if self._begun and not self._member.eof:
            raise NotPacked("The answer was truncated: its gzip stream does not end.")
