"""Who is connected to a hall: how many may be, how long each is waited for, and who goes to make room."""

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address

_MOST = 2_000  # connections, however many files may be open
_LEAST = 4
_WITHOUT_LIMIT = 500  # where the system does not say how many files may be open (Windows)
_SAY_AGAIN = 600.0  # seconds between two lines of the log about the same thing
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Patience:
    """How many seconds a client may take: to agree on TLS and to say its first byte, to send the rest of a request's
    head, to send all of its body, and to read each 64 KiB of an answer."""

    first: float = 10.0
    head: float = 10.0
    body: float = 60.0
    answer: float = 30.0


def most_connections() -> int:
    """Return how many connections the limit on open files has room for, with a quarter to spare for other files."""
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

    Loopback is "": everybody on this machine, and whoever comes through a proxy on it.
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

    Those that the hall waits for stand in line, who was last heard of longest ago first. When there is no room for a
    newcomer, the first in line is closed: of all if the hall is full, of the same client if that has its share. A
    connection that waits for the hall is never closed so.
    """

    def __init__(self, most: int | None = None, patience: Patience | None = None) -> None:
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

    def let_in(self, guest: Guest) -> bool:
        """Take in a newcomer, closing somebody else if there is no room; False if nobody can be closed."""
        its_share = guest.source and len(self._here.get(guest.source, ())) >= self._share
        if its_share or self._count >= self.most:
            self.full.count += 1
            if not self.close_first(guest.source if its_share else None):
                return False
        self._here.setdefault(guest.source, set()).add(guest)
        self._count += 1
        self.wait_for(guest, self.patience.first)
        return True

    def close_first(self, source: str | None = None) -> bool:
        """Close the first in line (of one client), to make room; False if nobody stands in it."""
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
        """Put a connection at the end of the line: it has to act within so many seconds."""
        guest.due = time.monotonic() + seconds
        self.heard(guest)

    def heard(self, guest: Guest) -> None:
        """Move a connection that did something to the end of the line. What it still has to do is due as before."""
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
        """Forget a connection that is closed; a second time does nothing."""
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
        """Close who did not act in time."""
        now = time.monotonic()
        for guest in [guest for guest in self._line if guest.due <= now]:
            self.slow.count += 1
            self._end(guest)

    def notices(self) -> Iterator["Notice"]:
        """Yield what the log is told of: strangers can bring about each of these, so each is said rarely."""
        yield from (self.full, self.slow, self.garbled, self.starved)


class Notice:
    """Something that strangers can bring about at will: the log says it once, then at most each ten minutes."""

    def __init__(self, said: str) -> None:
        self.count = 0
        self._said = said
        self._again = 0.0

    def say(self, *, last: bool = False) -> None:
        """Say how often it happened since it was last said, if it is time; `last`: in any case."""
        now = time.monotonic()
        if self.count and (last or now >= self._again):
            _log.warning(self._said.format("1 connection" if self.count == 1 else f"{self.count} connections"))
            self.count, self._again = 0, now + _SAY_AGAIN
