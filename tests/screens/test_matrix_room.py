"""The matrix uses its room: a whole fleet's answers are on one screen, and no row or column looks like another."""

import msgspec
import pytest
from textual.widgets import Input

from pyhall_tui.dispatch.result import Result, Tried
from pyhall_tui.screens.dispatch.matrix_grid import MatrixGrid
from pyhall_tui.screens.dispatch.matrix_tab import MatrixTab
from tests.live_hall import LiveHall
from tests.screens.conftest import OpenApp, OpenedApp, profile_of
from tests.screens.test_dispatch import come
from tests.screens.test_dispatch_pictures import ROW, STATES
from tests.waiting import until

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
        may = CAPABILITIES.index(case.capability) % groups == place
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
        rows = [line for line in opened.text().splitlines() if " P P P P " in line]
        assert len(rows) == groups
        assert len({row[:22].partition(" +")[0] for row in rows}) == groups
