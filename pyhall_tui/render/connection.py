"""Whether the registry is reachable, a missing key, and what can't be saved, as shown in header and bands."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyhall_tui.clock import Moment
from pyhall_tui.monitor.connection_state import BanListState, ConnectionState, Reachability
from pyhall_tui.profiles.environment import KEY
from pyhall_tui.render.text import Cell, Style, clean, in_seconds, time_of_day

if TYPE_CHECKING:
    from pyhall_tui.profiles.keys import KeyAnswer

_SAID = 160
"""Characters of what the registry says, so that three narrow lines also hold the advice and the next try."""
_WORD = 24
"""Characters in the header of what most verifies fail with."""
_NEVER = 7 * 86_400.0
"""Longest round, in seconds, that is shown as a number; nobody waits longer."""


def host(registry_url: str) -> str:
    """Return the host and port of a registry's address, without scheme and path."""
    return registry_url.partition("://")[2].partition("/")[0] or registry_url


_BAN_LIST_WORDS = {
    BanListState.WAITING: "ban list …",
    BanListState.TRUNCATED: "ban list truncated",
    BanListState.MISSING: "no ban list here",
    BanListState.FAILING: "ban list failing",
}

_TROUBLE = {
    Reachability.LOST: "Registry lost",
    Reachability.KEY_REJECTED: "API key rejected",
    Reachability.VERIFY_FAILING: "Most verifies fail",
}


def reachability_cell(state: ConnectionState) -> Cell:
    """Return glyph and word of the reachability."""
    if state.reach is Reachability.LIVE:
        return Cell("● live", Style.GOOD)
    if state.reach is Reachability.CONNECTING:
        return Cell("… connecting", Style.DIM)
    if state.reach is Reachability.KEY_REJECTED:
        return Cell("✖ key rejected", Style.ERROR)
    if state.reach in (Reachability.NO_KEY, Reachability.NOT_ASKED):
        return Cell(f"✖ {state.reach.value}", Style.WARNING)
    if state.reach is Reachability.VERIFY_FAILING:
        return Cell(f"✖ verify {clean(state.fault, _WORD)}", Style.ERROR)
    return Cell("✖ lost", Style.ERROR)


def next_cell(state: ConnectionState, now: Moment) -> Cell:
    """Return what comes next and when: the next try of an unreachable registry, the end of a 429, the next ban list."""
    if state.reach in (Reachability.LOST, Reachability.KEY_REJECTED):
        since = f"since {time_of_day(state.since_wall, now.wall)}"
        wait = f" · next try {in_seconds(state.next_try - now.mono)}" if state.next_try else ""
        return Cell(since + wait, Style.ERROR)
    if state.reach in (Reachability.NO_KEY, Reachability.NOT_ASKED):
        return Cell("nothing is sent", Style.WARNING)
    if state.limited_until and state.limited_until > now.mono:
        return Cell(f"rate limited, resumes in {in_seconds(state.limited_until - now.mono)}", Style.WARNING)
    if state.ban_list in _BAN_LIST_WORDS:
        style = Style.DIM if state.ban_list is BanListState.WAITING else Style.WARNING
        return Cell(_BAN_LIST_WORDS[state.ban_list], style)
    wait_list = in_seconds(state.ban_list_next - now.mono) if state.ban_list_next else "…"
    return Cell(f"next ban list {wait_list}", Style.DIM)


def rate_cell(state: ConnectionState, per_second: float) -> Cell:
    """Return the current and the allowed requests per second."""
    reduced = state.rate < state.full_rate - 0.05
    return Cell(f"{per_second:.1f}/{state.rate:g} req/s", Style.WARNING if reduced else Style.DIM)


def band(state: ConnectionState, now: Moment, poll_interval: float) -> Cell | None:
    """Return the sentence for a band across the workers screen, or None if nothing is wrong."""
    if (words := _TROUBLE.get(state.reach)) is not None:
        wait = f" Next try in {in_seconds(state.next_try - now.mono)}." if state.next_try else ""
        since = time_of_day(state.since_wall, now.wall)
        return Cell(f"{words} since {since}. {clean(state.sentence, _SAID)} {clean(state.advice)}{wait}", Style.ERROR)
    if state.reach is Reachability.NOT_ASKED:
        return Cell(f"Nothing is sent. {clean(state.sentence)}", Style.ERROR)
    if state.ban_list is BanListState.FAILING and state.reach is Reachability.LIVE:
        words = "The ban list is failing, so only verify shows bans."
        return Cell(f"{words} {clean(state.ban_list_sentence, _SAID)}", Style.WARNING)
    if state.holdable_interval is not None:
        return Cell(_too_slow(state, state.holdable_interval, poll_interval), Style.WARNING)
    return None


def trouble_band(troubles: Sequence[str]) -> Cell | None:
    """Return the sentence for a band about what can't be saved at the moment: the first, and how many more."""
    if not troubles:
        return None
    more = f" (and {len(troubles) - 1} more: D)" if len(troubles) > 1 else ""
    return Cell(f"▲ {clean(troubles[0])}{more}", Style.WARNING)


def _too_slow(state: ConnectionState, round_time: float, poll_interval: float) -> str:
    """Return why the sweep can't keep its interval: because of the profile, or because the registry asked for less."""
    reduced = state.rate < state.full_rate - 0.05
    pace = f"At {state.rate:g} requests/s{' (slowed by 429s from the registry)' if reduced else ''}"
    if round_time > _NEVER:
        return f"{pace} the ban list leaves no requests for the workers: raise its interval or the rate in the profile."
    longer = f"a round takes {math.ceil(round_time):,} s, longer than the interval of {poll_interval:g} s"
    return f"{pace} {longer}: raise {'the interval' if reduced else 'the interval or the rate'} in the profile."


def key_band(answer: "KeyAnswer | None", state: ConnectionState) -> Cell | None:
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
    ways = f"Type it on Profiles (5), press K to ask the OS keyring again, or start with {KEY} set."
    return Cell(f"{said}{nothing} {ways}", Style.WARNING)
