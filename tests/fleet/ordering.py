"""The table's order for a single use."""

from pyhall_tui.clock import Moment
from pyhall_tui.fleet.fleet import Fleet
from pyhall_tui.fleet.order import Roster, SortKey


def order(
    fleet: Fleet, mono: float, query: str, sort: SortKey, *, descending: bool = False, wall: float = 0.0
) -> list[str]:
    """Return the ids of the workers that match, sorted by a roster that has seen nothing before."""
    roster = Roster(fleet)
    roster.refresh(Moment(mono, wall), query, sort, descending=descending)
    return list(roster.ids)
