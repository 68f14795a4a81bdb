"""The engine's sink when its results belong to another thread: calls are made on one and run on the other."""

from collections.abc import Callable

from pyhall_tui.clock import Moment
from pyhall_tui.fleet.events import Event
from pyhall_tui.monitor.connection_state import ConnectionState
from pyhall_tui.registry.errors import RegistryError
from pyhall_tui.registry.models import BanList, Verdict


class HandOver:
    """Passes everything to its function; `hand_over` calls that on the thread that it belongs to."""

    def __init__(
        self,
        hand_over: Callable[..., None],
        *,
        verdict: Callable[[Verdict, Moment], None],
        failed: Callable[[str, RegistryError], None],
        ban_list: Callable[[BanList, Moment], None],
        link: Callable[[ConnectionState], None],
        event: Callable[[Event], None],
    ) -> None:
        self._hand_over = hand_over
        self._verdict, self._failed, self._ban_list, self._link, self._event = verdict, failed, ban_list, link, event

    def verdict(self, verdict: Verdict, asked: Moment) -> None:
        self._hand_over(self._verdict, verdict, asked)

    def failed(self, worker_id: str, error: RegistryError) -> None:
        self._hand_over(self._failed, worker_id, error)

    def ban_list(self, answer: BanList, asked: Moment) -> None:
        self._hand_over(self._ban_list, answer, asked)

    def link(self, link: ConnectionState) -> None:
        self._hand_over(self._link, link)

    def event(self, event: Event) -> None:
        self._hand_over(self._event, event)
