"""A journal whose last verdicts are read before the rest of it is loaded."""

import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from pyhall_tui.journal.journal import Journal
from pyhall_tui.journal.late_journal import LateJournal
from tests.clock import ManualClock
from tests.journal.makers import event, rows_in, verdict


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def opened(path: Path | None) -> LateJournal:
    return LateJournal.open(path, ManualClock())


def written(path: Path, *, fires: bool) -> None:
    with Journal.open(path, ManualClock()) as journal:
        journal.save_verdict("prod", verdict())
        if fires:
            journal.record_event("prod", event())


def test_it_reads_last_verdicts_without_the_rest(path: Path) -> None:
    written(path, fires=False)
    script = f"""
        import sys
        from pathlib import Path
        from pyhall_tui.clock import SystemClock
        from pyhall_tui.journal.late_journal import LateJournal
        late = LateJournal.open(Path({str(path)!r}), SystemClock())
        assert [row.worker_id for row in late.first_verdicts("prod", 10)] == ["org.acme.w1"]
        assert not late.has_alarms("prod") and late.flush(30) and not late.troubles
        late.close()
        print(*(name for name in sys.modules if name.startswith("pyhall_tui.")))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"pyhall_tui.journal.journal", "pyhall_tui.journal.writer", "pyhall_tui.alarms"}


def test_the_rest_uses_the_same_file(path: Path) -> None:
    late = opened(path)
    late.whole.save_verdict("prod", verdict())
    assert late.whole is late.whole
    assert [row.worker_id for row in late.first_verdicts("prod", 10)] == ["org.acme.w1"]
    late.close(30)
    assert rows_in(path, "verdicts") == 1


@pytest.mark.parametrize("fires", [True, False])
def test_it_knows_whether_an_alarm_fires(path: Path, fires: bool) -> None:
    written(path, fires=fires)
    late = opened(path)
    assert late.has_alarms("prod") is fires
    assert not late.has_alarms("staging")
    late.close()


def test_alarms_that_cant_be_read_may_fire(path: Path) -> None:
    """Whoever asks then loads the alarms and says what is wrong, rather than that there are none."""
    written(path, fires=False)
    with sqlite3.connect(path) as connection:
        connection.execute("ALTER TABLE alarms RENAME COLUMN resolved_at TO lost")
    late = opened(path)
    assert late.has_alarms("prod")
    late.close()


def test_a_file_that_cant_be_used_is_a_trouble_at_once(tmp_path: Path) -> None:
    late = opened(tmp_path)
    assert "can't be used" in " ".join(late.troubles)
    assert late.first_verdicts("prod", 10) == []
    late.close()


def test_a_journal_that_is_loaded_already_is_used_as_it_is(path: Path) -> None:
    with Journal.open(path, ManualClock()) as journal:
        late = LateJournal.of(journal)
        assert late.whole is journal
        assert late.has_alarms("prod")
