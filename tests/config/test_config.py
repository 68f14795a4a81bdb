"""Reading `config.toml`: what is wrong is named with its place, and the rest counts."""

import pytest

from pyhall_tui.config.config import Config, NotToml, read
from pyhall_tui.config.known import Known, KnownKey
from pyhall_tui.config.table import Mistake

KNOWN = Known(
    keys={
        "workers.remove": KnownKey(("x", "delete"), "Take workers off the watch list", frozenset({"WorkersScreen"})),
        "workers.sort": KnownKey(("s",), "Sort by the next column", frozenset({"WorkersScreen"})),
    },
    themes=("nord", "pyhall-dark"),
)


def mistakes(text: str) -> list[Mistake]:
    return read(text, KNOWN)[1]


def test_an_empty_file_changes_nothing() -> None:
    assert read("", KNOWN) == (Config(), [])


def test_an_unknown_section_is_named_with_its_place_and_the_rest_counts() -> None:
    config, found = read('\n[kyes]\na = 1\n\n[keys]\nworkers.sort = "g"\n', KNOWN)
    assert found == [Mistake(2, 1, "There is no section named kyes. Did you mean keys?")]
    assert config.keys == {"workers.sort": ("g",)}


def test_an_unknown_action_is_named_at_its_name() -> None:
    assert mistakes('[keys]\n  "worker.remove" = "g"\n') == [
        Mistake(2, 3, "There is no action named worker.remove. Did you mean workers.remove?")
    ]


def test_a_wrong_type_is_named_at_its_value() -> None:
    assert mistakes('[keys]\n"workers.sort" = 7\n') == [
        Mistake(2, 18, "workers.sort must be a text in quotes, or a list of them.")
    ]


@pytest.mark.parametrize("text", ["[keys", '[keys]\na = "', "a = " + "[" * 5_000])
def test_what_is_not_toml_is_a_sentence_with_a_place(text: str) -> None:
    with pytest.raises(NotToml) as caught:
        read(text, KNOWN)
    assert caught.value.mistake.line >= 1


def test_the_mouse_is_a_setting_of_the_terminal() -> None:
    config, mistakes = read("[terminal]\nmouse = false\n", Known())
    assert (config.terminal.mouse, mistakes) == (False, [])
    config, mistakes = read('[terminal]\nmouse = "no"\nmuose = true\n', Known())
    assert config.terminal.mouse
    assert len(mistakes) == 2 and "Did you mean mouse?" in mistakes[1].sentence
