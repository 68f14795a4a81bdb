"""An evidence log on the screen: whether its chain is intact, and what its receipts say."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Input, Static

from pyhall_tui.attest.evidence import LogPosition
from pyhall_tui.files.notes import Notes
from pyhall_tui.screens.enroll.ask import AskScreen
from pyhall_tui.screens.worker.evidence import EvidenceScreen, ReceiptScreen
from pyhall_tui.widgets.line_table import LineTable
from tests.clock import ManualClock
from tests.packages.trees import DATA
from tests.waiting import until

LINES = (DATA / "evidence-chain.log").read_text().splitlines(keepends=True)
SECOND = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "evidence.log"
    path.write_text("".join(LINES))
    return path


@pytest.fixture
def notes(tmp_path: Path) -> Notes:
    return Notes(tmp_path / "state", "acme")


@asynccontextmanager
async def opened(log: Path, notes: Notes) -> AsyncIterator[tuple[Pilot[None], EvidenceScreen]]:
    app: App[None] = App()
    async with app.run_test(size=(120, 40)) as pilot:
        screen = EvidenceScreen(notes, log, ManualClock())
        await app.push_screen(screen)
        await until(lambda: "reading" not in said(screen))
        yield pilot, screen


def write(log: Path, text: str) -> None:
    log.write_text(text)


def mark_of(log: Path, notes: Notes) -> LogPosition | None:
    return notes.load("evidence-mark", str(log.resolve()), LogPosition)


def said(screen: EvidenceScreen) -> str:
    return str(screen.query_one("#evidence-text", Static).content)


def lines_of(screen: EvidenceScreen) -> list[str]:
    return list(screen.query_one(LineTable).keys)


async def test_a_whole_log_lists_its_receipts_and_finds_one_by_its_correlation_id(log: Path, notes: Notes) -> None:
    async with opened(log, notes) as (pilot, screen):
        assert "● Whole: 3 receipts" in said(screen)
        assert lines_of(screen) == ["3", "2", "1"], "the newest first"
        await pilot.press("slash", *SECOND, "enter")
        await until(lambda: lines_of(screen) == ["2"])
        await pilot.press("enter")
        await until(lambda: isinstance(pilot.app.screen, ReceiptScreen))
        assert '"status": "denied"' in pilot.app.screen._text  # type: ignore[attr-defined]
        await pilot.press("escape", "escape")
        assert lines_of(screen) == ["3", "2", "1"]


async def test_a_correlation_id_without_receipts_is_reported(log: Path, notes: Notes) -> None:
    async with opened(log, notes) as (pilot, screen):
        await pilot.press("slash", *"req-77", "enter")
        await until(lambda: "No receipt has the correlation id req-77" in screen.query_one(LineTable).placeholder)
        assert lines_of(screen) == []


async def test_the_first_line_that_breaks_the_chain_is_named_and_what_follows_is_marked(
    log: Path, notes: Notes
) -> None:
    write(log, "".join(LINES).replace('"status": "denied"', '"status": "ok"'))
    async with opened(log, notes) as (_, screen):
        assert "✖ Broken at line 2" in said(screen)
        states = {line: screen._row(line).cells["status"].text for line in lines_of(screen)}  # type: ignore[union-attr]
        assert states == {"3": "✖ ok", "2": "✖ ok", "1": "ok"}
    assert mark_of(log, notes) is None, "a broken log is no mark"


async def test_a_truncated_end_is_noticed_once_the_log_was_seen_whole(log: Path, notes: Notes) -> None:
    async with opened(log, notes) as (pilot, screen):
        assert "known before   nothing" in said(screen)
        write(log, "".join(LINES[:2]))
        await pilot.press("r")
        await until(lambda: "✖ Truncated: 2 receipts" in said(screen))
        assert "known before   3 receipts" in said(screen)
        await pilot.press("m")
        await until(lambda: isinstance(pilot.app.screen, AskScreen))
        await pilot.press("y")
        await until(lambda: "● Whole: 2 receipts" in said(screen))
    mark = mark_of(log, notes)
    assert mark is not None and mark.entries == 2


async def test_a_torn_last_line_is_neither_whole_nor_broken(log: Path, notes: Notes) -> None:
    write(log, "".join(LINES)[:-20])
    async with opened(log, notes) as (_, screen):
        assert "▲ Incomplete: 2 receipts" in said(screen) and "line is incomplete" in said(screen)


@pytest.mark.thorough
async def test_a_log_that_cannot_be_read_is_a_sentence(tmp_path: Path, notes: Notes) -> None:
    async with opened(tmp_path / "none.log", notes) as (_, screen):
        assert "cannot be read: no such file or directory." in said(screen)


async def test_hostile_text_in_a_receipt_is_drawn_clean(log: Path, notes: Notes) -> None:
    write(log, LINES[0].replace("cap.doc.summarize", "[/x]\\u001b[2J"))
    async with opened(log, notes) as (pilot, screen):
        assert screen._row("1").cells["capability"].text == "[/x]␛[2J"  # type: ignore[union-attr]
        await pilot.press("enter")
        await until(lambda: isinstance(pilot.app.screen, ReceiptScreen))


async def test_of_a_long_log_the_newest_are_listed_and_all_are_searched(
    log: Path, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyhall_tui.screens.worker.evidence.MOST", 2)
    async with opened(log, notes) as (pilot, screen):
        assert lines_of(screen) == ["3", "2"] and "The newest 2 of 3 are listed" in said(screen)
        await pilot.press("slash", *SECOND[:-1], "0", "enter")
        await until(lambda: lines_of(screen) == ["1"])
        assert screen.query_one("#evidence-query", Input).value.endswith("000")
