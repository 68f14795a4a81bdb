"""The local hall's screen, against the real hall: decisions as they come, the policy, the state; and its absence."""

import asyncio
import json

import httpx
import pytest
from textual.widgets import Button, Input, TabbedContent, TextArea

from pyhall_tui.hall import audit
from pyhall_tui.hall.policy import Policy, Rule, save_rules
from pyhall_tui.hall.upstream import Upstream
from pyhall_tui.monitor.hall_presence import watch_all
from pyhall_tui.screens.hall.screen import HallScreen
from pyhall_tui.screens.worker.screen import WorkerDetailScreen
from pyhall_tui.widgets import clipboard
from pyhall_tui.widgets.clipboard import SelectTextScreen
from pyhall_tui.widgets.tabbed import Tabbed
from tests.hall.tampering import tampering
from tests.live_hall import CAPABILITY, NAMESPACE, WORKER, LiveHall
from tests.screens.conftest import OpenApp, OpenedApp, profile_of
from tests.typist import settled, write
from tests.waiting import until


def dispatch(hall: LiveHall, tier: str, correlation: str, worker: str = WORKER) -> None:
    context = {"risk_tier": tier, "correlation_id": correlation}
    asked = {"namespace": NAMESPACE, "capability": CAPABILITY, "worker_id": worker, "context": context}
    url = f"{hall.url}/api/v1/dispatch"
    httpx.post(url, json=asked, headers=hall.headers, trust_env=False, verify=False)


async def go_to_hall(opened: OpenedApp) -> HallScreen:
    await reads(opened, "o local hall")
    await opened.pilot.press("o")
    await until(lambda: isinstance(opened.screen, HallScreen), clock=opened.clock)
    assert isinstance(opened.screen, HallScreen)
    return opened.screen


async def reads(opened: OpenedApp, *words: str) -> None:
    await until(lambda: all(word in opened.words() for word in words), clock=opened.clock)


# The feed


async def test_decisions_are_listed_newest_first_and_new_ones_come_by_themselves(
    open_app: OpenApp, hall: LiveHall
) -> None:
    dispatch(hall, "low", "req-one")
    dispatch(hall, "critical", "req-two")
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=(160, 40)) as opened:
        screen = await go_to_hall(opened)
        await reads(opened, "req-one", "req-two", "POLICY_BLOCKED", "deny-critical", "2 decisions")
        assert opened.text().index("req-two") < opened.text().index("req-one")
        dispatch(hall, "high", "req-three")
        await reads(opened, "req-three", "◆ hold")
        assert len(screen.decisions.keys) == 3


@pytest.mark.parametrize(("key", "tab"), [("f3", "policy"), ("f4", "explain"), ("f5", "state")])
async def test_a_tabs_key_in_the_same_read_as_the_halls_keeps_its_tab(
    open_app: OpenApp, hall: LiveHall, key: str, tab: str
) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await reads(opened, "o local hall")
        write(opened.app, "o", key)
        await until(lambda: isinstance(opened.screen, HallScreen), clock=opened.clock)
        await settled(opened.app)
        assert opened.screen.query_one("#hall-tabs", TabbedContent).active == tab


async def test_only_what_is_new_is_requested(open_app: OpenApp, hall: LiveHall) -> None:
    dispatch(hall, "low", "req-one")
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await go_to_hall(opened)
        await until(lambda: any("after=1" in request.query for request in hall.requests), clock=opened.clock)


async def test_paused_it_counts_and_then_shows_what_came(open_app: OpenApp, hall: LiveHall) -> None:
    dispatch(hall, "low", "req-one")
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=(160, 40)) as opened:
        await go_to_hall(opened)
        await reads(opened, "req-one")
        await opened.pilot.press("p")
        dispatch(hall, "low", "req-two")
        await reads(opened, "paused · 1 waiting")
        assert "req-two" not in opened.text()
        await opened.pilot.press("p")
        await reads(opened, "req-two", "● live")


