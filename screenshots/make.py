"""Write the README's pictures that stand still: the real app, on the real demo, driven by keys.

Run `python screenshots/make.py`.
"""

import asyncio
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from moving_picture import still_picture
from textual.pilot import Pilot

from pyhall_tui.app import PyHallApp
from pyhall_tui.fleet.entry import State
from pyhall_tui.hall.late_demo import LateDemo
from pyhall_tui.paths import Home

HERE = Path(__file__).parent
SIZE = (130, 36)
PATIENCE = 60.0
SEEN = {
    "overview": "The overview: a row for each profile, and the workers of all, the most urgent first.",
    "worker": "One worker: a ban in red, with its reason, and what the registry says about the worker.",
    "enroll": "The form that enrolls a worker, and beside it the request that it will send.",
    "dispatch": "The dispatch tester: a request, the decision about it, and the earlier requests.",
    "activity": "The activity screen: what happened to the workers, the newest events first.",
    "profiles": "The profiles screen: the registries that you are connected to, and the details of one.",
}
"""What each picture shows, for people who can't see it."""


async def until(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    """Wait for something to be so on the screen."""
    for _ in range(int(PATIENCE / 0.1)):
        if condition():
            return
        await pilot.pause(0.1)
    raise TimeoutError("the picture's moment did not come")


async def type_text(pilot: Pilot[None], text: str) -> None:
    await pilot.press(*("space" if letter == " " else letter for letter in text))


async def take(pilot: Pilot[None], name: str) -> None:
    await pilot.pause(0.3)
    picture = still_picture(pilot.app.export_screenshot(), size=SIZE, title="pyhall-tui --demo", text=SEEN[name])
    (HERE / f"{name}.svg").write_text(picture, "utf-8")
    print(f"{name}.svg", file=sys.stderr)


async def workers(pilot: Pilot[None], app: PyHallApp) -> None:
    def a_ban_has_come() -> bool:
        fleet = app.workspace.fleet if app.workspace else None
        return (
            fleet is not None
            and all(e.verdict for e in fleet)
            and any(e.ban and e.ban.source == "ban list" for e in fleet)
        )

    await until(pilot, a_ban_has_come)
    await pilot.press("home", "enter")  # a row that came under the cursor by itself takes no key for a moment
    await until(pilot, lambda: len(app.screen_stack) == 2)
    await take(pilot, "worker")
    await pilot.press("escape")


async def dispatch(pilot: Pilot[None], app: PyHallApp) -> None:
    await pilot.press("3")
    await pilot.pause(0.5)
    await type_text(pilot, "llm.text.generate")
    await pilot.press("tab")
    await type_text(pilot, "wkr_abc123")
    await pilot.press("ctrl+s")
    await pilot.pause(1.5)
    await take(pilot, "dispatch")


async def enroll(pilot: Pilot[None], app: PyHallApp) -> None:
    await pilot.press("2")
    await pilot.pause(0.5)
    await type_text(pilot, "Summarizer EU")
    await pilot.press("tab")
    await type_text(pilot, "doc.summarize")
    await pilot.press("enter", "tab")
    await pilot.pause(0.3)
    await take(pilot, "enroll")


async def rest(pilot: Pilot[None], app: PyHallApp) -> None:
    app.set_focus(None)
    for key, name in (("0", "overview"), ("4", "activity"), ("5", "profiles")):
        await pilot.press(key)
        await pilot.pause(0.7)
        await take(pilot, name)
        app.set_focus(None)


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        app = PyHallApp(Home.below(Path(folder)), make_demo=LateDemo, demo=True)
        async with app.run_test(size=SIZE) as pilot:
            await until(pilot, lambda: app.workspace is not None and State.CLEAN in app.workspace.fleet.counts(0.0))
            for pictures in (workers, enroll, dispatch, rest):
                await pictures(pilot, app)
                app.set_focus(None)


if __name__ == "__main__":
    asyncio.run(main())
