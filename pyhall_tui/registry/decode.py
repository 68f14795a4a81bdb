"""Decodes bodies to models: strict about shape, tolerant of unknown fields. Each shape has its own module."""

from typing import Any, TypeVar

import msgspec

from pyhall_tui.registry.ban_lists import UnclearBanList, read_ban_list
from pyhall_tui.registry.json_body import (
    TwoReadings,
    Unreadable,
    decode,
    first_words,
    indented,
    is_too_deep,
    read_object,
    short,
    text,
)
from pyhall_tui.registry.models import KEPT, Outcome
from pyhall_tui.registry.verdicts import KNOWN_STATUSES, ODD_FIELD, read_verdict, unknown_verdict

__all__ = [
    "KNOWN_STATUSES",
    "Decision",
    "TwoReadings",
    "UnclearBanList",
    "Unreadable",
    "bounded",
    "decode",
    "error_text",
    "first_words",
    "indented",
    "is_too_deep",
    "read_ban_list",
    "read_object",
    "read_struct",
    "read_success",
    "read_verdict",
    "short",
    "text",
    "unknown_verdict",
]

T = TypeVar("T")

_MOST_FIELDS = 100
"""Fields to keep of an answer that is too long to keep completely."""


class Decision(msgspec.Struct, frozen=True):
    """A dispatch's answer in every known form: part 1's, and those of part 2's local halls."""

    outcome: str | None = None
    denied: bool | None = None
    supervisor_required: bool | None = None
    deny_code: Any = None
    reason: Any = None
    deny_reason_if_denied: Any = None
    decision_id: Any = None
    correlation_id: Any = None
    worker_id: Any = None
    capability: Any = None
    capability_id: Any = None
    namespace: Any = None
    error: Any = None

    @property
    def code(self) -> str | None:
        """The deny code as received."""
        return text(self.deny_code) or text(self._nested("code"))

    @property
    def why(self) -> str | None:
        """The reason as received."""
        return text(self.reason) or text(self._nested("message"))

    @property
    def word(self) -> str:
        """The word for the outcome, or its substitute."""
        if self.outcome is None and self.denied is not None:
            return f"denied: {str(self.denied).lower()}"
        return self.outcome or ""

    def _nested(self, key: str) -> object:
        return self.deny_reason_if_denied.get(key) if isinstance(self.deny_reason_if_denied, dict) else None

    def read(self) -> Outcome:
        """Only a plain `allow` that nothing in the same answer contradicts is an allow."""
        word = (self.outcome or "").strip().casefold()
        code = self.code or ""
        if self.supervisor_required or word in ("steward_hold", "hold") or code.startswith("DENY_REQUIRES_HUMAN"):
            return Outcome.HOLD
        if self.denied or code or word == "deny":
            return Outcome.DENY
        return Outcome.ALLOW if self.outcome == "allow" else Outcome.OTHER


def read_struct(body: bytes, model: type[T]) -> T:
    """Decode a body that must be an object of that model.

    Raises:
        Unreadable: it is not.
    """
    value = read_object(body)
    try:
        return msgspec.convert(value, model)
    except msgspec.ValidationError as error:
        said = f"it says: {short(text(value['error']))}" if value.get("error") else f"{ODD_FIELD}: {error}"
        raise Unreadable(short(said)) from None


def read_success(body: bytes) -> dict[str, Any]:
    """Decode an object that confirms success, which one with an `error` does not.

    Raises:
        Unreadable: it is not one.
    """
    value = read_object(body)
    if value.get("error"):
        raise Unreadable(f"it says: {short(text(value['error']))}")
    return value


def bounded(fields: dict[str, Any], size: int) -> dict[str, Any]:
    """Return what is kept of an answer's fields: all of them, or, if the body was long, what can be shown of each.

    Args:
        size: bytes of the body.
    """
    if size <= KEPT:
        return fields
    return {short(name, 100): short(text(value), 100) for name, value in list(fields.items())[:_MOST_FIELDS]}


def error_text(body: bytes) -> str:
    """Return an error answer's `error` field, or its equivalent, or its first words; may be empty."""
    try:
        fields = read_object(body)
    except Unreadable:
        return first_words(body)
    for key in ("error", "reason", "message", "detail", "code"):
        if said := text(fields.get(key)):
            return short(said)
    return first_words(body)
