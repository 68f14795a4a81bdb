"""A secret is found in every form in which it may be drawn, and a thousand take as long as one."""

import base64
import html
import json
from typing import Any

import pytest

from pyhall_tui.logs.masking import forget_secret, mask, register_secret
from pyhall_tui.logs.secret_text import Secrets

KEY = "phk_live_5ecret0fTheHouseOfMany"


def escaped(text: str, form: str) -> str:
    return "".join(form.format(each, code=ord(each)) for each in text)


FORMS = {
    "JSON": escaped(KEY, "\\u{code:04x}"),
    "JSON, in capitals": escaped(KEY, "\\u{code:04X}"),
    "JSON, the first one": "\\u0070" + KEY[1:],
    "JSON, every other": "".join(each if at % 2 else f"\\u{ord(each):04x}" for at, each in enumerate(KEY)),
    "JSON in JSON": json.dumps(escaped(KEY, "\\u{code:04x}"))[1:-1],
    "JSON thrice": json.dumps(json.dumps(escaped(KEY, "\\u{code:04x}")))[1:-1],
    "Python": escaped(KEY, "\\x{code:02x}"),
    "Python, long": escaped(KEY, "\\U{code:08x}"),
    "JavaScript": escaped(KEY, "\\u{{{code:x}}}"),
    "octal": escaped(KEY, "\\{code:03o}"),
    "HTML, decimal": escaped(KEY, "&#{code};"),
    "HTML, padded": escaped(KEY, "&#{code:05d};"),
    "HTML, hexadecimal": escaped(KEY, "&#x{code:X};"),
    "HTML twice": html.escape(escaped(KEY, "&#{code};")),
    "HTML by name": KEY.replace("_", "&lowbar;"),
    "percent": escaped(KEY, "%{code:02x}"),
    "percent twice": escaped(KEY, "%25{code:02x}"),
    "percent thrice": escaped(KEY, "%2525{code:02X}"),
    "HTML in JSON": escaped(KEY, "\\u0026#{code};"),
    "percent in HTML": escaped(KEY, "&#37;{code:02x}"),
    "unseen between": "\u200b".join(KEY),
    "selectors between": "\ufe0f".join(KEY),
    "zeros between": "\0".join(KEY),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("around", ['{{"error": "bad {}!"}}', "<p>{}</p>", "key={}&page=2", "{}"])
def test_a_key_whose_characters_are_escaped_is_masked(form: str, around: str) -> None:
    """F109: however often it would be decoded before it is drawn."""
    register_secret(KEY)
    masked = mask(around.format(form))
    assert "••••" in masked and len(masked) < len(around) + 20
    assert not any(form[at : at + 12] in masked for at in range(len(form) - 11))


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_key_that_is_cut_within_its_escapes_is_masked(form: str) -> None:
    """F109."""
    secrets = Secrets(KEY)
    assert list(secrets.spans(form[: len(form) * 2 // 3])) and list(secrets.spans(form[len(form) // 3 :]))


def test_what_is_masked_in_json_leaves_it_json() -> None:
    """F109."""
    register_secret(KEY)
    for form in FORMS.values():
        body = json.dumps({"error": f"no {KEY}"}).replace(KEY, form.replace("\0", ""))
        try:
            json.loads(body)
        except ValueError:
            continue  # a form that JSON does not have
        assert "••••" in json.loads(mask(body))["error"]


@pytest.mark.parametrize("text", ["100% of \\ and & are {no} \\u00e9 secrets", "a\\/b &amp; c %20 d", "\\ud83d\\ude00"])
def test_other_escapes_are_left_as_they_are(text: str) -> None:
    register_secret(KEY)
    assert mask(text) == text


class Counted(dict[str, int]):
    """A table that counts its lookups."""

    looked = 0

    def __contains__(self, key: object) -> bool:
        self.looked += 1
        return super().__contains__(key)


def looks(secrets: Secrets, text: str) -> int:
    """Return the number of lookups for searching a text."""
    tables: list[tuple[Any, Any, Counted]] = []
    secrets._sparse = sparse = Counted(secrets._sparse)
    for holder in (secrets._pieces, secrets._words):
        for size in holder:
            holder[size] = counted = Counted(holder[size])
            tables.append((holder, size, counted))
    assert not list(secrets.spans(text))
    return sparse.looked + sum(counted.looked for _, _, counted in tables)


def test_a_thousand_secrets_cost_what_one_costs() -> None:
    """The log's cost, counted rather than timed, because time depends on the machine."""
    line = "2026-11-26T04:00:00.000Z WARNING pyhall_tui.registry req-1 GET /api/v1/verify/wkr_1 -> 200 41 ms " * 20
    one = Secrets("k" + base64.b64encode(b"0" * 30).decode())
    many = Secrets(*(f"secret-{number:06d}-of-many" for number in range(1_000)))
    assert 0 < looks(many, line) <= looks(one, line) <= len(line)


def test_a_forgotten_secret_leaves_nothing_behind() -> None:
    secrets = Secrets()
    for key in (KEY, "s3cr", "abcdefg", "x"):
        secrets.add(key)
        secrets.add(key)
        secrets.discard(key)
        assert len(secrets) == 1
        secrets.discard(key)
        secrets.discard(key)
        assert not any(vars(secrets).values()), vars(secrets)


def test_what_two_secrets_share_stays_masked_until_both_are_forgotten() -> None:
    first, second = f"{KEY}-first", f"{KEY}-second"
    for secret in (first, second):
        register_secret(secret)
    forget_secret(first)
    assert KEY[9:] not in mask(f"it is {second}") and KEY[9:] not in mask(f"it was {first}")
    forget_secret(second)
    assert mask("5ecret0fTheHouseOfMany") == "5ecret0fTheHouseOfMany"


@pytest.mark.parametrize("form", [KEY, FORMS["JSON"], FORMS["HTML, decimal"], base64.b64encode(KEY.encode()).decode()])
def test_no_cut_leaves_half_a_secret(form: str) -> None:
    """It is cut before it is masked, never in the middle of a secret."""
    register_secret(KEY)
    text = f"before {form} after " + "x" * 5_000
    for most in range(len("before ") + len(form) + 3):
        shown = text[:most] if most <= len("before ") else "before ••••••••"
        assert mask(text, most).startswith(shown) and len(mask(text, most)) <= len(shown) + 6, most


@pytest.mark.parametrize("text", ["Authorization: Bearer SECRETSECRET", "http://user:SECRETSECRET@proxy.example:80/"])
def test_no_cut_leaves_half_of_what_looks_like_a_secret(text: str) -> None:
    for most in range(len(text)):
        assert "SEC" not in mask(text, most)


def test_only_what_is_kept_is_looked_at() -> None:
    """A text of a hundred megabytes takes as long as its beginning."""

    class Endless(str):
        def lower(self) -> str:
            raise AssertionError("the whole text was looked at")

    assert mask(Endless("x" * 10_000), 100) == "x" * 100
