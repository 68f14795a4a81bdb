"""What a change of the connection's state means for the registry's alarms."""

import pytest

from pyhall_tui.alarms.alarm import Condition
from pyhall_tui.monitor.connection_state import BanListState, ConnectionState, Reachability
from pyhall_tui.monitor.registry_events import registry_events
from tests.journal.makers import NOW

L, C = BanListState, Condition


def kinds(before: tuple[Reachability, L], after: tuple[Reachability, L], *firing: Condition) -> list[tuple[str, str]]:
    states = [ConnectionState(reach=reach, ban_list=ban_list) for reach, ban_list in (before, after)]
    return [(event.kind.value, event.after) for event in registry_events(*states, firing, NOW)]


LIVE, LOST = (Reachability.LIVE, L.LIVE), (Reachability.LOST, L.FAILING)
CONNECTING = (Reachability.CONNECTING, L.WAITING)


@pytest.mark.parametrize(
    ("before", "after", "firing", "events"),
    [
        (LIVE, LIVE, (C.REGISTRY_LOST,), []),
        (CONNECTING, LIVE, (), []),
        (CONNECTING, LIVE, (C.REGISTRY_LOST, C.KEY_REJECTED), ["registry regained", "key accepted"]),
        (CONNECTING, LOST, (C.KEY_REJECTED, C.VERIFY_FAILING), ["verify recovered"]),
        (LOST, (Reachability.KEY_REJECTED, L.FAILING), (C.REGISTRY_LOST,), ["registry regained"]),
        (LIVE, (Reachability.LIVE, L.FAILING), (), []),
        ((Reachability.LIVE, L.FAILING), LIVE, (C.BAN_LIST_FAILING,), ["ban list recovered"]),
        (LIVE, (Reachability.LIVE, L.TRUNCATED), (), ["ban list truncated"]),
        ((Reachability.LIVE, L.FAILING), (Reachability.LIVE, L.TRUNCATED), (C.BAN_LIST_TRUNCATED,), []),
        (LIVE, (Reachability.VERIFY_FAILING, L.LIVE), (), []),
        (LIVE, LOST, (), []),
        (LOST, LOST, (), []),
        (LOST, LIVE, (C.BAN_LIST_FAILING,), ["ban list recovered"]),
    ],
)
def test_only_a_change_brings_events(
    before: tuple[Reachability, L], after: tuple[Reachability, L], firing: tuple[Condition, ...], events: list[str]
) -> None:
    assert [kind for kind, _ in kinds(before, after, *firing)] == events


def test_a_truncated_list_that_answers_again_is_still_truncated() -> None:
    both = (C.BAN_LIST_FAILING, C.BAN_LIST_TRUNCATED)
    told = kinds((Reachability.LIVE, L.FAILING), (Reachability.LIVE, L.TRUNCATED), *both)
    assert told == [("ban list recovered", "truncated")]
