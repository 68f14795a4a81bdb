"""Columns of your own: chosen, ordered, limited and sorted, at the start and whenever the file changes."""

from pyhall_tui.shell.known import known
from pyhall_tui.widgets.columns import TABLES
from tests.live_hall import LiveHall
from tests.screens.conftest import OpenApp, OpenedApp, profile_of
from tests.screens.test_workers import all_verified, fleet_of, table
from tests.waiting import until


def titles(opened: OpenedApp) -> list[str]:
    """Return the titles of the table's columns."""
    lines = opened.text().splitlines()
    words = next((line for line in lines if "WORKER" in line and "HASH" in line), "").replace("│", " ").split()
    return [word for word in words if word.isupper()]


def configure(opened: OpenedApp, text: str) -> None:
    (opened.home.config / "config.toml").write_text(text)


async def test_a_change_of_the_file_changes_columns_widths_and_order_at_once(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=fleet_of(hall, 3)) as opened:
        await all_verified(opened)
        configure(opened, '[columns.workers]\nshow = ["worker", "hash", "state"]\nsort = "-worker"\n')
        await until(lambda: titles(opened) == ["WORKER", "HASH", "STATE"], clock=opened.clock)
        await until(lambda: list(table(opened).keys) == ["wkr_2", "wkr_1", "wkr_0"], clock=opened.clock)
        configure(opened, "")
        await until(lambda: titles(opened)[:3] == ["STATE", "WORKER", "NAME"], clock=opened.clock)
        await until(lambda: list(table(opened).keys) == ["wkr_0", "wkr_1", "wkr_2"], clock=opened.clock)


async def test_the_first_frame_has_the_columns_and_ids_stay_apart(open_app: OpenApp, hall: LiveHall) -> None:
    ids = tuple(f"org.acme.a-very-long-name-of-a-worker.{number}.prod-01" for number in range(4))
    async with open_app(profile_of(hall)) as opened:
        configure(opened, '[columns.workers]\nshow = ["worker", "hash"]\nwidth = { worker = [12, 14] }\n')
    async with open_app(profile_of(hall, name="beta"), key=hall.key, watch=ids, profile_name="beta") as opened:
        await until(lambda: titles(opened) == ["WORKER"] or titles(opened) == ["WORKER", "HASH"], clock=opened.clock)
        await until(lambda: len(table(opened).keys) == 4)
        rows = {line[:20] for line in opened.text().splitlines() if "org" in line and "prod-01" in line}
        assert len(rows) == 4


def test_every_table_that_can_be_configured_is_known_by_its_columns() -> None:
    tables = known().tables
    assert set(tables) == set(TABLES.values())
    assert tables["workers"].ids == ("worker",)
    assert tables["workers"].sorts[0] == "state"
