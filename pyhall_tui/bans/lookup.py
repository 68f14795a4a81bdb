"""Whether a package hash is on the ban list. A list that is not whole, or not fresh, never clears a hash."""

from typing import Any, Final

import msgspec

from pyhall_tui.registry.models import OLDEST, BanList, BanListEntry

_ANY_AGE: Final = 2.0**31
"""The age that HTTP gives to what is older than anybody can say (RFC 9111, 1.2.2)."""
_NOT_IN_IT: Final = "It is not in the ban list received, but "


class BanListing(msgspec.Struct, frozen=True, kw_only=True):
    """What the ban list says of one hash."""

    sha256: str
    listed: bool | None
    """None if unknown: the list could not be read, may be truncated, or is stale."""
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


def look_up(sha256: str, bans: BanList | None, doubt: str = "") -> BanListing:
    """Look up a bare hash. `doubt` says why this list clears nobody, besides what is wrong with the list itself."""
    entry = bans.entries.get(sha256) if bans is not None else None
    correlation_id = bans.correlation_id if bans is not None else None
    if entry is not None:
        return BanListing(sha256=sha256, listed=True, entry=entry, correlation_id=correlation_id)
    why = doubt or (not_in_it(bans) if bans is not None else "There is no ban list.")
    return BanListing(sha256=sha256, listed=None if why else False, why_unknown=why, correlation_id=correlation_id)


def not_in_it(bans: BanList) -> str:
    """Return the sentence about a hash that is not in a list that clears nobody; empty if the list clears it."""
    why = flaw_of(bans)
    return f"{_NOT_IN_IT}{why}, so the hash may still be banned." if why else ""


def flaw_of(bans: BanList) -> str:
    """Return why this list clears nobody, as half a sentence; empty if it is whole and fresh."""
    if bans.unreadable:
        return "some entries can't be read"
    if bans.truncated:
        return "that list may be truncated"
    if bans.age > OLDEST:
        return f"that list {_how_old(bans.age)}: a cache kept it, or a hall that can't reach its upstream"
    return ""


def _how_old(age: float) -> str:
    return "has an unknown age" if age >= _ANY_AGE else f"is {age / 60:,.0f} minutes old"
