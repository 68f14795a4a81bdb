"""A profile's registry address, normalized, and how an id becomes one segment of a path."""

from typing import Final
from urllib.parse import quote, urlsplit

import msgspec

from pyhall_tui.profiles.urls import is_loopback, normalise_url

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """A registry's address. `https://h/pyhall` and `https://h:443/pyhall/` are the same one."""

    scheme: str
    host: str
    """In its one spelling (see `hosts`), without the brackets of an IPv6 address."""
    port: int
    prefix: str
    """The path before the API's own, without a trailing slash; usually empty."""

    @property
    def authority(self) -> str:
        """The host as written in an address, with its port unless it is the scheme's default."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def base_url(self) -> str:
        """The normalized address, without a trailing slash."""
        return f"{self.scheme}://{self.authority}{self.prefix}"

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine: reached without a proxy, and plain `http://` is fine."""
        return is_loopback(self.base_url)


def read_origin(url: str) -> Origin:
    """Read a profile's registry URL.

    Raises:
        ValueError: it can't be used; the message is a sentence that says why, without the URL in it
            (someone may have pasted a key there).
    """
    parts = urlsplit(normalise_url(url))
    return Origin(
        scheme=parts.scheme,
        host=parts.hostname or "",
        port=parts.port or _DEFAULT_PORTS[parts.scheme],
        prefix=parts.path,
    )


def segment(worker_id: str) -> str:
    """Return an id percent-encoded, so that it stays one segment of a path whatever it contains.

    No character is exempt, and an id of only dots is encoded too: `..` would name the folder above.

    Raises:
        ValueError: it is empty or not valid Unicode; the message is a sentence.
    """
    if not worker_id:
        raise ValueError("The worker id is empty.")
    try:
        encoded = quote(worker_id, safe="")
    except UnicodeEncodeError:
        raise ValueError("The worker id contains a character that is not valid Unicode.") from None
    return encoded.replace(".", "%2E") if encoded in (".", "..") else encoded
