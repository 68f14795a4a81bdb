"""What fires and what is wrong at the profiles that run beside the open one."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pyhall_tui.clock import Moment
from pyhall_tui.render.alarm import counts
from pyhall_tui.render.connection import bands
from pyhall_tui.render.text import Cell, Style, clean
from pyhall_tui.screens.overview.watched import KeptProfile

_NAMED = 3
"""Profiles that are named in a line; of more, the count is shown."""


class Firing(NamedTuple):
    """The alarms of one profile: those that nobody has acknowledged, and those that are silenced."""

    name: str
    firing: int
    silenced: int


def firing_elsewhere(kept: Sequence[KeptProfile]) -> list[Firing]:
    """Return where alarms fire besides the open profile, from the one after it on, in the order of the overview."""
    found = [(each.profile.name, each.workspace.alarms) for each in _others(kept) if each.workspace is not None]
    counted = [Firing(name, alarms.firing, alarms.silenced) for name, alarms in found]
    return [each for each in counted if each.firing or each.silenced]


def elsewhere_line(found: Sequence[Firing], key: str) -> list[Cell]:
    """Return what fires elsewhere, in one line, and the key that goes there; nothing if nothing does."""
    if not found:
        return []
    cells = [Cell("Elsewhere: ", Style.DIM)]
    for place, each in enumerate(found[:_NAMED]):
        said = " · ".join(cell.text for cell in counts(each.firing, each.silenced))
        style = Style.ERROR if each.firing else Style.WARNING
        cells += [Cell(", " if place else "", Style.DIM), Cell(f"{clean(each.name, 40)} {said}", style)]
    if len(found) > _NAMED:
        cells.append(Cell(f", and {len(found) - _NAMED} more profiles", Style.WARNING))
    return [*cells, Cell(f" · {key} opens {clean(found[0].name, 40)}", Style.DIM)]


def standing_elsewhere(kept: Sequence[KeptProfile], now: Moment) -> list[str]:
    """Return what is wrong at the other profiles that should run, a sentence each, with the profile's name before."""
    return [f"{clean(each.profile.name, 40)}: {said}" for each in _others(kept) for said in _wrong(each, now)]


def _others(kept: Sequence[KeptProfile]) -> list[KeptProfile]:
    here = next((place for place, each in enumerate(kept) if each.is_open), -1)
    return [*kept[here + 1 :], *kept[: max(here, 0)]]


def _wrong(kept: KeptProfile, now: Moment) -> Iterator[str]:
    workspace = kept.workspace
    said = []
    if workspace is not None:
        poll = workspace.profile.poll_interval
        said = [cell.text for cell in bands(workspace.connection.state, workspace.key_answer, now, poll)]
        said += [clean(each) for each in workspace.standing]
    if not said and kept.sentence:
        said = [clean(kept.sentence)]
    yield from said
