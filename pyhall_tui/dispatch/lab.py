"""What one opened profile tries: single dispatches, one live run, one matrix. It outlives the screen that shows it."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from pyhall_tui.clock import Clock
from pyhall_tui.dispatch.live import LiveRun
from pyhall_tui.dispatch.matrix import MatrixRun, Plan
from pyhall_tui.dispatch.result import Tried, abandoned, try_dispatch
from pyhall_tui.fleet.events import Event
from pyhall_tui.journal.journal import Journal
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.registry.models import DispatchAnswer, DispatchRequest

Send = Callable[[DispatchRequest], Awaitable[DispatchAnswer]]


class Lab:
    """Sends, keeps each dispatch in the journal, and owns what goes on while another screen is looked at."""

    def __init__(
        self,
        profile: Profile,
        clock: Clock,
        journal: Journal,
        *,
        send: Send,
        send_in_turn: Send,
        take_events: Callable[[list[Event]], None],
    ) -> None:
        """Nothing is sent yet.

        Args:
            send: asks the registry at once.
            send_in_turn: asks it when its turn in the request budget has come.
            take_events: keeps and tells events.
        """
        self.profile = profile
        self._clock = clock
        self._journal = journal
        self._send = send
        self._send_in_turn = send_in_turn
        self._take_events = take_events
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.live: LiveRun | None = None
        """The live run, also after it was stopped; None before the first."""
        self.matrix: MatrixRun | None = None
        """The matrix, also after it has ended."""

    async def dispatch(self, request: DispatchRequest) -> Tried:
        """Send one dispatch, once; what came of it is in the journal when this returns."""
        return await self._try(self._send, request)

    def start_live(self, request: DispatchRequest, interval: float) -> LiveRun:
        """Begin to repeat a request, in place of what was repeated before. `interval` is in seconds."""
        self.stop_live()
        self.live = LiveRun(
            request,
            interval,
            send=self.dispatch,
            take_events=self._take_events,
            clock=self._clock,
            correlation_prefix=self.profile.correlation_prefix,
        )
        self._tasks["live"] = asyncio.create_task(self.live.run())
        return self.live

    def start_matrix(self, plan: Plan) -> MatrixRun:
        """Begin a matrix, in place of the one before."""
        self.stop_matrix()
        self.matrix = MatrixRun(
            plan,
            send=lambda request: self._try(self._send_in_turn, request),
            clock=self._clock,
            correlation_prefix=self.profile.correlation_prefix,
            in_flight=self.profile.requests_in_flight,
        )
        self._tasks["matrix"] = asyncio.create_task(self.matrix.run())
        return self.matrix

    def go_on(self) -> None:
        """Ask what a stopped matrix has left."""
        begun = self._tasks.get("matrix")  # it does not say that it is running before its first turn
        if self.matrix is not None and not self.matrix.is_running and (begun is None or begun.done()):
            self._tasks["matrix"] = asyncio.create_task(self.matrix.run())

    def stop_live(self) -> None:
        """Stop repeating; what was seen stays."""
        self._stop("live")

    def stop_matrix(self) -> None:
        """Stop the matrix; what has come stays."""
        self._stop("matrix")

    def close(self) -> None:
        """Stop everything."""
        self.stop_live()
        self.stop_matrix()

    def _stop(self, name: str) -> None:
        if (task := self._tasks.pop(name, None)) is not None:
            task.cancel()

    async def _try(self, send: Send, request: DispatchRequest) -> Tried:
        began = self._clock.now().wall
        try:
            tried = await try_dispatch(send, request, self._clock)
        except asyncio.CancelledError:
            tried = abandoned(request, began)
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                self._journal.record_dispatch(self.profile.name, tried.row)
                raise  # else the connection was closed below us, by another key or settings
        row = self._journal.record_dispatch(self.profile.name, tried.row)
        return msgspec.structs.replace(tried, row=row)
