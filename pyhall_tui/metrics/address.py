"""Where `/metrics` is served: an address that is given as `HOST:PORT`."""

import re
import socket
from typing import Final

from pyhall_tui.hosts import is_this_machine, one_spelling

REMOTE: Final = "--allow-remote-metrics"
"""The option that allows other machines to read the metrics."""
_ADDRESS: Final = re.compile(r"(?:\[([^\[\]]+)\]|([^:\[\]]+)):([0-9]{1,5})")


class Refused(ValueError):
    """The address can't be used as it is; the message is a sentence."""


class NotServed(Refused):
    """The address is fine, but is in use, or is not this machine's."""


def listen(text: str, *, remote: bool = False) -> socket.socket:
    """Return a socket that listens at `HOST:PORT`; port 0 picks a free port.

    Args:
        remote: other machines may read the metrics too.

    Raises:
        Refused: it is not an address, or can be reached from other machines although `remote` is not set.
        NotServed: it is in use, or is not this machine's.
    """
    found = _ADDRESS.fullmatch(text.strip())
    if found is None or int(found[3]) > 65_535:
        raise Refused(f"{text!r} is not an address for metrics: write it like 127.0.0.1:9464 or [::1]:9464.")
    host, port = found[1] or found[2], int(found[3])
    if not remote and not is_local(host):
        raise Refused(
            f"{host} can be reached from other machines, so anybody there could read the metrics: add {REMOTE} to"
            " allow that, or use 127.0.0.1."
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=64)
    except (OSError, UnicodeError, OverflowError) as error:
        why = str(getattr(error, "strerror", None) or error).partition(" (while ")[0]
        raise NotServed(f"The metrics can't be served at {text.strip()}: {why.rstrip('.')}.") from None


def is_local(host: str) -> bool:
    """Whether only this machine can reach a server at that host."""
    try:
        return is_this_machine(one_spelling(host))
    except ValueError:
        return False


def url(listening: socket.socket) -> str:
    """Return the URL of the metrics."""
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/metrics"
