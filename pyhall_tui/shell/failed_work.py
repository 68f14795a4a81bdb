"""Background work that failed is told to the user, whichever screen it was for."""

from collections.abc import Callable

from textual.app import App
from textual.worker import Worker, WorkerState
from textual.worker_manager import WorkerManager

from pyhall_tui.widgets.late import ended_late


class TellingWorkers(WorkerManager):
    """Tells the app of failed work; Textual tells only the widget or screen whose work it was."""

    def __init__(self, app: App[None], tell: Callable[[BaseException], None]) -> None:
        super().__init__(app)
        self._tell = tell

    def _remove_worker(self, worker: Worker[object]) -> None:
        super()._remove_worker(worker)
        if worker.state is WorkerState.ERROR and worker.error is not None and not ended_late(worker.error):
            self._tell(worker.error)
