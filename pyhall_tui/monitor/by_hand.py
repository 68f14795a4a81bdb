"""What you ask for yourself while another program polls: each in its turn, within the profile's rate limit."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

from pyhall_tui.clock import Clock
from pyhall_tui.monitor.ports import Sink, WatchedRegistry
from pyhall_tui.monitor.rate_limiter import RateLimiter
from pyhall_tui.monitor.request_queue import RequestQueue
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.registry import errors


class ByHand:
    """Sends single verifies, and reads the ban list, when told to. Belongs to the loop that it is called on."""

    def __init__(self, registry: WatchedRegistry, sink: Sink, clock: Clock, profile: Profile) -> None:
        """Send nothing yet. What comes goes to `sink`, as if the engine had asked."""
        self._registry, self._sink, self._clock = registry, sink, clock
        slots = max(1, profile.requests_in_flight - 1)
        self.queue = RequestQueue(RateLimiter(profile.requests_per_second, slots, clock.now().mono), clock)
        """For other requests within the same rate limit."""
        self._under_way: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def verify(self, worker_ids: Iterable[str]) -> None:
        """Ask about these workers, unless that is under way."""
        for worker_id in worker_ids:
            if worker_id not in self._under_way:
                self._under_way.add(worker_id)
                self._begin(self._verify(worker_id))

    def read_list(self) -> None:
        """Ask for the ban list, unless that is under way."""
        if "" not in self._under_way:
            self._under_way.add("")
            self._begin(self._read_list())

    def close(self) -> None:
        """Drop what is under way."""
        for task in self._tasks:
            task.cancel()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _verify(self, worker_id: str) -> None:
        asked = self._clock.now()

        async def ask() -> None:
            nonlocal asked
            asked = self._clock.now()
            self._sink.verdict(await self._registry.verify(worker_id), asked)

        try:
            await self.queue.take(ask)
        except errors.RegistryError as error:
            self._sink.failed(worker_id, error)
        finally:
            self._under_way.discard(worker_id)

    async def _read_list(self) -> None:
        asked = self._clock.now()
        try:
            self._sink.ban_list(await self._registry.ban_list(), asked)
        except errors.BanListUnclear as error:
            self._sink.ban_list(error.worst, asked)
        except errors.RegistryError:
            pass  # the list's age shows it, and the log of this run names the request
        finally:
            self._under_way.discard("")
