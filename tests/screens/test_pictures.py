"""The strip above the workers, the timeline in the worker's view, the incident note."""

import re

import pytest
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static, TextArea

from pyhall_tui.screens.worker.screen import WorkerDetailScreen
from pyhall_tui.screens.workers.screen import WorkersScreen
from pyhall_tui.widgets import clipboard
from pyhall_tui.widgets.clipboard import SelectTextScreen
from pyhall_tui.widgets.strip import FleetStrip
from tests.clock import ManualClock
from tests.live_hall import HASH, WORKER, LiveHall
from tests.screens.conftest import OpenApp, OpenedApp, profile_of
from tests.waiting import until


def strip_text(opened: OpenedApp) -> str:
    return str(opened.app.screen_stack[0].query_one(FleetStrip).content)


def workers_in(text: str) -> int:
    return sum(map(int, re.findall(r"(\d+) [a-z]", text.splitlines()[0])))


def counts_in(text: str) -> set[str]:
    return set(re.findall(r"\d+ [a-z]+", text.lower()))


async def test_the_strip_shows_the_fleet_by_state_and_the_last_minutes_of_requests(
    open_app: OpenApp, hall: LiveHall
) -> None:
    """F26: block, glyph and word distinguish the states without color."""
    clock = ManualClock()
    hall.add_worker("retired-one", status="retired")
    watch = (WORKER, "retired-one", "nobody-knows")
    async with open_app(profile_of(hall), key=hall.key, watch=watch, clock=clock) as opened:
        await until(lambda: "1 clean" in strip_text(opened), clock=clock)
        await until(lambda: "1 unknown" in strip_text(opened) and "1 retired" in strip_text(opened), clock=clock)
        for words in ("▚ ? 1 unknown", "- – 1 retired", "░ ● 1 clean"):
            assert words in strip_text(opened)
        await clock.advance(10)
        await until(lambda: "ms" in strip_text(opened), clock=clock)
        for label in ("req/s ", "p50 ", "p95 ", "errors "):
            assert label in strip_text(opened)


async def test_on_a_small_terminal_the_strip_leaves_its_lines_to_the_workers(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=(80, 24)) as opened:
        await until(lambda: isinstance(opened.screen, WorkersScreen))
        await until(lambda: WORKER in opened.text())
        assert not opened.screen.query_one(FleetStrip).display or not opened.screen.query_one(FleetStrip).size
        assert "req/s" not in opened.text()


async def test_many_changes_in_a_moment_are_one_drawing_of_the_strip_and_then_the_last_of_them(
    open_app: OpenApp, hall: LiveHall, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ManualClock()
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), clock=clock) as opened:
        await until(lambda: "● 1 clean" in strip_text(opened), clock=clock)
        strip = opened.screen.query_one(FleetStrip)
        drawn: list[str] = []
        update = strip.update

        def note(content: Content, *, layout: bool) -> None:
            drawn.append(content.plain)
            update(content, layout=layout)

        monkeypatch.setattr(strip, "update", note)
        for number in range(99):
            opened.workspace.watch([f"wkr_{number}"])
        assert len(drawn) <= 1
        await until(lambda: drawn and workers_in(drawn[-1]) == 100)
        assert len({text.splitlines()[0] for text in drawn}) <= 2


async def test_the_strip_and_the_title_agree_in_every_frame(
    open_app: OpenApp, hall: LiveHall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are one thing: what changes fast, or under a dialog, changes in both."""
    clock = ManualClock()
    for number in range(20):
        hall.add_worker(f"wkr_{number}", sha256=f"{number:064x}")
    watch = tuple(f"wkr_{number}" for number in range(20))
    async with open_app(profile_of(hall), key=hall.key, watch=watch, clock=clock, size=(150, 40)) as opened:
        screen = opened.screen
        frame, strip = screen.query_one("#fleet-frame"), screen.query_one(FleetStrip)
        seen: list[tuple[str, str]] = []
        paint = opened.app._display

        def note(painted: Screen[object], renderable: object) -> None:
            seen.append((str(frame.border_title or ""), str(strip.content).splitlines()[0]))
            paint(painted, renderable)

        monkeypatch.setattr(opened.app, "_display", note)
        await until(lambda: "20 clean" in str(frame.border_title), clock=clock)
        for number in range(20):
            hall.store.ban(f"wkr_{number}", "exfiltrates")
            if number == 10:
                await opened.pilot.press("a")
            await clock.advance(1)
        await until(lambda: "20 banned" in str(frame.border_title), clock=clock)
        await opened.pilot.pause()
        assert len(seen) > 20
        assert [(title, legend) for title, legend in seen if counts_in(title) != counts_in(legend)] == []


async def test_the_workers_view_has_a_time_line_of_its_states(open_app: OpenApp, hall: LiveHall) -> None:
    clock = ManualClock()
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), clock=clock) as opened:
        await until(lambda: "● clean" in opened.text(), clock=clock)
        hall.store.ban_hash(HASH, "leaks", source="hall-monitor")
        await until(lambda: "✖ BANNED" in opened.text(), clock=clock)
        await opened.pilot.press("enter")
        await until(lambda: isinstance(opened.screen, WorkerDetailScreen))
        recent = opened.screen.query_one("#recent", Static)
        await until(lambda: "10m ago" in str(recent.content))
        assert "█ ✖ banned" in str(recent.content)
        assert "clean → BANNED: leaks" in str(recent.content)


@pytest.mark.thorough
async def test_the_incident_note_is_copied_and_nothing_is_sent_for_it(
    open_app: OpenApp, hall: LiveHall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clipboard, "tools", lambda *_: [])  # not on the clipboard of whoever runs the tests
    clock = ManualClock()
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), clock=clock) as opened:
        await until(lambda: "● clean" in opened.text(), clock=clock)
        await opened.pilot.press("Y")
        await until(lambda: opened.app._copied is not None)
        await opened.pilot.press("C")
        await until(lambda: isinstance(opened.screen, SelectTextScreen))
        note = opened.screen.query_one(TextArea).text
        assert note.startswith(f"## clean: `{WORKER}`") and HASH in note
        assert not [seen for seen in hall.requests if "dispatch" in seen.raw_path]
