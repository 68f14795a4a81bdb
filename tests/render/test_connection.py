"""The bands across every screen: each trouble of the connection, what can't be saved, and what to do."""

import pytest

from pyhall_tui.clock import Moment
from pyhall_tui.monitor.connection_state import BanListState, ConnectionState, Reachability
from pyhall_tui.render.connection import bands, fitting, trouble_band
from pyhall_tui.render.text import Cell

NOW = Moment(mono=0.0, wall=0.0)


@pytest.mark.parametrize(
    ("rate", "round_time", "said"),
    [
        (
            10,
            90,
            "At 10 requests/s a round takes 90 s, longer than the interval of 60 s: raise the interval or the rate",
        ),
        (5, 90, "At 5 requests/s (slowed by 429s from the registry) a round takes 90 s"),
        (5, 4e10, "the ban list leaves no requests for the workers: raise its interval or the rate in the profile."),
    ],
)
def test_a_round_that_is_too_slow_is_reported_with_its_cause(rate: float, round_time: float, said: str) -> None:
    """F42: a registry that answers 429 for ever; a round of half a million days is no figure for anybody."""
    link = ConnectionState(reach=Reachability.LIVE, rate=rate, full_rate=10, holdable_interval=round_time)
    (told,) = bands(link, None, NOW, 60)
    assert said in told.text


def test_a_long_word_of_the_registry_leaves_room_for_the_advice_and_the_next_try() -> None:
    """F42: the band has three lines; they say what to do whatever a broken registry answers."""
    link = ConnectionState(
        reach=Reachability.LOST, sentence="boom " + "x" * 3000, advice="Try again later.", next_try=9.0
    )
    (told,) = bands(link, None, NOW, 60)
    assert len(told.text) < 3 * 78
    assert told.text.endswith("… Try again later. Next try in 9s.")


LIVE, FAILING, LOST = Reachability.LIVE, Reachability.VERIFY_FAILING, Reachability.LOST
REJECTED, LIST = Reachability.KEY_REJECTED, BanListState


@pytest.mark.parametrize(
    ("reach", "ban_list", "down", "said"),
    [
        (LIVE, LIST.LIVE, False, []),
        (LIVE, LIST.FAILING, False, []),  # once: the header says so, and it is asked again in seconds
        (LIVE, LIST.FAILING, True, ["The ban list is failing, so only verify shows bans. list refused"]),
        (LIVE, LIST.TRUNCATED, False, ["The ban list is truncated"]),
        (FAILING, LIST.LIVE, False, ["Most verifies fail since"]),
        (FAILING, LIST.FAILING, True, ["Most verifies fail since", "failing, so a new ban may go unseen"]),
        (FAILING, LIST.TRUNCATED, False, ["Most verifies fail since", "The ban list is truncated"]),
        (REJECTED, LIST.FAILING, True, ["API key rejected since", "failing, so a new ban may go unseen"]),
        (LOST, LIST.FAILING, True, ["Registry lost since"]),
        (LOST, LIST.TRUNCATED, False, ["Registry lost since"]),
        (Reachability.NOT_ASKED, LIST.WAITING, False, ["Nothing is sent."]),
    ],
)
def test_each_source_that_fails_has_a_band_of_its_own(
    reach: Reachability, ban_list: BanListState, down: bool, said: list[str]
) -> None:
    """F53, F54: nothing that the header names is left out below it."""
    link = ConnectionState(reach=reach, ban_list=ban_list, ban_list_down=down, ban_list_sentence="list refused")
    shown = bands(link, None, NOW, 60)
    assert len(shown) == len(said)
    for cell, words in zip(shown, said, strict=True):
        assert words in cell.text


def test_a_registry_that_answers_too_slowly_is_told_with_how_long_it_takes() -> None:
    link = ConnectionState(reach=LIVE, rate=10, full_rate=10, holdable_interval=1285.7, slow=9)
    (told,) = bands(link, None, NOW, 60)
    assert "takes 9 s for each verify, so a round takes 1,286 s, longer than the interval of 60 s" in told.text


def test_bands_that_find_no_room_are_counted() -> None:
    cells = [Cell(text) for text in ("one.", "two.", "three.")]
    assert fitting(cells, 3) == cells
    assert [cell.text for cell in fitting(cells, 2)] == ["one.", "two. (and 1 more: L)"]
    assert fitting(cells, 2, keys=lambda id_, own: f"{id_} for {own}")[1].text == "two. (and 1 more: app.log for L)"


@pytest.mark.parametrize(
    ("troubles", "room", "said"),
    [
        (["The disk is full."], 200, "▲ The disk is full."),
        (["The disk is full.", "No list."], 200, "▲ The disk is full. No list."),
        (["The disk is full.", "No list.", "No draft."], 60, "▲ 3 problems (L shows all): The disk is full. No list."),
        (["The disk is full.", "No list.", "No draft."], 10, "▲ 3 problems (L shows all): The disk is full."),
    ],
)
def test_all_that_cannot_be_saved_is_in_the_band_or_counted(troubles: list[str], room: int, said: str) -> None:
    """F60, F61: the journal and the watch list at once."""
    told = trouble_band(troubles, room)
    assert told is not None and told.text == said
    assert trouble_band([], room) is None
