"""The halls that live on a store, and which of them polls the upstream.

All times are by the store's clock, in PostgreSQL the server's: a hall whose own clock is wrong changes nothing.
"""

from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

BEAT = 2.0
"""Seconds between two reports of a hall that it lives."""
GONE = 15.0
"""Seconds of silence after which a hall no longer counts as living."""
SHOWN = 60.0
"""Seconds of silence for which a hall is still shown."""
LEASE = 5.0
"""Seconds for which a hall may poll the upstream until it renews its lease."""
OFFLINE_SINCE = "offline"
"""The setting that takes all halls on the store out of service. Its change is noted as a ban is."""


class Report(NamedTuple):
    """What a hall says about itself."""

    instance: str
    """Its id: another one each time that it is started."""
    name: str
    version: str
    uptime: float
    """Seconds since its start."""
    decisions: float
    """Decisions a second."""
    policy_file: str | None
    """None: the store's own policy."""
    policy_error: str | None
    upstream: str | None
    """The URL that it follows."""
    stale: bool
    """Whether that has been unreachable for too long."""


class SeenHall(NamedTuple):
    """A hall that lives, or did a moment ago."""

    instance: str
    name: str
    version: str
    since: str
    """When it was started: ISO 8601 in UTC."""
    silent: float
    """Seconds since it was last seen."""
    decisions: float
    policy_file: str | None
    policy_error: str | None
    upstream: str | None
    stale: bool
    polls: bool
    """Whether it holds the lease to poll the upstream."""

    @property
    def is_living(self) -> bool:
        """Whether it was seen lately."""
        return self.silent <= GONE


class Feed(NamedTuple):
    """How the upstream's list comes into the store."""

    holder: str | None
    """The instance that may poll it now."""
    heard: float | None
    """Seconds since the upstream answered; None: never."""


class Halls(Protocol):
    """The halls on a store."""

    def beat(self, report: Report) -> int:
        """Note that this hall lives, and return how many do, with this one."""
        ...

    def leave(self, instance: str) -> None:
        """Note that a hall has ended: it is not shown any more, and another may poll at once."""
        ...

    def seen(self) -> list[SeenHall]:
        """Return the halls that live, and those that fell silent less than `SHOWN` seconds ago; oldest first."""
        ...

    def lease(self, instance: str) -> int | None:
        """Take the lease to poll the upstream, or renew it, for `LEASE` seconds.

        Return its fencing number, which is higher each time that another hall takes it; None if another holds it.
        """
        ...

    def give_up(self, instance: str) -> None:
        """Give up this hall's lease: another may take it at once."""
        ...

    def fenced(self, instance: str, fence: int) -> AbstractContextManager[None]:
        """One transaction, as `Store.write`, of the hall that holds this lease.

        Raises:
            LeaseLost: the lease has run out, or is another's by now. Nothing was changed.
        """
        ...

    def heard(self, age: float) -> None:
        """Note, within a `fenced`, that the upstream's list in the store is `age` seconds old."""
        ...

    def feed(self) -> Feed:
        """Return how the upstream's list comes into the store."""
        ...
