"""Reports to the service manager that started this program (systemd): ready, alive, stopping.

Its protocol is one datagram per message to the socket that `NOTIFY_SOCKET` names (sd_notify(3)). Without it, nothing
happens. A message that can't be sent is dropped: the service manager notices by itself.
"""

import logging
import os
import socket
from collections.abc import Mapping
from typing import Final, Self

_OFTEN: Final = 2
"""How many times per watchdog interval this program says that it is alive, so that a late one does no harm."""
_LONGEST: Final = 400
"""Characters of a status line."""

_log = logging.getLogger(__name__)


class ServiceManager:
    """Sends messages to the service manager, if there is one."""

    def __init__(self, address: str, alive_every: float | None) -> None:
        """Send nothing yet. An `address` that starts with `@` is an abstract socket; an empty one is nobody's."""
        self._address = address
        self.alive_every = alive_every
        """Seconds after which to call `alive` again; None if nobody waits for it."""

    @classmethod
    def of_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Return the one that the environment names."""
        address = environ.get("NOTIFY_SOCKET", "")
        if address and (address[0] not in "/@" or not hasattr(socket, "AF_UNIX")):
            _log.warning("NOTIFY_SOCKET names a kind of socket that is not supported")
            address = ""
        return cls(address, _alive_every(environ) if address else None)

    def ready(self) -> None:
        """Say that the start is over."""
        self._send("READY=1")

    def alive(self) -> None:
        """Say that this program still works. If that doesn't come in time, it is started again."""
        self._send("WATCHDOG=1")

    def stopping(self) -> None:
        """Say that this program ends."""
        self._send("STOPPING=1")

    def status(self, text: str) -> None:
        """Say in one line what this program does, for `systemctl status`."""
        self._send(f"STATUS={' '.join(text.split())[:_LONGEST]}")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        place = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.setblocking(False)
                sender.sendto(message.encode("utf-8", "backslashreplace"), place)
        except (OSError, ValueError) as error:
            _log.warning("the service manager can't be reached: %s", error)


def _alive_every(environ: Mapping[str, str]) -> float | None:
    """Return how often to say that this program is alive: a part of `WATCHDOG_USEC`, if that is meant for it."""
    given, process = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not (given.isascii() and given.isdigit()) or int(given) == 0:
        return None
    if process and process != str(os.getpid()):
        return None
    return int(given) / 1_000_000 / _OFTEN