@pytest.mark.thorough
async def test_a_filter_looks_in_all_fields_and_escape_clears_it_before_it_leaves(
    open_app: OpenApp, hall: LiveHall
) -> None:
    dispatch(hall, "low", "req-one")
    dispatch(hall, "critical", "req-two")
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=(160, 40)) as opened:
        await go_to_hall(opened)
        await reads(opened, "req-one", "req-two")
        await opened.pilot.press("slash", *"policy_blocked")
        await reads(opened, "1 of 2 shown")
        assert "req-one" not in opened.text()
        await opened.pilot.press("escape")
        await reads(opened, "req-one", "2 decisions")
        await opened.pilot.press("escape")
        assert not isinstance(opened.screen, HallScreen)


@pytest.mark.thorough
async def test_a_decision_is_opened_with_the_explanation_and_copied(
    open_app: OpenApp, hall: LiveHall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clipboard, "tools", lambda *_: [])  # not on the clipboard of whoever runs the tests
    dispatch(hall, "critical", "req-two")
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=(120, 50)) as opened:
        await go_to_hall(opened)
        await reads(opened, "deny-critical")
        await opened.pilot.press("enter")
        await reads(opened, "By the current rules and fleet: deny by deny-critical", "→ deny-critical deny")
        assert "risk tier critical is not among high" in opened.words() and "req-two" in opened.words()
        write(opened.app, "y", "C")
        await until(lambda: isinstance(opened.screen, SelectTextScreen))
        assert '"rule": "deny-critical"' in opened.screen.query_one(TextArea).text


@pytest.mark.thorough
async def test_from_a_decision_one_goes_to_its_worker(open_app: OpenApp, hall: LiveHall) -> None:
    hall.add_worker("wkr_other")
    dispatch(hall, "low", "req-one", "wkr_other")
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await go_to_hall(opened)
        await reads(opened, "wkr_other")
        await opened.pilot.press("enter", "w")
        await until(lambda: isinstance(opened.screen, WorkerDetailScreen), clock=opened.clock)
        await reads(opened, "wkr_other")


@pytest.mark.thorough
async def test_hostile_text_stays_text(open_app: OpenApp, hall: LiveHall) -> None:
    dispatch(hall, "low", "[/b]\x1b[31m[bold]", "wkr_[/x]")
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=(160, 40)) as opened:
        await go_to_hall(opened)
        await reads(opened, "wkr_[/x]", "[/b]␛[31m[bold]")
        await opened.pilot.press("enter")
        await reads(opened, "wkr_[/x]", "No worker wkr_[/x]")


async def test_an_unreachable_hall_is_reported_and_the_list_stays(open_app: OpenApp, hall: LiveHall) -> None:
    dispatch(hall, "low", "req-one")
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=(160, 40)) as opened:
        await go_to_hall(opened)
        await reads(opened, "req-one")
        hall.faults.add(path="/dispatches", status=500)
        await until(lambda: opened.screen.query_one("#hall-problem").display, clock=opened.clock)
        assert "req-one" in opened.text()
        hall.faults.clear()
        await until(lambda: not opened.screen.query_one("#hall-problem").display, clock=opened.clock)


# The policy and the state


@pytest.mark.thorough
async def test_rules_come_with_their_hits_the_hidden_ones_explained(open_app: OpenApp, hall: LiveHall) -> None:
    rules = (Rule(id="deny-all", outcome="deny"), Rule(id="never", outcome="allow", capability="llm.*"))
    save_rules(hall.store, Policy(rule=rules))
    dispatch(hall, "low", "req-one")
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await go_to_hall(opened)
        await opened.pilot.press("right")
        await reads(opened, "Unreachable: never.", "▲ hidden")
        assert any("deny-all" in line and " 1 " in line for line in opened.text().splitlines())
        await opened.pilot.press("down")
        await reads(opened, "rule never is unreachable: deny-all already decides everything it matches")
        await opened.pilot.press("up", "enter")
        await until(lambda: opened.screen.query_one("#hall-filter", Input).value == "deny-all", clock=opened.clock)
        await reads(opened, "✖ deny", "1 decision")


