"""The dispatch screen on a real hall: what is sent, what is shown, what is kept."""

import json

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.widget import Widget
from textual.widgets import Input, Tabs, TextArea

from pyhall_tui.screens.dispatch.answer import AnswerView
from pyhall_tui.screens.dispatch.request_form import ContextArea, RequestForm
from pyhall_tui.screens.dispatch.screen import DispatchScreen
from pyhall_tui.screens.messages import Go
from pyhall_tui.widgets.listed_input import ListedInput
from tests.live_hall import CAPABILITY, WORKER, LiveHall
from tests.registry.raw_server import answer, raw_server
from tests.screens.conftest import OpenApp, OpenedApp, profile_of
from tests.waiting import until


def is_ready(screen: DispatchScreen) -> bool:
    return bool(screen.query(RequestForm)) and screen.form.is_filled


async def come(opened: OpenedApp, **fill: str) -> DispatchScreen:
    """Open the dispatch screen with a form that could be sent as it is."""
    await opened.app.switch_mode("dispatch")
    screen = opened.screen
    assert isinstance(screen, DispatchScreen)
    await until(lambda: is_ready(screen))
    screen.form.fill_some({"capability": CAPABILITY, "worker_id": WORKER, **fill})
    await opened.pilot.pause()
    return screen


async def shows(opened: OpenedApp, *texts: str) -> None:
    """Wait until all of these are on screen."""
    for text in texts:
        await until(lambda text=text: text in opened.text())


def typed_in(widget: Widget) -> str:
    return widget.text if isinstance(widget, TextArea) else widget.value if isinstance(widget, Input) else ""


async def send(opened: OpenedApp, screen: DispatchScreen) -> AnswerView:
    await opened.pilot.press("ctrl+s")
    await until(lambda: screen.answer.shown is not None)
    await opened.pilot.pause()
    return screen.answer


@pytest.mark.parametrize(
    ("tier", "title", "letters"),
    [
        ("low", "● ALLOW", "▄▀▀▄ █    █    ▄▀▀▄ █   █"),
        ("critical", "✖ DENY", "█▀▀▄ █▀▀▀ █▄  █ ▀▄ ▄▀"),
        ("high", "◆ HOLD", "█  █ ▄▀▀▄ █    █▀▀▄"),
    ],
)
@pytest.mark.thorough
async def test_the_answer_is_shown_by_glyph_word_and_large_letters(
    hall: LiveHall, open_app: OpenApp, tier: str, title: str, letters: str
) -> None:
    """F26: none of its states depends on color."""
    async with open_app(profile_of(hall), key=hall.key, size=(80, 24)) as opened:
        screen = await come(opened, risk_tier=tier)
        await send(opened, screen)

        await shows(opened, title)
        await shows(opened, letters)


async def test_while_one_is_under_way_no_text_of_the_last_one_is_shown(hall: LiveHall, open_app: OpenApp) -> None:
    """F15: nor said that nothing was sent."""
    async with open_app(profile_of(hall), key=hall.key, size=(120, 40)) as opened:
        screen = await come(opened, correlation_id="req-the-last-one")
        answer = await send(opened, screen)
        assert answer.copied() is not None
        answer.show_waiting(0.0)
        await shows(opened, "Waiting for the registry's answer", "It is being sent.")
        assert answer.copied() is None


async def test_every_fact_of_a_deny_is_on_screen(hall: LiveHall, open_app: OpenApp) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await come(opened, risk_tier="critical", correlation_id="req-mine")
        shown = (await send(opened, screen)).shown

        assert shown is not None
        await shows(opened, "POLICY_BLOCKED", "Capability is restricted by namespace policy")
        await shows(opened, "The namespace's policy forbids it.", str(shown.row.decision_id))
        await shows(opened, "came back the same  req-mine")


async def test_a_reason_with_brackets_is_shown_unchanged(hall: LiveHall, open_app: OpenApp) -> None:
    """F08."""
    nasty = '{"flags": [true, false]} [/x] [bold]'
    body = json.dumps({"outcome": "deny", "deny_code": "X [/y]", "reason": nasty})
    hall.faults.add(path="/api/v1/dispatch", status=200, body=body)
    async with open_app(profile_of(hall), key=hall.key, size=(140, 45)) as opened:
        screen = await come(opened)
        await send(opened, screen)

        await shows(opened, nasty)
        await until(lambda: opened.text().count("X [/y]") >= 2)  # in the answer and in the history


async def test_a_lost_answer_reads_unknown_and_is_not_sent_again(hall: LiveHall, open_app: OpenApp) -> None:
    """F15."""
    hall.faults.add(path="/api/v1/dispatch", drop="answered")
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await come(opened)
        await send(opened, screen)

        await shows(opened, "? UNKNOWN")
        await shows(opened, "may have reached the registry")
        assert screen.form.values.capability == CAPABILITY
        assert sum(seen.raw_path == "/api/v1/dispatch" for seen in hall.requests) == 1


