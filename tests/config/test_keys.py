"""`[keys]`: which keys an action can be given, and what is said about the others."""

import string

import pytest
from textual.keys import Keys, _character_to_key

from pyhall_tui.config.config import read
from pyhall_tui.config.key_names import UnknownKey, key_of
from pyhall_tui.config.keys import in_force
from pyhall_tui.config.known import Known, KnownKey
from pyhall_tui.config.table import Mistake

SCREEN, APP = frozenset({"WorkersScreen"}), frozenset({"app"})
KNOWN = Known(
    keys={
        "app.quit": KnownKey(("q",), "Quit at once", APP),
        "app.quit_now": KnownKey(("ctrl+c",), "Quit from anywhere", APP, in_fields=True),
        "app.next": KnownKey(("tab",), "Next field", APP, in_fields=True),
        "ask.yes": KnownKey(("y",), "Yes", frozenset({"AskScreen"})),
        "table.open": KnownKey(("enter",), "Open the row", frozenset({"LineTable"}), SCREEN | APP),
        "worker.back": KnownKey(("escape", "backspace"), "Back to the table", frozenset({"WorkerScreen"}), APP),
        "workers.remove": KnownKey(("x", "delete"), "Take workers off the watch list", SCREEN, APP),
        "workers.sort": KnownKey(("s",), "Sort by the next column", SCREEN, APP),
    },
)


def keys_of(lines: str) -> dict[str, tuple[str, ...]]:
    config, mistakes = read(f"[keys]\n{lines}", KNOWN)
    assert mistakes == []
    return dict(config.keys)


def only_mistake(lines: str) -> Mistake:
    config, mistakes = read(f"[keys]\n{lines}", KNOWN)
    assert len(mistakes) == 1 and config.keys == {}
    return mistakes[0]


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("x", "x"),
        ("X", "X"),
        ("/", "slash"),
        ("slash", "slash"),
        ("?", "question_mark"),
        (" ", "space"),
        ("+", "plus"),
        ("ctrl++", "ctrl+plus"),
        ("é", "é"),
        ("F6", "f6"),
        ("Ctrl+S", "ctrl+s"),
        ("ctrl+S", "ctrl+s"),
        ("shift+a", "A"),
        ("shift+ctrl+left", "ctrl+shift+left"),
        ("PgUp".replace("Pg", "Page"), "pageup"),
        ("page_down", "pagedown"),
        ("alt+1", "alt+1"),
        ("return", "enter"),
    ],
)
def test_a_key_can_be_written_in_several_ways(written: str, key: str) -> None:
    assert key_of(written) == key


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("pageupp", "There is no key named pageupp. Did you mean pageup?"),
        ("", "There is no key named (nothing)."),
        ("hyper+x", "There is no key named hyper+x."),
        ("ctrl+ctrl+x", "There is no key named ctrl+ctrl+x."),
        ("ctrl+", "There is no key named ctrl+."),
        ("x,delete", 'x,delete is not a key. Several keys are a list: ["x", "delete"].'),
        ("ctrl+i", "A terminal can't tell ctrl+i from tab: choose another key."),
        ("Ctrl+M", "A terminal can't tell Ctrl+M from enter: choose another key."),
        ("ctrl+h", "A terminal can't tell ctrl+h from backspace: choose another key."),
        ("ctrl+[", "A terminal can't tell ctrl+[ from escape: choose another key."),
        ("shift+/", "shift+/: write the character that shift makes of it, such as ? for shift+/."),
        ("\x1b", "There is no key named ␛."),
    ],
)
def test_a_key_that_can_not_be_is_named(written: str, said: str) -> None:
    with pytest.raises(UnknownKey) as caught:
        key_of(written)
    assert str(caught.value) == said


def test_every_character_of_a_keyboard_has_the_apps_name() -> None:
    for character in string.ascii_letters + string.digits + string.punctuation:
        assert key_of(character) == _character_to_key(character)


def test_every_named_key_is_one_that_the_app_knows() -> None:
    named = {key.value for key in Keys}
    for name in ("up", "pageup", "insert", "delete", "home", "enter", "tab", "escape", "backspace", "f1", "f24"):
        assert key_of(name) in named


def test_ids_may_be_dotted_quoted_or_a_table() -> None:
    assert keys_of('workers.sort = "f6"') == {"workers.sort": ("f6",)}
    assert keys_of('"workers.sort" = "f6"') == {"workers.sort": ("f6",)}
    assert keys_of('[keys.workers]\nsort = "f6"') == {"workers.sort": ("f6",)}


def test_an_action_can_have_several_keys_or_none() -> None:
    assert keys_of('workers.sort = ["f6", "o", "f6"]') == {"workers.sort": ("f6", "o")}
    assert keys_of("workers.sort = []") == {"workers.sort": ()}


def test_two_actions_can_swap_their_keys() -> None:
    assert keys_of('workers.sort = "x"\nworkers.remove = "s"') == {"workers.sort": ("x",), "workers.remove": ("s",)}


def test_two_actions_on_one_key_keep_their_own_and_are_named() -> None:
    both = "workers.sort = 'o'\nworkers.remove = 'o'"
    assert only_mistake(both) == Mistake(
        3, 18, "o is also the key of workers.sort (Sort by the next column): both keep their own keys."
    )


@pytest.mark.parametrize(("key", "other"), [("q", "app.quit"), ("x", "workers.remove"), ("enter", "table.open")])
def test_the_default_key_of_another_action_that_works_there_is_taken(key: str, other: str) -> None:
    assert other in only_mistake(f"workers.sort = '{key}'").sentence


def test_an_action_that_loses_its_new_key_takes_its_own_back_from_others() -> None:
    """`x` was free only as long as workers.remove had another key."""
    config, mistakes = read("[keys]\nask.yes = 'o'\nworkers.remove = 'q'\nworkers.sort = 'x'", KNOWN)
    assert [one.line for one in mistakes] == [3, 4] and config.keys == {"ask.yes": ("o",)}


def test_actions_that_never_meet_can_share_a_key() -> None:
    assert keys_of("ask.yes = 'x'") == {"ask.yes": ("x",)}


@pytest.mark.parametrize("key", ["escape", "ctrl+c", "ctrl+q", "tab", "shift+tab"])
def test_the_keys_that_lead_out_can_not_be_given_to_another_action(key: str) -> None:
    assert only_mistake(f"workers.sort = '{key}'").sentence.startswith(f"{key} leads out of everything")


def test_the_keys_that_lead_out_can_not_be_taken_away() -> None:
    keys = keys_of("app.quit_now = 'f10'\nworker.back = []")
    assert in_force("app.quit_now", keys, KNOWN) == ("f10", "ctrl+c")
    assert in_force("worker.back", keys, KNOWN) == ("escape",)


def test_a_character_can_not_be_given_to_what_works_in_fields() -> None:
    assert only_mistake("app.next = 'n'").sentence == (
        "n is typed in fields, where this action works too: choose a key such as f6."
    )


@pytest.mark.parametrize("value", ["7", "true", '["x", 7]', "[[]]", "1979-05-27"])
def test_a_value_of_another_type_is_named(value: str) -> None:
    assert only_mistake(f"workers.sort = {value}") == Mistake(
        2, 16, "sort must be a text in quotes, or a list of them."
    )


def test_hostile_names_are_cut_and_cleaned() -> None:
    sentence = only_mistake(f'"\\u001b[2J{"x" * 5000}" = "o"').sentence
    assert "\x1b" not in sentence and len(sentence) < 200
