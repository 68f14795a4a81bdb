"""Reports failed background work to the user, whatever screen it was for."""

import asyncio
import logging
from typing import Any

from textual.app import App
from textual.worker import Worker, WorkerError, WorkerState
from textual.worker_manager import WorkerManager

from pyhall_tui.render.text import clean
from pyhall_tui.widgets.late import ended_late

_log = logging.getLogger("pyhall_tui")


class TellingWorkers(WorkerManager):
    """Reports failed work to the user; Textual reports it only to the widget or screen that started it."""

    def __init__(self, app: App[None]) -> None:
        super().__init__(app)
        self._notify = app.notify
        self._watched: set[asyncio.Task[None]] = set()

    def add_worker(self, worker: Worker[Any], start: bool = True, exclusive: bool = True) -> None:
        """Add work, and report it if it fails. Work that is not started here is not watched."""
        super().add_worker(worker, start, exclusive)
        if start:
            watch = asyncio.get_running_loop().create_task(self._watch(worker))
            self._watched.add(watch)
            watch.add_done_callback(self._watched.discard)

    async def _watch(self, worker: Worker[Any]) -> None:
        try:
            await worker.wait()
        except WorkerError:
            error = worker.error
            if worker.state is WorkerState.ERROR and error is not None and not ended_late(error):
                self._tell(error)

    def _tell(self, error: BaseException) -> None:
        """Report failed background work, even over a dialog: the one place that turns it into a sentence."""
        _log.error("background work failed", exc_info=(type(error), error, error.__traceback__))
        self._notify(f"That failed: {clean(error, 300)}", severity="warning", timeout=15, markup=False)
