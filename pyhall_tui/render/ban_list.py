"""How the ban list is shown: its state, its entries, which of yours carry a hash, what a check says."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from pyhall_tui.bans.lookup import BanListing, flaw_of
from pyhall_tui.bans.rows import reported_at
from pyhall_tui.clock import Moment
from pyhall_tui.fleet.entry import Entry, State
from pyhall_tui.monitor.connection_state import BanListState, ConnectionState, Reachability
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.registry.models import BanList, BanListEntry
from pyhall_tui.render.connection import says_why_no_list
from pyhall_tui.render.enroll import Line
from pyhall_tui.render.text import Cell, Style, age, clean, iso_time, time_of_day
from pyhall_tui.render.worker import LOOKS

_LEAST_STALE = 30.0
"""Seconds for which a list counts as fresh, whatever the interval."""
_NAMED = 12
"""Workers that are named; of more, the count is shown."""
_HASH = 16
_LABEL = 8
_ANSWERS = (Reachability.LIVE, Reachability.VERIFY_FAILING)


class ListState(NamedTuple):
    """What is known of the ban list itself."""

    bans: BanList | None
    """The last one received."""
    asked: Moment | None
    """When it was requested."""
    connection: ConnectionState
    profile: Profile


def doubt_of(state: ListState, now: Moment) -> str:
    """Return why the list in memory clears nobody now, as a sentence; empty if nothing but its content may."""
    connection = state.connection
    if state.bans is None or state.asked is None:
        return _why_none(connection)
    if connection.ban_list is BanListState.FAILING:
        return f"The ban list can't be read any more: {clean(connection.ban_list_sentence, 300)}"
    if connection.ban_list is BanListState.MISSING:
        return "This registry has no ban list any more."
    if _is_stale(state, now):
        return f"The last ban list was read {age(now.mono - state.asked.mono)}, so the hash may have been banned since."
    return ""


def _doubt_below(state: ListState, now: Moment) -> str:
    """Return `doubt_of` without the reason, if the line about the connection says it."""
    doubt = doubt_of(state, now)
    if not doubt or not says_why_no_list(state.connection):
        return doubt
    if state.bans is None or state.asked is None:
        return "The ban list has not been read yet."
    return f"A hash banned since {time_of_day(state.asked.wall, now.wall)} is not in it."


def _why_none(connection: ConnectionState) -> str:
    if connection.ban_list is BanListState.MISSING:
        return "This registry has no ban list."
    if connection.ban_list is BanListState.FAILING:
        return f"The ban list can't be read: {clean(connection.ban_list_sentence, 300)}"
    return "The ban list has not been read yet."


def _is_stale(state: ListState, now: Moment) -> bool:
    """Whether the list should have been read again by now; a long one is not read so often."""
    profile, connection = state.profile, state.connection
    if state.asked is None:
        return True
    is_due = connection.ban_list_next is None or connection.ban_list_next < now.mono
    is_read = connection.reach in _ANSWERS and not is_due
    usual = max(_LEAST_STALE, 3 * profile.ban_list_interval + profile.timeout)
    return now.mono - state.asked.mono > usual and not is_read


def list_lines(state: ListState, now: Moment) -> list[Line]:
    """Return what the list is: how many hashes, whether that is all of them, how old it is, whose it is.

    What the line about the connection says already, which stands above it, is not said again.
    """
    source = Cell(f"from {clean(state.profile.registry_url, 200)}", Style.DIM)
    doubt = _doubt_below(state, now)
    if state.bans is None or state.asked is None:
        return [(Cell(f"{doubt} ", Style.WARNING), source)]
    count = len(state.bans.entries)
    flaw = flaw_of(state.bans)
    is_late = not doubt and state.connection.is_list_late(now.mono, state.profile.timeout)
    line: list[Cell] = [
        Cell(f"{count:,} hash{'es' * (count != 1)}", Style.STRONG),
        Cell(" · ", Style.DIM),
        Cell("▲ not whole", Style.WARNING) if flaw else Cell("● whole", Style.GOOD),
        Cell(f" · read {age(now.mono - state.asked.mono)}", Style.WARNING if doubt or is_late else Style.DIM),
        *((Cell(" ▲ late", Style.WARNING),) if is_late else ()),
        Cell(" · ", Style.DIM),
        source,
    ]
    lines: list[Line] = [tuple(line)]
    if flaw:
        lines.append((Cell(f"{_capital(flaw)}: a hash that is not in it may still be banned.", Style.WARNING),))
    if doubt:
        lines.append((Cell(doubt, Style.WARNING),))
    return lines


class BanRow(NamedTuple):
    """The cells of one entry."""

    reported: Cell
    hash: Cell
    mine: Cell
    reason: Cell
    source: Cell
    review: Cell


def ban_row(entry: BanListEntry, mine: int, now_wall: float) -> BanRow:
    """Return an entry's cells; `mine` is how many watched workers carry the hash."""
    loud = Style.ERROR if mine else Style.PLAIN
    return BanRow(
        reported=Cell(_when(entry.reported_at, now_wall), Style.DIM),
        hash=Cell(entry.sha256[:_HASH], loud),
        mine=Cell(f"✖ {mine:,}" if mine else "", loud),
        reason=Cell(clean(entry.reason or "–", 300), loud),
        source=Cell(clean(entry.source or "–", 80)),
        review=Cell(clean(entry.review_status or "–", 80), Style.DIM),
    )


