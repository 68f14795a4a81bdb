"""How a receipt is shown: its time is local, as on every screen."""

import time
from collections.abc import Iterator

import pytest

from pyhall_tui.attest.evidence import Receipt
from pyhall_tui.render.evidence import receipt_row
from pyhall_tui.render.text import zone


@pytest.fixture
def in_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Restore the time zone after a test that sets `TZ`."""
    if not hasattr(time, "tzset"):
        pytest.skip("this system's time zone can't be set for one process")
    yield monkeypatch
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("at", "shown"),
    (
        ("2026-03-14T06:00:02Z", "2026-03-14 11:30:02"),
        ("2026-03-14T06:00:02.500+00:00", "2026-03-14 11:30:02"),
        ("2026-03-14T06:00:02", "2026-03-14 11:30:02"),
        ("yesterday", "yesterday"),
        ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+14:00"),
        ("", "–"),
    ),
)
def test_a_receipts_time_is_local_or_as_it_is(in_zone: pytest.MonkeyPatch, at: str, shown: str) -> None:
    in_zone.setenv("TZ", "IST-5:30")
    time.tzset()
    receipt = Receipt(line=1, entry_hash="", fields={"dispatched_at_utc": at})
    assert receipt_row(receipt).at.text == shown


@pytest.mark.parametrize(
    ("variable", "name"), (("UTC", "UTC"), ("IST-5:30", "IST"), ("<+0545>-5:45", "+05:45"), ("EST5", "EST"))
)
def test_the_zone_has_a_short_name(in_zone: pytest.MonkeyPatch, variable: str, name: str) -> None:
    in_zone.setenv("TZ", variable)
    time.tzset()
    assert zone() == name
