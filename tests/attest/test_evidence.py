"""Evidence logs: a whole chain, the first line that breaks one and how, and a truncated end."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyhall_tui.attest.evidence import Broken, ChainCheck, LogPosition, Tail, receipts, verify_log
from tests.examples import examples
from tests.packages.trees import DATA

SAMPLE = DATA / "evidence-chain.log"
Lines = list[dict[str, Any]]


def chained(*contents: dict[str, Any]) -> Lines:
    """Write the contract's chain independently, following the contract's text."""
    lines, last = [], "GENESIS"
    for receipt in contents:
        payload = json.dumps(receipt, sort_keys=True, separators=(",", ":"))
        entry = hashlib.sha256((last + payload).encode()).hexdigest()
        lines.append({"prev_hash": last, "entry_hash": entry, "receipt": receipt})
        last = entry
    return lines


def log_of(path: Path, lines: Lines) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def four(tmp_path: Path) -> Lines:
    return chained(*({"correlation_id": f"id-{number}", "status": "ok"} for number in range(4)))


def test_the_sample_is_whole_and_leaves_a_mark() -> None:
    check = verify_log(SAMPLE)
    assert (check.whole, check.entries, check.tail) == (True, 3, Tail.UNKNOWN)
    assert check.mark == LogPosition(3, "0e42ecbb8882f6cb730dff5b7132ae0e52a1eae0d0341435c3e825945cd59216")


def _changed(lines: Lines) -> Lines:
    lines[1]["receipt"]["status"] = "denied"
    return lines


def _rehashed(lines: Lines) -> Lines:
    lines[1] = chained({"status": "forged"})[0] | {"prev_hash": lines[0]["entry_hash"]}
    return lines


def _restarted(lines: Lines) -> Lines:
    return lines[:2] + chained({"status": "new"})


@pytest.mark.parametrize(
    ("harm", "line", "how"),
    [
        (_changed, 2, Broken.CHANGED),
        (_rehashed, 2, Broken.CHANGED),
        (lambda lines: lines[:1] + lines[2:], 2, Broken.GAP),
        (lambda lines: [lines[0], lines[2], lines[1], lines[3]], 2, Broken.GAP),
        (lambda lines: [lines[0], lines[0], *lines[1:]], 2, Broken.GAP),
        (_restarted, 3, Broken.GAP),
        (lambda lines: lines[1:], 1, Broken.NO_GENESIS),
        (lambda lines: [*lines[:3], {"receipt": {}}, lines[3]], 4, Broken.NOT_AN_ENTRY),
    ],
)
def test_the_first_line_that_breaks_the_chain_is_named_with_how(
    harm: Callable[[Lines], Lines], line: int, how: Broken, four: Lines, tmp_path: Path
) -> None:
    check = verify_log(log_of(tmp_path / "log", harm(four)))
    assert check.broken is not None
    assert (check.broken.line, check.broken.how, check.entries) == (line, how, line - 1)
    assert not check.whole


@settings(max_examples=examples(60))
@given(
    contents=st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=8), max_size=3), min_size=1, max_size=5),
    data=st.data(),
)
def test_a_changed_byte_anywhere_never_goes_unseen(
    contents: list[dict[str, str]], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A changed byte may leave the same JSON; then the chain is whole."""
    path = log_of(tmp_path_factory.mktemp("log") / "log", chained(*contents))
    before = path.read_bytes()
    assert verify_log(path).entries == len(contents)
    at = data.draw(st.integers(0, len(before) - 2))
    after = bytearray(before)
    after[at] = data.draw(st.integers(33, 126).filter(lambda byte: byte != before[at]))
    path.write_bytes(after)
    same = _parsed(after) == _parsed(before)
    assert verify_log(path).whole is same


def _parsed(data: bytes | bytearray) -> object:
    try:
        return [json.loads(line) for line in bytes(data).splitlines()]
    except ValueError:
        return None


def _check(path: Path, data: bytes, known: LogPosition | None = None) -> ChainCheck:
    path.write_bytes(data)
    return verify_log(path, known=known)


