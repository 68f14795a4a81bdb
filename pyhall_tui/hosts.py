"""Gives each host one spelling, so that two hosts are the same if their texts are; reads a request's `Host` header.

A name is in ASCII and lower case: other scripts are written as `xn--…`, so it can't look like another name. A dot at
its end is dropped. An IP address is written the usual way, even an IPv4 address mapped into IPv6.
"""

import ipaddress
import re
from functools import lru_cache
from typing import Final

LOCALHOST: Final = "localhost"
_LOOPBACKS: Final = (LOCALHOST, "127.0.0.1", "::1")
_IN_A_HEADER: Final = re.compile(r"(\[[0-9a-fA-F:.]+(?:%[^\]\s]+)?\]|[0-9A-Za-z._-]+)(?::[0-9]{0,5})?", re.ASCII)


def one_spelling(host: str) -> str:
    """Return the one spelling of a host, given without port and brackets.

    It may be a name that DNS doesn't allow; the caller has to check that.

    Raises:
        ValueError: it is not ASCII, and not a name in another script either.
    """
    host = (host if host.isascii() else _in_ascii(host)).lower().removesuffix(".")
    address = ip_or_none(host)
    return host if address is None else str(address)


def is_this_machine(host: str) -> bool:
    """Whether a host in its one spelling is this machine, by name or address; nothing is looked up."""
    address = ip_or_none(host)
    return host == LOCALHOST if address is None else address.is_loopback


def same_machine(host: str) -> tuple[str, ...]:
    """Return all spellings of `host` (given in its one spelling) that lead to the same server, the usual one first.

    `localhost` is 127.0.0.1 or ::1, whichever answers. 127.0.0.2 is another address.
    """
    return ("127.0.0.1", "::1", LOCALHOST) if host in _LOOPBACKS else (host,)


def ip_or_none(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return `text` as an IP address (IPv4 even if it is mapped into IPv6), or None."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


@lru_cache(maxsize=256)
def name_of(host: str) -> str | None:
    """Return a host without its port in the form to compare: lower case, and IP addresses in their usual form.

    Returns None if it is neither a name nor an address.
    """
    match = _IN_A_HEADER.fullmatch(host) or _IN_A_HEADER.fullmatch(
        f"[{host}]"
    )  # in an option, an IPv6 address has no brackets
    if match is None:
        return None
    name = one_spelling(match[1].strip("[]").partition("%")[0])
    return None if not name or (match[1].startswith("[") and ip_or_none(name) is None) else name


@lru_cache(maxsize=256)
def is_own(name: str, known: frozenset[str], local: str) -> bool:
    """Whether a name is `known`, is this machine's own, or is `local`, the address that was connected to."""
    if name in known or is_this_machine(name) or name.endswith(f".{LOCALHOST}"):
        return True
    return ip_or_none(name) is not None and name == name_of(local)


def _in_ascii(name: str) -> str:
    """Return a name as browsers request it: `faß.de` is another host than the `fass.de` of Python's own codec.

    Raises:
        UnicodeError: it is not a name.
    """
    import idna  # large, and rarely needed

    return idna.encode(name, uts46=True).decode()
