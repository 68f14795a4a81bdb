"""Whether a package hash is on the ban list. A list that may be truncated never clears a hash."""

from typing import Any

import msgspec

from pyhall_tui.commands.session import sentence_of
from pyhall_tui.registry.errors import BanListUnclear, RegistryError
from pyhall_tui.registry.models import BanList, BanListEntry

_CUT = "It is not in the ban list received, but that list may be truncated, so the hash may still be banned."
_UNREADABLE = "It is not in the ban list received, but some entries can't be read, so the hash may still be banned."


class BanListing(msgspec.Struct, frozen=True, kw_only=True):
    """What the ban list says of one hash."""

    sha256: str
    listed: bool | None
    """None if unknown: the list could not be read, or may be truncated."""
    entry: BanListEntry | None = None
    why_unknown: str = ""
    """A sentence for the operator if `listed` is None."""
    correlation_id: str | None = None

    @property
    def reason(self) -> str | None:
        """Why it is banned, in the registry's words."""
        return self.entry.reason if self.entry else None

    def document(self) -> dict[str, Any]:
        """Return it as plain values; what is not known is None."""
        words = {True: "listed", False: "not listed", None: "unknown"}
        return {
            "sha256": self.sha256,
            "state": words[self.listed],
            "listed": self.listed,
            "reason": self.reason,
            "reported_at": self.entry.reported_at if self.entry else None,
            "source": self.entry.source if self.entry else None,
            "review_status": self.entry.review_status if self.entry else None,
            "correlation_id": self.correlation_id,
        }


def look_up(sha256: str, answer: BanList | RegistryError) -> BanListing:
    """Look up a bare hash in the answer to the ban list's request."""
    bans = answer.worst if isinstance(answer, BanListUnclear) else answer
    if isinstance(bans, BanList) and (entry := bans.entries.get(sha256)) is not None:
        return BanListing(sha256=sha256, listed=True, entry=entry, correlation_id=bans.correlation_id)
    if isinstance(answer, RegistryError):
        why = sentence_of(answer)
    elif answer.unreadable:
        why = _UNREADABLE
    else:
        why = _CUT if answer.truncated else ""
    return BanListing(
        sha256=sha256, listed=None if why else False, why_unknown=why, correlation_id=answer.correlation_id
    )
