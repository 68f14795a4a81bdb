"""Whether the hall is in service: `POST /api/server/go-online` and `go-offline` (contract, part 2).

Offline, it denies every dispatch, and answers everything else as before. That is noted in the store: it outlives a
restart. It is a change like a ban, so all halls on the store deny every dispatch that stands after it in the log.
"""

from pyhall_tui.hall.store import Store
from pyhall_tui.hall.store.halls import OFFLINE_SINCE
from pyhall_tui.hall.store.protocol import State

OFFLINE = "DENY_HALL_OFFLINE"  # ours: the contract has no code for it


def offline_since(store: Store) -> str | None:
    """Return since when the halls on a store are offline (ISO 8601 in UTC); None if they are online."""
    return store.setting(OFFLINE_SINCE) or None


def refusal_of(state: State) -> str | None:
    """Return why every dispatch is denied, as a sentence; None if it isn't."""
    since = state.offline_since()
    return f"The hall has been offline since {since}: its operator took it out of service" if since else None


class Service:
    """Whether a hall decides dispatches."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def since(self) -> str | None:
        """When the hall went offline (ISO 8601 in UTC); None while it is online.

        Raises:
            StoreError: it can't be read.
        """
        return self._store.state().offline_since() or None

    @property
    def refusal(self) -> str | None:
        """As `refusal_of`, by the store's state now."""
        return refusal_of(self._store.state())

    async def go(self, *, online: bool) -> str | None:
        """Put the hall into service, or take it out of it; return `since`. A second call changes nothing.

        Raises:
            StoreError: it can't be noted, and nothing has changed.
        """
        return await self._store.change_beside(lambda store: _note(store, online=online))


def _note(store: Store, *, online: bool) -> str | None:
    with store.write():
        known = offline_since(store)
        since = None if online else known or store.now()
        if since != known:
            store.set_setting(OFFLINE_SINCE, since or "")
    return since
