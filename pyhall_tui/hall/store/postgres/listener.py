"""Learns at once when anybody changes what decisions need: PostgreSQL's LISTEN, on a connection and thread of its own.

Without it, a hall has to look at the store's revision before each answer. Nothing is decided by it: whether a decision
was judged by the newest state is checked when it is logged.
"""

import logging
import math
import secrets
import selectors
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg

from pyhall_tui.hall.errors import StoreError
from pyhall_tui.hall.store.postgres.schema import CHANNEL, SCHEMA

_BEAT = 0.25
"""Seconds between two proofs that the connection is alive. They also find what no notification came for."""
_TRUST = 1.0
"""Seconds for which a proof counts, from when it was asked for. If the network is cut, a hall is behind this long."""
_PROOF = 3.0  # seconds for the first notification to arrive
_AGAIN = 0.2  # seconds between two attempts to connect again
_AGAIN_IF_DEAF = 30.0  # … if only notifications do not arrive
_LOOK = f"SELECT revision, pg_backend_pid() FROM {SCHEMA}.head"
_log = logging.getLogger(__name__)


class _IsDeaf(Exception):
    """Statements are answered, but no notification arrives."""


class Listener:
    """Counts the changes that it hears of in `news`: who has read the store after noting `news` is up to date.

    Args:
        path: the store's address, for messages.
        parameters: libpq's parameters.
        heard: called whenever `news` rises, on the listener's thread.
    """

    def __init__(self, path: str, parameters: str, heard: Callable[[], object]) -> None:
        self._path, self._parameters, self._heard = path, parameters, heard
        self.news = 0
        self.fault: str | None = None
        """Why it does not hear anything, in a sentence; None while it does, and while the server is lost."""
        self._trusted_until = -math.inf
        self._heard_own = False
        self._token = secrets.token_hex(8)
        self._closed = threading.Event()
        threading.Thread(target=self._run, name="hall's listener", daemon=True).start()

    @property
    def is_healthy(self) -> bool:
        """Whether each change is heard within milliseconds. If not, look at the store."""
        return time.monotonic() < self._trusted_until

    def close(self) -> None:
        """End it; its connection closes within a moment."""
        self._closed.set()
        self._trusted_until = -math.inf

    # On its thread

    def _run(self) -> None:
        pause = 0.0
        while not self._closed.wait(pause):
            pause = _AGAIN
            try:
                with psycopg.connect(self._parameters, autocommit=True) as db:
                    self._listen(db)
            except (psycopg.Error, OSError, StoreError):  # lost: the store's own connection says so
                self.fault = None
            except _IsDeaf as error:
                self._note(str(error))
                pause = _AGAIN_IF_DEAF
            finally:
                self._trusted_until = -math.inf

    def _listen(self, db: psycopg.Connection[Any]) -> None:
        """Listen until closed.

        Raises:
            psycopg.Error, OSError, StoreError: the server is lost.
            _IsDeaf: no notification arrives.
        """
        self._heard_own = False
        db.add_notify_handler(self._hear)
        db.execute(f"LISTEN {CHANNEL}".encode())
        with selectors.DefaultSelector() as readable:
            readable.register(db.fileno(), selectors.EVENT_READ)
            self._prove(db, readable)
            known = self._beat(db, None)  # from here on, whoever has not looked since has to
            self._note(None)
            while not self._closed.is_set():
                if readable.select(_BEAT):
                    self._receive(db)
                known = self._beat(db, known)

    def _prove(self, db: psycopg.Connection[Any], readable: selectors.BaseSelector) -> None:
        """Notify from another connection: a pooler that lends out connections for a transaction loses what comes."""
        with psycopg.connect(self._parameters, autocommit=True) as other:
            other.execute("SELECT pg_notify(%s, %s)", (CHANNEL, self._token))
        end = time.monotonic() + _PROOF
        while not self._heard_own and not self._closed.is_set():
            left = end - time.monotonic()
            if left <= 0:
                raise _IsDeaf("no notification arrives (as through a pooler in transaction mode)")
            if readable.select(min(left, _BEAT)):
                self._receive(db)

    def _receive(self, db: psycopg.Connection[Any]) -> None:
        """Take what has arrived."""
        db.pgconn.consume_input()
        while notification := db.pgconn.notifies():
            self._hear_payload(notification.extra.decode("ascii", "replace"))

    def _beat(self, db: psycopg.Connection[Any], known: tuple[int, int] | None) -> tuple[int, int]:
        """Prove that the connection is alive, and that nothing was missed; return the revision, and who answered."""
        asked = time.monotonic()
        row = db.execute(_LOOK.encode()).fetchone()
        if row is None:
            raise StoreError(f"the hall's store {self._path} has no head")
        found = (int(row[0]), int(row[1]))
        if known is not None and found[1] != known[1]:
            raise _IsDeaf("another connection than the one that listens answers (as through a pooler)")
        if found != known:
            self._tell()
        if not self._closed.is_set():
            self._trusted_until = asked + _TRUST
        return found

    def _hear(self, notification: psycopg.Notify) -> None:
        self._hear_payload(notification.payload)

    def _hear_payload(self, payload: str) -> None:
        self._tell()
        self._heard_own |= payload == self._token

    def _tell(self) -> None:
        self.news += 1
        try:
            self._heard()
        except Exception:  # whoever wanted to know has gone; the hall still has to
            _log.exception("a change was heard, but could not be passed on")

    def _note(self, why: str | None) -> None:
        """Note why nothing is heard, and log it once."""
        fault = why and (
            f"The hall looks for other halls' changes at each request, because {why}: "
            "give it the server's own address for faster answers."
        )
        if fault and fault != self.fault:
            _log.warning("%s", fault)
        self.fault = fault
