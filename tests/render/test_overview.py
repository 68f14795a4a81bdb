"""A profile's row of the overview: what is not known, or not asked, never looks clean."""

from typing import Any

import msgspec
import pytest

from pyhall_tui.clock import Moment
from pyhall_tui.fleet.entry import State
from pyhall_tui.journal.watchers import Holder
from pyhall_tui.monitor.connection_state import BanListState, ConnectionState, Reachability
from pyhall_tui.monitor.sources import Source
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.render.overview import ProfileSummary, is_live, profile_lines, profile_look
from pyhall_tui.render.text import Cell, Style

NOW = Moment(mono=1000.0, wall=1_774_000_000.0)
PROFILE = Profile(name="acme", namespace="org.acme", registry_url="https://hall.example/pyhall", poll_interval=60.0)
GOOD = Source(answered=998.0, took=0.1)
LIVE = ConnectionState(
    reach=Reachability.LIVE, ban_list=BanListState.LIVE, ban_list_source=GOOD, verify_source=GOOD, rate=10, full_rate=10
)
BY_STATE = {State.BANNED: 2, State.STALE: 0, State.CLEAN: 994}


def summary(connection: ConnectionState | None = LIVE, **fields: Any) -> ProfileSummary:
    known: dict[str, Any] = {
        "profile": PROFILE,
        "is_open": False,
        "sentence": "",
        "by_state": BY_STATE,
        "oldest": 960.0,
    }
    return ProfileSummary(connection=connection, **(known | fields))


def text_of(cells: Cell | tuple[Cell, ...]) -> str:
    return cells.text if isinstance(cells, Cell) else " ".join(cell.text for cell in cells).strip()


def row_of(of: ProfileSummary) -> dict[str, str]:
    return {column: text_of(cells) for column, cells in profile_look(of, NOW)._asdict().items()}


def lines_of(of: ProfileSummary) -> list[str]:
    return [" · ".join(cell.text for cell in line) for line in profile_lines(of, NOW)]


def test_a_row_shows_each_source_and_the_fleet_the_worst_first() -> None:
    assert row_of(summary(firing=2, silenced=1, is_open=True, last_changed=NOW.wall - 86_400 * 40)) == {
        "profile": "▸ acme",
        "namespace": "org.acme",
        "registry": "hall.example",
        "connection": "● live list ✔ 2s verify ✔ 2s",
        "workers": "2 banned 994 clean",
        "alarms": "✖ 2 +1 silenced",
        "oldest": "40s",
        "behind": "on time",
        "changed": "8 Feb",
    }


@pytest.mark.parametrize(
    ("of", "says"),
    [
        (summary(None, sentence="The URL in PYHALL_REGISTRY_URL is wrong."), "✖ not running The URL in PYHALL_"),
        (summary(None), "… starting"),
    ],
)
def test_a_profile_that_is_not_running_says_why_and_nothing_in_its_row_looks_clean(
    of: ProfileSummary, says: str
) -> None:
    row = row_of(of)
    assert row["connection"].startswith(says)
    assert {row[column] for column in ("workers", "alarms", "oldest", "behind", "changed")} == {"–"}
    assert not any(cell.style is Style.GOOD for line in profile_lines(of, NOW) for cell in line)


def test_without_a_key_the_sweep_is_stopped_and_the_whole_sentence_is_below() -> None:
    state = ConnectionState(reach=Reachability.NO_KEY)
    said = summary(state, sentence="There is no key yet for acme.", by_state={State.STALE: 3})
    assert row_of(said)["connection"] == "✖ no key nothing is sent"
    assert row_of(said)["behind"] == "stopped"
    assert "There is no key yet for acme." in lines_of(said)[1]


