"""The log is opened after the first frame; what is logged before it is not lost."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyhall_tui.logs.late_log import LateLog
from pyhall_tui.logs.log_file import configure_logging


@pytest.fixture(autouse=True)
def _no_log_is_left() -> Iterator[None]:
    yield
    configure_logging(None)


def test_what_was_logged_before_the_file_was_open_is_in_it_and_in_order(tmp_path: Path) -> None:
    log = LateLog(tmp_path / "some.log")
    logging.getLogger("pyhall_tui.journal").warning("the first")
    logging.getLogger("pyhall_tui").error("the second, phk_live_0123456789abcdef")
    assert not (tmp_path / "some.log").exists()
    assert log.open() is None
    logging.getLogger("pyhall_tui").warning("the third")
    lines = (tmp_path / "some.log").read_text().splitlines()
    assert [" ".join(line.split()[2:]) for line in lines] == [
        "pyhall_tui.journal the first",
        "pyhall_tui the second, phk_live_••••••••",
        "pyhall_tui the third",
    ]


def test_nothing_reaches_standard_error_meanwhile(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log = LateLog(tmp_path / "some.log")
    logging.getLogger("elsewhere").error("not on the screen")
    log.open()
    assert capfd.readouterr().err == ""


def test_it_is_opened_once(tmp_path: Path) -> None:
    log = LateLog(tmp_path / "some.log")
    logging.getLogger("pyhall_tui").warning("once")
    assert (log.open(), log.open()) == (None, None)
    assert (tmp_path / "some.log").read_text().count("once") == 1
    assert log not in logging.getLogger().handlers


def test_a_log_that_cannot_be_kept_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = LateLog(tmp_path / "file" / "some.log").open()
    assert said is not None
    assert said.startswith("No log is kept: ")
