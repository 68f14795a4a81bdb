"""One open profile's test dispatches: single ones, a live run, a matrix. They continue when you leave the screen."""

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
    """Sends dispatches, records each in the journal, and owns what continues while you look at another screen."""

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
        """Send nothing yet.

        Args:
            send: asks the registry at once.
            send_in_turn: asks the registry in turn, within the rate limit.
            take_events: stores and reports events.
        """
        self.profile = profile
        self._clock = clock
        self._journal = journal
        self._send = send
        self._send_in_turn = send_in_turn
        self._take_events = take_events
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.live: LiveRun | None = None
        """The live run, even after it was stopped; None before the first."""
        self.matrix: MatrixRun | None = None
        """The matrix, even after it has ended."""

    async def dispatch(self, request: DispatchRequest) -> Tried:
        """Send one dispatch, once; the journal has the result when this returns."""
        return await self._try(self._send, request)

    def start_live(self, request: DispatchRequest, interval: float) -> LiveRun:
        """Start repeating a request; replaces the previous live run. `interval` is in seconds."""
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
        """Start a matrix; replaces the previous one."""
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
        """Continue a stopped matrix."""
        begun = self._tasks.get("matrix")  # before its first step it doesn't report that it is running
        if self.matrix is not None and not self.matrix.is_running and (begun is None or begun.done()):
            self._tasks["matrix"] = asyncio.create_task(self.matrix.run())

    def stop_live(self) -> None:
        """Stop repeating; the samples stay."""
        self._stop("live")

    def stop_matrix(self) -> None:
        """Stop the matrix; its answers stay."""
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
                raise  # otherwise other settings or another key closed the connection
        row = self._journal.record_dispatch(self.profile.name, tried.row)
        return msgspec.structs.replace(tried, row=row)
