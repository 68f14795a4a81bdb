"""The lab on screen: a live run, a matrix, a baseline, the history, saved requests, a pasted curl line."""

import json
import re

import msgspec
import pytest
from textual import events
from textual.screen import Screen
from textual.widgets import Input, OptionList

from pyhall_tui.dispatch.matrix import Case
from pyhall_tui.fleet.events import Kind
from pyhall_tui.hall.policy import Rule, load_rules, save_rules
from pyhall_tui.screens.correlation.screen import CorrelationScreen
from pyhall_tui.screens.dispatch.dialogs import ChooseScreen, IntervalScreen, TextScreen
from pyhall_tui.screens.dispatch.matrix_tab import MatrixTab
from pyhall_tui.screens.dispatch.screen import DispatchScreen
from pyhall_tui.screens.enroll.ask import AskScreen
from tests.live_hall import CAPABILITY, WORKER, LiveHall
from tests.registry.raw_server import json as json_answer
from tests.registry.raw_server import raw_server
from tests.screens.conftest import OpenApp, OpenedApp, profile_of
from tests.screens.test_dispatch import come, send, shows
from tests.waiting import until


async def on_top(opened: OpenedApp, kind: type[Screen[object]]) -> Screen[object]:
    await until(lambda: isinstance(opened.screen, kind) and opened.screen.is_mounted)
    await opened.pilot.pause()
    return opened.screen


def freeze(hall: LiveHall, capability: str = "*") -> None:
    before = load_rules(hall.store)
    rule = Rule(id="freeze", outcome="deny", code="FROZEN", capability=capability)
    save_rules(hall.store, msgspec.structs.replace(before, rule=(rule, *before.rule)))


async def start_live(opened: OpenedApp, seconds: str) -> None:
    await opened.pilot.press("ctrl+l")
    dialog = await on_top(opened, IntervalScreen)
    dialog.query_one("#interval", Input).value = seconds
    await opened.pilot.pause()
    await opened.pilot.press("enter")


async def run_matrix(opened: OpenedApp, screen: DispatchScreen, tiers: str = "low,high,critical") -> MatrixTab:
    screen.action_tab("matrix")
    await opened.pilot.pause()
    for name, value in (("capabilities", CAPABILITY), ("workers", f"{WORKER},wkr_nobody"), ("tiers", tiers)):
        screen.query_one(f"#{name}", Input).value = value
    await opened.pilot.pause()
    await opened.pilot.press("ctrl+r")
    lab = opened.workspace.lab
    await until(lambda: lab.matrix is not None and lab.matrix.is_complete, clock=opened.clock)
    await opened.pilot.pause()
    return screen.query_one(MatrixTab)


async def test_a_live_run_continues_behind_another_screen_and_the_header_says_so(
    hall: LiveHall, open_app: OpenApp
) -> None:
    async with open_app(profile_of(hall), key=hall.key, size=(140, 40)) as opened:
        await come(opened)
        await start_live(opened, "0.5")
        lab = opened.workspace.lab
        await until(lambda: lab.live is not None and sum(lab.live.counts.values()) >= 2, clock=opened.clock)
        await opened.app.switch_mode("workers")
        freeze(hall)
        await until(lambda: lab.live is not None and bool(lab.live.changes), clock=opened.clock)
        opened.screen.query_one("StatusHeader").update_status()  # type: ignore[attr-defined]
        await shows(opened, "✖ live dispatch 0.5 s")

        (event,) = opened.workspace.journal.events("acme", kind=Kind.DISPATCH_CHANGED)
        assert (event.before, event.after) == ("allow", "deny FROZEN")


@pytest.mark.thorough
async def test_a_live_run_shows_its_answers_latencies_and_changes_and_stops(hall: LiveHall, open_app: OpenApp) -> None:
    async with open_app(profile_of(hall), key=hall.key, size=(140, 40)) as opened:
        await come(opened)
        await start_live(opened, "1")
        lab = opened.workspace.lab
        await until(lambda: lab.live is not None and sum(lab.live.counts.values()) >= 3, clock=opened.clock)
        await shows(opened, "LIVE", "every 1 s", "p50", "● ALLOW", "●●●")
        await opened.pilot.press("ctrl+l")
        await until(lambda: lab.live is not None and not lab.live.is_running)
        await shows(opened, "stopped")


