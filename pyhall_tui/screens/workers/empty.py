"""What the workers screen shows while no workers are watched; imported only then."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Button, Static

from pyhall_tui.widgets.key_bar import key_name


class EmptyFleet(Vertical):
    """Says why there is nothing to see, and what to do; each button is an action of the screen."""

    DEFAULT_CSS = """
    EmptyFleet {
        align: center middle; height: 1fr;
        & > Static { width: auto; margin-bottom: 1; color: $secondary; }
        & > .title { text-style: bold; color: $text; }
        & > Button { margin-bottom: 1; min-width: 34; }
    }
    .-short EmptyFleet > Button { margin-bottom: 0; }
    """

    def __init__(self, *, is_hall: bool) -> None:
        super().__init__()
        self._is_hall = is_hall

    def compose(self) -> ComposeResult:
        yield Static("No workers are watched yet.", classes="title", markup=False)
        yield Static("The registry can't list the workers of a namespace: name the ones to watch.", markup=False)
        everything = Button(
            f"Watch all workers of this hall  ({key_name(self, 'workers.watch_all', 'W')})",
            id="empty-all",
            variant="success",
            action="screen.watch_all",
        )
        everything.display = self._is_hall
        yield everything
        yield Button(
            f"Watch workers by id  ({key_name(self, 'workers.add', 'a')})",
            id="empty-add",
            variant="primary",
            action="screen.add",
        )
        yield Button(
            f"Enroll a new worker  ({key_name(self, 'workers.enroll', 'e')})", id="empty-enroll", action="screen.enroll"
        )
        yield Button("Open the demo", id="empty-demo", action="screen.open_demo")