@pytest.mark.thorough
async def test_a_mistake_in_the_policys_file_is_shown(open_app: OpenApp, hall: LiveHall) -> None:
    """F82"""
    hall.hall.policy.current()
    with tampering(hall.store) as db:
        db.execute("UPDATE rules SET rule = '{'")
        hall.store.set_setting("policy_revision", "99")
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await go_to_hall(opened)
        await opened.pilot.press("right")
        await reads(opened, "✖ the policy in the hall", "stays in force")


@pytest.mark.thorough
async def test_a_hall_that_shows_no_rules_is_shown_anyway(open_app: OpenApp, hall: LiveHall) -> None:
    hall.faults.add(path="/policy*", status=404)
    hall.faults.add(path="/dispatches", body='[{"dispatch_id": "d1", "capability_id": "cap.x", "denied": 1}]')
    hall.faults.add(path="/status", body='{"hall_name": "Peer", "hall_version": "0.3"}')
    hall.faults.add(path="/alerts", status=404)
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await go_to_hall(opened)
        await reads(opened, "cap.x", "✖ deny")
        await opened.pilot.press("right")
        await reads(opened, "does not show its rules")
        await opened.pilot.press("f5")
        await reads(opened, "Peer 0.3", "has no upstream registry")


async def test_the_state_names_the_upstream_its_last_poll_and_the_alerts(open_app: OpenApp, hall: LiveHall) -> None:
    hall.hall.upstream = Upstream("https://up.example", None, hall.store, hall.hall.clock, when_stale="deny-all")
    hall.store.ban(WORKER, "leaks")
    dispatch(hall, "low", "corr-1")
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await go_to_hall(opened)
        await opened.pilot.press("left")
        await reads(opened, "https://up.example", "unreachable for too long", "everything is denied after 600 s")
        assert "wkr_abc123 is banned: leaks" in opened.words() and "last poll never" in opened.words()
        assert "log 1 row, head" in opened.words() and "signed not signed" in opened.words()
        assert "session – none" in opened.words() and "There is no key for the upstream" in opened.words()


SESSIONS: list[tuple[dict[str, str], list[str]]] = [
    ({"state": "opening"}, ["session … opening"]),
    (
        {"state": "held", "expires": "2026-11-25T10:00:00Z", "namespace": "org.acme", "id": "wkr_1"},
        ["session ● held until", "enrolled as wkr_1 in org.acme"],
    ),
    ({"state": "expired", "expires": "2026-11-25T10:00:00Z"}, ["session ✖ expired since"]),
    ({"state": "refused", "error": "The upstream does not take the key"}, ["session ✖ refused The upstream does"]),
    ({"state": "[/b]", "standing": "suspended"}, ["session [/b]", "standing suspended"]),
]


@pytest.mark.thorough
async def test_the_session_to_the_upstream_is_shown_in_each_of_its_states(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await go_to_hall(opened)
        await opened.pilot.press("f5")
        for session, said in SESSIONS:
            upstream = {"url": "https://up.example", "stale": False, "session": session}
            hall.faults.clear()
            hall.faults.add(path="/status", body=json.dumps({"hall_name": "h", "upstream": upstream}))
            await reads(opened, *said)


# A dispatch that was never made


async def explaining(opened: OpenedApp) -> None:
    await go_to_hall(opened)
    await opened.pilot.press("f4")
    await reads(opened, "Enter a capability and a worker")


@pytest.mark.thorough
async def test_a_dispatch_that_was_never_made_is_explained_and_logged_nowhere(
    open_app: OpenApp, hall: LiveHall
) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await explaining(opened)
        await opened.pilot.press(*"llm.text.generate", "tab", *WORKER, "enter")
        await reads(opened, "allow by allow-llm", "risk tier low is not among high")
        await opened.pilot.press("tab", "right", "right")
        await reads(opened, "hold by hold-high", "answers DENY_REQUIRES_HUMAN_APPROVAL A human must approve")
        assert not list(audit.decisions(hall.store, 1))


@pytest.mark.thorough
async def test_it_looks_at_a_context_and_says_what_is_wrong_with_one(open_app: OpenApp, hall: LiveHall) -> None:
    save_rules(hall.store, Policy(rule=(Rule(id="prod", outcome="allow", context={"env": ("prod",)}),)))
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=(140, 40)) as opened:
        await explaining(opened)
        await opened.pilot.press(*"llm.text.generate", "tab", *WORKER, "tab", "tab", *"{env", "ctrl+s")
        await reads(opened, "Expected a JSON object")
        opened.screen.query_one("#context", Input).value = '{"env": "prod"}'
        await opened.pilot.press("ctrl+s")
        await reads(opened, "allow by prod")
        assert "Expected" not in opened.text()