async def test_a_fast_live_run_against_another_machine_needs_a_second_confirmation_with_its_number(
    hall: LiveHall, open_app: OpenApp
) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        dialog = IntervalScreen(2.0, 2.0, "https://registry.example")
        answers: list[float | None] = []
        opened.app.push_screen(dialog, answers.append)
        await on_top(opened, IntervalScreen)
        dialog.query_one("#interval", Input).value = "90"
        await shows(opened, "1 dispatch every 90 seconds, until you stop it.")
        dialog.query_one("#interval", Input).value = "0.5"
        await opened.pilot.pause()
        await opened.pilot.press("enter")
        await shows(opened, "120 dispatches a minute to https://registry.example")
        assert answers == []
        await opened.pilot.press("enter")
        await until(lambda: answers == [0.5])


@pytest.mark.thorough
async def test_a_matrix_is_a_grid_with_counts_on_top_and_the_key_of_its_codes_below(
    hall: LiveHall, open_app: OpenApp
) -> None:
    async with open_app(profile_of(hall), key=hall.key, size=(140, 40)) as opened:
        screen = await come(opened)
        await run_matrix(opened, screen)

        await shows(opened, "6/6 · done  ● 1 allow  ✖ 4 deny  ◆ 1 hold")
        await shows(opened, " DENY_NO_AVAILABLE_WORKER 3", " POLICY_BLOCKED 1")
        key = dict(re.findall(r"(\S) ([A-Z_]{5,}) \d", opened.text()))
        letters = {code: letter for letter, code in key.items()}
        line = next(line for line in opened.text().splitlines() if "wkr_abc123" in line and "●" in line)
        assert line.split()[-4:] == ["●", letters["DENY_REQUIRES_HUMAN_APPROVAL"], letters["POLICY_BLOCKED"], "1"]
        await shows(opened, f" {letters['DENY_NO_AVAILABLE_WORKER']} DENY_NO_AVAILABLE_WORKER")


async def matrix_lines(opened: OpenedApp) -> list[str]:
    """Return the lines of the grid that are shown, from each row's name on."""
    await opened.pilot.pause()
    lines = (line.strip(" ▌") for line in opened.text().splitlines())
    return [" ".join(line.split()) for line in lines if line.startswith("wkr_")]


async def test_only_what_is_allowed_or_differs_is_shown_and_the_same_key_shows_everything(
    hall: LiveHall, open_app: OpenApp
) -> None:
    async with open_app(profile_of(hall), key=hall.key, size=(140, 40)) as opened:
        screen = await come(opened)
        await run_matrix(opened, screen)
        assert len(await matrix_lines(opened)) == 2
        await opened.pilot.press("a")
        assert await matrix_lines(opened) == ["wkr_abc123 ● 1"]
        await shows(opened, "1 of 2 rows, only allowed")
        await opened.pilot.press("d")
        assert await matrix_lines(opened) == ["wkr_abc123 ● r P 1"]
        await shows(opened, "1 of 2 rows, only differing")
        await opened.pilot.press("d")
        assert len(await matrix_lines(opened)) == 2


async def test_rows_that_are_alike_are_one_line_that_can_be_unfolded(hall: LiveHall, open_app: OpenApp) -> None:
    async with open_app(profile_of(hall), key=hall.key, size=(140, 40)) as opened:
        screen = await come(opened)
        screen.action_tab("matrix")
        await opened.pilot.pause()
        for name, value in (("capabilities", CAPABILITY), ("workers", "wkr_a wkr_b,wkr_c"), ("tiers", "*")):
            screen.query_one(f"#{name}", Input).value = value
        await opened.pilot.press("ctrl+r")
        lab = opened.workspace.lab
        await until(lambda: lab.matrix is not None and lab.matrix.is_complete, clock=opened.clock)
        await shows(opened, "3 rows in 1 line, z unfolds", "wkr_a +2", "and the same for wkr_b, wkr_c")
        await opened.pilot.press("z")
        assert [line.split()[0] for line in await matrix_lines(opened)] == ["wkr_a", "wkr_b", "wkr_c"]
        await opened.pilot.press("down", "z")
        await shows(opened, "wkr_b +2")  # the cursor stays on its row


@pytest.mark.thorough
async def test_a_cell_opens_its_full_answer(hall: LiveHall, open_app: OpenApp) -> None:
    async with open_app(profile_of(hall), key=hall.key, size=(140, 40)) as opened:
        screen = await come(opened)
        await run_matrix(opened, screen)
        await opened.pilot.press("right", "enter")

        await shows(opened, "◆ HOLD", "A human must approve this dispatch")
        assert screen.form.values.risk_tier == "high"


