"""The filter of the workers screen, with Pilot: what it finds, what it says, and what it keeps."""

from textual.widgets import Input

from pyhall_tui.profiles.saved_filters import SavedFilters
from pyhall_tui.screens.workers.filters import FiltersScreen
from tests.live_hall import LiveHall
from tests.screens.conftest import OpenApp, OpenedApp, profile_of
from tests.screens.test_workers import all_verified, fleet_of, table
from tests.typist import settled, write
from tests.waiting import until


def type_filter(opened: OpenedApp, text: str) -> None:
    opened.screen.query_one("#filter", Input).value = text


async def test_a_filter_by_state_says_how_many_of_all_are_shown(open_app: OpenApp, hall: LiveHall) -> None:
    ids = fleet_of(hall, 6)
    hall.add_worker("wkr_old", status="revoked")
    async with open_app(profile_of(hall), key=hall.key, watch=(*ids, "wkr_old")) as opened:
        await all_verified(opened)
        type_filter(opened, "state:revoked")
        await until(lambda: list(table(opened).keys) == ["wkr_old"] and "1 of 7 shown" in opened.words())
        type_filter(opened, "!state:revoked")
        await until(lambda: "6 of 7 shown" in opened.words() and "wkr_old" not in table(opened).keys)
        type_filter(opened, "wkr")
        await until(lambda: "7 of 7 shown" in opened.words())
        type_filter(opened, "")
        await until(lambda: "7 workers" in opened.words() and "shown" not in opened.words())


async def test_a_mistake_is_a_sentence_under_the_filter_and_what_is_before_it_applies(
    open_app: OpenApp, hall: LiveHall
) -> None:
    ids = fleet_of(hall, 3)
    async with open_app(profile_of(hall), key=hall.key, watch=ids, size=(80, 24)) as opened:
        await all_verified(opened)
        await opened.pilot.press("slash", *"state:")
        await until(
            lambda: "Add a value after state:, one of banned" in opened.words() and len(table(opened).keys) == 3
        )
        type_filter(opened, "stat:clean")
        await until(
            lambda: (
                "Character 1: There is no field stat:. Did you mean state:? All workers are shown." in opened.words()
            )
        )
        assert len(table(opened).keys) == 3
        type_filter(opened, "id:wkr_1")
        await until(lambda: list(table(opened).keys) == ["wkr_1"] and "✖" not in opened.words())
        type_filter(opened, "id:wkr_1 state:bannned")
        await until(lambda: "There is no state bannned." in opened.words())
        assert "Only the part before it applies." in opened.words()
        assert list(table(opened).keys) == ["wkr_1"]
        await opened.pilot.press("slash", "escape")
        await until(lambda: len(table(opened).keys) == 3 and "✖" not in opened.words())


async def test_the_filter_of_all_workers_knows_profiles_and_explains_mistakes_too(
    open_app: OpenApp, hall: LiveHall
) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=fleet_of(hall, 2)) as opened:
        await all_verified(opened)
        await opened.pilot.press("0")
        await until(lambda: opened.app.current_mode == "overview")
        type_filter(opened, "profile:acm id:wkr_1")
        await until(lambda: "1 of 2 shown of 1 profile" in opened.words())
        type_filter(opened, "id:wkr_1 profile:")
        await until(lambda: "Add a value after profile:, as in profile:acme" in opened.words())
        assert "1 of 2 shown of 1 profile" in opened.words()


async def test_a_filter_is_saved_by_name_and_set_again_from_the_list(open_app: OpenApp, hall: LiveHall) -> None:
    ids = fleet_of(hall, 3)
    async with open_app(profile_of(hall), key=hall.key, watch=ids, size=(80, 24)) as opened:
        await all_verified(opened)
        type_filter(opened, "id:wkr_2")
        await until(lambda: "1 of 3 shown" in opened.words())
        await opened.pilot.press("F")
        await until(lambda: isinstance(opened.screen, FiltersScreen))
        await until(lambda: "3 clean state:clean" in opened.words())
        opened.screen.query_one("#name", Input).focus()
        await opened.pilot.press(*"mine", "enter")
        await until(lambda: "Saved as mine." in opened.words() and "mine id:wkr_2" in opened.words())
        await opened.pilot.press("escape", "escape")
        await until(lambda: not isinstance(opened.screen, FiltersScreen))
        type_filter(opened, "")
        await until(lambda: len(table(opened).keys) == 3)
        table(opened).focus()
        await opened.pilot.press("F")
        await until(lambda: isinstance(opened.screen, FiltersScreen) and "mine id:wkr_2" in opened.words())
        await opened.pilot.press("home", "enter")
        await until(lambda: list(table(opened).keys) == ["wkr_2"] and "1 of 3 shown" in opened.words())


async def test_enter_on_a_count_in_the_list_and_a_click_in_the_strip_set_the_state(
    open_app: OpenApp, hall: LiveHall
) -> None:
    ids = fleet_of(hall, 3)
    hall.add_worker("wkr_old", status="revoked")
    async with open_app(profile_of(hall), key=hall.key, watch=(*ids, "wkr_old"), size=(140, 40)) as opened:
        await all_verified(opened)
        await until(lambda: "1 revoked" in opened.words())
        await opened.pilot.press("F")
        await until(lambda: "1 revoked state:revoked" in opened.words())
        await opened.pilot.press("home", "enter")
        await until(lambda: list(table(opened).keys) == ["wkr_old"])
        strip = opened.screen.query_one("#strip")
        line = next(line for line in opened.text().splitlines() if "░ ● 3 clean" in line)
        await opened.pilot.click("#strip", offset=(line.index("3 clean") - strip.region.x, 0))
        await until(lambda: "3 of 4 shown" in opened.words())
        assert opened.screen.query_one("#filter", Input).value == "state:clean"


