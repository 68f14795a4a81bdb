"""A registry's base URL: one spelling of it, and the origin that a key is bound to."""

import ipaddress
import re
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

REGISTRY: Final = "https://api.pyhall.dev"
"""The documented registry: the contract's base URL."""

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST: Final = re.compile(rf"(?=.{{1,254}}\Z){_LABEL}(?:\.{_LABEL})*\.?", re.ASCII)


def normalise_url(text: str) -> str:
    """Return the one spelling of a base URL: host in lower case, no default port, no slash at the end.

    Raises:
        ValueError: with a sentence for the form, for anything that is no plain http or https base URL.
            A login in it is refused too: it would be sent along, and shown on screen.
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
    """Return scheme, host and port (where it is not the scheme's own): what a key is bound to.

    Raises:
        ValueError: `url` is no base URL (see `normalise_url`).
    """
    return _origin(_split(url.strip()))


def is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine by its name or address alone: no name is looked up."""
    host = _host(_split(url.strip()))
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_insecure(url: str) -> bool:
    """Whether a key would cross a network in plain text: `http` to another machine."""
    return _split(url.strip()).scheme == "http" and not is_loopback(url)


def moved_base_url(location: str, path: str) -> str | None:
    """Return the base URL to which a redirect of the request for `path` (below the base URL) moved the registry.

    None where `location` is not the same path elsewhere: a login page is no registry.
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
    host = (parts.hostname or "").lower()
    if "[" in parts.netloc:
        try:
            return str(ipaddress.IPv6Address(host.replace("%", "no zones")))
        except ValueError:
            raise ValueError("The URL's IPv6 address cannot be read.") from None
    try:
        host = host if host.isascii() else _in_ascii(host)
    except UnicodeError:
        raise ValueError("The URL's host cannot be read.") from None
    if not _HOST.fullmatch(host):
        raise ValueError("The URL has no host that can be read.")
    return host


def _in_ascii(host: str) -> str:
    """Return a name as browsers ask for it: `faß.de` is another host than the `fass.de` of Python's own codec.

    Raises:
        UnicodeError: it is no name.
    """
    import idna  # large, and rarely wanted

    return idna.encode(host, uts46=True).decode()


def _origin(parts: SplitResult) -> str:
    host = _host(parts)
    port = "" if parts.port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://[{host}]{port}" if ":" in host else f"{parts.scheme}://{host}{port}"
