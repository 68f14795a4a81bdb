"""The log is one file of limited size that holds no key and never writes to the screen."""

import logging
import socket
import stat
import sys
from pathlib import Path

import pytest

from pyhall_tui.clock import SystemClock
from pyhall_tui.logs import log_file
from pyhall_tui.logs.log_file import LogFile, configure_logging
from pyhall_tui.logs.masking import register_secret
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.registry.client import RegistryClient
from pyhall_tui.registry.errors import Unreachable

log = logging.getLogger("pyhall_tui.tests")


@pytest.fixture
def path(tmp_path):
    root = logging.getLogger()
    level = root.level
    yield tmp_path / "state" / "pyhall-tui.log"
    for handler in [one for one in root.handlers if isinstance(one, LogFile | logging.NullHandler)]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)


@pytest.fixture
def handler(path):
    """The log's handler, for records whose time the test sets."""
    assert configure_logging(path, "DEBUG") is None
    return next(one for one in logging.getLogger().handlers if isinstance(one, LogFile))


def record(message: str, created: float, **fields: object) -> logging.LogRecord:
    return logging.makeLogRecord(
        {"name": "pyhall_tui.x", "levelname": "WARNING", "levelno": 30, "msg": message, "created": created, **fields}
    )


def test_a_line_has_time_level_logger_correlation_id_and_message(path, handler):
    handler.emit(record("It timed out.", 1_774_000_000.25, correlation_id="req-7"))
    assert path.read_text() == "2026-03-20T09:46:40.250Z WARNING pyhall_tui.x [req-7] It timed out.\n"


def test_what_is_below_the_level_is_not_written(path):
    configure_logging(path, "WARNING")
    log.info("quiet")
    log.warning("loud")
    assert "quiet" not in path.read_text()
    assert "loud" in path.read_text()


def test_a_repeated_message_is_one_line_with_a_count(path, handler):
    """F42."""
    for n in range(100):
        handler.emit(record("The registry is down.", 1_000.0 + 5 * n, correlation_id=f"req-{n}"))
    handler.emit(record("The registry is back.", 1_600.0))
    handler.close()
    lines = path.read_text().splitlines()
    assert len(lines) == 3
    assert lines[0].endswith("[req-0] The registry is down.")
    assert lines[2].endswith("[req-99] The registry is down. (99 times more)")


