"""The connections to a hall: how many there may be, how long it waits for each, and which it closes to make room."""

import logging
import os
import sys
import time
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from ipaddress import ip_address

_MOST = 2_000  # connections, even if more files may be open
_LEAST = 4
_WITHOUT_LIMIT = 500  # if the system does not say how many files may be open (Windows)
_SAY_AGAIN = 600.0  # seconds between two log lines about the same thing
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Patience:
    """How many seconds a client may take: for the TLS handshake and its first byte, for the rest of a request's head,
    for all of its body, and to read each 64 KiB of an answer."""

    first: float = 10.0
    head: float = 10.0
    body: float = 60.0
    answer: float = 30.0


def most_connections() -> int:
    """Return how many connections the limit on open files allows, leaving a quarter for other files."""
    if sys.platform == "win32":
        return _WITHOUT_LIMIT
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return _MOST
    return max(_LEAST, min(_MOST, (soft - _open_files()) * 3 // 4))


def _open_files() -> int:
    try:
        return len(os.listdir("/dev/fd"))  # noqa: PTH208  # on Linux and macOS, all of this process
    except OSError:
        return 32


def source_of(host: str) -> str:
    """Return what counts as one client: an IPv4 address, or the /64 network of an IPv6 one, which one client can own.

    Localhost is "": everybody on this machine, including clients that come through a proxy on it.
    """
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    address = getattr(address, "ipv4_mapped", None) or address
    if address.is_loopback:
        return ""
    return str(address) if address.version == 4 else address.packed[:8].hex()


class Guest:
    """One connection. `end` closes it now; `due` is when the hall stops waiting for it (`time.monotonic`)."""

    __slots__ = ("due", "end", "source")

    def __init__(self, source: str) -> None:
        self.source = source
        self.due = 0.0
        self.end: Callable[[], object] = lambda: None


class Guests:
    """All connections of a hall.

    Those that the hall waits for stand in line, the longest silent first. When there is no room for a newcomer, the
    first in line is closed: the first of all if the hall is full, or the client's own first if that client has used its
    share, which a proxy (`spared`) does not have. A connection that waits for the hall is never closed this way.
    """

    def __init__(
        self, most: int | None = None, patience: Patience | None = None, *, spared: Container[str] = ()
    ) -> None:
        self._spared = spared
        self.most = most or most_connections()
        self.patience = patience or Patience()
        self._share = max(1, self.most // 2)
        self._here: dict[str, set[Guest]] = {}
        self._count = 0
        self._line: dict[Guest, None] = {}
        self._lines: dict[str, dict[Guest, None]] = {}
        self.full = Notice(f"the hall's limit is {self.most} connections: {{}} closed or refused to make room")
        self.slow = Notice("{} closed for not sending a request, or not reading the answer, in time")
        self.garbled = Notice("{} closed for sending invalid HTTP")
        self.starved = Notice("this process can't open more files: {} had to wait")

    def __len__(self) -> int:
        return self._count

    @property
    def full_up(self) -> bool:
        """Whether another connection has to go before one more comes in."""
        return self._count >= self.most

    def new(self, host: str) -> Guest:
        """Return a connection from this address; that of a proxy, or this machine's, may be any number of clients."""
        return Guest("" if host in self._spared else source_of(host))

    def let_in(self, guest: Guest) -> bool:
        """Let in a newcomer, closing another connection if there is no room; False if none can be closed."""
        its_share = guest.source and len(self._here.get(guest.source, ())) >= self._share
        if its_share or self.full_up:
            self.full.count += 1
            if not self.close_first(guest.source if its_share else None):
                return False
        self._here.setdefault(guest.source, set()).add(guest)
        self._count += 1
        self.wait_for(guest, self.patience.first)
        return True

    def close_first(self, source: str | None = None) -> bool:
        """Close the first in line (of one client) to make room; False if the line is empty."""
        line = self._line if source is None else self._lines.get(source, {})
        guest = next(iter(line), None)
        if guest is None:
            return False
        self._end(guest)
        return True

    def _end(self, guest: Guest) -> None:
        self.left(guest)
        guest.end()

    def wait_for(self, guest: Guest, seconds: float) -> None:
        """Put a connection at the end of the line: it has to act within this many seconds."""
        guest.due = time.monotonic() + seconds
        self.heard(guest)

    def heard(self, guest: Guest) -> None:
        """Move a connection that did something to the end of the line. Its deadline stays the same."""
        if guest not in self._here.get(guest.source, ()):
            return
        for line in (self._line, self._lines.setdefault(guest.source, {})):
            line.pop(guest, None)
            line[guest] = None

    def serve(self, guest: Guest) -> None:
        """Take a connection out of the line: from now on it waits for the hall."""
        self._line.pop(guest, None)
        if line := self._lines.get(guest.source):
            line.pop(guest, None)

    def left(self, guest: Guest) -> None:
        """Forget a closed connection; a second call does nothing."""
        self.serve(guest)
        here = self._here.get(guest.source)
        if here is None or guest not in here:
            return
        here.remove(guest)
        self._count -= 1
        if not here:
            del self._here[guest.source]
            self._lines.pop(guest.source, None)

    def close_overdue(self) -> None:
        """Close the connections that did not act in time."""
        now = time.monotonic()
        for guest in [guest for guest in self._line if guest.due <= now]:
            self.slow.count += 1
            self._end(guest)

    def notices(self) -> Iterator["Notice"]:
        """Yield what goes to the log. Strangers can cause each of these, so each is logged rarely."""
        yield from (self.full, self.slow, self.garbled, self.starved)


class Notice:
    """Something that strangers can cause at will: it is logged once, then at most every ten minutes."""

    def __init__(self, said: str) -> None:
        self.count = 0
        self._said = said
        self._again = 0.0

    def say(self, *, last: bool = False) -> None:
        """Log how often it happened since the last line, if it is time; `last`: in any case."""
        now = time.monotonic()
        if self.count and (last or now >= self._again):
            _log.warning(self._said.format("1 connection" if self.count == 1 else f"{self.count} connections"))
            self.count, self._again = 0, now + _SAY_AGAIN
