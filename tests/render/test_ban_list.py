"""The line above the ban list: how many hashes, and how old the list is."""

import pytest

from pyhall_tui.clock import Moment
from pyhall_tui.monitor.connection_state import BanListState, ConnectionState, Reachability
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.registry.models import BanList
from pyhall_tui.render.ban_list import ListState, list_lines
from pyhall_tui.render.text import Style

ACME = Profile(
    name="acme", namespace="org.acme", registry_url="https://registry.example", timeout=10, ban_list_interval=60
)


@pytest.mark.parametrize(
    ("expected_at", "said", "style"),
    [
        (990.0, "0 hashes · ● whole · read 30s ago · from https://registry.example", Style.DIM),
        (970.0, "0 hashes · ● whole · read 30s ago ▲ late · from https://registry.example", Style.WARNING),
    ],
)
def test_a_list_that_is_overdue_is_late_here_as_in_the_header(expected_at: float, said: str, style: Style) -> None:
    link = ConnectionState(reach=Reachability.LIVE, ban_list=BanListState.LIVE, ban_list_expected=expected_at)
    ((*cells,),) = list_lines(ListState(BanList(entries={}), Moment(970.0, 0.0), link, ACME), Moment(1_000.0, 0.0))
    assert "".join(cell.text for cell in cells) == said
    assert next(cell.style for cell in cells if "read" in cell.text) is style
