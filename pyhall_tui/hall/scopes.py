"""What a key with scopes may do (contract, part 2). A key without scopes may do everything in its namespace.

Any key may read. What changes something needs the scope for it, or, if no scope is for it, a key without scopes. The
documentation names the scopes, but not what they allow: that is this hall's own reading.
"""

from collections.abc import Collection
from typing import Final

ENROLL: Final = "hall:enroll"
"""Enroll and attest workers."""
DELIVERY: Final = "runtime:delivery"
"""Ask for decisions, and report those made elsewhere."""
ANY_KEY: Final = "any"
"""No scope: what every key may do."""
WHOLE_KEY: Final = "whole"
"""No scope: what only a key without scopes may do."""
SCOPES: Final = (ENROLL, DELIVERY)


def refusal(scopes: Collection[str], needed: str) -> str | None:
    """Return why a key with these scopes may not do what needs `needed`, as a sentence; None if it may."""
    if not scopes or needed == ANY_KEY or needed in scopes:
        return None
    has = f"this key has only {'the scope' if len(scopes) == 1 else 'the scopes'} {', '.join(sorted(scopes))}"
    return f"{has}: this needs {'a key without scopes' if needed == WHOLE_KEY else needed}"
