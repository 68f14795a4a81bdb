"""The list of keys, searched."""

from pyhall_tui.screens.key_help import KeysScreen
from tests.live_hall import WORKER, LiveHall
from tests.screens.conftest import OpenApp, profile_of
from tests.typist import settled, write
from tests.waiting import until


async def test_a_search_leaves_the_keys_that_fit_and_counts_them_and_escape_clears_then_closes(
    open_app: OpenApp, hall: LiveHall
) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=(80, 24)) as opened:
        write(opened.app, "question_mark", "/", "Verify NOW")
        await until(lambda: isinstance(opened.screen, KeysScreen) and "v Verify now" in opened.words())
        await until(lambda: "1 of " in opened.words() and "esc clears" in opened.words())
        assert "Quit at once" not in opened.words()
        write(opened.app, "[b]")
        await until(lambda: "No key has “Verify NOW[b]” in it." in opened.words())
        write(opened.app, "escape")
        await until(lambda: "/ searches · t topics · esc closes" in opened.words() and "WORKERS" in opened.words())
        write(opened.app, "escape")
        await settled(opened.app)
        assert not isinstance(opened.screen, KeysScreen)