async def test_a_registry_that_is_down_for_a_week_is_few_lines(path, handler):
    """F42: each request has its own id, time and worker, but it is still the same line."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    client = RegistryClient(Profile(name="a", namespace="org.a", registry_url=url), None, SystemClock())
    for number in range(20):
        with pytest.raises(Unreachable):
            await client.verify(f"wkr_{number}", retry=False)
    await client.aclose()
    handler.close()
    told = [line for line in path.read_text().splitlines() if "pyhall_tui.registry" in line]
    assert len(told) == 2
    assert "GET /api/v1/verify/wkr_0 -> unreachable" in told[0]
    assert "GET /api/v1/verify/wkr_19 -> " in told[1] and told[1].endswith("(19 times more)")


def test_two_messages_by_turns_are_two_lines_with_a_count(path, handler):
    for n in range(50):
        handler.emit(record("ban list failed", 1_000.0 + n))
        handler.emit(record("verify failed", 1_000.0 + n))
    handler.close()
    assert [line.partition("x ")[2] for line in path.read_text().splitlines()] == [
        "ban list failed",
        "verify failed",
        "ban list failed (49 times more)",
        "verify failed (49 times more)",
    ]


def test_a_repeat_is_reported_again_after_ten_minutes(path, handler):
    for at in (0.0, 5.0, 599.0, 601.0):
        handler.emit(record("down", at))
    assert [line.partition("x ")[2] for line in path.read_text().splitlines()] == [
        "down",
        "down (2 times more)",
        "down",
    ]


@pytest.mark.thorough
def test_a_week_of_failures_every_five_seconds_keeps_within_the_bound(path, handler, monkeypatch):
    """F42: the files are looked at, not the setting."""
    monkeypatch.setattr(handler, "maxBytes", 50_000)
    for n in range(20_000):
        handler.emit(record(f"Worker {n} could not be verified: the registry is down.", 5.0 * n))
    handler.close()
    files = sorted(one.name for one in path.parent.iterdir())
    assert files == ["pyhall-tui.log", "pyhall-tui.log.1", "pyhall-tui.log.2"]
    assert sum(one.stat().st_size for one in path.parent.iterdir()) <= 3 * 50_000
    assert "Worker 19999 " in path.read_text()


def test_one_huge_record_is_cut(path, handler):
    handler.emit(record("x" * 5_000_000, 1.0))
    assert path.stat().st_size < 40_000


def test_a_key_is_in_no_line_argument_or_traceback(path, handler):
    """F41."""
    key = "zq7Rk2mWx9Vb4Lt8Yc1Nd6"
    register_secret(key)
    log.debug("sent with %s", key)
    log.debug("headers %r", {"Authorization": f"Bearer {key}"})
    try:
        raise ValueError(f"refused: {key[:15]}")
    except ValueError:
        log.exception("It failed")
    text = path.read_text()
    assert "ValueError: refused: ••••" in text
    assert text.count("••••••••") == 3
    assert all(key[start : start + 8] not in text for start in range(len(key) - 7))


def test_control_characters_and_line_breaks_are_escaped(path, handler):
    """F09"""
    handler.emit(record("name \x1b[31m\x9b2J\r\n2026 forged line \u202e\u200b\u2028\ufeff", 1.0))
    assert path.read_text().splitlines() == [
        "1970-01-01T00:00:01.000Z WARNING pyhall_tui.x name \\x1b[31m\\x9b2J\\x0d\\n2026 forged line"
        " \\u202e\\u200b\\u2028\\ufeff"
    ]


@pytest.mark.parametrize("args", [(1,), ("a", "b")])
def test_a_broken_record_is_passed_over_in_silence(path, handler, args, capfd):
    handler.emit(record("%d %s %s", 1.0, args=args))
    log.warning("good")
    assert path.read_text().endswith("good\n")
    assert capfd.readouterr().err == ""


def test_a_folder_that_cannot_be_used_is_a_sentence_and_nothing_reaches_the_screen(path, capfd):
    path.parent.parent.joinpath("state").write_text("in the way")
    sentence = configure_logging(path, "DEBUG")
    log.error("nowhere")
    assert sentence is not None
    assert str(path) in sentence
    assert capfd.readouterr().err == ""


def test_without_a_path_nothing_is_written_anywhere(path, capfd, monkeypatch):
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    assert configure_logging(None) is None
    log.error("nowhere")
    assert capfd.readouterr().err == ""


def test_configured_twice_it_writes_once(path):
    configure_logging(path, "DEBUG")
    configure_logging(path, "DEBUG")
    log.warning("once")
    assert path.read_text().count("once") == 1


def test_a_full_file_that_cannot_be_renamed_is_emptied(path, handler, monkeypatch):
    monkeypatch.setattr(handler, "maxBytes", 1_000)

    def refuse(*_: object) -> None:
        raise PermissionError("another program holds it")

    monkeypatch.setattr(log_file.os, "rename", refuse)
    for n in range(100):
        handler.emit(record(f"message {n}", float(n)))
    assert path.stat().st_size <= 1_000
    assert "message 99" in path.read_text()


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")
def test_folder_and_file_are_only_for_this_user(path):
    configure_logging(path)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600


def test_another_error_in_the_same_words_is_not_a_repeat(path, handler):
    """F42: what failed in the background is reported in the same words each time."""
    for error in (OSError("the disk"), OSError("the disk"), KeyError("w1")):
        one = record("background work failed", 1_000.0)
        one.exc_info = (type(error), error, None)
        handler.emit(one)
    handler.close()
    told = path.read_text()
    assert told.count("OSError: the disk") == 1 and told.count("KeyError: 'w1'") == 1
    assert "background work failed (1 times more)" in told
