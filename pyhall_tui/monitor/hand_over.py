"""The engine's sink when its results belong to another thread: calls are made on one and run on the other.

To wake a thread costs more than to handle a verdict: what can wait a moment is handed over together.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from pyhall_tui.clock import Moment
from pyhall_tui.fleet.events import Event
from pyhall_tui.monitor.connection_state import ConnectionState
from pyhall_tui.registry.errors import RegistryError
from pyhall_tui.registry.models import BanList, RequestRecord, Verdict

_PLAIN = (True, False, "active", True, ())


class HandOver:
    """Passes everything to its function, in order; `hand_over` calls that on the thread that it belongs to.

    Bans, ban lists, states, events and every verdict that is worse than before go at once.
    """

    def __init__(
        self,
        hand_over: Callable[..., None],
        *,
        verdict: Callable[[Verdict, Moment], None],
        failed: Callable[[str, RegistryError], None],
        ban_list: Callable[[BanList, Moment], None],
        state: Callable[[ConnectionState], None],
        ages: Callable[[ConnectionState], None],
        event: Callable[[Event], None],
        request: Callable[[RequestRecord], None],
        patience: Callable[[], float],
    ) -> None:
        """Hand nothing over yet. `patience` returns the seconds that other verdicts may wait."""
        self._hand_over = hand_over
        self._verdict, self._failed, self._ban_list, self._state, self._event = verdict, failed, ban_list, state, event
        self._request, self._patience = request, patience
        self._ages = ages
        self._newest_ages: ConnectionState | None = None
        self._waiting: list[tuple[Callable[..., None], tuple[Any, ...]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._not_plain: dict[str, tuple[object, ...]] = {}
        """Worker id -> what its last verdict said, if that was anything but plainly clean."""

    def verdict(self, verdict: Verdict, asked: Moment) -> None:
        self._put(self._verdict, verdict, asked)
        if self._is_bad_news(verdict):
            self.flush()

    def failed(self, worker_id: str, error: RegistryError) -> None:
        self._put(self._failed, worker_id, error)

    def ban_list(self, answer: BanList, asked: Moment) -> None:
        self._put(self._ban_list, answer, asked)
        self.flush()

    def state(self, state: ConnectionState) -> None:
        self._newest_ages = None
        self._put(self._state, state)
        self.flush()

    def event(self, event: Event) -> None:
        self._put(self._event, event)
        self.flush()

    def ages(self, state: ConnectionState) -> None:
        """Hand over a state that differs only in ages and counts: with what goes next, and wakes nobody by itself."""
        self._newest_ages = state

    def request(self, record: RequestRecord) -> None:
        """Hand over how a request ended, for the rates."""
        self._put(self._request, record)

    def flush(self) -> None:
        """Hand over now what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._waiting = self._waiting, []
        if waiting and self._newest_ages is not None:
            waiting.append((self._ages, (self._newest_ages,)))
            self._newest_ages = None
        if waiting:
            self._hand_over(_call_all, waiting)

    def _put(self, function: Callable[..., None], *args: object) -> None:
        self._waiting.append((function, args))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._patience(), self.flush)

    def _is_bad_news(self, verdict: Verdict) -> bool:
        says = (verdict.known, verdict.banned, verdict.status, verdict.attested, verdict.doubts)
        if says == _PLAIN:
            self._not_plain.pop(verdict.worker_id, None)
            return False
        before, self._not_plain[verdict.worker_id] = self._not_plain.get(verdict.worker_id), says
        return before != says


def _call_all(calls: list[tuple[Callable[..., None], tuple[Any, ...]]]) -> None:
    """Make the calls. Each stands for itself: they are the loop's own calls, so one that fails keeps no other off."""
    loop = asyncio.get_running_loop()
    for function, args in calls:
        try:
            function(*args)
        except Exception as error:
            loop.call_exception_handler({"message": f"Exception in {function!r}", "exception": error})