async def test_a_filter_is_typed_character_by_character(open_app: OpenApp, hall: LiveHall) -> None:
    """No character of the language is a key elsewhere while it is typed."""
    text = '!state:clean,stale "a b" changed<1h'
    async with open_app(profile_of(hall), key=hall.key, watch=fleet_of(hall, 2)) as opened:
        await all_verified(opened)
        await opened.pilot.press("slash", *text)
        await until(lambda: opened.screen.query_one("#filter", Input).value == text)
        await until(lambda: "0 of 2 shown" in opened.words() and "✖" not in opened.words())


async def test_enter_right_after_the_list_of_filters_was_opened_sets_the_first_one(
    open_app: OpenApp, hall: LiveHall
) -> None:
    ids = fleet_of(hall, 3)
    async with open_app(profile_of(hall), key=hall.key, watch=ids) as opened:
        await all_verified(opened)
        SavedFilters(opened.app.profile_store, "acme").save("mine", "id:wkr_2")
        write(opened.app, "F", "enter")
        await settled(opened.app)
        assert not isinstance(opened.screen, FiltersScreen)
        assert list(table(opened).keys) == ["wkr_2"]


async def test_the_number_of_a_filter_sets_it_even_typed_ahead(open_app: OpenApp, hall: LiveHall) -> None:
    ids = fleet_of(hall, 3)
    hall.add_worker("wkr_old", status="revoked")
    async with open_app(profile_of(hall), key=hall.key, watch=(*ids, "wkr_old"), size=(80, 24)) as opened:
        await all_verified(opened)
        await until(lambda: "1 revoked" in opened.words())
        write(opened.app, "F", "2")
        await until(lambda: len(table(opened).keys) == 3 and "3 of 4 shown" in opened.words())
        write(opened.app, "F", "9", "1")
        await until(lambda: list(table(opened).keys) == ["wkr_old"])
        assert opened.app.current_mode == "workers"


async def test_a_saved_filter_that_was_deleted_is_put_back_by_undo(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=fleet_of(hall, 2)) as opened:
        await all_verified(opened)
        saved = SavedFilters(opened.app.profile_store, "acme")
        saved.save("mine", "id:wkr_1")
        write(opened.app, "F", "home", "x")
        await until(lambda: saved.load()[0] == {})
        write(opened.app, "escape", "u")
        await until(lambda: saved.load()[0] == {"mine": "id:wkr_1"})
        await until(lambda: "The filter mine is as before." in opened.said())


async def test_a_count_is_chosen_with_keys_and_chosen_again_it_clears_the_filter(
    open_app: OpenApp, hall: LiveHall
) -> None:
    ids = fleet_of(hall, 3)
    hall.add_worker("wkr_old", status="revoked")
    async with open_app(profile_of(hall), key=hall.key, watch=(*ids, "wkr_old"), size=(140, 40)) as opened:
        await all_verified(opened)
        await until(lambda: "1 revoked" in opened.words())
        await opened.pilot.press("c")
        await until(lambda: "Only these" in opened.words())
        await opened.pilot.press("right", "enter")
        await until(lambda: "3 of 4 shown" in opened.words())
        assert opened.screen.query_one("#filter", Input).value == "state:clean"
        await opened.pilot.press("enter")
        await until(lambda: len(table(opened).keys) == 4 and "shown" not in opened.words())
        await opened.pilot.press("left", "enter", "escape")
        await until(lambda: list(table(opened).keys) == ["wkr_old"] and table(opened).has_focus)


async def test_a_click_on_a_count_in_the_title_does_the_same_where_the_strip_has_no_room(
    open_app: OpenApp, hall: LiveHall
) -> None:
    ids = fleet_of(hall, 3)
    hall.add_worker("wkr_old", status="revoked")
    async with open_app(profile_of(hall), key=hall.key, watch=(*ids, "wkr_old"), size=(80, 24)) as opened:
        await all_verified(opened)
        await until(lambda: "1 revoked" in opened.words() and "3 clean" in opened.words())
        lines = opened.text().splitlines()
        row = next(number for number, line in enumerate(lines) if "3 clean" in line)
        at = (lines[row].index("3 clean") + 2, row)
        await opened.pilot.click(offset=at)
        await until(lambda: "3 of 4 shown" in opened.words())
        await opened.pilot.click(offset=at)
        await until(lambda: len(table(opened).keys) == 4 and "shown" not in opened.words())
        await opened.pilot.press("c")
        await until(lambda: isinstance(opened.screen, FiltersScreen))


async def test_the_counts_follow_the_table_before_the_next_second(open_app: OpenApp, hall: LiveHall) -> None:
    """The clock stands still, so nothing is summed up because a second has passed."""
    async with open_app(profile_of(hall), key=hall.key, watch=fleet_of(hall, 3), size=(140, 40)) as opened:
        await all_verified(opened)
        await until(lambda: "3 clean" in opened.words())
        fleet = opened.workspace.fleet
        fleet.stale_after = 0.0
        await opened.clock.advance(0.1)
        fleet.failed("wkr_0", "no answer")
        opened.workspace.ask_about([], is_new=False)
        await until(lambda: "3 stale" in opened.words() and "3 clean" not in opened.words())
