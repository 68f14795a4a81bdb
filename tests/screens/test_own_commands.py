"""Commands of your own on the screens: real programs on the rows of a real hall, on a clock that the test moves."""

import sys
from pathlib import Path

import pytest
from textual.widgets import Static

from pyhall_tui.programs.command import Command
from pyhall_tui.screens.enroll.ask import AskScreen
from pyhall_tui.screens.key_help import KeysScreen
from pyhall_tui.screens.worker.screen import WorkerDetailScreen
from pyhall_tui.widgets.key_bar import KeyBar
from pyhall_tui.widgets.line_table import LineTable
from tests.live_hall import CAPABILITY, WORKER, LiveHall
from tests.programs.rig import command, script
from tests.screens.conftest import OpenApp, OpenedApp, profile_of
from tests.screens.test_dispatch_lab import come, send
from tests.screens.test_hall import dispatch, go_to_hall
from tests.screens.test_marks import filter_by
from tests.screens.test_workers import all_verified, fleet_of, table
from tests.typist import settled, write
from tests.waiting import until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the programs are scripts of the shell")


def noting(folder: Path, **fields: object) -> Command:
    """Return a command whose program notes its argument, what it knows, and what it reads, in the file `noted`."""
    program = script(folder, f'echo "$1 $STATE $HASH $PROFILE $NAMESPACE $COUNT $(tr "\\n" ,)" >> {folder}/noted')
    run = [program] if fields.get("each") is False else [program, "$WORKER"]
    return command(*run, **({"background": True} | fields))


def noted(folder: Path) -> list[str]:
    file = folder / "noted"
    return file.read_text().splitlines() if file.exists() else []


async def said(opened: OpenedApp, text: str) -> None:
    await until(lambda: any(text in each for each in opened.said()), clock=opened.clock)


async def rested(opened: OpenedApp) -> None:
    """Let the time pass after which a key that is not held down works again."""
    await opened.clock.advance(1.0)


async def test_the_key_runs_the_program_on_the_row_and_the_line_says_how_it_ended(
    open_app: OpenApp, hall: LiveHall, tmp_path: Path
) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=fleet_of(hall, 3)) as opened:
        await all_verified(opened)
        opened.app.take_commands([noting(tmp_path)])
        table(opened).move_to("wkr_1")
        write(opened.app, "ctrl+l")
        await said(opened, "exited with 0 on wkr_1.")
        assert noted(tmp_path) == [f"wkr_1 clean {1:064x} acme {hall.namespace} 1 "]


async def test_marked_rows_are_each_run_in_order_or_all_at_once_as_lines(
    open_app: OpenApp, hall: LiveHall, tmp_path: Path
) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=fleet_of(hall, 4)) as opened:
        await all_verified(opened)
        opened.app.take_commands([noting(tmp_path), noting(tmp_path, name="all", key="ctrl+k", each=False)])
        while table(opened).sorted_by != "worker":  # by state, the one that changed last is first: any of them
            table(opened).sort_by_next()
        table(opened).reverse()
        await until(lambda: list(table(opened).keys) == ["wkr_3", "wkr_2", "wkr_1", "wkr_0"], clock=opened.clock)
        table(opened).marked.add_all({"wkr_0", "wkr_3"})
        write(opened.app, "ctrl+l")
        await said(opened, "Logs on 2 rows: 2 exited with 0.")
        assert sorted(line[:6] for line in noted(tmp_path)) == ["wkr_0 ", "wkr_3 "]
        write(opened.app, "ctrl+k")
        await said(opened, "exited with 0 on 2 rows.")
        assert noted(tmp_path)[-1].endswith(" 2 wkr_3,wkr_0,")


async def test_what_a_program_wrote_last_and_its_exit_code_are_said_and_control_bytes_are_visible(
    open_app: OpenApp, hall: LiveHall, tmp_path: Path
) -> None:
    program = script(tmp_path, "echo one; echo two; echo three; printf 'f\\033[31mour\\377\\0\\n' >&2; exit 9")
    async with open_app(profile_of(hall), key=hall.key, watch=fleet_of(hall, 1)) as opened:
        await all_verified(opened)
        opened.app.take_commands([command(program, background=True)])
        write(opened.app, "ctrl+l")
        await said(opened, "exited with 9 on wkr_0: two · three · f␛[31mour")
        assert any(each.endswith("�␀") for each in opened.said())


