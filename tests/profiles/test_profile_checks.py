"""What the profile form reports, and the normal form of a registry's URL."""

import pytest

from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.profile_checks import INSECURE, NO_ROOM, profile_from, validate_profile
from pyhall_tui.profiles.urls import is_insecure, is_loopback, normalise_url, origin, spellings

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


def test_the_ban_list_must_leave_room_to_verify() -> None:
    often = GOOD | {"ban_list_interval": "0.1", "requests_per_second": "10"}
    assert validate_profile(often) == {"ban_list_interval": NO_ROOM}
    assert validate_profile(often | {"requests_per_second": "11"}) == {}
    assert validate_profile(often | {"ban_list_interval": "0.2"}) == {}


@pytest.mark.parametrize(
    ("text", "url"),
    [
        (" https://API.PyHall.dev:443/ \n", "https://api.pyhall.dev"),
        ("http://localhost:80", "http://localhost"),
        ("HTTP://[0:0::1]:8765//", "http://[::1]:8765"),
        ("https://a.dev:8443/base/Path/", "https://a.dev:8443/base/Path"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://faß.example", "https://xn--fa-hia.example"),
        ("https://XN--BCHER-KVA.example.", "https://xn--bcher-kva.example"),
        ("https://ｂücher。example", "https://xn--bcher-kva.example"),
        ("https://а\u0440\u0440le.example", "https://xn--le-6kc8da.example"),
        ("https://api.pyhall.dev.:443", "https://api.pyhall.dev"),
        ("http://[::ffff:127.0.0.1]:1", "http://127.0.0.1:1"),
        ("http://[2001:DB8:0:0::1]", "http://[2001:db8::1]"),
        ("http://①②⑦.0.0.1", "http://127.0.0.1"),
    ],
)
def test_a_url_has_one_spelling(text: str, url: str) -> None:
    """F13: and names the host that a browser would go to."""
    assert normalise_url(text) == url
    assert normalise_url(url) == url
    assert url.startswith(origin(text))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("http://localhost:8765", "http://127.0.0.1:8765/", True),
        ("http://localhost:8765/x", "http://[::1]:8765/x", True),
        ("http://LOCALHOST.", "http://[::ffff:7f00:1]:80", True),
        ("https://bücher.example", "https://XN--BCHER-KVA.example:443", True),
        ("http://localhost:8765", "http://localhost:8766", False),
        ("http://localhost:8765", "https://localhost:8765", False),
        ("http://localhost:8765/x", "http://localhost:8765/X", False),
        ("http://localhost:8765", "http://127.0.0.2:8765", False),
        ("http://localhost:8765", "http://hall.localhost:8765", False),
        ("https://pyhall.example", "https://рyhall.example", False),
        ("https://a.example", "https://b.example", False),
    ],
)
def test_which_urls_are_one_registry(one: str, other: str, same: bool) -> None:
    """F13: for what must happen once in it. A key is bound to more: to the very name or address."""
    assert (spellings(one)[0] == spellings(other)[0]) is same
    assert same is bool(set(spellings(one)) & set(spellings(other)))
    assert normalise_url(one) in spellings(one)
    if "localhost" in one.lower() and "localhost" not in other.lower():
        assert origin(one) != origin(other)


def test_a_url_that_cannot_be_read_is_only_itself() -> None:
    assert spellings("nonsense") == ("nonsense",)


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
        "https://a\u200db.dev",
        "https://\u202edev.example",
        "https://☃.dev",
        "https://א\u0061.dev",
        "https://xn--zzzzzz999.é.dev",
        "https://é..",
        "http://127.1",
        "http://2130706433",
        "http://0x7f.0.0.1",
        "http://0177.0.0.1",
        "http://a.1",
        "http://1.2.3.4.5",
        "http://127.0.0.1..",
        "https://a_%41.dev",
        "https://-",
    ],
)
def test_what_is_not_a_base_url_gets_a_sentence(text: str) -> None:
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
        ("http://[::ffff:127.0.0.1]", True),
        ("http://localhost.", True),
        ("http://ｌocalhost", True),
        ("http://10.0.0.1", False),
    ],
)
def test_localhost_is_recognized_only_by_the_host(url: str, here: bool) -> None:
    assert is_loopback(url) is here
    assert is_insecure(url) is not here
    assert not is_insecure(url.replace("http:", "https:"))
