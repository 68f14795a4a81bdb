"""A screen on a workspace that talks to no registry: what it knows, and what is answered, the test says.

Nothing of it differs between two runs: no address, no id, no time. Pictures are taken of it.
"""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from textual.app import App
from textual.screen import Screen

from pyhall_tui.alarms.alarm import Change
from pyhall_tui.connection import Connection
from pyhall_tui.fleet.events import Event
from pyhall_tui.journal.journal import Journal
from pyhall_tui.monitor.connection_state import BanListState, ConnectionState, Reachability
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.watch_list import WatchList
from pyhall_tui.registry.effects import may_have_acted
from pyhall_tui.registry.errors import (
    BadRequest,
    Forbidden,
    NotFound,
    RateLimited,
    RegistryError,
    ServerError,
    StatusError,
    TimedOut,
    Unauthorized,
    UnexpectedStatus,
)
from pyhall_tui.registry.models import AttestAnswer, EnrollAnswer, Exchange, Verdict
from pyhall_tui.screens.base import ModeScreen
from pyhall_tui.shell.theme import DARK
from pyhall_tui.workspace import Workspace
from tests.clock import ManualClock
from tests.waiting import until

PROFILE = Profile(
    requests_in_flight=1,
    name="acme",
    namespace="org.acme",
    registry_url="https://registry.example",
    correlation_prefix="req-",
)
LIVE = ConnectionState(
    reach=Reachability.LIVE, ban_list=BanListState.LIVE, ban_list_next=1_003.0, rate=10.0, full_rate=10.0
)
LOOK_FIRST = "Check first: verify the worker if you know its id; it may be enrolled."
_CLASSES: dict[int, type[StatusError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    429: RateLimited,
    500: ServerError,
}


def exchange(status: int, body: str) -> Exchange:
    """Return an answer as it crossed the wire."""
    return Exchange(
        method="POST",
        url=f"{PROFILE.registry_url}/api/v1/hall/enroll",
        request_headers=(),
        request_body=b"",
        status=status,
        response_headers=(("content-type", "application/json"),),
        response_body=body.encode(),
        elapsed=0.041,
        correlation_id="req-0",
    )


def refused(status: int, text: str, **more: Any) -> StatusError:
    """Return what the client raises for an error status with that text."""
    kind = _CLASSES.get(status, UnexpectedStatus)
    said = f"The registry answered {status}: {text}"
    details: dict[str, Any] = {"method": "POST", "path": "/", "correlation_id": "req-0"}
    details |= {"exchange": exchange(status, _error(text))}
    if may_have_acted("POST", sent=True, status=status):
        details |= {"may_have_reached": True, "advice": LOOK_FIRST}
    return kind(said, status=status, error_text=text, **(details | more))


def _error(text: str) -> str:
    return f'{{"error": "{text}"}}'


def no_answer() -> TimedOut:
    """Return what the client raises if a send may have arrived and no answer came."""
    told = "No answer within 10 s."
    return TimedOut(told, method="POST", path="/", correlation_id="req-0", may_have_reached=True, advice=LOOK_FIRST)


def enrolled(worker_id: str) -> EnrollAnswer:
    """Return the answer to an enrollment."""
    fields = {"worker_id": worker_id, "status": "active"}
    body = f'{{"worker_id": "{worker_id}", "status": "active"}}'
    return EnrollAnswer(worker_id=worker_id, session=None, fields=fields, exchange=exchange(HTTPStatus.CREATED, body))


class CannedConnection(Connection):
    """Answers each request with the next of `answers`, an error raised; a request waits for its answer."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.state = LIVE
        self.answers: list[Any] = []

    @property
    def is_connected(self) -> bool:
        return True

    async def ask(self, call: Callable[[Any], Awaitable[Any]]) -> Any:
        return await call(_Client(self))

    async def ask_in_turn(self, call: Callable[[Any], Awaitable[Any]]) -> Any:
        return await call(_Client(self))


class CannedWorkspace(Workspace):
    """A workspace whose registry gives the canned `answers`, one after the other."""

    def __init__(self, folder: Path, listener: Any, profile: Profile = PROFILE) -> None:
        clock = ManualClock()
        journal = Journal.in_memory(clock)
        watch_list = WatchList(folder, profile.name)
        super().__init__(
            profile,
            clock=clock,
            journal=journal,
            watch_list=watch_list,
            listener=listener,
            state=folder,
            connect_by=CannedConnection,
        )

    @property
    def answers(self) -> list[Any]:
        return self.connection.answers  # type: ignore[attr-defined]

    @answers.setter
    def answers(self, answers: list[Any]) -> None:
        self.connection.answers = answers  # type: ignore[attr-defined]

    def learn(self, worker_id: str, **fields: Any) -> None:
        """Take a verdict on a worker as the registry's newest."""
        known: dict[str, Any] = {
            "known": True,
            "namespace": self.profile.namespace,
            "status": "active",
            "attested": True,
            "ban_word": "clean",
            "display_name": "Summarizer",
            "capabilities": ("doc.summarize",),
            "correlation_id": "req-1",
        }
        self.fleet.watch([worker_id])
        now = self.now()
        self.take_events(self.fleet.apply(Verdict(worker_id=worker_id, **(known | fields)), now, now))


class _Client:
    def __init__(self, connection: CannedConnection) -> None:
        self._connection = connection

    async def _next(self) -> Any:
        await until(lambda: self._connection.answers)
        answer = self._connection.answers.pop(0)
        if isinstance(answer, RegistryError):
            raise answer
        return answer

    async def enroll(self, request: object, *, correlation_id: str | None = None) -> EnrollAnswer:
        answer: EnrollAnswer = await self._next()
        return answer

    async def attest(self, worker_id: str, sha256: str, *, correlation_id: str | None = None) -> AttestAnswer:
        answer: AttestAnswer = await self._next()
        return answer

    async def report(self, *args: object, correlation_id: str | None = None) -> Exchange:
        answer: Exchange = await self._next()
        return answer


class CannedApp(App[None]):
    """One screen on such a workspace; `make` gets the workspace once it is open."""

    HORIZONTAL_BREAKPOINTS = ModeScreen.HORIZONTAL_BREAKPOINTS
    VERTICAL_BREAKPOINTS = ModeScreen.VERTICAL_BREAKPOINTS

    def __init__(
        self, make: Callable[[CannedWorkspace], Screen[Any]], folder: Path, profile: Profile = PROFILE
    ) -> None:
        super().__init__()
        self.register_theme(DARK)
        self.theme = DARK.name
        self._make = make
        self.workspace = CannedWorkspace(folder, self, profile)

    def fleet_changed(self) -> None: ...
    def connection_changed(self) -> None: ...
    def events_happened(self, events: list[Event]) -> None: ...
    def alarms_changed(self, changes: list[Change]) -> None: ...

    async def on_mount(self) -> None:
        await self.workspace.__aenter__()
        await self.push_screen(self._make(self.workspace))

    async def on_unmount(self) -> None:
        await self.workspace.close()
