"""The rows that commands of your own are run on: what a screen says of them, and what is passed on about a worker."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple, Protocol, runtime_checkable

from pyhall_tui.fleet.entry import Entry
from pyhall_tui.fleet.events import Event
from pyhall_tui.programs.command import NotRun, Row
from pyhall_tui.render.worker import LOOKS
from pyhall_tui.workspace import Workspace


class Targets(NamedTuple):
    """What a command's key was pressed for."""

    rows: Sequence[Row]
    """The marked rows in order, or the one under the cursor; none if there is nothing to run it on."""
    hidden: int = 0
    """How many of them the filter hides."""


@runtime_checkable
class HasRows(Protocol):
    """A screen that has rows for commands."""

    def command_targets(self) -> Targets:
        """Return what the key is for.

        Raises:
            NotRun: it is for something else; the message says what to do.
        """


@runtime_checkable
class HasRowsInATab(HasRows, Protocol):
    """One of whose tabs has the rows: its keys for commands work only there."""

    @property
    def offers_commands(self) -> bool:
        """Whether that tab is open."""


def worker_rows(workspace: Workspace, ids: Iterable[str]) -> list[Row]:
    """Return the rows of watched workers; one that is gone is left out."""
    found = ((worker_id, workspace.fleet.get(worker_id)) for worker_id in ids)
    return [worker_row(workspace, worker_id, entry) for worker_id, entry in found if entry is not None]


def worker_row(
    workspace: Workspace, worker_id: str, entry: Entry | None, correlation_id: str = "", capability: str = ""
) -> Row:
    """Return a worker's row. The ids and the capability say what it is about, if not the worker's last answer."""
    values: Callable[[], Mapping[str, str]] = partial(_values, workspace, worker_id, entry, correlation_id, capability)
    return Row(worker_id, workspace.profile, values)


def event_targets(workspace: Workspace, events: Sequence[Event], hidden: int) -> Targets:
    """Return events, each as the row of its worker. `hidden`: how many of them the filter hides.

    Raises:
        NotRun: none is about a worker.
    """
    about = [(event.worker_id, event.correlation_id) for event in events if event.worker_id]
    if events and not about:
        raise NotRun("This is about the registry, not about a worker: a command is run on workers.")
    return Targets([worker_row(workspace, each, workspace.fleet.get(each), found) for each, found in about], hidden)


class Dispatched(NamedTuple):
    """What a row is about in the list of dispatches, or of a hall's decisions; "" for what is not known."""

    worker_id: str
    correlation_id: str
    capability: str


def dispatch_targets(workspace: Workspace, rows: Sequence[Dispatched]) -> Targets:
    """Return dispatches, or decisions about them, each as the row of its worker.

    Raises:
        NotRun: none names a worker.
    """
    about = [each for each in rows if each.worker_id]
    if rows and not about:
        raise NotRun("This names no worker: a command is run on workers.")
    fleet = workspace.fleet
    return Targets([worker_row(workspace, each.worker_id, fleet.get(each.worker_id), *each[1:]) for each in about])


def _values(
    workspace: Workspace, worker_id: str, entry: Entry | None, correlation_id: str, capability: str
) -> dict[str, str]:
    verdict = entry.verdict if entry is not None else None
    known = {"WORKER": worker_id, "CORRELATION": correlation_id or (verdict.correlation_id if verdict else "")}
    if entry is not None:
        known["STATE"] = LOOKS[entry.state(workspace.now().mono, workspace.fleet.stale_after)].word.lower()
        known["HASH"] = entry.sha256 or ""
    if verdict is not None:
        known["NAME"] = verdict.display_name or ""
        known["CAPABILITY"] = next(iter(verdict.capabilities), "")
        known["CAPABILITIES"] = ",".join(verdict.capabilities)
    if capability:
        known["CAPABILITY"] = capability
    return known
