"""What a watcher publishes of its connection, for those that read beside it. Times are relative to the publishing."""

from typing import Final

import msgspec

from pyhall_tui.clock import Moment
from pyhall_tui.monitor.connection_state import ConnectionState
from pyhall_tui.monitor.sources import Source
from pyhall_tui.profiles.profile import Profile

FORMAT: Final = 1
"""Whoever knows only another one doesn't read it, and polls by itself."""
_LONGEST: Final = 1e9
"""Seconds of a round that never ends."""
_STEADY: Final = 1.0
"""Seconds by which the wall clock and the monotonic clock may part before the wall clock counts as set."""


class PublishedState(msgspec.Struct, frozen=True, kw_only=True):
    """What is published. `registry` and `namespace` say what is watched: the profile may have been edited since."""

    format: int
    registry: str
    namespace: str
    wall: float
    """The watcher's wall time."""
    steady_since: float
    """Since when, in wall time, nobody has set that clock: times before say nothing about ages."""
    state: ConnectionState


class Publisher:
    """Makes what a watcher publishes of one profile."""

    def __init__(self, now: Moment) -> None:
        self._began, self._steady_since = now, now.wall

    def published(self, profile: Profile, state: ConnectionState, now: Moment) -> bytes:
        """Return the connection's state as it is published now."""
        if abs((now.wall - self._began.wall) - (now.mono - self._began.mono)) > _STEADY:
            self._began, self._steady_since = now, now.wall
        return msgspec.json.encode(
            PublishedState(
                format=FORMAT,
                registry=profile.registry_url,
                namespace=profile.namespace,
                wall=now.wall,
                steady_since=self._steady_since,
                state=_moved(_finite(state), -now.mono),
            )
        )


def read_published(published: bytes, mono: float) -> PublishedState | None:
    """Return what was published at that moment of our own monotonic clock; None if it can't be read, or is of a format
    that we don't know."""
    try:
        found = msgspec.json.decode(published, type=PublishedState)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    return msgspec.structs.replace(found, state=_moved(found.state, mono)) if found.format == FORMAT else None


def _finite(state: ConnectionState) -> ConnectionState:
    """Return a state without an infinite round (the ban list takes all requests): JSON has no such number."""
    round_time = state.holdable_interval
    return state if round_time is None else msgspec.structs.replace(state, holdable_interval=min(round_time, _LONGEST))


def _moved(state: ConnectionState, by: float) -> ConnectionState:
    """Return a state whose monotonic times are moved by so many seconds."""
    return msgspec.structs.replace(
        state,
        next_try=_sum(state.next_try, by),
        ban_list_next=_sum(state.ban_list_next, by),
        ban_list_expected=_sum(state.ban_list_expected, by),
        pushed_until=_sum(state.pushed_until, by),
        limited_until=_sum(state.limited_until, by),
        ban_list_source=_moved_source(state.ban_list_source, by),
        verify_source=_moved_source(state.verify_source, by),
    )


def _moved_source(source: Source, by: float) -> Source:
    return msgspec.structs.replace(source, answered=_sum(source.answered, by), unheard=_sum(source.unheard, by))


def _sum(time: float | None, by: float) -> float | None:
    return None if time is None else time + by