async def test_what_is_missing_is_said_at_its_field(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await explaining(opened)
        await opened.pilot.press("ctrl+s")
        await reads(opened, "Enter a capability, for example", "Enter a worker id, for example")
        assert not any(request.raw_path == "/policy/explain" for request in hall.requests)


@pytest.mark.thorough
async def test_typed_text_survives_leaving_the_screen_and_its_characters_are_text(
    open_app: OpenApp, hall: LiveHall
) -> None:
    """F34"""
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await explaining(opened)
        await opened.pilot.press(*"quorum?/1pWy", "escape", "escape")  # out of the field, then out of the hall
        assert not isinstance(opened.screen, HallScreen)
        await explaining(opened)
        assert opened.screen.query_one("#capability", Input).value == "quorum?/1pWy"


async def test_a_peer_that_explains_nothing_says_so(open_app: OpenApp, hall: LiveHall) -> None:
    hall.faults.add(path="/policy/explain", status=404)
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await explaining(opened)
        await opened.pilot.press(*"c", "tab", *"w", "enter")
        await reads(opened, "does not explain its decisions")


# Watching all, and where there is no hall


async def test_the_empty_fleet_offers_to_watch_all_of_the_halls_workers(open_app: OpenApp, hall: LiveHall) -> None:
    hall.add_worker("wkr_two")
    async with open_app(profile_of(hall), key=hall.key, size=(80, 24)) as opened:
        button = opened.screen.query_one("#empty-all", Button)
        await until(lambda: button.display, clock=opened.clock)
        await reads(opened, "Watch all workers of this hall", "Open the demo")
        await opened.pilot.click("#empty-all")
        await until(lambda: len(opened.workspace.fleet) == 2, clock=opened.clock)
        await reads(opened, "wkr_two")


async def test_from_the_hall_all_are_watched_by_a_key(open_app: OpenApp, hall: LiveHall) -> None:
    hall.add_worker("wkr_two")
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await go_to_hall(opened)
        await opened.pilot.press("W")
        await reads(opened, "Watching 1 more worker. 1 already watched.")


async def test_a_registry_without_the_routes_offers_nothing(open_app: OpenApp, hall: LiveHall) -> None:
    hall.faults.add(path="/status", status=404)
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await until(lambda: any(r.raw_path == "/status" for r in hall.requests), clock=opened.clock)
        await until(lambda: not [w for w in opened.app.workers if w.group == "hall"], clock=opened.clock)
        await opened.pilot.press("o", "W")
        assert not isinstance(opened.screen, HallScreen) and len(opened.workspace.fleet) == 0
        assert not opened.screen.query_one("#empty-all").display and "local hall" not in opened.text()


async def test_a_registry_that_gives_no_clear_answer_is_asked_again(open_app: OpenApp, hall: LiveHall) -> None:
    hall.faults.add(path="/status", status=500, count=1)
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await until(lambda: any(r.raw_path == "/status" for r in hall.requests), clock=opened.clock)
        for _ in range(4):
            await opened.clock.advance(10)
            await opened.pilot.pause()
        await reads(opened, "o local hall")


async def test_in_the_filter_its_keys_are_characters(open_app: OpenApp, hall: LiveHall) -> None:
    """F34"""
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await go_to_hall(opened)
        await opened.pilot.press("slash", "p", "W", "y", "q")
        assert opened.screen.query_one("#hall-filter", Input).value == "pWyq"


@pytest.mark.parametrize("tab", ["f3", "f4", "f5"])
async def test_the_filters_key_begins_to_filter_from_every_tab(open_app: OpenApp, hall: LiveHall, tab: str) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        screen = await go_to_hall(opened)
        write(opened.app, tab)
        await settled(opened.app)
        if tab == "f4":
            write(opened.app, "escape")  # leaves its field, where a slash is a character
        write(opened.app, "slash", "pWy")
        await settled(opened.app)
        assert screen.query_one("#hall-filter", Input).value == "pWy"
        assert screen.query_one("#hall-tabs", TabbedContent).active == "decisions"


async def test_a_tab_that_was_left_before_its_message_came_takes_no_focus(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        screen = await go_to_hall(opened)
        write(opened.app, "slash", "x")
        await settled(opened.app)
        tabs = screen.query_one("#hall-tabs", Tabbed)
        tabs.post_message(Tabbed.TabActivated(tabs, tabs.get_tab("policy")))
        await settled(opened.app)
        assert screen.focused is screen.query_one("#hall-filter")


async def test_a_round_of_questions_that_is_due_while_the_tab_changes_fails_nothing(
    open_app: OpenApp, hall: LiveHall
) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        screen = await go_to_hall(opened)
        await reads(opened, "This hall has decided nothing yet")  # the next round is due a second later
        tabs = screen.query_one("#hall-tabs", Tabbed)
        with tabs.prevent(Tabbed.TabActivated):  # it is late
            tabs.active = "explain"
        dispatch(hall, "low", "req-late")
        await until(lambda: screen.decisions.keys, clock=opened.clock)


@pytest.mark.parametrize(("size", "last"), [((80, 24), "Copy"), ((200, 60), "Watch all")])
@pytest.mark.thorough
async def test_it_fits(open_app: OpenApp, hall: LiveHall, size: tuple[int, int], last: str) -> None:
    dispatch(hall, "critical", "req-two")
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=size) as opened:
        await go_to_hall(opened)
        await reads(opened, "✖ deny", WORKER, "Pause", last)


@pytest.mark.thorough
async def test_a_key_for_a_decision_is_not_for_one_that_came_in_its_place(open_app: OpenApp, hall: LiveHall) -> None:
    """F24: a decision comes in the same instant as a key is pressed."""
    dispatch(hall, "low", "req-one")
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        screen = await go_to_hall(opened)
        await until(lambda: len(screen.decisions.keys) == 1, clock=opened.clock)
        dispatch(hall, "low", "req-two")
        await until(lambda: len(screen.decisions.keys) == 2, clock=opened.clock)
        await opened.pilot.press("enter")
        assert opened.screen is screen
        await opened.pilot.press("enter")
        await until(lambda: opened.screen is not screen)
        assert "req-two" in opened.words()


@pytest.mark.parametrize("odd", ["wkr_a\u200b", "wkr_\x07", "x" * 400, "…", "wkr_\u202eb"])
async def test_an_odd_id_keeps_no_other_worker_off_the_watch_list_and_is_named(
    open_app: OpenApp, hall: LiveHall, odd: str
) -> None:
    """F62."""
    async with open_app(profile_of(hall), key=hall.key) as opened:
        workspace = opened.workspace

        async def watched() -> str:
            asking = asyncio.ensure_future(
                watch_all(workspace.connection.ask_in_turn, workspace.fleet, workspace.watched.watch)
            )
            await until(asking.done, clock=opened.clock)
            return asking.result()

        for worker_id in ("wkr_a", odd, "wkr_z"):
            hall.add_worker(worker_id)
        said = await watched()
        assert said.startswith("Watching 3 more workers. Not watched: “") and "\u200b" not in said
        assert odd.encode("unicode_escape").decode()[:20] in said or odd == "…"
        assert {worker.id for worker in opened.workspace.watch_list.workers} == {WORKER, "wkr_a", "wkr_z"}
        assert {entry.worker_id for entry in opened.workspace.fleet} == {WORKER, "wkr_a", "wkr_z"}
        assert (await watched()).startswith("All its other workers are already watched.")