@pytest.mark.thorough
async def test_a_redirect_is_an_error_whose_new_address_goes_into_the_profile_on_a_press(
    open_app: OpenApp, hall: LiveHall
) -> None:
    """F14."""
    async with raw_server() as server:
        location = "https://registry.example/api/v1/dispatch"
        server.answer(answer(b"", "301 Moved Permanently", f"Location: {location}"))
        profile = profile_of(hall, registry_url=server.url)
        async with open_app(profile, key="phk_live_k", size=(160, 45)) as opened:
            screen = await come(opened)
            await send(opened, screen)

            await shows(opened, "! ERROR")
            await shows(opened, location)
            await opened.pilot.click("#use-address")
            await until(lambda: opened.app.current_mode == "profiles")
            field = opened.screen.query_one("#registry_url", Input)
            await until(lambda: field.value == "https://registry.example")
            assert [request.method for request in server.requests if "dispatch" in request.line] == ["POST"]


async def test_a_wrong_key_is_an_error_that_says_what_to_do(hall: LiveHall, open_app: OpenApp) -> None:
    async with open_app(profile_of(hall), key="phk_live_wrong") as opened:
        screen = await come(opened)
        await send(opened, screen)

        await shows(opened, "! ERROR")
        await shows(opened, "nothing was decided")
        await shows(opened, "Put a valid key into the profile.")


async def test_what_is_missing_is_said_at_its_field_and_nothing_is_sent(hall: LiveHall, open_app: OpenApp) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await come(opened, worker_id="", context="{no")
        await opened.pilot.press("ctrl+s")
        await opened.pilot.pause()

        await shows(opened, "✖ Enter a worker")
        await shows(opened, "✖ This is not a JSON object")
        await until(lambda: opened.screen.focused is not None and opened.screen.focused.id == "worker_id")
        assert not any(seen.method == "POST" for seen in hall.requests)


async def test_a_read_only_profile_refuses_with_the_reason(hall: LiveHall, open_app: OpenApp) -> None:
    """F45."""
    async with open_app(profile_of(hall, read_only=True), key=hall.key) as opened:
        await come(opened)
        await opened.pilot.press("ctrl+s")
        await opened.pilot.pause()

        await shows(opened, "This profile is read-only: no")
        assert not any(seen.method == "POST" for seen in hall.requests)


@pytest.mark.thorough
async def test_characters_in_a_field_are_text(hall: LiveHall, open_app: OpenApp) -> None:
    """F34."""
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await come(opened, capability="", worker_id="", correlation_id="x")
        for field in ("capability", "worker_id", "correlation_id", "context"):
            widget = screen.query_one(f"#{field}")
            if isinstance(widget, Input):
                widget.value = ""
            widget.focus()
            await opened.pilot.press(*"quorum", "question_mark", "slash", "1")
            await until(lambda widget=widget: typed_in(widget) == "quorum?/1")
        assert opened.screen is screen


async def test_each_send_has_its_own_correlation_id_unless_one_was_typed(hall: LiveHall, open_app: OpenApp) -> None:
    async with open_app(profile_of(hall, correlation_prefix="acme-"), key=hall.key) as opened:
        screen = await come(opened)
        first = (await send(opened, screen)).shown
        await opened.pilot.press("ctrl+s")
        await until(lambda: len(screen.session_table.keys) == 2)
        screen.query_one("#correlation_id", Input).value = "mine"
        for count in (3, 4):
            await opened.pilot.press("ctrl+s")
            await until(lambda count=count: len(screen.session_table.keys) == count)

        sent = [json.loads(seen.body)["context"]["correlation_id"] for seen in hall.requests if seen.method == "POST"]
        assert first is not None
        assert sent[0] == first.row.correlation_id
        assert sent[0].startswith("acme-")
        assert sent[0] != sent[1]
        assert sent[2:] == ["mine", "mine"]


async def test_enter_on_a_row_of_the_history_fills_the_form_again(hall: LiveHall, open_app: OpenApp) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await come(opened, risk_tier="critical", context='{"env": "prod"}')
        await send(opened, screen)
        screen.form.fill_some({"capability": "other", "risk_tier": "low", "context": ""})
        screen.session_table.focus()
        await opened.pilot.press("enter")
        await until(lambda: screen.form.values.capability == CAPABILITY)

        values = screen.form.values
        assert (values.capability, values.risk_tier) == (CAPABILITY, "critical")
        assert json.loads(values.context) == {"env": "prod"}


