"""Write the README's moving picture: a ban arrives in the real app, on the real demo.

Run `python screenshots/ban.py`.
"""

import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from itertools import groupby, pairwise
from pathlib import Path

from make import until
from moving_picture import Frame, moving_picture
from textual.pilot import Pilot

from pyhall_tui.app import PyHallApp
from pyhall_tui.fleet.entry import State
from pyhall_tui.hall.late_demo import LateDemo
from pyhall_tui.paths import Home

HERE = Path(__file__).parent
SIZE = (112, 30)
OFTEN = 0.25
"""Seconds between two pictures."""
QUIET = 3.0
"""Seconds before the ban that are shown; the demo takes longer, while the workers are verified."""
LONGEST = 1.0
"""Seconds that a picture may last; on a busy machine it may have been more. The last one lasts as long as it was."""
NEWS = "The hash of one more appears on the ban list."
"""The line below the pictures of which the last one is the still."""
TITLE = "pyhall-tui --demo"
SEEN = (
    "A terminal with a table of 47 workers by state, most of them clean. Then one more is banned: its row turns red and"
    " moves to the top, and a line at the bottom gives the reason. The enter key opens the worker, with its history."
)


@dataclass
class Recording:
    """The app as it runs: one picture every `OFTEN` seconds."""

    pilot: Pilot[None]
    caption: str = ""
    taken: list[tuple[float, str, str]] = field(default_factory=list)
    """Time in seconds, picture and caption."""

    async def run(self, seconds: float) -> None:
        """Take pictures for a while."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            self.take()
            await self.pilot.pause(OFTEN)

    def take(self) -> None:
        self.taken.append((time.monotonic(), self.pilot.app.export_screenshot(), self.caption))

    def frames(self, since: float) -> list[Frame]:
        """Return the different pictures from then on, as long as each lasted."""
        kept = [taken for taken in self.taken if taken[0] >= since]
        firsts = [next(same) for _, same in groupby(kept, key=lambda taken: taken[1:])]
        ends = [*firsts, (kept[-1][0] + OFTEN, "", "")]
        *frames, last = [Frame(svg, after - at, caption) for (at, svg, caption), (after, *_) in pairwise(ends)]
        return [*(replace(frame, lasts=min(frame.lasts, LONGEST)) for frame in frames), last]


async def record(pilot: Pilot[None], app: PyHallApp) -> tuple[Recording, float]:
    """Run through it; return the recording, and when the ban came."""

    def is_banned() -> bool:
        fleet = app.workspace.fleet if app.workspace else ()
        return any(entry.ban and entry.ban.source == "ban list" for entry in fleet)

    await until(pilot, lambda: app.workspace is not None and State.CLEAN in app.workspace.fleet.counts(0.0))
    recording = Recording(pilot, "47 workers, each verified again every few seconds.")
    while not is_banned():
        await recording.run(OFTEN)
    came = time.monotonic()
    recording.caption = NEWS
    await recording.run(4.0)
    await pilot.press("home")
    recording.caption = "[enter] opens the worker: what is known about it, and since when."
    await recording.run(1.0)
    await pilot.press("enter")
    await until(pilot, lambda: len(app.screen_stack) == 2)
    await recording.run(5.0)
    return recording, came


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        app = PyHallApp(Home.below(Path(folder)), make_demo=LateDemo, demo=True)
        async with app.run_test(size=SIZE) as pilot:
            recording, came = await record(pilot, app)
    frames = recording.frames(came - QUIET)
    still = [frame for frame in frames if frame.caption == NEWS][-1]
    picture = moving_picture(frames, size=SIZE, still=frames.index(still), title=TITLE, text=SEEN)
    (HERE / "ban.svg").write_text(picture, "utf-8")
    print(f"ban.svg: {len(frames)} frames, {len(picture.encode()) / 1024:.0f} KiB", file=sys.stderr)


if __name__ == "__main__":
    asyncio.run(main())
