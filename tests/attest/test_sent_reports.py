"""Which hashes were reported: noted before one is sent."""

import errno
import os
from pathlib import Path

import pytest

from pyhall_tui.attest.sent_reports import NotKept, SentReport, SentReports

HASH = "a" * 64


def test_a_report_that_a_full_disk_kept_from_being_noted_can_be_sent_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was sent, so nothing may say that it was."""
    reports = SentReports(tmp_path, "https://api.example")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(NotKept, match="No space left"):
            reports.begin(HASH, SentReport(at=1.0))
    assert reports.earlier(HASH) is None

    reports.begin(HASH, SentReport(at=2.0))
    assert reports.earlier(HASH) == SentReport(at=2.0)
    with pytest.raises(NotKept, match="reported before"):
        reports.begin(HASH, SentReport(at=3.0))
