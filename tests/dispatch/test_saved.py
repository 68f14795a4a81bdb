"""Saved requests in a file that a team keeps in git."""

from pathlib import Path

import pytest

from pyhall_tui.dispatch.form import DispatchForm
from pyhall_tui.dispatch.saved import SavedMistake, SavedRequests

FORM = DispatchForm(
    capability="mail.send", worker_id="wkr_1", risk_tier="high", correlation_id="x", context='{\n "a": 1\n}'
)


def test_a_request_comes_back_without_its_correlation_id(tmp_path: Path) -> None:
    saved = SavedRequests(tmp_path / "requests.toml")
    saved.save("mail, high", FORM)

    (name, form), *_ = saved.load().items()
    assert name == "mail, high"
    assert (form.capability, form.risk_tier, form.context) == ("mail.send", "high", FORM.context)
    assert form.correlation_id == ""


def test_what_is_not_known_here_survives_a_save(tmp_path: Path) -> None:
    path = tmp_path / "requests.toml"
    path.write_text('team = "blue"\n[requests.a]\ncapability = "c"\nowner = "eva"\n')
    saved = SavedRequests(path)
    saved.save("a", FORM)
    saved.save("b", FORM)

    assert 'team = "blue"' in path.read_text()
    assert 'owner = "eva"' in path.read_text()
    saved.delete("a")
    assert list(saved.load()) == ["b"]


@pytest.mark.parametrize("text", ["requests = 1", "[requests.a]\ncapability = 7\n", "no toml"])
def test_a_file_with_a_mistake_is_left_as_it_is(tmp_path: Path, text: str) -> None:
    path = tmp_path / "requests.toml"
    path.write_text(text)

    with pytest.raises(SavedMistake, match=str(path)):
        SavedRequests(path).load()
    assert path.read_text() == text