@pytest.mark.thorough
async def test_a_filter_leaves_what_it_names(hall: LiveHall, open_app: OpenApp) -> None:
    async with open_app(profile_of(hall), key=hall.key, size=(140, 40)) as opened:
        screen = await come(opened)
        await run_matrix(opened, screen)
        await opened.pilot.press("slash", *"policy_b")
        await until(lambda: screen.query_one("#matrix-filter", Input).value == "policy_b")
        await opened.pilot.pause()

        rows = [line for line in opened.text().splitlines() if line.strip(" ▌").startswith("wkr_")]
        assert len(rows) == 1
        assert rows[0].split()[1:] == ["P", "–"] or rows[0].split()[1:] == ["P", "1"]


@pytest.mark.thorough
async def test_cells_that_differ_from_a_baseline_come_first_and_are_framed(hall: LiveHall, open_app: OpenApp) -> None:
    async with open_app(profile_of(hall), key=hall.key, size=(140, 45)) as opened:
        screen = await come(opened)
        await run_matrix(opened, screen)
        await opened.pilot.press("b")
        dialog = await on_top(opened, ChooseScreen)
        dialog.query_one("#new-name", Input).focus()
        await opened.pilot.press(*"nightly", "enter")
        path = opened.home.config / "baselines" / "nightly.toml"
        await until(path.exists)
        freeze(hall)
        await opened.pilot.press("b")
        await on_top(opened, ChooseScreen)
        await opened.pilot.press("enter")
        lab = opened.workspace.lab
        await until(lambda: lab.matrix is not None and lab.matrix.is_complete, clock=opened.clock)

        await shows(opened, "3 differ from nightly", "✖ deny FROZEN", "F<")


async def test_many_dispatches_to_another_machine_need_a_confirmation_with_their_number(
    hall: LiveHall, open_app: OpenApp
) -> None:
    workers = tuple(f"wkr_{number}" for number in range(60))
    async with open_app(profile_of(hall), key=hall.key, watch=workers) as opened:
        screen = await come(opened)
        remote = msgspec.structs.replace(opened.workspace.profile, registry_url="https://registry.example")
        opened.workspace.profile = remote
        screen.action_tab("matrix")
        await opened.pilot.pause()
        screen.query_one("#capabilities", Input).value = CAPABILITY
        await opened.pilot.press("ctrl+r")
        await on_top(opened, AskScreen)

        await shows(opened, "This sends 60 dispatches to https://registry.example")
        await opened.pilot.press("escape")
        await until(lambda: isinstance(opened.screen, DispatchScreen))
        assert opened.workspace.lab.matrix is None


async def test_a_read_only_profile_runs_no_matrix(hall: LiveHall, open_app: OpenApp) -> None:
    """F45: the complete reason is on screen, even in 80 columns."""
    async with open_app(profile_of(hall, read_only=True), key=hall.key, watch=(WORKER,), size=(80, 24)) as opened:
        screen = await come(opened)
        screen.action_tab("matrix")
        await opened.pilot.pause()
        screen.query_one("#capabilities", Input).value = CAPABILITY
        await opened.pilot.press("ctrl+r")

        await shows(opened, "This profile is read-only: no dispatch", "it as a decision.")
        assert opened.workspace.lab.matrix is None


@pytest.mark.thorough
async def test_the_history_is_there_after_a_restart_is_searched_and_fills_the_form(
    hall: LiveHall, open_app: OpenApp
) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await send(opened, await come(opened, risk_tier="critical", correlation_id="req-old"))
    async with open_app(key=hall.key) as opened:
        screen = await come(opened, capability="other")
        screen.action_tab("history")
        table = screen.query_one("#history-rows")
        await until(lambda: len(table.keys) == 1)  # type: ignore[attr-defined]
        screen.query_one("#search", Input).value = "code:NOTHING"
        await until(lambda: len(table.keys) == 0)  # type: ignore[attr-defined]
        screen.query_one("#search", Input).value = "code:POLICY_BLOCKED"
        await until(lambda: len(table.keys) == 1)  # type: ignore[attr-defined]
        await shows(opened, "1 dispatch: all that the search finds")
        table.focus()
        await opened.pilot.press("enter")
        assert screen.form.values.capability == "other"  # F24: the row under the cursor has just changed
        await opened.pilot.press("enter")

        await until(lambda: screen.form.values.capability == CAPABILITY)
        await shows(opened, "✖ DENY")


