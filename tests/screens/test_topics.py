"""The manual in the app: its topics, and one of them, searched."""

from textual.widgets import OptionList, Static

from pyhall_tui.screens.key_help import KeysScreen
from pyhall_tui.screens.topics import TopicScreen, TopicsScreen
from pyhall_tui.topics.topics import TOPICS
from tests.live_hall import WORKER, LiveHall
from tests.screens.conftest import OpenApp, profile_of
from tests.typist import settled, write
from tests.waiting import until


async def test_the_keys_lead_to_the_topics_and_each_opens(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=(80, 24)) as opened:
        write(opened.app, "question_mark", "t")
        await until(lambda: isinstance(opened.screen, TopicsScreen) and "security" in opened.words())
        for place, name in enumerate(TOPICS):
            opened.screen.query_one(OptionList).highlighted = place
            write(opened.app, "enter")
            await until(lambda: isinstance(opened.screen, TopicScreen) and "esc closes" in opened.words())
            shown = opened.screen.query_one("#topic-text", Static)
            assert shown.size.width >= 60 and shown.size.height > 20, name
            write(opened.app, "escape")
            await until(lambda: isinstance(opened.screen, TopicsScreen))
        write(opened.app, "escape")
        await until(lambda: isinstance(opened.screen, KeysScreen))
        write(opened.app, "escape")
        await settled(opened.app)
        assert not isinstance(opened.screen, KeysScreen)


async def test_a_search_leaves_the_paragraphs_that_fit_and_escape_clears_then_closes(
    open_app: OpenApp, hall: LiveHall
) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=(100, 30)) as opened:
        await opened.app.push_screen(TopicScreen("security"))
        write(opened.app, "/", "usage DATA")
        await until(lambda: "1 of " in opened.words() and "no usage data" in opened.words())
        assert "TLS certificates" not in opened.words()
        write(opened.app, "[b]")
        await until(lambda: "No paragraph has “usage DATA[b]” in it." in opened.words())
        write(opened.app, "escape")
        await until(lambda: "TLS certificates" in opened.words())
        write(opened.app, "escape")
        await until(lambda: not isinstance(opened.screen, TopicScreen))


async def test_a_topic_names_your_own_keys(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=(100, 30)) as opened:
        opened.app.own_keys = {"app.alarms": ("f9",)}
        await opened.app.push_screen(TopicScreen("alarms"))
        await until(lambda: "Press f9 on any screen" in opened.words())


async def test_a_click_opens_the_topics(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=(80, 60)) as opened:
        write(opened.app, "question_mark")
        await until(lambda: "The manual's topics" in opened.words())
        await opened.pilot.click("#keys-topics", offset=(3, 0))
        await until(lambda: isinstance(opened.screen, TopicsScreen))
