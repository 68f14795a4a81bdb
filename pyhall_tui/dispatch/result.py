"""The result of one dispatch: allow, deny, hold, an unknown word, refused, or unknown."""

from collections.abc import Awaitable, Callable
from enum import StrEnum

import msgspec

from pyhall_tui.clock import Clock
from pyhall_tui.journal.rows import RAW_LIMIT, DispatchRow
from pyhall_tui.registry.decode import Decision, Unreadable, read_struct
from pyhall_tui.registry.errors import Redirected, RegistryError, StatusError
from pyhall_tui.registry.models import DispatchAnswer, DispatchRequest, Exchange, Outcome


class Result(StrEnum):
    """The result of a dispatch, with or without an answer. Only `ALLOW` is an allow."""

    ALLOW = "allow"
    DENY = "deny"
    HOLD = "hold"
    """A human has to decide first."""
    OTHER = "other"
    """An answer with an unknown word."""
    ERROR = "error"
    """No decision: the request was refused, or never arrived."""
    UNKNOWN = "unknown"
    """No answer came, but the registry may have recorded a decision."""

    @property
    def is_answer(self) -> bool:
        """Whether the registry decided."""
        return self not in (Result.ERROR, Result.UNKNOWN)


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """One dispatch that was sent, or read back from the journal."""

    row: DispatchRow
    result: Result
    exchange: Exchange | None = None
    """With its headers; None if no answer came, and for one from the journal."""
    error_kind: str = ""
    """`RegistryError.kind`, if it is an error from this run."""
    advice: str = ""
    """What to do about the error."""
    new_url: str | None = None
    """The registry URL that follows from a redirect, if it is the same request elsewhere."""
    retry_after: float | None = None
    """Seconds that the registry asks us to wait, if it said so with a 429."""

    @property
    def correlation_same(self) -> bool | None:
        """Whether the id came back unchanged; None if no answer has one."""
        back = self.row.correlation_back
        return None if back is None else back == self.row.correlation_id


async def try_dispatch(
    send: Callable[[DispatchRequest], Awaitable[DispatchAnswer]], request: DispatchRequest, clock: Clock
) -> Tried:
    """Send one dispatch, once, and return its result; a `RegistryError` is a result too.

    Raises:
        asyncio.CancelledError: nobody waits for the answer any more; `abandoned` makes its row.
    """
    began = clock.now()
    try:
        answer = await send(request)
    except RegistryError as error:
        return _failed(request, error, began.wall, clock.now().mono - began.mono)
    return _answered(request, answer, began.wall)


def abandoned(request: DispatchRequest, at: float) -> Tried:
    """Return what is known about a dispatch whose answer nobody waited for: it may have been decided."""
    row = msgspec.structs.replace(
        _asked(request, at), error="The program did not wait for the answer.", may_have_reached=True
    )
    return Tried(row=row, result=Result.UNKNOWN)


def read_back(row: DispatchRow) -> Tried:
    """Return a dispatch from the journal. If it can't be read completely any more, it is never an allow."""
    return Tried(row=row, result=result_of(row))


def result_of(row: DispatchRow) -> Result:
    """Return the recorded result of a journal's row. A row from an earlier version has only the registry's words: then
    return what the answer says if it is complete. What can't be read is never an allow."""
    if row.error:
        return Result.UNKNOWN if row.may_have_reached else Result.ERROR
    if row.result:
        return Result(row.result) if row.result in _ANSWERS else Result.OTHER
    if row.response_raw and len(row.response_raw) < RAW_LIMIT:
        try:
            return Result(read_struct(row.response_raw, Decision).read())
        except Unreadable:
            return Result.OTHER
    return Result(Decision(outcome=row.outcome, deny_code=row.deny_code).read())


def _answered(request: DispatchRequest, answer: DispatchAnswer, at: float) -> Tried:
    exchange = answer.exchange
    result = _RESULTS[answer.outcome]
    row = msgspec.structs.replace(
        _asked(request, at),
        outcome=answer.outcome_text,
        result=result.value,
        deny_code=answer.deny_code,
        reason=answer.reason,
        decision_id=answer.decision_id,
        correlation_id=exchange.correlation_id,
        correlation_back=answer.correlation_id,
        **_of_exchange(exchange),
    )
    return Tried(row=row, result=result, exchange=exchange)


def _failed(request: DispatchRequest, error: RegistryError, at: float, elapsed: float) -> Tried:
    asked = _asked(request, at)
    result = Result.UNKNOWN if error.may_have_reached else Result.ERROR
    row = msgspec.structs.replace(
        asked,
        result=result.value,
        error=str(error),
        may_have_reached=error.may_have_reached,
        correlation_id=error.correlation_id,
        status=error.status if isinstance(error, StatusError) else None,
        elapsed_ms=elapsed * 1_000,
    )
    if error.exchange is not None:
        row = msgspec.structs.replace(row, **_of_exchange(error.exchange))
    return Tried(
        row=row,
        result=result,
        exchange=error.exchange,
        error_kind=error.kind,
        advice=error.advice,
        new_url=error.base_url if isinstance(error, Redirected) else None,
        retry_after=error.retry_after if isinstance(error, StatusError) else None,
    )


def _asked(request: DispatchRequest, at: float) -> DispatchRow:
    return DispatchRow(
        at=at,
        namespace=request.namespace,
        capability=request.capability,
        worker_id=request.worker_id,
        context=msgspec.json.encode(request.context).decode(),
        correlation_id=str(request.context.get("correlation_id", "")),
        request_raw=msgspec.json.encode(request)[:RAW_LIMIT],
    )


def _of_exchange(exchange: Exchange) -> dict[str, object]:
    return {
        "status": exchange.status,
        "elapsed_ms": exchange.elapsed * 1_000,
        "request_raw": exchange.request_body[:RAW_LIMIT],
        "response_raw": exchange.response_body[:RAW_LIMIT],
    }


_RESULTS = {outcome: Result(outcome.value) for outcome in Outcome}
_ANSWERS = {result.value for result in Result if result.is_answer}
