"""Which proxy to use for the registry: from `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`, or the system's settings."""

import ipaddress
import re
import urllib.request
from typing import Final

from pyhall_tui.hosts import ip_or_none, one_spelling
from pyhall_tui.registry.origin import Origin

_NAME: Final = re.compile(r"(?:\*?\.)?([\w-]+(?:\.[\w-]+)*)\.?(?::(\d{1,5}))?")
_IN_BRACKETS: Final = re.compile(r"\[(.*)\](?::(\d{1,5}))?")


def choose_proxy(origin: Origin) -> tuple[str | None, tuple[str, ...]]:
    """Return the proxy's URL for that registry, or None, and warnings as sentences.

    This machine is always reached without one. `NO_PROXY` may list hosts (which include their subdomains), addresses
    and networks such as `10.0.0.0/8`, separated by commas or spaces; an unreadable entry is a warning.

    Raises:
        ValueError: the proxy is of a kind that we don't support (SOCKS); the message is a sentence.
    """
    if origin.is_loopback:
        return None, ()
    settings = urllib.request.getproxies()
    own = settings.get(origin.scheme)
    proxy = (own or settings.get("all") or "").strip()
    if not proxy:
        return None, ()
    exempt, warnings = _is_exempt(origin, settings.get("no", ""))
    if exempt or urllib.request.proxy_bypass(origin.host):
        return None, warnings
    scheme, _, rest = proxy.partition("://") if "://" in proxy else ("", "", proxy)
    _require_http(scheme.lower(), f"{origin.scheme.upper()}_PROXY" if own else "ALL_PROXY")
    return f"{scheme.lower() or 'http'}://{rest.lstrip('/')}", warnings


def _require_http(scheme: str, variable: str) -> None:
    """Check that we support such a proxy. The variable's value may hold a password, so it is not repeated.

    Raises:
        ValueError: we don't; the message is a sentence.
    """
    if scheme in ("", "http", "https"):
        return
    what = "a SOCKS proxy, which is" if scheme.startswith("socks") else "a kind of proxy that is"
    raise ValueError(
        f"{variable} (or the system) names {what} not supported: name an http:// proxy there, or this registry's host"
        " in NO_PROXY to reach it without one."
    )


def _is_exempt(origin: Origin, no_proxy: str) -> tuple[bool, tuple[str, ...]]:
    exempt, warnings = False, []
    for entry in filter(None, re.split(r"[\s,]+", no_proxy.lower())):
        try:
            exempt = _covers(entry, origin) or exempt
        except ValueError:
            warnings.append(f"The NO_PROXY entry {entry!r} cannot be read and is left out.")
    return exempt, tuple(warnings)


def _covers(entry: str, origin: Origin) -> bool:
    """Whether that entry of `NO_PROXY` covers the registry.

    Raises:
        ValueError: the entry can't be read.
    """
    if entry == "*":
        return True
    address = ip_or_none(origin.host)
    if "/" in entry:
        network = ipaddress.ip_network(entry.replace("[", "").replace("]", ""), strict=False)
        return address is not None and address in network
    bracketed = _IN_BRACKETS.fullmatch(entry)
    bare, port = bracketed.groups() if bracketed else (entry, None)
    if (named := ip_or_none(bare)) is not None:
        return named == address and port in (None, str(origin.port))
    match = _NAME.fullmatch(entry)
    if match is None:
        raise ValueError(entry)
    name, port = one_spelling(match[1]), match[2]
    return (origin.host == name or origin.host.endswith(f".{name}")) and (port is None or int(port) == origin.port)
