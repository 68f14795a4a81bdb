"""Searching the history, comparing two dispatches, and the export."""

import csv
import json
from pathlib import Path

import pytest

from pyhall_tui.dispatch.history import EXPORTED, compare, dispatch_record, each_dispatch, question
from pyhall_tui.dispatch.result import read_back
from pyhall_tui.journal.export import write_records
from pyhall_tui.journal.journal import Journal
from pyhall_tui.journal.rows import DispatchRow
from tests.clock import ManualClock


def row(**fields: object) -> DispatchRow:
    known: dict[str, object] = {
        "at": 1_774_000_000.0,
        "namespace": "org.acme",
        "capability": "llm.text.generate",
        "worker_id": "wkr_1",
        "context": '{"risk_tier":"low"}',
        "outcome": "allow",
        "correlation_id": "req-1",
        "correlation_back": "req-1",
    }
    return DispatchRow(**(known | fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("", {}),
        ("worker:org.acme.* code:POLICY_BLOCKED", {"worker": "org.acme.*", "code": "POLICY_BLOCKED"}),
        ("id:req-1 two words", {"correlation_id": "req-1", "text": "two words"}),
        ("http://x", {"text": "http://x"}),
    ],
)
def test_a_typed_search_is_a_question_to_the_journal(typed: str, asked: dict[str, str]) -> None:
    assert question(typed) == asked


def test_a_search_finds_by_field_and_by_text() -> None:
    with Journal.in_memory(ManualClock()) as journal:
        journal.record_dispatch("p", row())
        journal.record_dispatch("p", row(worker_id="wkr_2", outcome="deny", deny_code="X", reason="because"))

        assert [found.worker_id for found in each_dispatch(journal, "p", "code:X")] == ["wkr_2"]
        assert [found.worker_id for found in each_dispatch(journal, "p", "BECAUSE")] == ["wkr_2"]
        assert len(list(each_dispatch(journal, "p", ""))) == 2


def test_two_are_compared_field_by_field_and_key_by_key_of_the_context() -> None:
    first = read_back(row())
    second = read_back(row(context='{"risk_tier":"high","env":"prod"}', outcome="deny", deny_code="X"))

    differing = {one.field: (one.first, one.second) for one in compare(first, second) if one.differs}

    assert differing["context.risk_tier"] == ("low", "high")
    assert differing["context.env"] == ("–", "prod")
    assert differing["answer"] == ("allow", "deny")
    assert "capability" not in differing


def test_an_export_is_read_by_other_programs(tmp_path: Path) -> None:
    rows = [row(reason="=1+1"), row(error="gone", outcome="", may_have_reached=True)]
    for name in ("d.jsonl", "d.csv"):
        assert write_records(map(dispatch_record, rows), EXPORTED, tmp_path / name) == 2

    lines = [json.loads(line) for line in (tmp_path / "d.jsonl").read_text().splitlines()]
    with (tmp_path / "d.csv").open(newline="") as file:
        cells = list(csv.DictReader(file))

    assert [line["result"] for line in lines] == [cell["result"] for cell in cells] == ["allow", "unknown"]
    assert cells[0]["reason"] == "'=1+1"
