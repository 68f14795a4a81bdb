"""The matrix uses its room: a whole fleet's answers are on one screen, and no row or column looks like another."""

import pytest

from pyhall_tui.screens.dispatch.matrix_grid import MatrixGrid
from tests.live_hall import LiveHall
from tests.screens.conftest import OpenApp, OpenedApp, profile_of
from tests.screens.test_dispatch import come
from tests.waiting import until

KINDS = "llm.text infra.nodes doc.page data.table mail.box web.page".split()
ACTIONS = "read write query review delete export list import".split()
CAPABILITIES = [f"{kind}.{action}" for kind in KINDS for action in ACTIONS][:47]
TEAMS = "embedder mailer scraper code-review invoice-reader".split()


def add_fleet(hall: LiveHall, workers: int, capabilities: int, groups: int) -> tuple[str, ...]:
    """Add workers of which each group may do something else."""
    ids = tuple(f"org.yourco.{TEAMS[number % len(TEAMS)]}.prod-{number:02}" for number in range(workers))
    for number, worker_id in enumerate(ids):
        at = number % groups
        hall.add_worker(worker_id, capabilities=[*CAPABILITIES[at % capabilities : capabilities : groups]])
    return ids


async def whole_matrix(opened: OpenedApp) -> MatrixGrid:
    screen = await come(opened)
    fleet = opened.workspace.fleet
    await until(lambda: all(entry.verdict for entry in fleet), clock=opened.clock)
    screen.action_tab("matrix")
    await opened.pilot.pause()
    await opened.pilot.press("ctrl+r")
    await opened.pilot.pause(3)
    print(opened.text(), opened.workspace.lab.matrix and len(opened.workspace.lab.matrix.cells))
    lab = opened.workspace.lab
    await until(lambda: lab.matrix is not None and lab.matrix.is_complete, clock=opened.clock)
    await opened.pilot.pause(0.3)
    return screen.query_one(MatrixGrid)


@pytest.mark.thorough
@pytest.mark.parametrize(("workers", "capabilities", "groups"), [(26, 47, 26), (47, 26, 12)])
async def test_26_by_47_fit_a_terminal_of_120_by_36(
    hall: LiveHall, open_app: OpenApp, workers: int, capabilities: int, groups: int
) -> None:
    ids = add_fleet(hall, workers, capabilities, groups)
    profile = profile_of(hall, requests_per_second=1_000)
    async with open_app(profile, key=hall.key, watch=ids, size=(120, 36)) as opened:
        grid = await whole_matrix(opened)
        print(opened.text())
        assert not grid.show_horizontal_scrollbar and not grid.show_vertical_scrollbar
        assert "of 47" in opened.text()
