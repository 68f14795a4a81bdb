"""What is asked about the log's receipts, which PostgreSQL is sent beside each."""

import json
from collections.abc import Iterable
from typing import Any

import msgspec


class _Stated(msgspec.Struct):
    namespace: Any = None
    rule: Any = None
    outcome: Any = None
    decided_at: Any = None


_STATED = _Stated.__struct_fields__


def columns_of(receipt: str) -> tuple[Any, ...]:
    """Return what is asked about a receipt: namespace, rule, outcome and `decided_at`; None where it has none.

    Raises:
        ValueError: it is not JSON.
    """
    try:
        stated = msgspec.json.decode(receipt, type=_Stated)
        found: Iterable[Any] = (stated.namespace, stated.rule, stated.outcome, stated.decided_at)
    except (msgspec.DecodeError, UnicodeEncodeError):  # stricter than Python about surrogates
        told = json.loads(receipt)
        found = (told.get(name) for name in _STATED)
    return tuple(each.encode(errors="replace").decode() if isinstance(each, str) else None for each in found)
