"""What the engine knows of the registry itself: reachable or not, since when, and what comes next."""

from enum import StrEnum

import msgspec


class Reachability(StrEnum):
    """How things stand between us and the registry."""

    CONNECTING = "connecting"
    LIVE = "live"
    VERIFY_FAILING = "verify failing"
    """The registry is there, but most verifies bring nothing: it refuses them, or answers nothing that can be used."""
    LOST = "lost"
    KEY_REJECTED = "key rejected"
    NOT_ASKED = "not asked"
    """This profile's registry can't be asked as things are set here (a proxy of another kind, plain http): nothing is
    sent, and nothing is tried again."""
    NO_KEY = "no key"
    """There is no key to send, and the registry wants one: nothing is sent."""


class BanListState(StrEnum):
    """How things stand with the ban list."""

    WAITING = "waiting"
    LIVE = "live"
    TRUNCATED = "truncated"
    """As many entries came as were asked for, so there may be more."""
    MISSING = "missing"
    """This registry never had one; it is asked again rarely."""
    FAILING = "failing"
    """It answered before, and does not now; it is asked again within seconds."""


class ConnectionState(msgspec.Struct, frozen=True, kw_only=True):
    """One state of the link, replaced whole when anything in it changes. `mono` times are for counting down."""

    reach: Reachability = Reachability.CONNECTING
    since_wall: float = 0.0
    sentence: str = ""
    """What went wrong, where something did."""
    advice: str = ""
    fault: str = ""
    """What most verifies come to while they fail: a status (`403`), or two words (`timed out`)."""
    next_try: float | None = None
    """When a lost registry is tried next, on the monotonic clock."""
    ban_list: BanListState = BanListState.WAITING
    ban_list_sentence: str = ""
    """What is wrong with the ban list while it fails."""
    ban_list_next: float | None = None
    """When the ban list is asked next, on the monotonic clock."""
    rate: float = 0.0
    """Requests a second that are allowed now."""
    full_rate: float = 0.0
    limited_until: float | None = None
    """Until when a 429 holds everything back, on the monotonic clock."""
    holdable_interval: float | None = None
    """Seconds a round of the sweep takes where that is more than the profile's interval; else None."""
