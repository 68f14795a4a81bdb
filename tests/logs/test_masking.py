"""Nothing that is a key, or looks like one, is in a stored text."""

import base64
import json
from urllib.parse import quote

import pytest

from pyhall_tui.logs.masking import mask, register_secret

KEY = "zq7/Rk+2mW=x9 Vb4-Lt8_Yc1~Nd6".replace(" ", "!")


@pytest.fixture(autouse=True)
def registered():
    register_secret(KEY)


@pytest.mark.parametrize(
    "form",
    [
        KEY,
        quote(KEY, safe=""),
        quote(KEY, safe="").lower(),
        json.dumps(KEY),
        repr(KEY),
        KEY.encode().hex(),
        base64.b64encode(KEY.encode()).decode(),
        base64.urlsafe_b64encode(KEY.encode()).decode(),
        base64.b64encode(f"a:{KEY}".encode()).decode(),
        base64.b64encode(f"us:{KEY}".encode()).decode(),
        KEY[:12],
        KEY[-12:],
        KEY[7:20],
        f"{KEY[:14]}…",
    ],
)
def test_a_registered_key_is_masked_in_every_form_and_cut(form):
    """F41."""
    masked = mask(f"before {form} after")
    assert masked.startswith("before ")
    assert masked.endswith(" after")
    assert "••••" in masked
    for start in range(len(form) - 8):
        assert form[start : start + 8] not in masked


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer SECRETSECRET",
        "authorization: Basic SECRETSECRET",
        "{'Authorization': 'Bearer SECRETSECRET'}",
        '{"authorization":"SECRETSECRET"}',
        "[(b'Authorization', b'Bearer SECRETSECRET'), (b'accept', b'*/*')]",
        "curl -H 'Authorization: Bearer SECRETSECRET' https://example.org",
        "got bearer SECRETSECRET",
        "x-api-key: SECRETSECRET",
        "GET /?api_key=SECRETSECRET&page=2",
        "phk_live_SECRETSECRET",
        "key=pyhall_SECRETSECRET",
        "http://user:SECRETSECRET@proxy.example.org:8080/",
    ],
)
def test_what_looks_like_a_key_is_masked_though_nobody_registered_it(text):
    masked = mask(text)
    assert "SECRET" not in masked
    assert "••••" in masked


@pytest.mark.parametrize(
    "text",
    [
        'File "/home/me/pyhall_tui/registry/client.py", line 3, in verify',
        "pyhall_tui.journal.writer",
        "pyhall_wcp.RegistryClient",
        "org.acme.worker-1 was banned at 12:30",
        "https://registry.example.org:8443/api/v1/verify/org.acme.w1",
        "a" * 64,
        "The API key was rejected: paste it again.",
    ],
)
def test_other_text_is_left_as_it_is(text):
    assert mask(text) == text


def test_a_short_key_is_masked_as_a_whole_word():
    register_secret("s3cr")
    assert mask("it is s3cr, not s3c") == "it is ••••••••, not s3c"


@pytest.mark.parametrize("key", ["a", "ab", "abc12"])
def test_a_short_key_hides_no_characters_of_other_words(key):
    """F41: it appears by chance in words, hashes and hex; the line around it stays readable."""
    register_secret(key)
    for text in (f"worker {key}x-{key}", key * 9, key.encode().hex() + "00", base64.b64encode(key.encode()).decode()):
        assert mask(text) == text
    assert "••••" in mask(f"Authorization: Bearer {key}")
