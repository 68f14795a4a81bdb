"""A profile made on the screen, its key in a real Secret Service, and the next start that reads it once."""

from pathlib import Path

import pytest

from tests.live_hall import LiveHall
from tests.profiles.test_secret_service import START_LOCKED, UNLOCK, Session
from tests.profiles.test_secret_service import pytestmark as pytestmark  # where there is no Secret Service to start

APP = """
from pathlib import Path
from pyhall_tui.app import PyHallApp
from pyhall_tui.paths import Home
from pyhall_tui.profiles import os_keyring
from pyhall_tui.screens.profiles.choice import ChoiceScreen
from tests.waiting import until

URL, KEY, HOME = {url!r}, {key!r}, Home.below(Path({home!r}))
reads, real_read = [], os_keyring.read
os_keyring.read = lambda *where: (reads.append(where[1:]), real_read(*where))[1]

def tell_of(app):
    tell(app.workspace.key_answer)
    print(json.dumps([str(len(reads))]), flush=True)
"""
MAKE = """
async def main():
    app = PyHallApp(HOME, make_demo=lambda: None)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(lambda: app.current_mode == "profiles")
        await pilot.pause()
        for name, value in {"name": "acme", "namespace": "org.yourco", "registry_url": URL, "key": KEY}.items():
            app.screen.query_one(f"#{name}").value = value
        await pilot.press("ctrl+s")
        await until(lambda: isinstance(app.screen, ChoiceScreen) and app.screen.is_mounted)
        app.screen.query_one("#choice-save").press()
        await until(lambda: app.current_mode == "workers" and app.workspace.connection.is_connected)
        tell_of(app)
asyncio.run(main())
"""
START_AGAIN = """
async def main():
    app = PyHallApp(HOME, make_demo=lambda: None)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(lambda: app.current_mode == "workers" and app.workspace.connection.is_connected)
        await pilot.press("5")
        await pilot.pause()
        tell_of(app)
asyncio.run(main())
"""


@pytest.fixture
def session(tmp_path: Path) -> Session:
    session = Session(tmp_path)
    session.environ["PYTHONPATH"] = str(Path(__file__).parents[2])
    return session


@pytest.mark.thorough
def test_a_key_typed_into_the_form_is_in_the_secret_service_and_read_once_at_the_next_start(
    session: Session, hall: LiveHall
) -> None:
    """F04, F03: and a locked keyring at the start is reported as locked, with the app open."""
    folder = session.home / "pyhall"
    app = APP.format(url=hall.url, key=hall.key, home=str(folder))
    made = session.run(app + MAKE, before=UNLOCK)
    assert made == [[hall.key, "KEYRING", "FOUND"], ["0"]]
    again = app.replace(repr(hall.key), "''") + START_AGAIN
    assert session.run(again, before=UNLOCK) == [[hall.key, "KEYRING", "FOUND"], ["1"]]
    assert session.run(again, before=START_LOCKED) == [[None, "NONE", "LOCKED"], ["1"]]
    for path in (path for path in folder.rglob("*") if path.is_file()):
        assert hall.key.encode() not in path.read_bytes(), path
