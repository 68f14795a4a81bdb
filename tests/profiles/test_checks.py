"""What the profile form is told, and one spelling of a registry's URL."""

import pytest

from pyhall_tui.profiles.checks import INSECURE, profile_from, validate_profile
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.urls import is_insecure, is_loopback, normalise_url, origin

GOOD = {"name": "acme-prod", "namespace": "org.acme", "registry_url": "https://api.pyhall.dev"}


def test_a_form_that_is_right_is_a_profile_with_numbers_as_typed() -> None:
    fields = GOOD | {"poll_interval": "30", "requests_in_flight": "4", "bell": True, "registry_url": "HTTPS://A.dev/"}
    assert validate_profile(fields) == {}
    assert profile_from(fields) == Profile(
        name="acme-prod",
        namespace="org.acme",
        registry_url="https://a.dev",
        poll_interval=30.0,
        requests_in_flight=4,
        bell=True,
    )


def test_every_wrong_field_has_its_sentence_at_once() -> None:
    wrong = validate_profile({"name": "", "namespace": "acme", "timeout": "soon", "requests_per_second": "0"})
    assert sorted(wrong) == ["name", "namespace", "registry_url", "requests_per_second", "timeout"]
    assert all(sentence.endswith(".") for sentence in wrong.values())
    with pytest.raises(ValueError, match="needs a name"):
        profile_from({"namespace": "acme"})


@pytest.mark.parametrize(
    "fields",
    [
        {"namespace": "org.Acme"},
        {"namespace": "wrk.acme"},
        {"namespace": "org.-a"},
        {"namespace": "org.acme\n"},
        {"name": "a\tb"},
        {"name": " a"},
        {"name": "a" * 65},
        {"poll_interval": "86401"},
        {"poll_interval": "nan"},
        {"poll_interval": None},
        {"requests_in_flight": "1.5"},
        {"requests_in_flight": 257},
        {"correlation_prefix": "req \r\n"},
        {"registry_url": "api.pyhall.dev"},
    ],
)
def test_what_is_out_of_its_range_is_refused(fields: dict[str, object]) -> None:
    assert list(validate_profile(GOOD | fields)) == list(fields)


def test_plain_http_to_another_machine_needs_leave() -> None:
    remote = GOOD | {"registry_url": "http://hall.example"}
    assert validate_profile(remote) == {"registry_url": INSECURE}
    assert validate_profile(remote | {"allow_insecure": True}) == {}
    assert validate_profile(GOOD | {"registry_url": "http://127.0.0.1:8765"}) == {}


@pytest.mark.parametrize(
    ("text", "url"),
    [
        (" https://API.PyHall.dev:443/ \n", "https://api.pyhall.dev"),
        ("http://localhost:80", "http://localhost"),
        ("HTTP://[0:0::1]:8765//", "http://[::1]:8765"),
        ("https://a.dev:8443/base/Path/", "https://a.dev:8443/base/Path"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://faß.example", "https://xn--fa-hia.example"),
    ],
)
def test_a_url_has_one_spelling(text: str, url: str) -> None:
    """F13: and names the host that a browser would go to."""
    assert normalise_url(text) == url
    assert normalise_url(url) == url
    assert url.startswith(origin(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "api.pyhall.dev",
        "https:api.pyhall.dev",
        "https://",
        "https:///x",
        "file:///etc/passwd",
        "https://a b.dev",
        "https://a.dev\\@evil.example",
        "https://a.dev\x00",
        "https://user:pw@a.dev",
        "https://@a.dev",
        "https://a.dev:99999",
        "https://a.dev:x",
        "https://[::1",
        "https://[v1.x]",
        "https://[fe80::1%25eth0]",
        "https://a.dev?x=1",
        "https://a.dev/#x",
        "https://a.dev/../x",
        "https://a.dev/%2e%2E/x",
        "https://a.dev:0",
        "https://a..dev",
        f"https://{'a' * 64}.dev",
        f"https://{'a.' * 130}dev",
        "https://-é.dev",
        "https://a_%41.dev",
        "https://-",
    ],
)
def test_what_is_no_base_url_gets_a_sentence(text: str) -> None:
    """F13"""
    with pytest.raises(ValueError, match=r"^The (registry's )?URL.*\.\S*$"):
        normalise_url(text)


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://localhost:1", True),
        ("http://127.9.9.9", True),
        ("http://[::1]:8765/x", True),
        ("http://localhost.evil.example", False),
        ("http://127.0.0.1.evil.example", False),
        ("http://0.0.0.0", False),
        ("http://10.0.0.1", False),
    ],
)
def test_loopback_is_told_by_the_host_alone(url: str, here: bool) -> None:
    assert is_loopback(url) is here
    assert is_insecure(url) is not here
    assert not is_insecure(url.replace("http:", "https:"))
