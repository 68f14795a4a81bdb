"""A profile's row of the overview, and the lines about it below the table."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from pyhall_tui.clock import Moment
from pyhall_tui.fleet.entry import State
from pyhall_tui.monitor.connection_state import ConnectionState, Reachability
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.render.alarm import counts
from pyhall_tui.render.connection import host
from pyhall_tui.render.sources import beside_cells, has_trouble, status_cells
from pyhall_tui.render.text import Cell, Style, clean, in_seconds, iso_time, span, time_of_day
from pyhall_tui.render.worker import counts_line

if TYPE_CHECKING:
    from pyhall_tui.journal.watchers import Holder

_ON_TIME = 2.0
"""Seconds that the oldest verdict may be late before the sweep is called behind: an answer takes a while."""
_NOTHING = Cell("–", Style.DIM)
_STOPPED = (Reachability.NO_KEY, Reachability.NOT_ASKED, Reachability.KEY_REJECTED, Reachability.LOST)

Cells = tuple[Cell, ...]


class ProfileSummary(NamedTuple):
    """One profile at one moment: what its row shows."""

    profile: Profile
    is_open: bool
    sentence: str
    """Why nothing is asked; empty if nothing is wrong."""
    connection: ConnectionState | None
    """None: it is not running, and what follows is not known."""
    by_state: Mapping[State, int] = {}
    oldest: float | None = None
    """When the oldest verdict was requested, on the monotonic clock; None if there are none."""
    last_changed: float = 0.0
    """When a worker last changed, in wall time; 0 if no change was seen."""
    firing: int = 0
    """Alarms that nobody has acknowledged or silenced."""
    silenced: int = 0
    watcher: "Holder | None" = None
    """The program that watches it, if this one only reads beside it."""


def is_live(of: ProfileSummary, now: Moment) -> bool:
    """Whether the profile is being watched, and nothing is wrong with any of its sources."""
    state = of.connection
    return state is not None and state.reach is Reachability.LIVE and not has_trouble(state, now, of.profile.timeout)


class ProfileLook(NamedTuple):
    """The cells of a profile's row, by column."""

    profile: Cells
    namespace: Cell
    registry: Cell
    connection: Cells
    workers: Cells
    alarms: Cells
    oldest: Cell
    behind: Cell
    changed: Cell


def profile_look(of: ProfileSummary, now: Moment) -> ProfileLook:
    """Return a profile's row at that moment. If it is not running, the row says why, and nothing in it looks clean."""
    profile, is_running = of.profile, of.connection is not None
    return ProfileLook(
        profile=(
            Cell("▸" if of.is_open else " ", Style.GOOD),
            Cell(clean(profile.name), Style.STRONG if of.is_open else Style.PLAIN),
        ),
        namespace=Cell(clean(profile.namespace)),
        registry=Cell(clean(host(profile.registry_url)), Style.DIM),
        connection=_with_watcher(_connection(of, now), of),
        workers=_workers(of) if is_running else (_NOTHING,),
        alarms=_alarms(of) if is_running else (_NOTHING,),
        oldest=_oldest(of, now),
        behind=_behind(of, now),
        changed=Cell(time_of_day(of.last_changed, now.wall), Style.DIM) if is_running else _NOTHING,
    )


def profile_lines(of: ProfileSummary, now: Moment) -> list[list[Cell]]:
    """Return three lines about a profile, with what a narrow table has no room for."""
    profile, look = of.profile, profile_look(of, now)
    marks = [
        (of.is_open, Cell("open", Style.GOOD)),
        (profile.production, Cell("PRODUCTION", Style.ERROR)),
        (profile.read_only, Cell("READ ONLY", Style.WARNING)),
    ]
    who = [Cell(clean(profile.name), Style.STRONG), *(cell for holds, cell in marks if holds)]
    who += [look.namespace, Cell(clean(profile.registry_url), Style.DIM)]
    if of.connection is None:
        return [who, [*look.connection], []]
    how = [*beside_cells(of.watcher), *_connection(of, now)]
    why = of.sentence or of.connection.sentence
    if why and clean(why) not in (cell.text for cell in how):
        how.append(Cell(clean(why), Style.WARNING))
    alarms = counts(of.firing, of.silenced) or [Cell("no alarms", Style.DIM)]
    known = [*look.workers, *alarms]
    if of.oldest is not None:
        known.append(Cell(f"oldest verdict {look.oldest.text}", look.oldest.style))
    if look.behind != _NOTHING:
        known.append(Cell(f"sweep {look.behind.text}", look.behind.style))
    if of.last_changed:
        known.append(Cell(f"last change {look.changed.text}", Style.DIM))
    return [who, how, known]


def profile_values(of: ProfileSummary, now: Moment) -> dict[str, Any]:
    """Return what an export says of a profile, by column, where its cells say less: whole texts and exact times."""
    age = _age_of_oldest(of, now)
    return {
        "profile": of.profile.name,
        "namespace": of.profile.namespace,
        "registry": of.profile.registry_url,
        "oldest": iso_time(now.wall - age) if age is not None else None,
        "changed": iso_time(of.last_changed) if of.connection is not None else None,
    }


def _connection(of: ProfileSummary, now: Moment) -> Cells:
    if of.connection is not None:
        return tuple(status_cells(of.connection, now, of.profile.timeout))
    if of.sentence:
        return (Cell("✖ not running", Style.ERROR), Cell(clean(of.sentence), Style.WARNING))
    return (Cell("… starting", Style.DIM),)


def _with_watcher(cells: Cells, of: ProfileSummary) -> Cells:
    """Return the cells of a row with a word, after what matters most, if another program watches."""
    return cells if of.watcher is None else (*cells[:1], Cell("beside", Style.GOOD), *cells[1:])


def _workers(of: ProfileSummary) -> Cells:
    return tuple(counts_line(of.by_state)) or (Cell("no workers", Style.DIM),)


def _alarms(of: ProfileSummary) -> Cells:
    cells = []
    if of.firing:
        cells.append(Cell(f"✖ {of.firing:,}", Style.ERROR))
    if of.silenced:
        cells.append(Cell(f"{'+' if of.firing else ''}{of.silenced:,} silenced", Style.WARNING))
    return tuple(cells) or (_NOTHING,)


def _age_of_oldest(of: ProfileSummary, now: Moment) -> float | None:
    return None if of.connection is None or of.oldest is None else max(0.0, now.mono - of.oldest)


def _oldest(of: ProfileSummary, now: Moment) -> Cell:
    seconds = _age_of_oldest(of, now)
    if seconds is None:
        return _NOTHING
    return Cell(span(seconds), Style.WARNING if seconds > 2 * of.profile.poll_interval else Style.DIM)


def _behind(of: ProfileSummary, now: Moment) -> Cell:
    """Return how much later than its interval the oldest verdict is: the sweep asks each worker once in an interval."""
    if of.connection is None or not any(of.by_state.values()):
        return _NOTHING
    seconds, waiting = _age_of_oldest(of, now), of.by_state.get(State.WAITING, 0)
    late = (seconds or 0.0) - of.profile.poll_interval
    if late >= _ON_TIME:
        return Cell(f"{span(late)} behind", Style.WARNING)
    if of.connection.reach in _STOPPED:
        return Cell("stopped", Style.WARNING)
    if of.connection.holdable_interval is not None:
        return Cell(f"needs {in_seconds(of.connection.holdable_interval)}", Style.WARNING)
    if waiting:
        return Cell(f"{waiting:,} to ask", Style.DIM)
    return Cell("on time", Style.DIM)
