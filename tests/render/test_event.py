"""How an event reads: in a row, in a toast, on the clipboard."""

import pytest

from pyhall_tui.fleet.events import Kind, Severity
from pyhall_tui.render.event import change, event_row, line, moment, sentence
from tests.journal.makers import NOW, event

HOSTILE = 'ok\x1b[2J\x1b]0;PWNED\x07\x9b31m {"flags": [true, false]}'


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def test_a_row_shows_time_severity_worker_change_source_and_correlation_id() -> None:
    row = event_row(event(detail="leaks", correlation_id="req-1", count=3), NOW)
    assert [cell.text for cell in row.severity] == ["✖", "ALARM"]
    assert row.when.text == "09:46:40"
    assert (row.worker.text, row.what.text) == ("org.acme.w1", "clean → banned: leaks")
    assert (row.source.text, row.correlation.text, row.times.text) == ("verify", "req-1", "×3")


def test_each_severity_has_its_own_symbol_and_word() -> None:
    """F26."""
    told = {tuple(cell.text for cell in event_row(event(severity=each), NOW).severity) for each in Severity}
    assert len(told) == len({sign for sign, _ in told}) == len({word for _, word in told}) == len(Severity)


def test_the_registrys_own_events_name_the_registry() -> None:
    assert event_row(event(Kind.REGISTRY_LOST, None), NOW).worker.text == "registry"
    assert sentence(event(Kind.REGISTRY_LOST, None)).startswith("The registry: ")


@pytest.mark.parametrize("render", [change, sentence, line, lambda one: event_row(one, NOW).what.text])
def test_hostile_text_is_shown_as_it_is_and_harmless(render: object) -> None:
    """F08, F09."""
    text = render(event(worker_id=HOSTILE, before=HOSTILE, detail=HOSTILE, correlation_id=HOSTILE))  # type: ignore[operator]
    assert '{"flags": [true, false]}' in text
    assert text.isprintable()


def test_a_changed_hash_is_shown_by_its_first_digits() -> None:
    hashes = event(Kind.HASH_CHANGED, before="a" * 64, after="b" * 64)
    assert change(hashes) == "hash aaaaaaaa → bbbbbbbb"


@pytest.mark.parametrize(
    ("ago", "told"), [(0, "09:46:40"), (86_400, "19 Mar 09:46"), (365 * 86_400, "20 Mar 2025"), (NOW, "–")]
)
def test_a_time_that_is_not_todays_bears_its_day(ago: float, told: str) -> None:
    assert moment(NOW - ago, NOW) == told


def test_a_copied_event_bears_the_full_time_and_the_count() -> None:
    copied = line(event(count=2, correlation_id="req-1"))
    assert copied.startswith("2026-03-20 09:46:40+00:00")
    assert "clean → banned ×2" in copied and copied.endswith("req-1")
