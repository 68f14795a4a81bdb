"""One dispatch as it ended: allow, deny, hold, a word not heard of, refused, or unknown."""

from collections.abc import Awaitable, Callable
from enum import StrEnum

import msgspec

from pyhall_tui.clock import Clock
from pyhall_tui.journal.rows import RAW_LIMIT, DispatchRow
from pyhall_tui.registry.decode import Decision, Unreadable, read_struct
from pyhall_tui.registry.errors import Redirected, RegistryError, StatusError
from pyhall_tui.registry.models import DispatchAnswer, DispatchRequest, Exchange, Outcome


class Result(StrEnum):
    """What a dispatch came to, with or without an answer. Only `ALLOW` is an allow."""

    ALLOW = "allow"
    DENY = "deny"
    HOLD = "hold"
    """A human has to decide first."""
    OTHER = "other"
    """An answer whose word is not heard of."""
    ERROR = "error"
    """No decision: the request was refused, or never got there."""
    UNKNOWN = "unknown"
    """No answer came, yet the registry may have recorded a decision."""

    @property
    def is_answer(self) -> bool:
        """Whether the registry decided."""
        return self not in (Result.ERROR, Result.UNKNOWN)


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """One dispatch that was sent, or read back from the journal."""

    row: DispatchRow
    result: Result
    exchange: Exchange | None = None
    """With its headers; None where no answer came, and for one of the journal."""
    error_kind: str = ""
    """`RegistryError.kind`, where it is an error of this run."""
    advice: str = ""
    """What to do about the error."""
    new_url: str | None = None
    """The registry URL that a redirect amounts to, where it is the same request elsewhere."""
    retry_after: float | None = None
    """Seconds that the registry wants to be left alone, where it said so with a 429."""

    @property
    def correlation_same(self) -> bool | None:
        """Whether the id came back unchanged; None where no answer holds one."""
        back = self.row.correlation_back
        return None if back is None else back == self.row.correlation_id


async def try_dispatch(
    send: Callable[[DispatchRequest], Awaitable[DispatchAnswer]], request: DispatchRequest, clock: Clock
) -> Tried:
    """Send one dispatch, once, and return what came of it; a `RegistryError` is a result too.

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
    """Return what is known of a dispatch whose answer was not waited for: it may have been decided."""
    row = msgspec.structs.replace(
        _asked(request, at), error="The program did not wait for the answer.", may_have_reached=True
    )
    return Tried(row=row, result=Result.UNKNOWN)


def read_back(row: DispatchRow) -> Tried:
    """Return a dispatch of the journal. What can no longer be read whole is never taken for an allow."""
    return Tried(row=row, result=result_of(row))


def result_of(row: DispatchRow) -> Result:
    """Return what a journal's row came to: what was written down then. Of a row of an earlier version, which has only
    the registry's own words, what the answer says if it is kept whole; what can't be read is never an allow."""
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