async def test_a_dangerous_command_asks_with_the_number_and_the_safe_answer_has_the_focus(
    open_app: OpenApp, hall: LiveHall, tmp_path: Path
) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=fleet_of(hall, 12)) as opened:
        await all_verified(opened)
        opened.app.take_commands([noting(tmp_path, dangerous=True)])
        await filter_by(opened, "wkr_1", 3)
        write(opened.app, "ctrl+a")
        await settled(opened.app)
        await filter_by(opened, "wkr_11", 1)
        write(opened.app, "ctrl+l")
        await until(lambda: isinstance(opened.screen, AskScreen))
        await until(lambda: "Run Logs on 3 rows?" in opened.text())
        assert "2 of them are hidden by the filter." in opened.words()
        assert "Profile: acme" in opened.words()
        write(opened.app, "enter", "enter")
        await settled(opened.app)
        assert noted(tmp_path) == []
        await opened.pilot.press("escape")
        await rested(opened)
        write(opened.app, "ctrl+l")
        await until(lambda: isinstance(opened.screen, AskScreen))
        write(opened.app, "y", "y")
        await said(opened, "Logs on 3 rows: 3 exited with 0.")
        assert len(noted(tmp_path)) == 3


async def test_hidden_marks_and_many_rows_are_asked_about_also_without_danger(
    open_app: OpenApp, hall: LiveHall, tmp_path: Path
) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=fleet_of(hall, 21)) as opened:
        await all_verified(opened)
        opened.app.take_commands([noting(tmp_path)])
        write(opened.app, "ctrl+a", "ctrl+l")
        await until(lambda: "Run Logs on 21 rows?" in opened.text())
        write(opened.app, "n", "escape")
        await settled(opened.app)
        table(opened).marked.add_all({"wkr_1", "wkr_2"})
        await filter_by(opened, "wkr_20", 1)
        await rested(opened)
        write(opened.app, "ctrl+l")
        await until(lambda: "Run Logs on 2 rows?" in opened.text())


async def test_a_read_only_profile_runs_only_what_is_safe(open_app: OpenApp, hall: LiveHall, tmp_path: Path) -> None:
    async with open_app(profile_of(hall, read_only=True), key=hall.key, watch=fleet_of(hall, 1)) as opened:
        await all_verified(opened)
        opened.app.take_commands([noting(tmp_path), noting(tmp_path, name="safe", key="ctrl+k", safe=True)])
        write(opened.app, "ctrl+l")
        await said(opened, "Logs is not run: the profile acme is read-only.")
        assert noted(tmp_path) == []
        write(opened.app, "ctrl+k")
        await said(opened, "exited with 0 on wkr_0.")


async def test_a_key_that_is_held_down_runs_it_once(open_app: OpenApp, hall: LiveHall, tmp_path: Path) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=fleet_of(hall, 1)) as opened:
        await all_verified(opened)
        opened.app.take_commands([noting(tmp_path)])
        write(opened.app, *["ctrl+l"] * 40)
        await settled(opened.app)
        await until(lambda: noted(tmp_path))
        await until(lambda: any("exited with 0" in each for each in opened.said()))
        write(opened.app, *["ctrl+l"] * 40)
        await settled(opened.app)
        assert len(noted(tmp_path)) == 1
        await rested(opened)
        write(opened.app, "ctrl+l")
        await until(lambda: len(noted(tmp_path)) == 2, clock=opened.clock)


async def test_a_command_that_still_runs_is_not_started_again_and_ends_with_the_app(
    open_app: OpenApp, hall: LiveHall, tmp_path: Path
) -> None:
    program = script(tmp_path, f"echo $$ > {tmp_path}/new; mv {tmp_path}/new {tmp_path}/pid; exec sleep 600")
    async with open_app(profile_of(hall), key=hall.key, watch=fleet_of(hall, 1)) as opened:
        await all_verified(opened)
        opened.app.take_commands([command(program, background=True, seconds=600.0)])
        write(opened.app, "ctrl+l")
        await until((tmp_path / "pid").exists)
        await rested(opened)
        write(opened.app, "ctrl+l")
        await said(opened, "Logs still runs.")
    process = Path("/proc", (tmp_path / "pid").read_text().strip())
    if sys.platform == "linux":
        await until(lambda: not process.exists() or ") Z" in (process / "stat").read_text())


async def test_a_program_that_is_not_there_is_said_once_for_all_rows(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=fleet_of(hall, 9)) as opened:
        await all_verified(opened)
        opened.app.take_commands([command("no-such-program", background=True)])
        write(opened.app, "ctrl+a", "ctrl+l")
        await said(opened, "Logs is not run: There is no program no-such-program on the PATH.")
        await settled(opened.app)
        assert sum("no-such-program" in each for each in opened.said()) == 1


async def test_a_program_that_needs_the_terminal_says_what_to_do_where_there_is_none(
    open_app: OpenApp, hall: LiveHall
) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=fleet_of(hall, 1)) as opened:
        await all_verified(opened)
        opened.app.take_commands([command("true")])
        write(opened.app, "ctrl+l")
        await said(opened, "this terminal can't be given to it. With background = true it needs none.")


