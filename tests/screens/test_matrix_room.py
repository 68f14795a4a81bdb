"""The matrix uses its room: a whole fleet's answers are on one screen, and no row or column looks like another."""

import re
from random import Random

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some
from rich.cells import cell_len
from textual.widgets import Input

from pyhall_tui.dispatch.result import Result, Tried
from pyhall_tui.hall import roster
from pyhall_tui.render.matrix import Line
from pyhall_tui.screens.dispatch.matrix_grid import MatrixGrid
from pyhall_tui.screens.dispatch.matrix_room import ALLOWED, MOST_LABEL, NARROW, TIGHT_LABEL, Names, room_of
from pyhall_tui.screens.dispatch.matrix_tab import MatrixTab
from tests.examples import examples
from tests.live_hall import LiveHall
from tests.screens.conftest import OpenApp, OpenedApp, profile_of
from tests.screens.test_dispatch import come
from tests.screens.test_dispatch_pictures import ROW, STATES
from tests.waiting import until
from tests.widgets.fleets import fleets, sizes
from tests.widgets.test_middle_cut import is_within, shown_of

KINDS = ["llm.text", "infra.nodes", "doc.page", "data.table", "mail.box", "web.page"]
ACTIONS = ["read", "write", "query", "review", "delete", "export", "list", "import"]
CAPABILITIES = [f"{kind}.{action}" for kind in KINDS for action in ACTIONS][:47]
TEAMS = ["embedder", "mailer", "scraper", "code-review", "invoice-reader"]


def tried(result: Result, capability: str, worker: str) -> Tried:
    asked = {"capability": capability, "worker_id": worker}
    return Tried(row=msgspec.structs.replace(ROW, **STATES[result], **asked), result=result, advice="")


async def show_matrix(opened: OpenedApp, workers: int, capabilities: int, groups: int) -> MatrixGrid:
    """Show the complete matrix of a fleet in which each group of workers may do something else."""
    screen = await come(opened)
    screen.action_tab("matrix")
    await opened.pilot.pause()
    for name, values in (("capabilities", CAPABILITIES[:capabilities]), ("workers", worker_ids(workers))):
        screen.query_one(f"#{name}", Input).value = ",".join(values)
    await opened.pilot.pause()
    await opened.pilot.press("ctrl+r")
    await until(lambda: opened.workspace.lab.matrix is not None)
    lab = opened.workspace.lab
    lab.stop_matrix()
    await until(lambda: lab.matrix is not None and not lab.matrix.is_running)
    assert lab.matrix is not None
    assert len(lab.matrix.plan) == workers * capabilities
    for case in lab.matrix.plan.cases():  # as if it had been asked: the real thing takes a minute
        place = worker_ids(workers).index(case.worker_id) % groups
        asked = CAPABILITIES.index(case.capability)
        may = asked % groups == place or asked in (place - capabilities, place - capabilities + 1)
        lab.matrix.cells[case] = tried(Result.ALLOW if may else Result.DENY, case.capability, case.worker_id)
    screen.query_one(MatrixTab).on_resize()
    await opened.pilot.pause()
    return screen.query_one(MatrixGrid)


def worker_ids(count: int) -> tuple[str, ...]:
    return tuple(f"org.yourco.{TEAMS[number % len(TEAMS)]}.prod-{number:02}" for number in range(count))


@pytest.mark.thorough
@pytest.mark.parametrize(("workers", "capabilities", "groups"), [(26, 47, 26), (47, 26, 12)])
async def test_26_by_47_fit_a_terminal_of_120_by_36(
    hall: LiveHall, open_app: OpenApp, workers: int, capabilities: int, groups: int
) -> None:
    profile = profile_of(hall, capabilities=CAPABILITIES)
    async with open_app(profile, key=hall.key, watch=worker_ids(workers), size=(120, 36)) as opened:
        grid = await show_matrix(opened, workers, capabilities, groups)
        assert not grid.show_horizontal_scrollbar and not grid.show_vertical_scrollbar
        names = names_shown(opened)
        assert len(names) == groups
        assert len({name.partition(" +")[0] for name in names}) == groups


@pytest.mark.thorough
async def test_26_capabilities_and_47_workers_that_all_differ_fit_too_with_the_workers_across(
    hall: LiveHall, open_app: OpenApp
) -> None:
    """Where there are enough lines, the workers go down again; the cursor stays on its cell."""
    profile = profile_of(hall, capabilities=CAPABILITIES)
    async with open_app(profile, key=hall.key, watch=worker_ids(47), size=(120, 36)) as opened:
        grid = await show_matrix(opened, 47, 26, 47)
        assert not grid.show_horizontal_scrollbar and not grid.show_vertical_scrollbar
        assert len(names_shown(opened)) == 26 and "more below" not in opened.text()
        await opened.pilot.press("down", "down", "right")
        case = grid.cursor_case
        assert case is not None and (case.capability, case.worker_id) == (CAPABILITIES[2], worker_ids(47)[1])
        await opened.pilot.resize_terminal(120, 70)
        await until(lambda: len(names_shown(opened)) == 47)
        assert grid.cursor_case == case
        await opened.pilot.resize_terminal(120, 36)
        await until(lambda: len(names_shown(opened)) == 26)
        assert grid.cursor_case == case


