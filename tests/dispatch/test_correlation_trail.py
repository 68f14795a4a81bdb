"""From an id to everything it touched."""

import json
from pathlib import Path

from pyhall_tui.dispatch.correlation_trail import trace
from pyhall_tui.fleet.events import Event, Kind, Severity
from pyhall_tui.journal.journal import Journal
from pyhall_tui.render.trace import trace_lines
from tests.clock import ManualClock
from tests.dispatch.test_history import row


def test_dispatch_event_log_line_and_receipt_of_one_id_are_found_and_no_others(tmp_path: Path) -> None:
    log = tmp_path / "pyhall-tui.log"
    log.write_text("now INFO [req-1] sent\nnow INFO [req-2] sent\n")
    Path(f"{log}.1").write_text("before INFO [req-1] made\n")
    receipt = {"correlation_id": "req-1", "worker_id": "wkr_1", "status": "ok"}
    line = json.dumps({"prev_hash": "GENESIS", "entry_hash": "0" * 64, "receipt": receipt})
    (tmp_path / "evidence_log.jsonl").write_text(line + "\n")
    with Journal.in_memory(ManualClock()) as journal:
        journal.record_dispatch("p", row())
        journal.record_dispatch("p", row(correlation_id="req-2", correlation_back="req-2"))
        event = Event(kind=Kind.DISPATCH_CHANGED, severity=Severity.WARNING, at=1_774_000_000.0, correlation_id="req-1")
        journal.record_event("p", event)

        found = trace("req-1", journal, log, [tmp_path])

    assert (len(found.touched.dispatches), len(found.touched.events)) == (1, 1)
    assert found.log_lines == ["before INFO [req-1] made", "now INFO [req-1] sent"]
    assert [receipt.status for _, receipt in found.receipts] == ["ok"]
    text = "\n".join(" ".join(cell.text for cell in cells) for cells in trace_lines(found, 0.0))
    assert "the id came back the same" in text
    assert "EVIDENCE RECEIPTS" in text


def test_an_id_that_nothing_bears_says_so(tmp_path: Path) -> None:
    with Journal.in_memory(ManualClock()) as journal:
        found = trace("req-0", journal, tmp_path / "none.log", [])

    assert found.is_empty
    assert "Nothing" in trace_lines(found, 0.0)[0][0].text
