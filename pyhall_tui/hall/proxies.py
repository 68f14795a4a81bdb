"""The proxies that a hall trusts to say who their clients are. Nobody else is believed.

A proxy adds the address of its client at the end of `X-Forwarded-For` or `Forwarded` (RFC 7239); whatever is before
that came with the request, and anybody can write it. So the client is the last address there that is not a trusted
proxy's.
"""

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from pyhall_tui.hosts import ip_or_none

Network = IPv4Network | IPv6Network
PROXIED: Final = "proxied"
"""In a request's state: a trusted proxy passed it on."""
_MOST_HOPS: Final = 32
_WITH_PORT: Final = re.compile(r"\[([^\]]+)\](?::\w+)?|([0-9.]+)(?::\w+)?")
_FOR: Final = re.compile(r'(?:^|;)\s*for=("?)([^";]*)\1\s*(?:;|$)', re.IGNORECASE)


def read_network(text: str) -> Network:
    """Read an address or a network, such as 10.0.0.0/8.

    Raises:
        ValueError: it is neither, or everybody is in it; the message is the end of a sentence.
    """
    try:
        network = ip_network(text.strip(), strict=False)
    except ValueError:
        raise ValueError(f"{text!r} is neither an address nor a network such as 10.0.0.0/8") from None
    if not network.prefixlen:
        raise ValueError(f"{text} holds every address, so anybody could say who they are: name the proxies only")
    return network


class Proxies:
    """The trusted proxies; without any, no header is believed."""

    def __init__(self, networks: Iterable[Network] = ()) -> None:
        self._networks = tuple(networks)

    def __bool__(self) -> bool:
        return bool(self._networks)

    def __contains__(self, host: object) -> bool:
        address = ip_or_none(host.partition("%")[0]) if isinstance(host, str) else None
        return address is not None and self._has(address)

    def _has(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address.version == network.version and address in network for network in self._networks)

    def client_of(self, headers: Iterable[tuple[bytes, bytes]]) -> str | None:
        """Return the client's address in the headers of a request from a trusted proxy; None if they don't say it.

        They don't if both headers are there and differ: a proxy writes one of them, and passes on a forged other one.
        """
        listed, forwarded = [], []
        for name, value in headers:
            if name == b"x-forwarded-for":
                listed.append(value.decode("latin-1"))
            elif name == b"forwarded":
                forwarded.append(value.decode("latin-1"))
        ways = (_hops(listed), [_for(each) for each in _hops(forwarded)])
        found = {self._last_stranger(hops) for hops in ways if hops}
        return found.pop() if len(found) == 1 else None

    def _last_stranger(self, hops: Iterable[str]) -> str | None:
        """Return the last address that is not a trusted proxy's, or the first of all; None if one can't be read."""
        address = None
        for hop in hops:
            match = _WITH_PORT.fullmatch(hop)
            address = ip_or_none((match[1] or match[2]) if match else hop)
            if address is None or not self._has(address):
                break
        return None if address is None else str(address)


def _hops(values: list[str]) -> list[str]:
    """Return what each proxy on the way has added, the last one first."""
    return [each.strip() for each in ",".join(values).split(",")[: -_MOST_HOPS - 1 : -1]] if values else []


def _for(value: str) -> str:
    found = _FOR.search(value)
    return found[2] if found else ""


def behind(app: ASGIApp, proxies: Proxies) -> ASGIApp:
    """Return `app`, which finds the client of a trusted proxy in its scope in the place of the proxy."""
    if not proxies:
        return app

    async def found(scope: Scope, receive: Receive, send: Send) -> None:
        peer = scope.get("client")
        if peer and peer[0] in proxies:
            scope["state"][PROXIED] = True
            client = proxies.client_of(scope["headers"])
            if client is not None:
                scope["client"] = (client, 0)
        await app(scope, receive, send)

    return found
