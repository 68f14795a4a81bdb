"""Workers on screen are watched closely only while somebody looks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyhall_tui.connection import Connection, Takers
from pyhall_tui.files.notes import Notes
from pyhall_tui.profiles.profile import Profile
from tests.clock import ManualClock


class Wire:
    """Stands for the wire's thread and its monitor: what it is told to watch closely is noted."""

    def __init__(self) -> None:
        self.close: list[list[str]] = []

    def call(self, function: Callable[..., object], *args: Any) -> None:
        function(*args)

    def watch_closely(self, worker_ids: list[str]) -> None:
        self.close.append(list(worker_ids))


def test_while_nobody_looks_no_worker_is_watched_closely_and_whoever_comes_back_finds_it_as_it_was(
    tmp_path: Path,
) -> None:
    def nothing(*_: object) -> None:
        return None

    takers = Takers(nothing, nothing, nothing, nothing, nothing)
    profile = Profile(name="acme", namespace="org.acme", registry_url="https://registry.example")
    notes = Notes(tmp_path, "acme")
    connection = Connection(profile, ManualClock(), takers, notes=notes, watched=list, known=list)
    wire = connection._thread = connection._monitor = Wire()  # type: ignore[assignment]
    connection.look_at(["wkr_1"])
    connection.attend(False)
    connection.look_at(["wkr_2"])
    connection.attend(True)
    assert wire.close == [["wkr_1"], [], [], ["wkr_2"]]
