"""Desktop notifications by the terminal's own escape sequence, if the terminal is known to have one.

They work over ssh too, because the terminal makes them. An unknown terminal gets nothing.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from pyhall_tui.alarms.alarm import Alarm, Condition
from pyhall_tui.render.alarm import of_profile, sentence
from pyhall_tui.render.text import clean

_TITLE = "PyHall"
_MOST_LETTERS = 200
_NAMED = 3

# iTerm2 invented `OSC 9 ; text`; kitty reads it too. urxvt invented `OSC 777 ; notify ; title ; text`.
_BY_PROGRAM = {"iTerm.app": 9, "WezTerm": 777, "ghostty": 777, "WarpTerminal": 777, "rio": 777}
_BY_VARIABLE = {  # these survive tmux, which puts its own name into TERM and TERM_PROGRAM
    "KITTY_WINDOW_ID": 9,
    "ITERM_SESSION_ID": 9,
    "WEZTERM_PANE": 777,
    "GHOSTTY_RESOURCES_DIR": 777,
    "KONSOLE_VERSION": 777,
    "WT_SESSION": 777,
}
_BY_TERM = {"xterm-kitty": 9, "xterm-ghostty": 777, "foot": 777, "rxvt-unicode": 777, "contour": 777, "wezterm": 777}


def alarms_in_words(alarms: Sequence[Alarm], profiles: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return one sentence for one or many alarms.

    `profiles` names the profile by the alarm's id, for those of profiles that are not on the screen.
    """
    if len(alarms) == 1:
        return sentence(alarms[0], profiles.get(alarms[0].id, ""))
    names = [
        of_profile(clean(alarm.subject or alarm.condition), profiles.get(alarm.id, "")) for alarm in alarms[:_NAMED]
    ]
    more = f" and {len(alarms) - _NAMED} more" if len(alarms) > _NAMED else ""
    are_bans = all(alarm.condition is Condition.BANNED for alarm in alarms)
    said = "workers are BANNED" if are_bans else "alarms"
    return f"{len(alarms)} {said}: {', '.join(names)}{more}"


def desktop_sequence(text: str, environ: Mapping[str, str]) -> str | None:
    """Return what to write to the terminal for a notification of `text`; None if it is not known to support that.

    No character of the text can end the sequence early or start another field. In tmux it is wrapped so that tmux
    passes it on (if its `allow-passthrough` is on).
    """
    number = _osc(environ)
    if number is None or "STY" in environ:  # GNU screen doesn't pass on anything that long
        return None
    harmless = clean(text, _MOST_LETTERS).replace(";", ",")
    # The title comes first: "4;…" at the beginning of OSC 9 would be a progress bar to some.
    body = f"9;{_TITLE}: {harmless}" if number == 9 else f"777;notify;{_TITLE};{harmless}"
    sequence = f"\x1b]{body}\x07"
    if environ.get("TMUX"):
        return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    return sequence


def _osc(environ: Mapping[str, str]) -> int | None:
    """Return the number of the sequence that this terminal supports; tmux around it is ignored."""
    if number := _BY_PROGRAM.get(environ.get("TERM_PROGRAM", "")):
        return number
    if environ.get("LC_TERMINAL") == "iTerm2":
        return 9
    term = environ.get("TERM", "")
    for prefix, number in _BY_TERM.items():
        if term == prefix or term.startswith(f"{prefix}-"):
            return number
    return next((number for name, number in _BY_VARIABLE.items() if environ.get(name)), None)
