"""Whether the registry is reachable, a missing key, and what can't be saved, as shown in header and bands."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyhall_tui.clock import Moment
from pyhall_tui.monitor.connection_state import BanListState, ConnectionState, Reachability
from pyhall_tui.profiles.environment import KEY
from pyhall_tui.render.text import Cell, KeyNames, Style, clean, in_seconds, own_key, time_of_day

if TYPE_CHECKING:
    from pyhall_tui.profiles.keys import KeyAnswer

_SAID = 160
"""Characters of what the registry says, so that three narrow lines also hold the advice and the next try."""
_MORE = " (and {} more: {})"
_STAND = "{} problems ({} shows all): "
_REST = "… ({} shows all)"
_LOG = ("app.log", "L")
"""The key of the log of this run, which has room for everything."""
_NEVER = 7 * 86_400.0
"""Longest round, in seconds, that is shown as a number; nobody waits longer."""


def host(registry_url: str) -> str:
    """Return the host and port of a registry's address, without scheme and path."""
    return registry_url.partition("://")[2].partition("/")[0] or registry_url


_TROUBLE = {
    Reachability.LOST: "Registry lost",
    Reachability.KEY_REJECTED: "API key rejected",
    Reachability.VERIFY_FAILING: "Most verifies fail",
}
_ALL_FAILS = (Reachability.LOST, Reachability.NO_KEY, Reachability.NOT_ASKED)


def rate_cell(state: ConnectionState, per_second: float) -> Cell:
    """Return the current and the allowed requests per second."""
    reduced = state.rate < state.full_rate - 0.05
    return Cell(f"{per_second:.1f}/{state.rate:g} req/s", Style.WARNING if reduced else Style.DIM)


def bands(
    state: ConnectionState,
    key: "KeyAnswer | None",
    now: Moment,
    poll_interval: float,
    *,
    keys: KeyNames = own_key,
) -> list[Cell]:
    """Return a sentence for each trouble of the connection, the worst first; each is a band across every screen."""
    about_key = _key_band(key, state, keys)
    reach = None if about_key and state.reach is Reachability.KEY_REJECTED else _reach_band(state, now)
    found = (about_key, reach, _list_band(state), _pace_band(state, poll_interval))
    return [cell for cell in found if cell is not None]


def says_why_no_list(state: ConnectionState) -> bool:
    """Whether the bands say why the ban list can't be read now."""
    is_named = state.ban_list is BanListState.FAILING and state.ban_list_down
    return is_named or state.reach in (*_ALL_FAILS, Reachability.KEY_REJECTED)


def fitting(cells: Sequence[Cell], most: int, *, keys: KeyNames = own_key) -> list[Cell]:
    """Return the first few bands; the last one says how many more there are."""
    if len(cells) <= most:
        return list(cells)
    last = cells[most - 1]
    return [*cells[: most - 1], Cell(last.text + _MORE.format(len(cells) - most, keys(*_LOG)), last.style)]


def _reach_band(state: ConnectionState, now: Moment) -> Cell | None:
    if (words := _TROUBLE.get(state.reach)) is not None:
        wait = f" Next try in {in_seconds(state.next_try - now.mono)}." if state.next_try else ""
        since = time_of_day(state.since_wall, now.wall)
        return Cell(f"{words} since {since}. {clean(state.sentence, _SAID)} {clean(state.advice)}{wait}", Style.ERROR)
    if state.reach is Reachability.NOT_ASKED:
        return Cell(f"Nothing is sent. {clean(state.sentence)}", Style.ERROR)
    return None


def _list_band(state: ConnectionState) -> Cell | None:
    """Return what is wrong with the ban list, unless the registry is lost: then it says nothing of its own."""
    if state.reach in _ALL_FAILS:
        return None
    if state.ban_list is BanListState.FAILING and state.ban_list_down:
        verifies = state.reach in (Reachability.LIVE, Reachability.CONNECTING)
        so = "only verify shows bans" if verifies else "a new ban may go unseen"
        return Cell(f"The ban list is failing, so {so}. {clean(state.ban_list_sentence, _SAID)}", Style.WARNING)
    if state.ban_list is BanListState.TRUNCATED:
        return Cell("The ban list is truncated: there may be more bans, so it clears nobody.", Style.WARNING)
    if state.ban_list is BanListState.OLD:
        return Cell(f"The ban list is old: a newer ban may be missing. {clean(state.ban_list_sentence)}", Style.WARNING)
    return None


