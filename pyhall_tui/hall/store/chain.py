"""How the rows of the decision log are chained, whatever the store."""

import hashlib
from typing import NamedTuple

GENESIS = "GENESIS"
"""The hash before the first row."""


class Mark(NamedTuple):
    """A row of the log by its number and hash."""

    seq: int
    entry_hash: str


class Row(NamedTuple):
    """A row of the log. `receipt` is its JSON, byte for byte as it was hashed."""

    seq: int
    entry_hash: str
    receipt: str


def entry_hash(prev_hash: str, receipt: str) -> str:
    """Return a row's hash: SHA-256 of the hash before it and the receipt's JSON, as in the published workers' logs."""
    return hashlib.sha256((prev_hash + receipt).encode()).hexdigest()


_REMOVAL = '{"retention":'  # a decision's row never begins like this


def is_removal(receipt: str) -> bool:
    """Whether a row of the log records a removal, and is not a decision."""
    return receipt.startswith(_REMOVAL)