@pytest.mark.thorough
async def test_two_of_the_history_are_compared_and_an_id_is_followed(hall: LiveHall, open_app: OpenApp) -> None:
    async with open_app(profile_of(hall), key=hall.key, size=(140, 45)) as opened:
        screen = await come(opened, correlation_id="req-first")
        await send(opened, screen)
        screen.form.fill_some({"risk_tier": "critical", "correlation_id": "req-second"})
        await opened.pilot.press("ctrl+s")
        await until(lambda: len(screen.session_table.keys) == 2)
        screen.action_tab("history")
        table = screen.query_one("#history-rows")
        await until(lambda: len(table.keys) == 2 and table.has_focus)  # type: ignore[attr-defined]
        await opened.pilot.press("space", "space", "c")
        await on_top(opened, TextScreen)
        await shows(opened, "low  →  critical", "allow  →  deny")
        await opened.pilot.press("escape")
        await until(lambda: isinstance(opened.screen, DispatchScreen))
        await opened.pilot.press("f")
        await on_top(opened, CorrelationScreen)

        await shows(opened, "DISPATCHES", "the id came back the same")


async def test_a_pasted_curl_line_fills_the_form_and_its_key_is_nowhere(hall: LiveHall, open_app: OpenApp) -> None:
    body = json.dumps({"namespace": "org.yourco", "capability": "mail.send", "worker_id": "wkr_x"})
    key = "-H 'Authorization: Bearer phk_live_secret1234'"
    line = f"curl -X POST {hall.url}/api/v1/dispatch \\\n  {key} \\\n  -d '{body}'"
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await come(opened)
        screen.query_one("#worker_id", Input).focus()
        await opened.pilot.pause()
        opened.app.post_message(events.Paste(line))

        await until(lambda: screen.form.values.worker_id == "wkr_x")
        assert screen.form.values.capability == "mail.send"
        await shows(opened, "Filled from the curl line.", "The key in")
        assert "secret1234" not in opened.text()


async def test_a_request_is_saved_by_name_and_opened_again(hall: LiveHall, open_app: OpenApp) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await come(opened, risk_tier="high")
        await opened.pilot.press("ctrl+o")
        dialog = await on_top(opened, ChooseScreen)
        dialog.query_one("#new-name", Input).focus()
        await opened.pilot.press(*"nightly", "enter")
        await until((opened.home.config / "requests.toml").exists)
        screen.form.fill_some({"capability": "other", "risk_tier": "low"})
        await opened.pilot.press("ctrl+o")
        dialog = await on_top(opened, ChooseScreen)
        dialog.query_one(OptionList).focus()
        await opened.pilot.press("enter")

        await until(lambda: screen.form.values.capability == CAPABILITY)
        assert screen.form.values.risk_tier == "high"


async def test_a_registry_that_answers_nonsense_is_not_an_allow_in_the_matrix(
    open_app: OpenApp, hall: LiveHall
) -> None:
    async with raw_server() as server:
        server.answer(json_answer({"outcome": "ALLOW"}))
        profile = profile_of(hall, registry_url=server.url)
        async with open_app(profile, key="phk_live_k", size=(140, 40)) as opened:
            screen = await come(opened)
            await run_matrix(opened, screen, tiers="low")
            matrix = opened.workspace.lab.matrix

            assert matrix is not None
            assert matrix.cells[Case(CAPABILITY, WORKER, "low")].result.value == "other"
            await shows(opened, "≠")


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
@pytest.mark.thorough
async def test_every_tab_is_usable_at_both_ends_of_the_sizes(
    hall: LiveHall, open_app: OpenApp, size: tuple[int, int]
) -> None:
    async with open_app(profile_of(hall), key=hall.key, size=size) as opened:
        screen = await come(opened)
        for tab, seen in (
            ("history", ("/ worker:…", "ANSWER")),
            ("matrix", ("Capabilities", "Run  ctrl+r", "Choose with")),
            ("try", ("Capability", "Dispatch  ctrl+s", "This session")),
        ):
            screen.action_tab(tab)
            await shows(opened, *seen)


async def test_a_live_run_that_begins_after_an_answer_takes_its_place(hall: LiveHall, open_app: OpenApp) -> None:
    async with open_app(profile_of(hall), key=hall.key, size=(140, 40)) as opened:
        screen = await come(opened)
        first = (await send(opened, screen)).shown
        freeze(hall)
        await start_live(opened, "1")

        await until(lambda: screen.answer.shown not in (None, first), clock=opened.clock)
        await shows(opened, "✖ DENY", "FROZEN")
