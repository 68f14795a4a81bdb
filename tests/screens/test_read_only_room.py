"""A read-only profile says why nothing is sent, and that pushes nothing out of view on 80×24."""

from pathlib import Path

import pytest
from textual.widgets import Input

from pyhall_tui.screens.dispatch.screen import DispatchScreen
from pyhall_tui.screens.enroll.pick_package import PickPackageScreen
from tests.live_hall import WORKER, LiveHall
from tests.screens.conftest import OpenApp, OpenedApp, profile_of
from tests.screens.enrolling import at_the_form
from tests.screens.test_enroll_batch import batch, checked
from tests.screens.test_worker_actions import View, folder, view
from tests.waiting import until

__all__ = ["folder", "view"]
SMALL = (80, 24)


def parts(opened: OpenedApp) -> list[str]:
    """Return what stands on the screen between wide gaps, without the header, the news and the key bar."""
    rows = opened.text().splitlines()[2:-2]
    return [part.strip() for row in rows for part in row.split("  ") if part.strip()]


async def test_of_the_enroll_form(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall, read_only=True), key=hall.key, size=SMALL) as opened:
        await at_the_form(opened)
        await until(lambda: "This profile is read-only: it enrolls nothing." in opened.text())
        before = parts(opened)
        await opened.pilot.press("ctrl+s")
        await until(lambda: "✖ This profile is read-only: it enrolls nothing." in opened.text())
        assert parts(opened) == [part.replace("This profile is", "✖ This profile is") for part in before]


@pytest.mark.thorough
async def test_of_the_batch(open_app: OpenApp, hall: LiveHall, tmp_path: Path) -> None:
    """The rows scroll, so the sentence may take the place of one."""
    async with open_app(profile_of(hall, read_only=True), key=hall.key, size=SMALL) as opened:
        await checked(opened, batch(tmp_path, 30))
        await until(lambda: "30 ready" in opened.text())
        await opened.pilot.press("ctrl+s")
        await until(lambda: "✖ This profile is read-only: it enrolls nothing." in opened.text())
        for each in ("30 ready", "RESULT", "Row 1: w0", "Check", "Enroll  ctrl+s", "Stop", "Enrolled  e", "Report…"):
            assert each in opened.text()
        await opened.pilot.press("end")
        await until(lambda: "w29" in opened.text() and "✖ This profile is read-only" in opened.text())


@pytest.mark.thorough
async def test_of_the_matrix(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall, read_only=True), key=hall.key, watch=(WORKER,), size=SMALL) as opened:
        await opened.pilot.press("3")
        await until(lambda: isinstance(opened.screen, DispatchScreen))
        await opened.pilot.press("f3")
        await until(lambda: opened.screen.query_one("#capabilities").region.height > 0)
        opened.screen.query_one("#capabilities", Input).value = "mail.send"
        await until(lambda: "Choose with * and ?" in opened.text())
        await opened.pilot.press("ctrl+r")
        await until(lambda: "read-only: no dispatch" in opened.text() and "it as a decision." in opened.text())
        for each in (
            "Capabilities",
            "Workers",
            "Risk tier",
            "Run  ctrl+r",
            "Stop  x",
            "mail.send",
            "Choose with * and ?",
        ):
            assert each in opened.text()


@pytest.mark.thorough
async def test_of_the_package_and_its_dialogs(view: View, hall: LiveHall, folder: Path) -> None:
    async with view(folder, read_only=True, size=SMALL) as opened:
        await until(lambda: "since match" in opened.text() and "is not the attest" in opened.text())
        before = parts(opened)
        for key in ("a", "r"):
            await opened.pilot.press(key)
            await until(lambda: "This profile is read-only" in opened.text())
            assert parts(opened) == before
        for key, button in (("e", "Open it"), ("p", "Watch it")):
            await opened.pilot.press(key)
            await until(lambda: isinstance(opened.screen, PickPackageScreen))
            await until(lambda button=button: button in opened.text() and "Cancel" in opened.text())
            assert "This profile is read-only" in opened.text()
            await opened.pilot.press("escape")
            await until(lambda: not isinstance(opened.screen, PickPackageScreen))