def _pace_band(state: ConnectionState, poll_interval: float) -> Cell | None:
    if state.reach is not Reachability.LIVE or state.holdable_interval is None:
        return None
    return Cell(_too_slow(state, state.holdable_interval, poll_interval), Style.WARNING)


def trouble_band(troubles: Sequence[str], room: int, *, keys: KeyNames = own_key) -> Cell | None:
    """Return the text of a band about files that can't be saved or used now: as many as fit, and how many more.

    `room` is in characters; the first is named whatever its length. The number comes first, because a long path may
    leave no room for the end.
    """
    if not troubles:
        return None
    said = clean(troubles[0])
    count = _STAND.format(len(troubles), keys(*_LOG))
    named, room = 1, room - len(count) - 2
    for trouble in troubles[1:]:
        longer = f"{said} {clean(trouble)}"
        if len(longer) > room:
            break
        said, named = longer, named + 1
    return Cell(f"▲ {count if named < len(troubles) else ''}{said}", Style.WARNING)


def trouble_line(
    connection: Sequence[Cell], troubles: Sequence[str], room: int, *, keys: KeyNames = own_key
) -> Cell | None:
    """Return one line for the bands about the connection, the worst first, and the troubles of `trouble_band`.

    `room` is in characters. What finds no room is counted, or the line ends with the key that shows all of it.
    """
    found = [*(each.text for each in connection), *troubles]
    cell = trouble_band(found, room, keys=keys)
    if cell is None:
        return None
    rest = _REST.format(keys(*_LOG))
    is_cut = len(found) == 1 and len(cell.text) > room
    text = cell.text[: room - len(rest)] + rest if is_cut else cell.text
    return Cell(text, connection[0].style if connection else cell.style)


def _too_slow(state: ConnectionState, round_time: float, poll_interval: float) -> str:
    """Return why the sweep can't keep its interval: because of the profile, or because the registry asked for less."""
    reduced = state.rate < state.full_rate - 0.05
    pace = f"At {state.rate:g} requests/s{' (slowed by 429s from the registry)' if reduced else ''}"
    if round_time > _NEVER:
        return f"{pace} the ban list leaves no requests for the workers: raise its interval or the rate in the profile."
    longer = f"a round takes {math.ceil(round_time):,} s, longer than the interval of {poll_interval:g} s"
    if state.slow is not None:
        return f"The registry takes {state.slow:g} s for each verify, so {longer}: verdicts grow old."
    return f"{pace} {longer}: raise {'the interval' if reduced else 'the interval or the rate'} in the profile."


def _key_band(answer: "KeyAnswer | None", state: ConnectionState, keys: KeyNames) -> Cell | None:
    """Return the sentence for a band about the open profile's key, or None if nothing is wrong with it.

    There is none for a registry that answers without a key (a local hall).
    """
    if answer is None or answer.key is not None:
        return None
    from pyhall_tui.profiles.keys import KeyState  # whoever made the answer has imported it

    quiet = answer.state in (KeyState.ABSENT, KeyState.UNAVAILABLE)
    if quiet and state.reach not in (Reachability.NO_KEY, Reachability.KEY_REJECTED):
        return None
    if answer.state is KeyState.WAITING:
        return Cell(clean(answer.sentence), Style.WARNING)
    said = clean(answer.sentence.removesuffix(answer.way_out)).rstrip(" :.") + "."
    nothing = " Nothing is sent." if state.reach is Reachability.NO_KEY else ""
    profiles, ask = keys("app.profiles", "5"), keys("app.ask_key", "K")
    ways = f"Type it on Profiles ({profiles}), press {ask} to ask the OS keyring again, or start with {KEY} set."
    return Cell(f"{said}{nothing} {ways}", Style.WARNING)