@pytest.mark.thorough
async def test_what_is_typed_is_there_after_a_restart(hall: LiveHall, open_app: OpenApp) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await come(opened, risk_tier="high", context='{"env": "prod"}', correlation_id="mine")
    async with open_app(key=hall.key) as opened:
        await opened.app.switch_mode("dispatch")
        screen = opened.screen
        assert isinstance(screen, DispatchScreen)
        await until(lambda: is_ready(screen))

        values = screen.form.values
        assert (values.capability, values.worker_id) == (CAPABILITY, WORKER)
        assert (values.risk_tier, values.context, values.correlation_id) == ("high", '{"env": "prod"}', "mine")


async def test_every_dispatch_goes_to_the_journal(hall: LiveHall, open_app: OpenApp) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await come(opened, correlation_id="mine")
        await send(opened, screen)

        (row,) = opened.workspace.journal.dispatches("acme")
        assert (row.correlation_id, row.correlation_back, row.outcome) == ("mine", "mine", "allow")


async def test_coming_from_a_worker_its_id_is_in_the_form(hall: LiveHall, open_app: OpenApp) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        opened.app.post_message(Go("dispatch", worker_id="wkr_x", fill={"capability": "mail.send"}))
        await until(lambda: isinstance(opened.screen, DispatchScreen))
        screen = opened.screen
        assert isinstance(screen, DispatchScreen)
        await until(lambda: is_ready(screen) and screen.form.values.worker_id == "wkr_x")

        assert screen.form.values.capability == "mail.send"


async def test_down_lists_the_names_that_hold_what_was_typed(hall: LiveHall, open_app: OpenApp) -> None:
    watched = ("org.yourco.mailer.a", "org.yourco.mailer.b", "wkr_abc123")
    async with open_app(profile_of(hall), key=hall.key, watch=watched) as opened:
        screen = await come(opened, worker_id="")
        screen.query_one("#worker_id", Input).focus()
        await opened.pilot.press(*"mail", "down", "down")
        names = screen.query_one("#worker_id", ListedInput).names
        await until(lambda: names.highlighted_name == "org.yourco.mailer.b")
        await opened.pilot.press("enter", "enter")

        await until(lambda: screen.form.values.worker_id == "org.yourco.mailer.b")


async def test_the_snippet_on_show_is_copied(hall: LiveHall, open_app: OpenApp) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await come(opened)
        screen.query_one("#raw", Tabs).active = "curl"
        await opened.pilot.pause()

        copied = screen.answer.copied()
        assert copied is not None
        assert f"| curl -X POST {hall.url}/api/v1/dispatch" in copied[0]
        assert "PYHALL_API_KEY" in copied[0]
        assert hall.key not in opened.text()


async def test_the_key_is_masked_in_the_headers(hall: LiveHall, open_app: OpenApp) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await come(opened)
        await send(opened, screen)
        screen.query_one("#raw", Tabs).active = "headers"
        await opened.pilot.pause()

        copied = screen.answer.copied()
        assert copied is not None
        assert "Authorization: Bearer ••••" in copied[0]
        assert hall.key not in copied[0]


@pytest.mark.thorough
async def test_a_new_address_for_the_environments_own_profile_goes_into_a_new_one(
    open_app: OpenApp, hall: LiveHall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F14: that profile is not in a file, and what is offered is not lost."""
    monkeypatch.setenv("PYHALL_REGISTRY_URL", hall.url)
    monkeypatch.setenv("PYHALL_API_KEY", hall.key)
    async with open_app() as opened:
        screen = await come(opened)
        screen.post_message(Go("profiles", fill={"registry_url": "https://registry.example"}))
        await until(lambda: opened.app.current_mode == "profiles")
        await until(lambda: bool(opened.screen.query("#registry_url")))
        field = opened.screen.query_one("#registry_url", Input)
        await until(lambda: field.value == "https://registry.example")
        assert "A new profile" in opened.text()


async def test_enter_takes_the_capability_that_is_offered_and_a_new_one_is_said_to_be_new(
    open_app: OpenApp, hall: LiveHall
) -> None:
    """F49."""
    async with open_app(profile_of(hall, capabilities=("llm.embed",)), key=hall.key) as opened:
        await opened.pilot.press("3")
        await until(lambda: bool(opened.screen.query("#capability")))
        field = opened.screen.query_one("#capability", Input)
        field.focus()
        await opened.pilot.press(*"llm.em")
        await until(lambda: "llm.em is new" in opened.words() and "Did you mean llm.embed?" in opened.words())
        await opened.pilot.press("enter")
        await until(lambda: field.value == "llm.embed" and "is new" not in opened.words())


class ContextOnly(App[None]):
    def compose(self) -> ComposeResult:
        yield ContextArea()


async def test_what_is_pasted_into_the_context_is_taken_once() -> None:
    app = ContextOnly()
    async with app.run_test() as pilot:
        area = app.query_one(ContextArea)
        area.focus()
        await pilot.pause()
        app.post_message(events.Paste('{"a": 1}'))
        await pilot.pause()
        assert area.text == '{"a": 1}'
