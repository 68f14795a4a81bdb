"""The history of all dispatches, from the journal: search, comparison of two, export."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec

from pyhall_tui.dispatch.result import Tried, result_of
from pyhall_tui.journal.journal import Journal
from pyhall_tui.journal.rows import DispatchRow
from pyhall_tui.registry.decode import Unreadable, read_object

PAGE: Final = 1_000
_FIELDS: Final = {
    "worker": "worker",
    "capability": "capability",
    "cap": "capability",
    "code": "code",
    "id": "correlation_id",
    "correlation": "correlation_id",
}
_PART: Final = re.compile(r"(\w+):(\S+)")
EXPORTED: Final = (
    *("id", "at", "result", "outcome", "deny_code", "reason", "namespace", "capability", "worker_id", "context"),
    *("decision_id", "correlation_id", "correlation_back", "status", "elapsed_ms", "error", "may_have_reached"),
)


def question(text: str) -> dict[str, Any]:
    """Return a typed search as arguments of `Journal.dispatches`.

    `worker:org.acme.* code:POLICY_BLOCKED id:req-1` search single fields, with `*` for any characters; everything else
    is text to search for in every field.
    """
    asked: dict[str, Any] = {}
    words = []
    for word in text.split():
        part = _PART.fullmatch(word)
        if part is not None and part[1].lower() in _FIELDS:
            asked[_FIELDS[part[1].lower()]] = part[2]
        else:
            words.append(word)
    return asked | ({"text": " ".join(words)} if words else {})


def each_dispatch(journal: Journal, profile: str, text: str) -> Iterator[DispatchRow]:
    """Yield the dispatches that match a typed search, newest first, a page at a time."""
    journal.flush()
    before_id: int | None = None
    while True:
        page = journal.dispatches(profile, limit=PAGE, before_id=before_id, **question(text))
        yield from page
        if len(page) < PAGE:
            return
        before_id = page[-1].id


def dispatch_record(row: DispatchRow) -> dict[str, Any]:
    """Return what an export says of a dispatch: the fields `EXPORTED`, as plain values."""
    fields = msgspec.structs.asdict(row)
    fields["at"] = datetime.fromtimestamp(row.at, UTC).isoformat(timespec="milliseconds")
    fields["result"] = result_of(row).value
    return {column: fields[column] for column in EXPORTED}


class Compared(NamedTuple):
    """One field of two dispatches."""

    field: str
    first: str
    second: str

    @property
    def differs(self) -> bool:
        """Whether the two differ."""
        return self.first != self.second


def compare(first: Tried, second: Tried) -> list[Compared]:
    """Return two dispatches field by field: the request (each key of the context separately), then the answer."""
    one, other = _flat(first), _flat(second)
    return [Compared(name, one.get(name, "–"), other.get(name, "–")) for name in dict.fromkeys([*one, *other])]


def _flat(tried: Tried) -> dict[str, str]:
    row = tried.row
    try:
        context = read_object(row.context.encode())
    except Unreadable:
        context = {"": row.context}
    asked = {"namespace": row.namespace, "capability": row.capability, "worker": row.worker_id}
    asked |= {f"context.{key}": _text(value) for key, value in sorted(context.items())}
    came = {
        "answer": tried.result.value,
        "outcome": row.outcome,
        "code": row.deny_code,
        "reason": row.reason,
        "decision": row.decision_id,
        "correlation back": row.correlation_back,
        "status": row.status,
        "error": row.error,
        "time": None if row.elapsed_ms is None else f"{row.elapsed_ms:.1f} ms",
    }
    return asked | {name: str(value) for name, value in came.items() if value not in (None, "")}


def _text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