async def test_an_id_that_could_be_an_option_is_refused_with_a_sentence(
    open_app: OpenApp, hall: LiveHall, tmp_path: Path
) -> None:
    hostile = ("wkr_a", "--exec=x")
    async with open_app(profile_of(hall), key=hall.key, watch=hostile) as opened:
        await until(lambda: len(table(opened).keys) == 2)
        opened.app.take_commands([noting(tmp_path)])
        write(opened.app, "ctrl+a", "ctrl+l")
        await said(opened, "Logs is not run on --exec=x: its $WORKER begins with -")
        assert noted(tmp_path) == []


async def test_the_key_is_in_the_help_the_palette_and_the_footer_and_only_where_it_works(
    open_app: OpenApp, hall: LiveHall, tmp_path: Path
) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=fleet_of(hall, 1), size=(200, 40)) as opened:
        await all_verified(opened)
        shown = [noting(tmp_path), noting(tmp_path, name="b", title="Other", key="ctrl+k", screens=("worker",))]
        opened.app.take_commands(shown)
        await until(lambda: "^l Logs" in opened.text())
        assert "Other" not in opened.text()
        write(opened.app, "?")
        await until(lambda: isinstance(opened.screen, KeysScreen))
        await until(lambda: any("Logs: run program" in str(each.content) for each in opened.screen.query(Static)))
        write(opened.app, "escape", ":", "logs")
        await until(lambda: "Logs: run" in opened.text())
        write(opened.app, "escape", "enter")
        await until(lambda: isinstance(opened.screen, WorkerDetailScreen))
        await until(lambda: "ctrl+k" in opened.screen.active_bindings)
        assert "ctrl+l" not in opened.screen.active_bindings
        opened.app.take_commands([])
        await until(lambda: "ctrl+k" not in opened.screen.active_bindings)
        write(opened.app, "escape")
        await until(lambda: "ctrl+l" not in opened.screen.active_bindings and opened.screen.query(KeyBar))
        await until(lambda: "^l Logs" not in opened.text())


async def test_the_worker_screen_and_the_activity_screen_have_rows_too(
    open_app: OpenApp, hall: LiveHall, tmp_path: Path
) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=fleet_of(hall, 2)) as opened:
        await all_verified(opened)
        opened.app.take_commands([noting(tmp_path, screens=("worker", "activity"))])
        table(opened).move_to("wkr_1")
        write(opened.app, "enter")
        await until(lambda: isinstance(opened.screen, WorkerDetailScreen))
        write(opened.app, "ctrl+l")
        await said(opened, "on wkr_1.")
        hall.store.ban("wkr_0", "test")
        await until(lambda: any("is BANNED" in each for each in opened.said()), clock=opened.clock)
        await rested(opened)
        write(opened.app, "4", "ctrl+l")
        await until(lambda: len(noted(tmp_path)) == 2, clock=opened.clock)
        assert noted(tmp_path)[-1].startswith("wkr_0 banned")


def about_dispatch(folder: Path, screen: str) -> Command:
    """Return a command that notes what it is told about a dispatch."""
    program = script(folder, f'echo "$1 $CAPABILITY $CORRELATION" >> {folder}/noted')
    return command(program, "$WORKER", key="ctrl+k", background=True, screens=(screen,))


async def test_a_row_of_the_history_is_run_with_its_capability_and_id_and_only_that_tab_offers_it(
    open_app: OpenApp, hall: LiveHall, tmp_path: Path
) -> None:
    async with open_app(profile_of(hall), key=hall.key, size=(140, 45)) as opened:
        screen = await come(opened, correlation_id="req-first")
        opened.app.take_commands([about_dispatch(tmp_path, "history")])
        await send(opened, screen)
        write(opened.app, "escape", "ctrl+k")
        await settled(opened.app)
        assert "ctrl+k" not in opened.screen.active_bindings
        screen.action_tab("history")
        rows = screen.query_one("#history-rows", LineTable)
        await until(lambda: len(rows.keys) == 1 and rows.has_focus, clock=opened.clock)
        assert "ctrl+k" in opened.screen.active_bindings
        write(opened.app, "ctrl+k")
        await said(opened, f"exited with 0 on {WORKER}.")
        assert noted(tmp_path) == [f"{WORKER} {CAPABILITY} req-first"]


async def test_a_decision_of_a_hall_is_run_with_its_capability_and_id_also_if_nobody_watches_its_worker(
    open_app: OpenApp, hall: LiveHall, tmp_path: Path
) -> None:
    dispatch(hall, "low", "req-one", worker="wkr_unwatched")
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=(160, 40)) as opened:
        opened.app.take_commands([about_dispatch(tmp_path, "decisions")])
        screen = await go_to_hall(opened)
        await until(lambda: len(screen.decisions.keys) == 1, clock=opened.clock)
        write(opened.app, "ctrl+k")
        await said(opened, "exited with 0 on wkr_unwatched.")
        assert noted(tmp_path) == [f"wkr_unwatched {CAPABILITY} req-one"]
        await rested(opened)
        write(opened.app, "f3")
        await until(lambda: "ctrl+k" not in opened.screen.active_bindings, clock=opened.clock)
