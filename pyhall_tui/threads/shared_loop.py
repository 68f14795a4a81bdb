"""One loop on one thread for several users: it begins with the first, and ends with the last."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyhall_tui.threads.loop_thread import LoopThread


class SharedLoop:
    """Lends a loop's thread. Belongs to one thread, on which everybody takes it and gives it back."""

    def __init__(self, name: str) -> None:
        """Start nothing yet. `name` is the thread's."""
        self._name = name
        self._thread: LoopThread | None = None
        self._users = 0

    def take(self) -> "LoopThread":
        """Return the thread, started if nobody has it yet; give it back once for each time."""
        if self._thread is None:
            from pyhall_tui.threads.loop_thread import LoopThread  # not before the first frame

            self._thread = LoopThread(self._name)
        self._users += 1
        return self._thread

    def give_back(self, patience: float) -> None:
        """Say that you no longer need it; after the last one, it ends, waited for at most that many seconds."""
        self._users -= 1
        if self._users == 0 and self._thread is not None:
            thread, self._thread = self._thread, None
            thread.stop(patience)
