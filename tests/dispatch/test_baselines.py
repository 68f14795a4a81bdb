"""Baselines as files: what is written is read, differs in a line where policy differs, and is never half a file."""

from pathlib import Path

import pytest

from pyhall_tui.dispatch.baselines import Baseline, BaselineMistake, differences, path_of, read, write
from pyhall_tui.dispatch.matrix import Case, CellAnswer
from pyhall_tui.dispatch.result import Result

ALLOW, DENY, HOLD = (
    CellAnswer(Result.ALLOW),
    CellAnswer(Result.DENY, "POLICY_BLOCKED"),
    CellAnswer(Result.HOLD, "DENY_REQUIRES_HUMAN"),
)


def baseline(**answers: CellAnswer) -> Baseline:
    return Baseline("org.acme", {Case("llm.text.generate", "wkr_abc123", tier): a for tier, a in answers.items()})


def test_what_is_written_is_read(tmp_path: Path) -> None:
    made = baseline(low=ALLOW, high=HOLD, critical=DENY)
    write(tmp_path / "b.toml", made)

    assert read(tmp_path / "b.toml") == made


def test_one_changed_cell_is_one_changed_line(tmp_path: Path) -> None:
    write(tmp_path / "a.toml", baseline(low=ALLOW, high=HOLD))
    write(tmp_path / "b.toml", baseline(low=ALLOW, high=DENY))
    before, after = ((tmp_path / name).read_text().splitlines() for name in ("a.toml", "b.toml"))

    assert [(a, b) for a, b in zip(before, after, strict=True) if a != b] == [
        ('high = "hold DENY_REQUIRES_HUMAN"', 'high = "deny POLICY_BLOCKED"')
    ]


def test_names_with_dots_quotes_and_other_symbols_come_back(tmp_path: Path) -> None:
    case = Case('a "b"\\c.ü', "x.[y]#", "none")
    write(tmp_path / "b.toml", Baseline("org.acme", {case: ALLOW}))

    assert read(tmp_path / "b.toml").answers == {case: ALLOW}


def test_what_is_newly_allowed_comes_first_and_what_got_no_answer_last() -> None:
    before = baseline(low=ALLOW, medium=ALLOW, high=DENY, critical=DENY)
    now = baseline(low=DENY, medium=CellAnswer(Result.UNKNOWN), high=ALLOW, critical=DENY).answers

    found = differences(before, now)

    assert [one.case.risk_tier for one in found] == ["high", "low", "medium"]
    assert found[-1].after is None


@pytest.mark.parametrize(
    "text",
    [
        "version = 9",
        "not toml",
        'version = 1\nnamespace = "n"\n[cells.c.w]\nlow = "perhaps"\n',
        'version = 1\nnamespace = "n"\n[cells.c.w]\nextreme = "allow"\n',
        'version = 1\nnamespace = "n"\n[cells]\nc = 1\n',
    ],
)
def test_a_file_with_a_mistake_is_named_in_a_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "b.toml"
    path.write_text(text)

    with pytest.raises(BaselineMistake, match=str(path)):
        read(path)


def test_a_name_is_in_the_folder_and_a_path_is_used_as_given(tmp_path: Path) -> None:
    assert path_of("nightly", tmp_path) == tmp_path / "nightly.toml"
    assert path_of("policy/nightly.toml", tmp_path) == Path("policy/nightly.toml")
    with pytest.raises(BaselineMistake):
        path_of("a b", tmp_path)


@pytest.mark.parametrize("name", ["nul", "CON", "com1", "aux.nightly"])
def test_the_name_of_a_device_is_refused_on_each_system(name: str, tmp_path: Path) -> None:
    """Windows would take the file for the device; a shared folder is written by all systems."""
    with pytest.raises(BaselineMistake, match="device on Windows"):
        path_of(name, tmp_path)
    assert path_of(f"x{name}", tmp_path) == tmp_path / f"x{name}.toml"
