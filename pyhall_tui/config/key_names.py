"""The names of keys: as `config.toml` may write them, and as the app writes them (Textual's)."""

import string
import unicodedata
from difflib import get_close_matches
from typing import Final

from pyhall_tui.render.text import clean

_NAMED: Final = (
    *("up", "down", "left", "right", "home", "end", "pageup", "pagedown", "insert", "delete"),
    *("backspace", "enter", "tab", "escape", "space"),
    *(f"f{number}" for number in range(1, 25)),
)
_OTHER_NAMES: Final = {"esc": "escape", "return": "enter", "del": "delete", "ins": "insert", "bksp": "backspace"} | {
    f"page{sep}{way}": f"page{way}" for sep in "_- " for way in ("up", "down")
}
_SHORT: Final = {
    "solidus": "slash",
    "reverse_solidus": "backslash",
    "commercial_at": "at",
    "hyphen_minus": "minus",
    "plus_sign": "plus",
    "low_line": "underscore",
}
_SAME_AS: Final = {"ctrl+i": "tab", "ctrl+m": "enter", "ctrl+h": "backspace", "ctrl+left_square_bracket": "escape"}
"""What a terminal sends for these keys is the same as for another."""
_MODIFIERS: Final = ("alt", "ctrl", "shift")
"""In the order in which the app names them."""


class UnknownKey(ValueError):
    """There is no such key, or a terminal doesn't report it. `str()` is a sentence."""


def name_of_character(character: str) -> str:
    """Return the app's name of the key that types this character: `/` is `slash`."""
    if character == " " or character.isalnum():
        return "space" if character == " " else character
    name = unicodedata.name(character, "").lower().replace("-", "_").replace(" ", "_")
    return _SHORT.get(name, name)


_CHARACTERS: Final = {name_of_character(each): each for each in string.punctuation + " "}


def character_of(key: str) -> str | None:
    """Return the character that a key types; None if it types none, such as `f2` or `ctrl+s`."""
    return key if len(key) == 1 else _CHARACTERS.get(key)


def key_of(written: str) -> str:
    """Return the app's name of a key: `/` is `slash`, `Ctrl+S` is `ctrl+s`, `shift+a` is `A`.

    Raises:
        UnknownKey: there is no such key.
    """
    modifiers, name = _parts(written)
    if not name or len(set(modifiers)) < len(modifiers) or not set(modifiers) <= set(_MODIFIERS):
        raise UnknownKey(_sentence(written))
    base = _base(name, written)
    if len(base) == 1 and base.isalpha() and modifiers:
        if modifiers == ["shift"]:
            return base.upper()
        base = base.lower()
    elif "shift" in modifiers and character_of(base) is not None and base != "space":
        raise UnknownKey(f"{_shown(written)}: write the character that shift makes of it, such as ? for shift+/.")
    key = "+".join([*(each for each in _MODIFIERS if each in modifiers), base])
    if (same := _SAME_AS.get(key)) is not None:
        raise UnknownKey(f"A terminal can't tell {_shown(written)} from {same}: choose another key.")
    return key


def _parts(written: str) -> tuple[list[str], str]:
    """Return the modifiers and the rest. A `+` that stands by itself, or at the end as in `ctrl++`, is a key."""
    if len(written) == 1:
        return [], written
    text = written.strip()
    before, _, name = text[:-1].rpartition("+")
    return [each.strip().lower() for each in before.split("+")] if before else [], (name + text[-1:]).strip()


def _base(name: str, written: str) -> str:
    if len(name) == 1 and name.isprintable():
        return name_of_character(name)
    lower = _OTHER_NAMES.get(name.lower(), name.lower())
    if lower in _NAMED or lower in _CHARACTERS:
        return lower
    raise UnknownKey(_sentence(written))


def _sentence(written: str) -> str:
    if "," in written and len(written) > 1:
        return f'{_shown(written)} is not a key. Several keys are a list: ["x", "delete"].'
    *_, name = written.lower().split("+")
    like = next(iter(get_close_matches(name, (*_NAMED, *_CHARACTERS, *_OTHER_NAMES), n=1)), None)
    hint = f" Did you mean {_OTHER_NAMES.get(like, like)}?" if like and len(name) > 1 else ""
    return f"There is no key named {_shown(written)}.{hint}"


def _shown(written: str) -> str:
    return clean(written, 40).strip() or "(nothing)"
