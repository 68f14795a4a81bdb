"""What the header says of each source, in full and on a narrow terminal."""

from typing import Any

import pytest

from pyhall_tui.clock import Moment
from pyhall_tui.monitor.connection_state import BanListState, ConnectionState, Reachability, is_news
from pyhall_tui.monitor.sources import Source
from pyhall_tui.render.sources import has_trouble, short_status_cells, status_cells

NOW = Moment(mono=1000.0, wall=0.0)
TIMEOUT = 10.0
GOOD_LIST, GOOD = Source(answered=998.0, took=0.1), Source(answered=999.0, took=0.1)
L, R = BanListState, Reachability


def state(
    reach: R = R.LIVE, ban_list: L = L.LIVE, listing: Source = GOOD_LIST, verify: Source = GOOD, **fields: Any
) -> ConnectionState:
    sources = {"ban_list_source": listing, "verify_source": verify}
    return ConnectionState(reach=reach, ban_list=ban_list, **(sources | fields))


REFUSED = Source(word="403", answered=999.5, failures=329)
MISSING = Source(word="404", answered=999.0, failures=1)
TIMED_OUT = Source(word="timed out", answered=980.0, unheard=999.0, failures=2)
ODD = Source(word="not a registry's answer", answered=980.0, unheard=999.0, failures=12)


@pytest.mark.parametrize(
    ("link", "full", "short"),
    [
        (state(), "● live · list ✔ 2s · verify ✔ 1s", "● live"),
        (state(pushed_until=1001.0), "● live · push · list ✔ 2s · verify ✔ 1s", "● live"),
        (state(pushed_until=1000.0), "● live · list ✔ 2s · verify ✔ 1s", "● live"),
        (state(R.NO_KEY, pushed_until=1001.0), "✖ no key · nothing is sent", "✖ no key"),
        (state(R.VERIFY_FAILING, verify=REFUSED), "list ✔ 2s · verify ✖ 403 (329)", "✖ verify 403"),
        (state(ban_list=L.FAILING, listing=MISSING), "list ✖ 404 · verify ✔ 1s", "✖ list 404"),
        (
            state(R.VERIFY_FAILING, L.FAILING, MISSING, REFUSED),
            "list ✖ 404 · verify ✖ 403 (329)",
            "✖ list 404 ✖ verify 403",
        ),
        (state(verify=Source(answered=400.0, unheard=990.0)), "● live · list ✔ 2s · verify ? 10m", "● live"),
        (state(verify=Source(answered=992.0, unheard=999.0)), "● live · list ✔ 2s · verify ✔ 8s", "● live"),
        (state(ban_list=L.TRUNCATED), "list ▲ truncated 2s · verify ✔ 1s", "▲ list truncated"),
        (state(ban_list=L.MISSING), "● live · no ban list here · verify ✔ 1s", "● live"),
        (state(verify=Source()), "● live · list ✔ 2s", "● live"),
        (
            state(R.LOST, L.FAILING, TIMED_OUT, ODD),
            "✖ lost · list ✖ timed out (2) · verify ✖ bad answer (12)",
            "✖ lost",
        ),
        (
            state(R.KEY_REJECTED, verify=Source(word="401", answered=999.0, failures=3)),
            "✖ key rejected · list ✔ 2s · verify ✖ 401 (3)",
            "✖ key rejected",
        ),
        (state(R.CONNECTING, L.WAITING, Source(), Source()), "… connecting · list …", "… connecting"),
        (state(R.NO_KEY, L.WAITING, Source(), Source()), "✖ no key · nothing is sent", "✖ no key"),
        (state(R.NOT_ASKED, L.WAITING, Source(), Source()), "✖ not asked · nothing is sent", "✖ not asked"),
        (
            state(verify=Source(answered=999.0, took=9.0)),
            "list ✔ 2s · verify ▲ slow 1s",
            "▲ verify slow",
        ),
        (state(listing=Source(answered=998.0, took=6.0)), "list ▲ slow 2s · verify ✔ 1s", "▲ list slow"),
        (
            state(listing=Source(answered=949.0), ban_list_expected=954.0),
            "list ▲ late 51s · verify ✔ 1s",
            "▲ list late 51s",
        ),
        (state(ban_list_expected=990.0), "● live · list ✔ 2s · verify ✔ 1s", "● live"),
        (
            state(ban_list=L.WAITING, listing=Source(), ban_list_expected=954.0),
            "list ▲ late · verify ✔ 1s",
            "▲ list late",
        ),
        (state(ban_list=L.MISSING, ban_list_expected=400.0), "● live · no ban list here · verify ✔ 1s", "● live"),
        (
            state(limited_until=1006.5),
            "● live · list ✔ 2s · verify ✔ 1s · rate limited, resumes in 7s",
            "● live",
        ),
    ],
)
def test_the_header_tells_apart_which_source_fails(link: ConnectionState, full: str, short: str) -> None:
    """F53, F54."""
    assert " · ".join(cell.text for cell in status_cells(link, NOW, TIMEOUT)) == full
    assert " ".join(cell.text for cell in short_status_cells(link, NOW, TIMEOUT)) == short


@pytest.mark.parametrize(
    ("listing", "verify", "live"),
    [
        (Source(answered=985.0), Source(answered=985.0), True),  # nothing was asked since
        (Source(answered=985.0, unheard=999.0), Source(answered=985.0), False),
        (Source(answered=985.0), Source(answered=985.0, unheard=999.0), False),
        (Source(answered=985.0, unheard=999.0), Source(answered=995.0), True),
        (Source(answered=985.0, unheard=984.0), Source(answered=985.0), True),
        (Source(answered=None, unheard=999.0), Source(), False),
    ],
)
def test_live_is_said_only_with_an_answer_within_the_time_out(listing: Source, verify: Source, live: bool) -> None:
    """F53: a registry that stopped to answer is not live, before it is known to be lost."""
    link = state(listing=listing, verify=verify)
    shown = status_cells(link, NOW, TIMEOUT)[0].text
    assert shown == ("● live" if live else "? no answer")
    assert has_trouble(link, NOW, TIMEOUT) is not live


def test_only_what_can_be_pulled_is_no_news() -> None:
    """A header at rest costs nothing: ages and counts wake nobody."""
    before = state()
    assert is_news(None, before)
    assert not is_news(before, state(verify=Source(answered=1000.0, took=0.2)))
    assert is_news(before, state(verify=REFUSED))
    assert is_news(before, state(ban_list=L.FAILING))


def test_whether_changes_are_pushed_is_news_but_not_for_how_long() -> None:
    assert is_news(state(), state(pushed_until=1001.0))
    assert is_news(state(pushed_until=1001.0), state())
    assert not is_news(state(pushed_until=1001.0), state(pushed_until=1011.0))