@pytest.mark.parametrize(
    ("oldest", "fields", "says"),
    [
        (960.0, {}, "on time"),
        (939.0, {}, "on time"),
        (930.0, {}, "10s behind"),
        (400.0, {}, "9m behind"),
        (2000.0, {}, "on time"),
        (None, {"by_state": {State.WAITING: 1200}}, "1,200 to ask"),
        (None, {"by_state": {State.WAITING: 0}}, "–"),
    ],
)
def test_the_sweep_is_behind_by_what_the_oldest_verdict_is_later_than_its_interval(
    oldest: float | None, fields: dict[str, Any], says: str
) -> None:
    assert row_of(summary(oldest=oldest, **fields))["behind"] == says


def test_a_sweep_that_cannot_keep_its_interval_says_how_long_a_round_takes() -> None:
    state = ConnectionState(reach=Reachability.LIVE, holdable_interval=10.7)
    assert row_of(summary(state))["behind"] == "needs 11s"


def test_alarms_that_are_silenced_are_counted_as_such() -> None:
    assert row_of(summary(silenced=3))["alarms"] == "3 silenced"
    assert row_of(summary())["alarms"] == "–"
    assert "no alarms" in lines_of(summary())[2]
    assert "1 silenced" in lines_of(summary(silenced=1))[2]


def test_an_old_verdict_is_loud() -> None:
    assert profile_look(summary(oldest=800.0), NOW).oldest == Cell("3m", Style.WARNING)
    assert profile_look(summary(oldest=950.0), NOW).oldest == Cell("50s", Style.DIM)


def test_a_registry_that_is_lost_is_not_called_live() -> None:
    source = Source(word="timed out", answered=900.0, unheard=999.0, failures=9)
    lost = ConnectionState(
        reach=Reachability.LOST, ban_list=BanListState.FAILING, ban_list_source=source, verify_source=source
    )
    row = row_of(summary(lost))
    assert row["connection"] == "✖ lost list ✖ timed out (9) verify ✖ timed out (9)"
    assert "live" not in " ".join(lines_of(summary(lost)))
    assert not is_live(summary(lost), NOW)


@pytest.mark.parametrize(
    ("state", "live"),
    [
        (LIVE, True),
        (None, False),
        (ConnectionState(), False),
        (ConnectionState(reach=Reachability.NO_KEY), False),
        (ConnectionState(reach=Reachability.LIVE, ban_list=BanListState.FAILING), False),
        (ConnectionState(reach=Reachability.LIVE, verify_source=Source(answered=900.0, unheard=999.0)), False),
    ],
)
def test_a_profile_is_only_live_if_no_source_has_trouble(state: ConnectionState | None, live: bool) -> None:
    assert is_live(summary(state), NOW) is live


def test_hostile_names_are_cleaned() -> None:
    """A profile's name and sentence may come from a file that somebody else wrote."""
    profile = Profile(name="a\x1b[31mb\u202e", namespace="org.acme", registry_url="https://h\x9b.example")
    of = summary(None, profile=profile, sentence="no\x07 key\nhere")
    drawn = " ".join([*row_of(of).values(), *lines_of(of)])
    assert drawn.isprintable()
    assert "␛[31m" in drawn


def test_marks_that_must_not_be_overlooked_are_in_the_lines() -> None:
    """F07."""
    profile = Profile(name="p", namespace="org.p", registry_url="https://h.example", production=True, read_only=True)
    assert lines_of(summary(profile=profile, is_open=True))[0].startswith("p · open · PRODUCTION · READ ONLY · org.p")


def test_a_row_says_if_another_program_watches_and_the_lines_say_which() -> None:
    beside = summary(watcher=Holder("t1", 4242, "server", ""))
    assert row_of(beside)["connection"] == "● live beside list ✔ 2s verify ✔ 2s"
    assert lines_of(beside)[1] == "beside watch (server, 4242) · ● live · list ✔ 2s · verify ✔ 2s"
    lost = msgspec.structs.replace(LIVE, reach=Reachability.LOST, ban_list=BanListState.FAILING)
    assert row_of(beside._replace(connection=lost))["connection"].startswith("✖ lost beside list ✖")
