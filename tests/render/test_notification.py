"""The desktop notification's bytes, terminal by terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyhall_tui.alarms.alarm import Alarm, Condition
from pyhall_tui.render.notification import alarms_in_words, desktop_sequence
from tests.journal.makers import NOW


@pytest.mark.parametrize(
    ("environ", "sequence"),
    [
        ({"TERM_PROGRAM": "iTerm.app"}, "\x1b]9;PyHall: w is BANNED\x07"),
        ({"TERM": "xterm-kitty", "KITTY_WINDOW_ID": "1"}, "\x1b]9;PyHall: w is BANNED\x07"),
        ({"TERM_PROGRAM": "WezTerm"}, "\x1b]777;notify;PyHall;w is BANNED\x07"),
        ({"TERM_PROGRAM": "ghostty"}, "\x1b]777;notify;PyHall;w is BANNED\x07"),
        ({"TERM": "foot-extra"}, "\x1b]777;notify;PyHall;w is BANNED\x07"),
        ({"TERM": "rxvt-unicode-256color"}, "\x1b]777;notify;PyHall;w is BANNED\x07"),
        ({"TERM": "xterm-256color", "KONSOLE_VERSION": "230804"}, "\x1b]777;notify;PyHall;w is BANNED\x07"),
    ],
)
def test_a_known_terminal_gets_its_own_sequence(environ: dict[str, str], sequence: str) -> None:
    assert desktop_sequence("w is BANNED", environ) == sequence


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"TERM": "xterm-256color"},
        {"TERM_PROGRAM": "Apple_Terminal"},
        {"TERM": "linux"},
        {"TERM": "screen", "STY": "1.pts", "KITTY_WINDOW_ID": "1"},
        {"TERM": "tmux-256color", "TERM_PROGRAM": "tmux", "TMUX": "/tmp/x"},
    ],
)
def test_a_terminal_that_is_not_known_to_have_one_gets_nothing(environ: dict[str, str]) -> None:
    assert desktop_sequence("w is BANNED", environ) is None


def test_in_tmux_it_is_wrapped_to_be_handed_on() -> None:
    environ = {"TERM": "tmux-256color", "TERM_PROGRAM": "tmux", "TMUX": "/tmp/x", "KITTY_WINDOW_ID": "1"}
    assert desktop_sequence("w", environ) == "\x1bPtmux;\x1b\x1b]9;PyHall: w\x07\x1b\\"


@given(st.text(), st.sampled_from([{"TERM_PROGRAM": "iTerm.app"}, {"TERM_PROGRAM": "ghostty"}]))
def test_no_text_ends_the_sequence_early_or_adds_a_field(text: str, environ: dict[str, str]) -> None:
    """F09."""
    sequence = desktop_sequence(text, environ)
    assert sequence is not None
    inner = sequence.removeprefix("\x1b]").removesuffix("\x07")
    assert not any(ord(letter) < 0x20 or 0x7F <= ord(letter) < 0xA0 for letter in inner)
    assert inner.count(";") == (1 if inner.startswith("9;") else 3)


def alarm(condition: Condition, subject: str) -> Alarm:
    return Alarm(id="a", condition=condition, subject=subject, first_at=NOW, fired_at=NOW, source="verify")


def test_many_alarms_are_one_sentence() -> None:
    bans = [alarm(Condition.BANNED, f"w{number}") for number in range(5)]
    assert alarms_in_words(bans) == "5 workers are BANNED: w0, w1, w2 and 2 more"
    assert alarms_in_words(bans[:1]) == "w0 is BANNED (verify)"
    lost = alarm(Condition.REGISTRY_LOST, "")
    assert alarms_in_words([bans[0], lost]) == "2 alarms: w0, registry lost"
    assert alarms_in_words([lost]) == "The registry is lost"
