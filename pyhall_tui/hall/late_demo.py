"""The demo whose hall starts after the first frame: its address, key and fleet are known before."""

import threading
from typing import TYPE_CHECKING

from pyhall_tui.hall.listening import address, listen
from pyhall_tui.hall.new_key import new_key
from pyhall_tui.hall.roster import NAMESPACE, fleet

if TYPE_CHECKING:
    from pyhall_tui.hall.demo import RunningDemo


class LateDemo:
    """The demo, from the moment its port is reserved: requests wait there until `start` has started the hall.

    `start` and `stop` may be called on different threads, at the same time.
    """

    def __init__(self, *, lively: bool = True) -> None:
        """Reserve a port. `lively` False leaves the fleet as it was seeded.

        Raises:
            OSError: this machine has no port to listen on.
        """
        self._listening = listen()
        self.url = address(self._listening)
        self.key = new_key()
        self.namespace = NAMESPACE
        self.worker_ids = [worker_id for worker_id, *_ in fleet()]
        self._lively = lively
        self._state = threading.Lock()
        self._starting = self._stopped = False
        self._running: RunningDemo | None = None

    def start(self) -> None:
        """Start the hall, and return once it answers. If it can't start, its port is closed."""
        with self._state:
            if self._stopped or self._starting or self._running:
                return
            self._starting = True
        running = None
        try:
            from pyhall_tui.hall.demo import start_demo

            running = start_demo(listening=self._listening, key=self.key, lively=self._lively)
        finally:
            with self._state:
                self._starting = False
                stopped, self._running = self._stopped, running
            if running is None:
                self._listening.close()
            elif stopped:
                running.stop()

    def stop(self) -> None:
        """End it at once. A hall that is just starting ends as soon as it has started; nobody has to wait for it."""
        with self._state:
            self._stopped = True
            running, starting = self._running, self._starting
        if running is not None:
            running.stop()
        elif not starting:
            self._listening.close()
