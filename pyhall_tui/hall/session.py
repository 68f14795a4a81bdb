"""A hall's session to its upstream: opened with its key, renewed before it ends, reported if it is refused.

The contract has one request for it, `POST /api/v1/hall/enroll`. Its answer may hold a session with an end, or a worker
and no session. So it is sent only once, the result is kept in the store across restarts, and it is sent again only when
an end stated by the upstream comes near. If the upstream states no end, we set one: the session ends when the upstream
has not answered a request with the key for as long as it may be unreachable. To get such an answer we read the
account's standing.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from pyhall_tui.clock import Clock
from pyhall_tui.hall.store import Store, iso

NO_KEY = "There is no key for the upstream: set PYHALL_API_KEY, or start the hall with --upstream-key-file."
NOT_TOLD = "The upstream does not say whether it accepts the key. Use --upstream-namespace to enroll this hall there."
_KEPT = "upstream_session"
_RENEW_AT = 2 / 3
"""Of a stated lifetime. The rest allows for clocks that differ and an upstream that is unreachable for a while."""


class UpstreamError(Exception):
    """The upstream gave no usable answer; the message says why. `unheard`: the request certainly never reached it."""

    def __init__(self, message: str, *, unheard: bool = False) -> None:
        super().__init__(message)
        self.unheard = unheard


class Refused(UpstreamError):
    """The upstream does not accept the key, or not for this."""


class Enrolled(NamedTuple):
    """The result of an enrollment; `expires` is in seconds since the epoch, None if the upstream states no end."""

    id: str | None
    expires: float | None


class _Kept(msgspec.Struct):
    """An enrollment as the store keeps it. `proves`: this key was once able to read the account's standing."""

    url: str
    namespace: str
    id: str | None
    opened: float
    expires: float | None
    proves: bool = False


class Session:
    """Holds the session; call `keep` with each poll.

    Args:
        enroll: enrolls this hall; None if it is not to be enrolled, because there is no namespace.
        standing: asks for the account's standing; returns None if the upstream does not provide it.
        lasts: if the upstream states no end, the session ends after this many seconds without an answer to the key.
        pause: seconds between two questions for the standing, however often it is polled.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        url: str,
        namespace: str | None,
        enroll: Callable[[], Awaitable[Enrolled]] | None,
        standing: Callable[[], Awaitable[str | None]],
        lasts: float,
        pause: float = 0.0,
    ) -> None:
        self._store, self._clock, self._lasts = store, clock, lasts
        self.write: Callable[[], AbstractContextManager[None]] = store.write
        """Begins the transaction in which an enrollment is stored."""
        self._url, self._namespace = url, namespace
        self._enroll, self._standing = enroll, standing
        self._kept = self._read() if enroll else None
        self._told: str | None = None
        self._asked = False
        self._pause, self._ask_again = pause, 0.0
        self._renewed: float | None = None
        self._not_before = 0.0
        self._refused: str | None = None
        self._error: str | None = None

    def read_again(self) -> None:
        """Continue with what another hall on the same store was given meanwhile."""
        self._kept = self._read() if self._enroll else None

    def _read(self) -> _Kept | None:
        """Return an earlier run's enrollment, if it was at this upstream and for this namespace."""
        try:
            kept = msgspec.json.decode(self._store.setting(_KEPT) or "", type=_Kept)
        except msgspec.DecodeError:
            return None
        return kept if (kept.url, kept.namespace) == (self._url, self._namespace) else None

    async def keep(self, *, heard: bool) -> None:
        """Open or renew the session if it is time; `heard`: the poll that goes with this call was just answered.

        Raises:
            StoreError: the result can't be stored.
        """
        try:
            if self._is_due():
                await self._open()
            if self._kept or self._enroll is None:  # otherwise it still has to be opened
                await self._prove(heard=heard)
        except Refused as error:
            self._refused, self._error = str(error), None
        except UpstreamError as error:
            self._error = str(error)

    def refuse(self, sentence: str) -> None:
        """Note that the upstream refused the key in another request."""
        self._refused = sentence

    def _is_due(self) -> bool:
        if self._enroll is None or self._clock.now().mono < self._not_before:
            return False
        if self._kept is None:
            return True
        if self._kept.expires is None:
            return False
        life = self._kept.expires - self._kept.opened
        return self._clock.now().wall >= self._kept.opened + life * _RENEW_AT

    async def _open(self) -> None:
        """Enroll. A request that may have been accepted is not sent again until `lasts` seconds have passed."""
        assert self._enroll is not None
        try:
            got = await self._enroll()
        except UpstreamError as error:
            self._not_before = self._clock.now().mono + (0.0 if error.unheard else self._lasts)
            raise
        proves = self._kept is not None and self._kept.proves
        now = self._clock.now().wall
        if got.expires is not None and got.expires <= now:  # a clock differs: don't enroll with each poll
            self._not_before = self._clock.now().mono + self._lasts
        self._keep(_Kept(self._url, self._namespace or "", got.id, now, got.expires, proves))
        self._answered()

    def _keep(self, kept: _Kept) -> None:
        self._kept = kept
        with self.write():
            self._store.set_setting(_KEPT, msgspec.json.encode(kept).decode())

    async def _prove(self, *, heard: bool) -> None:
        """Ask whether the key is still accepted. If the upstream doesn't say, an enrolled hall relies on the poll."""
        if self._clock.now().mono < self._ask_again:
            if heard and self._kept and self._told is None and not self._refused:
                self._answered()
            return
        self._ask_again = self._clock.now().mono + self._pause
        try:
            self._told = await self._standing()
            self._asked = True
        except Refused:
            if self._kept is None or self._kept.proves:
                raise
            self._told = None  # then only a login may read it: the enrollment accepted this same key
        if self._told is not None:
            if self._kept and not self._kept.proves:
                self._kept.proves = True
                self._keep(self._kept)
            self._answered()
        elif self._kept and heard:
            self._answered()

    def _answered(self) -> None:
        self._refused = self._error = None
        self._renewed = self._clock.now().wall

    def state(self) -> dict[str, Any]:
        """Return its state, for `/status`; times are ISO 8601."""
        expires = self._kept.expires if self._kept else None
        if expires is None and self._renewed is not None:
            expires = self._renewed + self._lasts
        told = {
            "state": self._word(expires),
            "namespace": self._namespace if self._kept else None,
            "id": self._kept.id if self._kept else None,
            "opened": iso(self._kept.opened) if self._kept else None,
            "renewed": iso(self._renewed) if self._renewed is not None else None,
            "expires": iso(expires) if expires is not None else None,
            "standing": self._told,
            "error": self._refused or self._error,
        }
        return told | ({"error": NOT_TOLD} if told["state"] == "none" else {})

    def _word(self, expires: float | None) -> str:
        if self._refused:
            return "refused"
        if self._renewed is None or expires is None:
            return "opening" if self._enroll or not self._asked else "none"
        return "held" if self._clock.now().wall < expires else "expired"


def none() -> dict[str, Any]:
    """Return the state of a hall that has no key, in the shape of `Session.state`."""
    names = ("namespace", "id", "opened", "renewed", "expires", "standing")
    return {"state": "none", **dict.fromkeys(names), "error": NO_KEY}


def as_of(state: dict[str, Any], now: str) -> dict[str, Any]:
    """Return a stored state as of `now` (ISO 8601 in UTC): a session may have ended since."""
    if state["state"] != "held" or datetime.fromisoformat(state["expires"]) > datetime.fromisoformat(now):
        return state
    return state | {"state": "expired"}
