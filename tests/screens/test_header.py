"""The line at the top of every screen: what you must never overlook is there, whatever the width."""

import pytest

from tests.live_hall import LiveHall
from tests.screens.conftest import OpenApp, OpenedApp, profile_of
from tests.waiting import until

SCREENS = ("0", "1", "2", "3", "4", "5")


@pytest.mark.thorough
async def test_jump_and_keys_stand_in_the_line_of_keys_only(open_app: OpenApp, hall: LiveHall) -> None:
    """At every width and on every screen, and beside them all of the workers' own keys."""
    hall.add_worker("wkr_abc123")
    async with open_app(profile_of(hall), key=hall.key, watch=("wkr_abc123",), size=(80, 24)) as opened:
        for width in (80, 120, 200):
            await opened.pilot.resize_terminal(width, 24)
            for key in SCREENS:
                await opened.pilot.press("escape", f"alt+{key}", "escape")
                await until(lambda width=width: is_line_of(opened, width, ": Jump  ? Keys  q Quit"))
                *above, _ = opened.text().splitlines()
                assert "palette" not in above[0] + above[1] and "? keys" not in "".join(above[:2]).casefold()
            await opened.pilot.press("alt+1")
            await until(lambda width=width: is_line_of(opened, width, "x Remove  v Verify"))


def is_line_of(opened: OpenedApp, width: int, keys: str) -> bool:
    """Whether the line of keys has these, on a screen that is laid out for this width."""
    return opened.screen.size.width == width and keys in opened.text().splitlines()[-1]


@pytest.mark.thorough
async def test_no_mark_is_cut_off_by_what_else_the_header_tells(
    open_app: OpenApp, hall: LiveHall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F07, F45: with an alarm in it too."""
    monkeypatch.setenv("PYHALL_API_KEY", hall.key)
    hall.add_worker("wkr_bad", sha256="ba" * 32)
    profile = profile_of(hall, production=True, read_only=True)
    async with open_app(profile, watch=("wkr_abc123", "wkr_bad"), size=(80, 24)) as opened:
        await until(lambda: "2 clean" in opened.text(), clock=opened.clock)
        hall.store.ban_hash("ba" * 32, "malware")
        await until(lambda: "1 alarm" in opened.text(), clock=opened.clock)
        for width in (80, 100, 120):
            await opened.pilot.resize_terminal(width, 24)
            await until(lambda width=width: opened.screen.size.width == width and "1 alarm" in opened.text())
            for mark in ("PRODUCTION", "READ ONLY", "key: PYHALL_API_KEY", "live", "acme"):
                assert mark in opened.text(), (width, mark)