@pytest.mark.thorough
async def test_of_more_rows_than_there_are_lines_24_are_shown_and_how_many_are_below(
    hall: LiveHall, open_app: OpenApp
) -> None:
    """A scroll bar that shows nothing takes no line."""
    profile = profile_of(hall, capabilities=CAPABILITIES)
    async with open_app(profile, key=hall.key, watch=worker_ids(47), size=(120, 36)) as opened:
        grid = await show_matrix(opened, 47, 47, 47)
        assert not grid.show_horizontal_scrollbar
        assert len(names_shown(opened)) == 24 and " 23 more below" in opened.text()
        for _ in range(46):
            grid.action_move(1, 0)
        await until(lambda: "more below" not in opened.text())
        await opened.pilot.press("pageup", "pageup")
        await until(lambda: " more below" in opened.text())


@pytest.mark.thorough
async def test_on_the_screen_no_two_rows_look_alike_and_a_wider_terminal_never_shows_less(
    hall: LiveHall, open_app: OpenApp
) -> None:
    """Also where the key comes to stand beside the grid, and where the columns' names are no longer turned."""
    profile = profile_of(hall, capabilities=CAPABILITIES)
    async with open_app(profile, key=hall.key, watch=worker_ids(26), size=(80, 36)) as opened:
        grid = await show_matrix(opened, 26, 12, 12)
        before: list[str] = [""] * 12
        for terminal in (80, 92, 104, 149, 151, 240):
            await opened.pilot.resize_terminal(terminal, 50)
            await until(lambda: grid.size.width and opened.app.size.width == terminal)  # noqa: B023
            await opened.pilot.pause()
            now = names_shown(opened)
            assert len(set(now)) == len(now) == 12
            assert all(is_within(shown_of(one), shown_of(other)) for one, other in zip(before, now, strict=True))
            before = now


@given(fleets(), some.integers(0, 2**31))
@settings(max_examples=examples(300))
@example(["a", "a +1", "b"], 3)
@example(["org.acme.", "org.acme.a", "org.acme.b"], 0)
@example(["org.acme.a", "org.acme.b", "org.acme.c", "…a"], 0)
def test_of_any_fleet_no_two_rows_look_alike_and_more_cells_never_show_less(worker_ids: list[str], seed: int) -> None:
    """Rows that are workers, or workers and what they are asked for, some of them folded into one line."""
    chance = Random(seed)
    axes: list[tuple[str, ...]] = [("low",), ("high",)] if chance.random() < 0.5 else [()]
    rows = [(worker_id, *rest) for worker_id in worker_ids for rest in axes]
    lines = folded(rows, chance)
    columns = [f"cap.{number}" for number in range(chance.choice((1, 3, 12, 47, 120)))]
    names, named = Names(rows, columns), chance.choice((4, 12, 40))
    longest = names.longest(lines, "worker")
    before: list[list[str]] = [[]] * len(lines)
    for width in (*sizes(seed, 78, 238, 6), 5_000):
        room = room_of(width, longest, named, len(columns))
        shown = [names.label(line, (), room.label) for line in lines]
        assert len({each.strip() for each in shown}) == len(lines)
        assert all(cell_len(each) <= room.label - 2 for each in shown)
        now = [shown_of(re.sub(r" \+\d+$", "", each)) for each in shown]
        assert all(map(is_within, before, now)), width
        before = now


def test_of_the_demos_fleet_no_two_rows_look_alike_in_any_width_and_more_cells_never_show_less() -> None:
    demo = [worker_id for worker_id, *_ in roster.fleet()]
    lines = [Line(((worker_id, "low"),), ()) for worker_id in demo]
    names = Names([(worker_id, "low") for worker_id in demo], [f"cap.{number}" for number in range(28)])
    longest, before = names.longest(lines, "worker"), [list[str]()] * len(lines)
    for width in range(78, 239):
        room = room_of(width, longest, 12, 28)
        shown = [names.label(line, (), room.label) for line in lines]
        assert len({each.strip() for each in shown}) == len(demo)
        now = list(map(shown_of, shown))
        assert all(map(is_within, before, now)), width
        before = now


@given(some.integers(0, MOST_LABEL), some.integers(3, 60), some.integers(1, 200))
def test_in_a_wider_grid_rows_names_never_get_fewer_cells(longest: int, named: int, columns: int) -> None:
    rooms = [room_of(width, longest, named, columns) for width in range(40, 400)]
    labels = [room.label for room in rooms]
    assert labels == sorted(labels) and labels[-1] <= longest
    for width, room in enumerate(rooms, 40):
        is_all_there = room.label + room.column * columns + ALLOWED <= width
        assert is_all_there or (room.column == NARROW and room.label == min(longest, TIGHT_LABEL))


def folded(rows: list[tuple[str, ...]], chance: Random) -> list[Line]:
    """Return lines of one row, or of several."""
    lines, left = list[Line](), list(rows)
    while left:
        count = chance.choice((1, 1, 1, 2, 11))
        lines.append(Line(tuple(left[:count]), ()))
        del left[:count]
    return lines


def names_shown(opened: OpenedApp) -> list[str]:
    """Return the names of the rows on screen."""
    rows = [line[1:] for line in opened.text().splitlines() if re.search(r" P +P +P ", line)]
    return [re.split(r" {2,}| (?=P )", row.lstrip(" ▌"))[0] for row in rows]
