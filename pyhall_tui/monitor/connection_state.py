"""What the engine knows about the registry itself: reachable or not, since when, and what comes next."""

from enum import StrEnum

import msgspec

from pyhall_tui.monitor.sources import Source

_ON_TIME = 1.0
"""Seconds that the ban list may take besides its request, until it counts as late."""


class Reachability(StrEnum):
    """The state of the connection to the registry."""

    CONNECTING = "connecting"
    LIVE = "live"
    VERIFY_FAILING = "verify failing"
    """The registry is there, but most verifies fail: it refuses them, or sends no usable answer."""
    LOST = "lost"
    KEY_REJECTED = "key rejected"
    NOT_ASKED = "not asked"
    """The settings here don't allow asking this profile's registry (an unsupported proxy, plain http): nothing is sent
    or tried again."""
    NO_KEY = "no key"
    """There is no key to send, but the registry needs one: nothing is sent."""


class BanListState(StrEnum):
    """The state of the ban list."""

    WAITING = "waiting"
    LIVE = "live"
    TRUNCATED = "truncated"
    """As many entries came as were requested, so there may be more."""
    OLD = "old"
    """It answers with what it, or a cache on the way, read long ago: a newer ban may be missing."""
    MISSING = "missing"
    """This registry never had one; it is rarely asked again."""
    FAILING = "failing"
    """It answered before but doesn't now; it is asked again within seconds."""


class ConnectionState(msgspec.Struct, frozen=True, kw_only=True):
    """One state of the connection; any change makes a new one. `mono` times are for counting down."""

    reach: Reachability = Reachability.CONNECTING
    since_wall: float = 0.0
    sentence: str = ""
    """What went wrong, if anything."""
    advice: str = ""
    fault: str = ""
    """What most verifies fail with: a status (`403`), or two words (`timed out`)."""
    next_try: float | None = None
    """When an unreachable registry is tried next, on the monotonic clock."""
    ban_list: BanListState = BanListState.WAITING
    ban_list_sentence: str = ""
    """What is wrong with the ban list while it fails."""
    ban_list_down: bool = False
    """It has failed for seconds and more than once: an alarm, not a blip."""
    ban_list_next: float | None = None
    """When the ban list is asked next, on the monotonic clock."""
    ban_list_expected: float | None = None
    """When the ban list is to come again at the latest, by its interval and its last usable answer, on the monotonic
    clock. Unlike `ban_list_next`, no 429 and no failure puts it off."""
    rate: float = 0.0
    """Requests per second that are allowed now."""
    full_rate: float = 0.0
    limited_until: float | None = None
    """Until when a 429 blocks everything, on the monotonic clock."""
    holdable_interval: float | None = None
    """Seconds that a round of the sweep takes, if that is more than the profile's interval; otherwise None."""
    slow: float | None = None
    """Seconds that one verify takes, if it is this and not the rate that makes the round longer; otherwise None."""
    ban_list_source: Source = Source()
    verify_source: Source = Source()
    pushed_until: float | None = None
    """Until when the registry's stream of changes counts as alive, on the monotonic clock; None if it isn't."""

    def is_pushed(self, now: float) -> bool:
        """Whether the registry reports changes by itself now. `now` is on the monotonic clock."""
        return self.pushed_until is not None and now < self.pushed_until

    def is_silent(self, now: float, timeout: float) -> bool:
        """Whether requests end without an answer, and none has come from any source within the time-out.

        `now` is on the monotonic clock. A registry that is silent is not called live, before it is known to be lost.
        """
        sources = (self.ban_list_source, self.verify_source)
        heard = max((each.answered for each in sources if each.answered is not None), default=None)
        unheard = max((each.unheard for each in sources if each.unheard is not None), default=None)
        if heard is None or unheard is None:
            return unheard is not None
        return unheard > heard and now - heard > timeout

    def is_list_late(self, now: float, timeout: float) -> bool:
        """Whether the ban list is overdue by more than the time-out, whatever the reason.

        `now` is on the monotonic clock. With such a list nothing is called live: a newer ban may be missing.
        """
        if self.ban_list is BanListState.MISSING or self.ban_list_expected is None:
            return False
        return now - self.ban_list_expected > timeout + _ON_TIME


def is_news(before: ConnectionState | None, after: ConnectionState) -> bool:
    """Whether more than the ages and counts of the sources differ: those are pulled."""
    return before is None or _without_ages(before) != _without_ages(after)


def _without_ages(state: ConnectionState) -> ConnectionState:
    return msgspec.structs.replace(
        state,
        ban_list_source=Source(word=state.ban_list_source.word),
        verify_source=Source(word=state.verify_source.word),
        pushed_until=None if state.pushed_until is None else 0.0,
    )
