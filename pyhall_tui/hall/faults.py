"""Faults on demand: what a bad network or a bad registry does, to test how a client copes."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import msgspec
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pyhall_tui.hall import tomlfile
from pyhall_tui.hall.errors import FileMistake
from pyhall_tui.hall.stream_events import ENDLESS

ADMIN = "/admin/faults"
"""Where faults are set and removed; faults never affect this path."""
Sleep = Callable[[float], Awaitable[None]]


class Fault(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One fault. Fields combine: `latency` and `status`, for example, both happen.

    `path` is a glob for the request's path as it was sent, `method` one for its method. `probability` is from 0 to 1;
    `count` is the most times that it happens. Times are in seconds.
    """

    path: str = "*"
    method: str = "*"
    probability: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0
    count: int | None = None
    latency: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    tail: Annotated[float, msgspec.Meta(ge=0)] = 0.0  # mean of an exponential delay on top of the latency
    status: Annotated[int, msgspec.Meta(ge=200, le=599)] | None = None
    retry_after: str | int | None = None  # the header's value: seconds, or an HTTP date
    drop: Literal["unheard", "answered"] | None = None  # close before the request is handled, or instead of answering
    cut: Annotated[int, msgspec.Meta(ge=0)] | None = None  # close after this many bytes of the answer's body
    slow: Annotated[float, msgspec.Meta(gt=0)] | None = None  # send the answer's body at this many bytes per second
    headers: dict[str, str] = {}  # added to those of the fault's own answer
    body: str | None = None  # replaces the answer's body
    content_type: str | None = None  # for `body`: application/json unless it starts with `<`


class _FaultFile(msgspec.Struct, forbid_unknown_fields=True):
    fault: list[Fault] = []


def read_faults(path: Path) -> list[Fault]:
    """Read a file of `[[fault]]` tables; their keys are the fields of `Fault`.

    Raises:
        FileMistake: with `file:line:column` and what is wrong there.
    """
    text = tomlfile.read_text(path)
    if not tomlfile.loads(text, str(path)):
        raise FileMistake(f"{path}:1:1: the file is empty: write [[fault]] tables, or fault = [] for none")
    return tomlfile.parse(text, str(path), _FaultFile, "fault").fault


class Faults:
    """The faults in force. They can be changed while the hall runs, even from another thread.

    `rng` and `sleep` provide chance and time, so that a test can inject its own.
    """

    def __init__(self, rng: random.Random | None = None, sleep: Sleep = asyncio.sleep) -> None:
        self._faults: tuple[Fault, ...] = ()
        self.rng = rng or random.Random()
        self.sleep = sleep

    def add(self, fault: Fault | None = None, **fields: Any) -> Fault:
        """Add a fault (or its fields) after the existing ones: the first that matches a request happens."""
        made = fault or Fault(**fields)
        self._faults = (*self._faults, made)
        return made

    def clear(self) -> None:
        """Remove all faults."""
        self._faults = ()

    def replace(self, faults: list[Fault]) -> None:
        """Replace all faults with these."""
        self._faults = tuple(faults)

    @property
    def in_force(self) -> tuple[Fault, ...]:
        """The current faults, each with how often it can still happen."""
        return self._faults

    def pick(self, method: str, path: str) -> Fault | None:
        """Return the fault that happens to such a request now, if any; never for a request that sets faults."""
        if path == ADMIN:
            return None
        for fault in self._faults:
            fits = fnmatchcase(path, fault.path) and fnmatchcase(method, fault.method)
            if not fits or fault.count == 0 or self.rng.random() >= fault.probability:
                continue
            if fault.count is not None:
                fault.count -= 1
            return fault
        return None

    def wrap(self, app: ASGIApp) -> ASGIApp:
        """Return `app` behind the faults."""

        async def faulty(scope: Scope, receive: Receive, send: Send) -> None:
            fault = self.pick(scope["method"], scope["path"])
            if fault is None:
                await app(scope, receive, send)
            else:
                await self._happen(fault, app, scope, receive, send)

        return faulty

    async def _happen(self, fault: Fault, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        is_endless = scope["path"] in ENDLESS and _own_response(fault) is None
        if fault.drop == "unheard" or (fault.drop and is_endless):
            return await _drop(scope, receive)
        tail = self.rng.expovariate(1 / fault.tail) if fault.tail else 0.0
        if fault.latency + tail:
            await self.sleep(fault.latency + tail)
        if is_endless:
            await app(scope, receive, self._bent(fault, scope, send))
            return
        answer = await _answer(fault, app, scope, receive)
        if fault.drop == "answered":
            return await _drop(scope, receive)
        await self._send(fault, answer, send)

    def _bent(self, fault: Fault, scope: Scope, send: Send) -> Send:
        """Return what sends the pieces of an answer as they come, but cut or slow."""
        left = fault.cut

        async def bent(message: Message) -> None:
            nonlocal left
            body = message.get("body", b"")
            if fault.slow is not None:
                await self.sleep(len(body) / fault.slow)
            await send(message if left is None or not body else {**message, "body": body[:left]})
            if left is not None and body:
                left = max(0, left - len(body))
                if not left:
                    await asyncio.sleep(0)  # lets the server send it
                    scope["state"]["transport"].abort()

        return bent

    async def _send(self, fault: Fault, answer: list[Message], send: Send) -> None:
        body = b"".join(message.get("body", b"") for message in answer[1:])
        if answer[0]["status"] in (204, 304):
            body = b""  # such an answer has none
        await send(answer[0])  # with the length of the whole body
        if fault.cut is not None:
            await send({"type": "http.response.body", "body": body[: fault.cut], "more_body": True})
            return  # uvicorn closes a connection whose answer is incomplete
        if fault.slow is not None:
            step = max(1, int(fault.slow / 10))
            for start in range(0, len(body), step):
                piece = body[start : start + step]
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                await self.sleep(len(piece) / fault.slow)
            body = b""
        await send({"type": "http.response.body", "body": body})


async def _answer(fault: Fault, app: ASGIApp, scope: Scope, receive: Receive) -> list[Message]:
    """Return the messages of the answer: the fault's own or the hall's."""
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    own = _own_response(fault)
    await (own or app)(scope, receive, keep)
    return messages


def _own_response(fault: Fault) -> Response | None:
    """Return the answer that replaces the hall's, if the fault has one."""
    after = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    headers = after | fault.headers
    if fault.body is not None:
        guess = "text/html" if fault.body.startswith("<") else "application/json"
        return Response(fault.body, fault.status or 200, headers, fault.content_type or guess)
    if fault.status is not None:
        return JSONResponse({"error": f"injected fault {fault.status}"}, fault.status, headers)
    return None


async def _drop(scope: Scope, receive: Receive) -> None:
    """Close the connection without an answer."""
    transport = cast(asyncio.Transport, scope["state"]["transport"])
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass
