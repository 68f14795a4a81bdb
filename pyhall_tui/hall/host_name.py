"""What a request's `Host` header says: a name or an address, and whether it is this machine's own."""

import re
from functools import lru_cache

from pyhall_tui.hosts import LOCALHOST, ip_or_none, is_this_machine, one_spelling

_HOST = re.compile(r"(\[[0-9a-fA-F:.]+(?:%[^\]\s]+)?\]|[0-9A-Za-z._-]+)(?::[0-9]{0,5})?", re.ASCII)


@lru_cache(maxsize=256)
def name_of(host: str) -> str | None:
    """Return a host without its port in the form to compare: lower case, and IP addresses in their usual form.

    Returns None if it is neither a name nor an address.
    """
    match = _HOST.fullmatch(host) or _HOST.fullmatch(f"[{host}]")  # in an option, an IPv6 address has no brackets
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
