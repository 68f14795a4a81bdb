"""How a worker's package on disk compares with what the registry attests, in one word."""

from enum import StrEnum
from typing import Final


class DriftState(StrEnum):
    """The state of a watched package. Only `MATCH` is clean."""

    MATCH = "match"
    OTHER_ORDER = "other order"
    DRIFTED = "drifted"
    NOT_ATTESTED = "not attested"
    UNREADABLE = "unreadable"


BAD_DRIFT: Final = (DriftState.DRIFTED, DriftState.UNREADABLE)
"""What makes a worker count as drifted."""
