"""What a text must be to be sent as a key, and what is said about one that can't be."""

import pytest

from pyhall_tui.profiles.api_key import ApiKey, key_mistake
from pyhall_tui.profiles.keys import KeyState, KeyStore
from pyhall_tui.profiles.profile import Profile
from tests.clock import ManualClock
from tests.profiles.test_keys import FakeKeyring

ACME = Profile(name="acme-prod", namespace="org.acme", registry_url="https://api.pyhall.dev")
MISTAKES = [
    ("phk_live\u200b_abc", "Character 9 of the key is U+200B (zero width space)"),
    ("\n phk_live\u200b_abc", "Character 9 of the key is U+200B (zero width space)"),
    ("phk_live_\u202eabc", "Character 10 of the key is U+202E (right-to-left override)"),
    ("phk_live_abс", "Character 12 of the key is U+0441 (cyrillic small letter es)"),
    ("phk_live_a\x1bb", "Character 11 of the key is U+001B (control character)"),
    ("phk_live_a\x00b", "Character 11 of the key is U+0000 (control character)"),
    ("phk live_abc", "Character 4 of the key is U+0020 (space)"),
    ("phk\tlive_abc", "Character 4 of the key is U+0009 (control character)"),
    ("phk_live_\udcff", "Character 10 of the key is U+DCFF,"),
    ('"phk_live_abc"', "Character 1 of the key is U+0022 (quotation mark): paste the key without quotes."),
    ("phk_live_abc'", "Character 13 of the key is U+0027 (apostrophe): paste the key without quotes."),
    ("“phk_live_abc”", "Character 1 of the key is U+201C (left double quotation mark)"),
    ("phk_live_\nabc", "The key is broken into 2 lines, the first after character 9: paste it again as one line."),
    ("phk_live_\r\nabc\r\ndef", "The key is broken into 3 lines, the first after character 9"),
    ("phk_live_\u2028abc", "The key is broken into 2 lines, the first after character 9"),
    (" \u200b\n", "The key is empty"),
]


@pytest.mark.parametrize(("text", "said"), MISTAKES)
async def test_what_cannot_be_sent_is_named_by_place_and_code_point_wherever_the_key_comes_from(
    text: str, said: str
) -> None:
    """F70, F48: and never by its own text, which is secret."""
    sentence = key_mistake(text)
    assert sentence is not None and sentence.startswith(said)
    with pytest.raises(ValueError, match="key") as refused:
        ApiKey(text)
    assert str(refused.value) == sentence
    keyring = FakeKeyring()
    keyring.entries["acme-prod@https://api.pyhall.dev"] = text
    stored = await KeyStore(ManualClock(), find_keyring=lambda: keyring, environ={}).load(ACME)
    assert (stored.key, stored.state) == (None, KeyState.UNUSABLE)
    assert stored.sentence == f"What the OS keyring holds is not a key that can be sent: {sentence}"
    if text.strip():
        environ = {"PYHALL_API_KEY": text}
        named = await KeyStore(ManualClock(), find_keyring=lambda: keyring, environ=environ).load(ACME)
        assert (named.key, named.state) == (None, KeyState.UNUSABLE)
        if "empty" not in sentence:
            assert named.sentence == f"PYHALL_API_KEY is not a key that can be sent: {sentence}"
    assert "abc" not in sentence and "abc" not in stored.sentence


@pytest.mark.parametrize("text", ["phk_live_abc", "x", "a'b", 'a"b', "!~", "k" * 3_000, "\u200bphk_live_abc \n"])
def test_any_visible_ascii_is_a_key(text: str) -> None:
    """F70"""
    assert key_mistake(text) is None