def test_an_incomplete_last_line_is_distinguished_from_a_broken_chain(tmp_path: Path) -> None:
    check = _check(tmp_path / "log", SAMPLE.read_bytes()[:-40])
    assert (check.broken, check.tail, check.entries, check.whole) == (None, Tail.TORN, 2, False)


def test_a_last_line_that_only_lacks_its_line_feed_is_whole(tmp_path: Path) -> None:
    assert _check(tmp_path / "log", SAMPLE.read_bytes().rstrip(b"\n")).whole


def test_lines_cut_from_the_end_are_seen_with_a_mark_and_only_then(tmp_path: Path) -> None:
    mark = verify_log(SAMPLE).mark
    cut = b"".join(SAMPLE.read_bytes().splitlines(keepends=True)[:2])
    assert _check(tmp_path / "log", cut).tail is Tail.UNKNOWN
    check = _check(tmp_path / "log", cut, mark)
    assert (check.tail, check.whole) == (Tail.CUT, False)


def test_a_log_that_grew_since_its_mark_is_whole(four: Lines, tmp_path: Path) -> None:
    mark = verify_log(log_of(tmp_path / "log", four[:2])).mark
    check = verify_log(log_of(tmp_path / "log", four), known=mark)
    assert (check.tail, check.entries, check.whole) == (Tail.AS_MARKED, 4, True)


def test_a_rewritten_chain_is_noticed_with_a_mark(four: Lines, tmp_path: Path) -> None:
    mark = verify_log(log_of(tmp_path / "log", four)).mark
    forged = chained(*({"correlation_id": f"id-{number}", "status": "forged"} for number in range(4)))
    check = verify_log(log_of(tmp_path / "log", forged), known=mark)
    assert (check.tail, check.whole) == (Tail.REWRITTEN, False)


def test_an_empty_log_is_whole(tmp_path: Path) -> None:
    assert _check(tmp_path / "log", b"").whole


@pytest.mark.parametrize(
    "line",
    [
        b"[]",
        b"\xff\xfe",
        b'{"prev_hash": "GENESIS", "entry_hash": 5, "receipt": {}}',
        b'{"prev_hash": "GENESIS", "entry_hash": "0", "receipt": {"a": 1, "a": 2}}',
        b'{"a": "' + b"x" * (5 << 20) + b'"}',
    ],
    ids=["no object", "not UTF-8", "a wrong type", "a name twice", "beyond the bound"],
)
def test_a_line_that_is_not_an_entry_is_named(line: bytes, tmp_path: Path) -> None:
    check = _check(tmp_path / "log", SAMPLE.read_bytes() + line + b"\n")
    assert check.broken is not None
    assert (check.broken.line, check.broken.how) == (4, Broken.NOT_AN_ENTRY)


def test_what_is_not_a_file_is_an_error_and_not_waited_on(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, tmp_path / "missing"):
        with pytest.raises(OSError):
            verify_log(path)


def test_a_check_can_be_stopped() -> None:
    with pytest.raises(InterruptedError):
        verify_log(SAMPLE, cancelled=lambda: True)


def test_receipts_are_listed_with_what_a_table_shows() -> None:
    first = next(receipts(SAMPLE))
    assert (first.line, first.status, first.capability, first.at) == (
        1,
        "ok",
        "cap.doc.summarize",
        "2026-03-14T06:00:00Z",
    )
    assert [receipt.status for receipt in receipts(SAMPLE)] == ["ok", "denied", "ok"]


def test_receipts_are_found_by_correlation_id(four: Lines, tmp_path: Path) -> None:
    four += chained({"correlation_id": "ünïq"}, {"correlation_id": "id-1", "note": "again"})
    log = log_of(tmp_path / "log", four)
    assert [receipt.line for receipt in receipts(log, correlation_id="id-1")] == [2, 6]
    assert [receipt.line for receipt in receipts(log, correlation_id="ünïq")] == [5]
    assert list(receipts(log, correlation_id="id")) == []


def test_receipts_of_a_broken_log_are_listed_anyway(four: Lines, tmp_path: Path) -> None:
    path = log_of(tmp_path / "log", four[1:])
    path.write_bytes(path.read_bytes() + b"garbage\n")
    assert len(list(receipts(path))) == 3
