"""The checks of an enrollment, one per field: each returns the sentence to show, or an empty one."""

import re
import unicodedata
from collections.abc import Iterable

from pyhall_tui.registry.models import plain_sha256

NAMESPACE, DISPLAY_NAME, CAPABILITIES, SHA256 = "namespace", "display_name", "capabilities", "sha256"
"""The fields of the contract's enrollment, in its order."""
LONGEST = 300
"""Characters that a name may have here. A registry's own limit is not documented; a pasted file is a mistake."""
MOST = 200
"""Capabilities that one worker may have here, for the same reason."""
HASH_OF_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

_HEX = re.compile(r"[0-9a-fA-F]+")
_UNSPEAKABLE = ("Cc", "Cs", "Zl", "Zp")
"""Unicode's categories of control characters, surrogates, line and paragraph separators."""
_BETWEEN = re.compile(r"[\s,;]+")
_PLACEHOLDERS = {"pending_attestation", "unverified", "pending", "none", "null", "unknown"}


def check_display_name(text: str) -> str:
    """Check the name that people read. Any character is allowed except control characters."""
    if not text.strip():
        return "Give the worker a name that people will recognize."
    if any(unicodedata.category(letter) in _UNSPEAKABLE for letter in text):
        return "The name contains a control character or a line break: type it again."
    return _too_long(text.strip(), "name")


def check_capability(text: str) -> str:
    """Check one capability. Those in the documentation have no prefix, so none is required."""
    if not text.strip():
        return "Type a capability, such as llm.text.generate."
    if any(letter.isspace() or not letter.isprintable() for letter in text.strip()):
        return "A capability has no spaces in it; separate two with a comma."
    return _too_long(text.strip(), "capability")


def check_capabilities(capabilities: Iterable[str], *, typed: bool = True) -> str:
    """Check all of them together. `typed`: typed in the form, rather than read from a batch."""
    listed = list(capabilities)
    if not listed:
        return "Add at least one capability: type it and press enter." if typed else "It names no capability."
    if len(listed) > MOST:
        return f"{len(listed)} capabilities are more than {MOST}: is this really one worker?"
    return next((f"{one}: {mistake}" for one in listed if (mistake := check_capability(one))), "")


def check_sha256(text: str, *, typed: bool = True, key: str = "ctrl+o") -> str:
    """Check a package hash: 64 hex digits in either case, with or without `sha256:` in front.

    `typed`: typed in the form, where `key` computes it, rather than read from a batch, where a package can be named.
    """
    given, how = text.strip(), f"press {key} to compute it" if typed else "or name its folder as package"
    if not given:
        return f"Type the package hash, or {how}." if typed else f"It has no sha256: give it, {how}."
    if plain_sha256(given):
        return ""
    if given.lower() in _PLACEHOLDERS:
        return f"{given} is a placeholder, not a hash: give the package's, {how}."
    bare = given.lower().removeprefix("sha256:")
    if _HEX.fullmatch(bare):
        return f"A SHA-256 has 64 hex digits; these are {len(bare)}."
    if "/" in given or "\\" in given or given.startswith("~"):
        return f"This is a path, not a hash: {how}."
    wrong = next((letter for letter in bare if not _HEX.fullmatch(letter)), "")
    return f"A SHA-256 has only hex digits, 0-9 and a-f: {wrong!r} is not one."


def hint_of_sha256(text: str) -> str:
    """Return what is odd about a hash that can still be sent; empty if nothing is."""
    if plain_sha256(text) == HASH_OF_NOTHING:
        return "This is the hash of nothing: an empty package, or a folder that was not there."
    return ""


def check_all(display_name: str, capabilities: Iterable[str], sha256: str, *, typed: bool = True) -> dict[str, str]:
    """Return a sentence for each field that can't be sent as it is, by the field's name on the wire."""
    checked = {
        DISPLAY_NAME: check_display_name(display_name),
        CAPABILITIES: check_capabilities(capabilities, typed=typed),
        SHA256: check_sha256(sha256, typed=typed),
    }
    return {field: sentence for field, sentence in checked.items() if sentence}


def split_capabilities(text: str) -> list[str]:
    """Return the capabilities in a typed or pasted text: separated by spaces, commas, semicolons or line ends."""
    return list(dict.fromkeys(part for part in _BETWEEN.split(text) if part))


_NAMED = {
    NAMESPACE: re.compile(r"namespace", re.IGNORECASE),
    DISPLAY_NAME: re.compile(r"display[_\s-]?name|\bname\b", re.IGNORECASE),
    CAPABILITIES: re.compile(r"capabilit(?:y|ies)", re.IGNORECASE),
    SHA256: re.compile(r"sha-?256|\bhash\b|digest", re.IGNORECASE),
}


def field_named_in(error_text: str) -> str | None:
    """Return the first field that a registry's error text names, or None."""
    found = [(match.start(), field) for field, name in _NAMED.items() if (match := name.search(error_text))]
    return min(found)[1] if found else None


def _too_long(text: str, what: str) -> str:
    return f"That {what} has {len(text)} characters, more than {LONGEST}." if len(text) > LONGEST else ""