def ban_values(entry: BanListEntry, mine: int) -> dict[str, Any]:
    """Return what an export says of an entry, by column: its whole hash, and the registry's own texts."""
    return {
        "reported": iso_time(reported_at(entry.reported_at)) or entry.reported_at,
        "hash": entry.sha256,
        "mine": mine,
        "reason": entry.reason,
        "source": entry.source,
        "review": entry.review_status,
    }


def entry_lines(entry: BanListEntry, carriers: Sequence[Entry], mono: float, stale_after: float) -> list[Line]:
    """Return everything about one entry, and which workers carry it."""
    return [
        _labelled("hash", entry.sha256, Style.STRONG),
        *carrier_lines(carriers, mono, stale_after),
        _labelled("reason", (entry.reason or "")[:600]),
        _labelled("source", _joined(entry.source, entry.review_status, entry.reported_at)),
    ]


def carrier_lines(carriers: Sequence[Entry], mono: float, stale_after: float) -> list[Line]:
    """Return which watched workers carry a hash, by name, with their states."""
    if not carriers:
        return [_labelled("mine", "none of your workers carries it", Style.DIM)]
    names = [_named(entry, mono, stale_after) for entry in carriers[:_NAMED]]
    more = f", and {len(carriers) - _NAMED:,} more" if len(carriers) > _NAMED else ""
    return [_labelled("mine", f"{len(carriers):,}: {', '.join(names)}{more}", Style.ERROR)]


def check_lines(listing: BanListing, what: str) -> list[Line]:
    """Return what a check says of one hash."""
    state = {True: State.BANNED, False: State.CLEAN, None: State.UNKNOWN}[listing.listed]
    word = {True: "LISTED", False: "not listed", None: "unknown"}[listing.listed]
    style = {True: Style.ERROR, False: Style.GOOD, None: Style.WARNING}[listing.listed]
    lines: list[Line] = [(Cell(f"{LOOKS[state].glyph} {word}", style),)]
    if what:
        lines.append(_labelled("package", what))
    lines.append(_labelled("hash", listing.sha256))
    if listing.entry is not None:
        entry = listing.entry
        lines.append(_labelled("reason", (entry.reason or "")[:600]))
        lines.append(_labelled("source", _joined(entry.source, entry.review_status, entry.reported_at)))
    if listing.why_unknown:
        lines.append((Cell(clean(listing.why_unknown, 500), Style.WARNING),))
    return lines


def _named(entry: Entry, mono: float, stale_after: float) -> str:
    verdict = entry.verdict
    name = f" ({verdict.display_name})" if verdict is not None and verdict.display_name else ""
    return f"{clean(entry.worker_id, 80)}{clean(name, 80)} {LOOKS[entry.state(mono, stale_after)].word}"


def _labelled(label: str, value: str, style: Style = Style.PLAIN) -> Line:
    """Return a line that has room for a whole hash in 80 columns; the value is cleaned."""
    return Cell(f"{label:<{_LABEL}}", Style.DIM), Cell(clean(value) or "–", style)


def _joined(*words: str | None) -> str:
    return " · ".join(word for word in words if word)


def _when(text: str | None, now_wall: float) -> str:
    wall = reported_at(text)
    if wall is None:
        return clean(text or "–", 20)
    try:
        return time_of_day(wall, now_wall)
    except (ValueError, OverflowError, OSError):
        return clean(text, 20)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
