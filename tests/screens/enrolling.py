"""What the tests of the enrollment form share."""

from textual import events

from pyhall_tui.screens.enroll.form import EnrollForm
from pyhall_tui.screens.enroll.screen import EnrollScreen
from tests.live_hall import LiveHall
from tests.screens.conftest import OpenedApp
from tests.waiting import until

HASH = "a1b2c3" + "0" * 58


async def at_the_form(opened: OpenedApp, profile: str = "acme") -> EnrollScreen:
    """Go to the form of an open and connected profile."""
    await until(
        lambda: opened.app.workspace is not None and opened.workspace.connection.is_connected, clock=opened.clock
    )
    await until(lambda: opened.workspace.profile.name == profile, clock=opened.clock)
    if not isinstance(opened.screen, EnrollScreen):
        await opened.pilot.press("2")
    await until(lambda: isinstance(opened.screen, EnrollScreen) and opened.screen.focused is not None)
    await opened.pilot.pause()  # until all is laid out: a click goes by the layout
    screen = opened.screen
    assert isinstance(screen, EnrollScreen)
    return screen


async def fill_in(opened: OpenedApp, name: str = "My Worker", sha256: str = HASH) -> None:
    """Paste a whole enrollment; the cursor stays in the last field."""
    form = opened.screen.query_one(EnrollForm)
    pastes = ((form.display_name, name), (form.capabilities, "mail.send mail.read"), (form.package.field, sha256))
    for field, text in pastes:
        field.input.focus()
        field.input.post_message(events.Paste(text))
        await until(lambda field=field: field.value)  # type: ignore[misc]
    await until(lambda: not form.mistakes() and form.capabilities.chosen == ["mail.send", "mail.read"])


async def sees(opened: OpenedApp, text: str) -> None:
    """Wait until that text is on the screen."""
    try:
        await until(lambda: text in opened.words() or text in opened.text(), clock=opened.clock)
    except AssertionError:
        raise AssertionError(f"{text!r} is not on the screen:\n{opened.text()}") from None


def enrolled(hall: LiveHall, name: str = "My Worker") -> list[str]:
    """Return the ids of the workers that the hall enrolled under that name by request."""
    workers = [worker for worker in hall.store.workers() if "mail.send" in worker.capabilities]
    return [worker.worker_id for worker in workers if worker.display_name == name]


def posts(hall: LiveHall) -> int:
    return sum(request.raw_path == "/api/v1/hall/enroll" for request in hall.requests)
