"""The worker under the cursor, beside the table."""

from pyhall_tui.screens.worker.view import WorkerView


class SideView(WorkerView):
    """A worker's view that is shown only on a wide screen."""

    SCOPED_CSS = False  # the class is the screen's
    DEFAULT_CSS = """
    SideView { width: 52; display: none; }
    .-wide SideView { display: block; }
    """
