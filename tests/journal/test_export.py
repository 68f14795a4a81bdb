"""Events in a file, for other programs."""

import csv
import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from pyhall_tui.fleet.events import Event
from pyhall_tui.journal.export import (
    COLUMNS,
    AlreadyThere,
    ExportFailed,
    as_it_was,
    each_event,
    event_record,
    harmless,
    text_of,
    write_records,
)
from pyhall_tui.journal.journal import Journal
from tests.clock import ManualClock
from tests.journal.makers import event


def write_events(events: Iterable[Event], path: Path) -> int:
    return write_records(map(event_record, events), COLUMNS, path)


def test_every_page_of_the_journal_is_written_newest_first_one_json_object_a_line(tmp_path: Path) -> None:
    with Journal.in_memory(ManualClock()) as journal:
        for number in range(2_500):
            journal.record_event("acme", event(worker_id=f"w{number}"))
        assert write_events(each_event(journal, "acme"), tmp_path / "out.jsonl") == 2_500
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert [json.loads(line)["worker_id"] for line in lines] == [f"w{number}" for number in reversed(range(2_500))]
    assert json.loads(lines[0])["at"] == "2026-03-20T09:46:40.000+00:00"
    assert json.loads(lines[0])["severity"] == "alarm"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\n=1", "＝1"])
def test_no_cell_is_a_formula_to_a_spreadsheet(tmp_path: Path, text: str) -> None:
    write_events([event(worker_id=text, detail=text)], tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert tuple(row) == COLUMNS
    assert row["worker_id"] == row["detail"] == harmless(text)
    assert row["detail"].startswith("'") and as_it_was(row["detail"]) == text


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_what_drives_a_terminal_is_spelled(tmp_path: Path, ending: str) -> None:
    """F09: and half a surrogate pair doesn't break the export."""
    hostile = "\r\x1b[2J\x9b31m\x7f\u202e\u200b\ud800 é日本"
    write_events([event(worker_id=hostile, detail=hostile)], tmp_path / f"out.{ending}")
    text = (tmp_path / f"out.{ending}").read_text()
    assert text.replace("\n", "").isprintable() and "\\u202e" in text and "[2J" in text


def test_other_cells_are_as_they_are_lines_and_quotes_too(tmp_path: Path) -> None:
    write_events([event(worker_id=None, detail='a "b",\nc', acknowledged=True)], tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["worker_id"], row["detail"], row["acknowledged"], row["count"]) == ("", 'a "b",\nc', "yes", "1")


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("mine")
    with pytest.raises(ExportFailed, match="already exists"):
        write_events([event()], tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("out.txt", "End the name in"), ("no/out.csv", "There is no folder"), ("~nobody-here/out.csv", "no home folder")],
)
def test_a_path_that_cannot_be_written_is_said_to_be_so(tmp_path: Path, name: str, sentence: str) -> None:
    path = Path(name) if name.startswith("~") else tmp_path / name
    with pytest.raises(ExportFailed, match=sentence):
        write_events([event()], path)


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    def events():  # type: ignore[no-untyped-def]
        yield event()
        raise OSError(28, "No space left on device")

    with pytest.raises(ExportFailed, match="No space left"):
        write_events(events(), tmp_path / "out.csv")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "text",
    [
        "x;=1+1",
        "x; @SUM(A1)",
        "x|+1",
        "a\t-1",
        "a\n=1",
        'x;"=1+1"',
        'x;""=1',
        "=1;=2",
        "x;'=1",
        "'=1",
        " =1",
        "＝1;＋1",
    ],
)
def test_a_cell_is_not_a_formula_if_another_character_separates_cells(text: str) -> None:
    """F89: and reading it again returns what was written."""
    cell = harmless(text)
    for separator in ";|\t\n":
        for part in f"1,{cell}".split(separator):
            assert not part.strip('" ').startswith(("=", "+", "-", "@", "＝", "＋"))
    assert as_it_was(cell) == text


@pytest.mark.parametrize("text", ["a-b;c=d", "it's 'so'; fine", "2026-01-01;x", "", "'", ";';"])
def test_a_cell_without_a_formula_is_left_untouched(text: str) -> None:
    """F89."""
    assert harmless(text) == text == as_it_was(text)


def test_a_copy_is_refused_once_it_is_too_long_without_making_the_rest() -> None:
    made: list[int] = []

    def records() -> Iterable[dict[str, object]]:
        for number in range(10_000):
            made.append(number)
            yield {"id": "x" * 50}

    assert text_of(records(), ["id"], ".csv", 1_000) is None
    assert len(made) < 30
    assert (
        text_of(({"id": "x"} for _ in range(3)), ["id"], ".md", 1_000) == "| id |\n| --- |\n| `x` |\n| `x` |\n| `x` |\n"
    )


@pytest.mark.parametrize("hostile", ["a|b", "`", "``x``", "<b>", "![x](y)", "@all", "a\nb", "\x1b[2J", "\u202e"])
def test_markdown_keeps_foreign_text_in_its_cell_and_out_of_effect(hostile: str) -> None:
    text = text_of([{"id": hostile, "n": 1, "l": ["a", "b"], "no": None}], ["id", "n", "l", "no"], ".md", 1_000)
    assert text is not None and text.isascii()
    [row] = text.splitlines()[2:]
    assert row.startswith("| `") and row.endswith("` | 1 | `a, b` |  |")
    assert "\x1b" not in row and row.count("|") - row.count("\\|") == 5


def test_a_file_is_replaced_only_if_that_is_said_and_then_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("mine")
    with pytest.raises(AlreadyThere):
        write_records([{"id": 1}], ["id"], path)
    assert path.read_text() == "mine"

    def broken() -> Iterable[dict[str, object]]:
        yield {"id": 1}
        raise OSError(28, "No space left on device")

    with pytest.raises(ExportFailed, match="No space left"):
        write_records(broken(), ["id"], path, replaces=True)
    assert path.read_text() == "mine"
    assert write_records([{"id": 1}], ["id"], path, replaces=True) == 1
    assert path.read_text() == "id\n1\n"
    assert list(tmp_path.iterdir()) == [path]
