"""A registry's base URL: its normal form, and the origin that a key is bound to."""

import ipaddress
import re
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from pyhall_tui.hosts import ip_or_none, is_this_machine, one_spelling, same_machine

REGISTRY: Final = "https://api.pyhall.dev"
"""The documented registry: the contract's base URL."""

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*", re.ASCII)
_NUMBER: Final = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)", re.ASCII)
"""What ends in a number is an IPv4 address, never a name (WHATWG URL, 3.5)."""


def normalise_url(text: str) -> str:
    """Return the one spelling of a base URL: its host's (see `hosts`), no default port, no slash at the end.

    Raises:
        ValueError: it is not an http or https base URL; the message is a sentence for the form. A login in it is
            refused too: it would be sent along, and shown on screen.
    """
    parts = _split(text.strip())
    if parts.username is not None or parts.password is not None:
        raise ValueError("The URL contains a login: leave it out, the key has its own field.")
    if parts.query or parts.fragment:
        raise ValueError("The URL ends in a query or fragment: give only the base URL.")
    if {".", ".."} & set(unquote(parts.path).split("/")):
        raise ValueError("The URL's path contains “.” or “..”: write the path that you mean.")
    return _origin(parts) + parts.path.rstrip("/")


def origin(url: str) -> str:
    """Return scheme, host and port (unless it is the scheme's default): what a key is bound to.

    Raises:
        ValueError: `url` is not a base URL (see `normalise_url`).
    """
    return _origin(_split(url.strip()))


def is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine, judged only by its name or address: no name is looked up."""
    return is_this_machine(_host(_split(url.strip())))


def spellings(url: str) -> tuple[str, ...]:
    """Return every base URL that leads to the same registry as this one; the first stands for it.

    For what must happen once in a registry, whichever way a profile writes it. A key is bound to `origin`, which is
    stricter. A URL that can't be read is returned as it is.
    """
    try:
        parts = urlsplit(normalise_url(url))
    except ValueError:
        return (url,)
    hosts = same_machine(_host(parts))
    if len(hosts) == 1 and ip_or_none(hosts[0]) is None:
        hosts += (f"{hosts[0]}.",)
    return tuple(_origin(parts, host) + parts.path for host in hosts)


def is_insecure(url: str) -> bool:
    """Whether a key would cross a network in plain text: `http` to another machine."""
    return _split(url.strip()).scheme == "http" and not is_loopback(url)


def is_below(url: str, base_url: str) -> bool:
    """Return whether a URL, however it is spelled, is one of the registry's at `base_url`."""
    try:
        return normalise_url(re.split("[?#]", url, maxsplit=1)[0]).startswith(normalise_url(base_url) + "/")
    except ValueError:
        return False


def moved_base_url(location: str, path: str) -> str | None:
    """Return the registry's new base URL according to a redirect of the request for `path` (below the base URL).

    None if `location` is not the same path elsewhere: a login page is not a registry.
    """
    address, same = re.split("[?#]", location, maxsplit=1)[0].rstrip("/"), path.partition("?")[0]
    if not address.endswith(same):
        return None
    try:
        return normalise_url(address.removesuffix(same))
    except ValueError:
        return None


def _split(text: str) -> SplitResult:
    if not text:
        raise ValueError(f"The registry's URL is missing, for example {REGISTRY}.")
    if "\\" in text or any(not letter.isprintable() or letter.isspace() for letter in text):
        raise ValueError("The URL contains a space, a backslash or a control character.")
    try:
        parts = urlsplit(text)
        if parts.port == 0:
            raise ValueError
    except ValueError:
        raise ValueError("The URL's host or port cannot be read.") from None
    if parts.scheme not in _DEFAULT_PORTS or not text[len(parts.scheme) :].startswith("://"):
        raise ValueError(f"The URL must begin with https:// (or http://), for example {REGISTRY}.")
    _host(parts)
    return parts


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if "[" in parts.netloc:
        try:
            ipaddress.IPv6Address(host.replace("%", "no zones"))
        except ValueError:
            raise ValueError("The URL's IPv6 address cannot be read.") from None
        return one_spelling(host)
    try:
        host = one_spelling(host)
    except ValueError:
        raise ValueError("The URL's host cannot be read.") from None
    if not _HOST.fullmatch(host):
        raise ValueError("The URL has no host that can be read.")
    if _NUMBER.fullmatch(host) and ip_or_none(host) is None:
        raise ValueError("The URL's IPv4 address cannot be read: write it like 127.0.0.1.")
    return host


def _origin(parts: SplitResult, host: str = "") -> str:
    host = host or _host(parts)
    port = "" if parts.port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://[{host}]{port}" if ":" in host else f"{parts.scheme}://{host}{port}"
