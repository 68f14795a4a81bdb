"""What a new state of the connection means for the registry's alarms, beyond what the engine itself reports."""

from collections.abc import Collection, Iterator

from pyhall_tui.alarms.alarm import Condition
from pyhall_tui.fleet.events import Event, Kind
from pyhall_tui.fleet.transitions import make_event
from pyhall_tui.monitor.connection_state import BanListState, ConnectionState, Reachability

_CLOSED_BY = {
    Condition.REGISTRY_LOST: Kind.REGISTRY_REGAINED,
    Condition.VERIFY_FAILING: Kind.VERIFY_RECOVERED,
    Condition.KEY_REJECTED: Kind.KEY_ACCEPTED,
}
_OVER = {
    Reachability.LIVE: tuple(_CLOSED_BY),
    Reachability.KEY_REJECTED: (Condition.REGISTRY_LOST, Condition.VERIFY_FAILING),
    Reachability.VERIFY_FAILING: (Condition.REGISTRY_LOST,),
    Reachability.LOST: (Condition.VERIFY_FAILING,),
}
"""Which conditions are over in a state; an earlier run or another program may have seen them start."""
LIST_PATIENCE = 5.0
"""Seconds for which a ban list must fail before that is reported: one that fails once, or a lost registry's, is not."""
_IS_THERE = (Reachability.LIVE, Reachability.VERIFY_FAILING)
"""The registry answers, so a failing ban list is the list's own problem."""


def registry_events(
    before: ConnectionState, after: ConnectionState, firing: Collection[Condition], wall: float
) -> Iterator[Event]:
    """Yield the events that follow from a change of the connection's state, given the registry's firing alarms.

    Only a change yields any, so two programs that see different things (one has lost its network) don't alternate.
    """
    if before.reach is not after.reach:
        for condition in _OVER.get(after.reach, ()):
            if condition in firing:
                yield make_event(_CLOSED_BY[condition], wall, None, condition, after.reach, source="client")
    is_new = before.ban_list is not after.ban_list or before.reach not in _IS_THERE
    if is_new and after.reach in _IS_THERE:
        yield from _of_ban_list(before.ban_list, after, firing, wall)


def is_list_failing(state: ConnectionState) -> bool:
    """Whether the ban list fails, or only an old one comes, while the registry is there."""
    return state.ban_list in (BanListState.FAILING, BanListState.OLD) and state.reach in _IS_THERE


def list_failing_event(state: ConnectionState, wall: float) -> Event:
    """Return the event of a ban list that has failed or been old for `LIST_PATIENCE`."""
    why = state.ban_list_sentence
    return make_event(Kind.BAN_LIST_FAILING, wall, None, "live", state.ban_list, source="ban list", detail=why)


def _of_ban_list(
    before: BanListState, after: ConnectionState, firing: Collection[Condition], wall: float
) -> Iterator[Event]:
    state = after.ban_list
    answers = state in (BanListState.LIVE, BanListState.TRUNCATED)  # an old one doesn't end what failed
    truncated = state is BanListState.TRUNCATED
    over = {Condition.BAN_LIST_FAILING} | (set() if truncated else {Condition.BAN_LIST_TRUNCATED})
    if answers and over & set(firing):
        yield make_event(Kind.BAN_LIST_RECOVERED, wall, None, before, state, source="ban list")
    if truncated and Condition.BAN_LIST_TRUNCATED not in firing:
        why = "There may be more bans than the list shows."
        yield make_event(Kind.BAN_LIST_TRUNCATED, wall, None, before, state, source="ban list", detail=why)
