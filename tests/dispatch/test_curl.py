"""A pasted curl line fills the form; what is left out is reported, and a key is never kept."""

import pytest

from pyhall_tui.dispatch.curl import NotADispatch, Pasted, looks_like_curl, read_curl
from pyhall_tui.dispatch.form import DispatchForm
from pyhall_tui.dispatch.snippets import snippets

URL = "https://api.pyhall.dev"
DOCUMENTED = """curl -X POST https://api.pyhall.dev/api/v1/dispatch \\
  -H "Authorization: Bearer phk_live_YOUR_KEY" -H "Content-Type: application/json" \\
  -d '{"namespace": "org.yourco", "capability": "llm.text.generate", "worker_id": "wkr_abc123"}'
"""


def pasted(line: str) -> Pasted:
    return read_curl(line, namespace="org.yourco", registry_url=URL)


def test_the_documented_line_fills_the_form_without_its_key() -> None:
    form, notes = pasted(DOCUMENTED)

    assert form == DispatchForm(capability="llm.text.generate", worker_id="wkr_abc123", risk_tier="none")
    assert notes == ("The key in it was left out: the profile's own is sent.",)
    assert "phk_live" not in repr(form) + "".join(notes)


def test_our_own_snippet_comes_back_as_it_was() -> None:
    form = DispatchForm(
        capability="llm.text.generate",
        worker_id="wkr_abc123",
        risk_tier="high",
        correlation_id="it's-1",
        context='{\n  "note": "it\'s \\"q\\" $HOME"\n}',
    )
    line = snippets(URL, form.request("org.yourco"))["curl"]

    assert pasted(line) == Pasted(form, ())


def test_an_address_that_is_spelled_differently_is_the_profiles_own() -> None:
    """F13"""
    form, notes = pasted(DOCUMENTED.replace("https://api.pyhall.dev", "https://API.PyHall.Dev.:443"))
    assert form.worker_id == "wkr_abc123" and len(notes) == 1


def test_what_is_not_of_this_profile_is_said() -> None:
    line = DOCUMENTED.replace("org.yourco", "org.other").replace("api.pyhall.dev", "localhost:8765")

    notes = " ".join(pasted(line).notes)

    assert "org.other" in notes
    assert "address" in notes


@pytest.mark.parametrize(
    "line", [DOCUMENTED.replace("\n", "\r\n"), "$ " + DOCUMENTED, DOCUMENTED.replace("-d ", "--data=")]
)
def test_other_ways_of_writing_it_are_read_too(line: str) -> None:
    assert looks_like_curl(line)
    assert pasted(line).form.worker_id == "wkr_abc123"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("curl https://api.pyhall.dev/api/v1/verify/wkr_abc123", "no body"),
        ("curl -d '[1]' https://api.pyhall.dev", "a list"),
        ("curl -d '{\"a\": 1}' https://api.pyhall.dev", "not a dispatch"),
        ("curl -d 'x", "cannot be read"),
    ],
)
def test_what_is_not_a_dispatch_is_a_sentence(line: str, said: str) -> None:
    with pytest.raises(NotADispatch, match=said):
        pasted(line)


@pytest.mark.parametrize(
    "line",
    [
        DOCUMENTED.replace('-H "Authorization: Bearer phk_live_YOUR_KEY"', "-H @key.txt"),
        DOCUMENTED.replace('-H "Authorization: Bearer phk_live_YOUR_KEY"', "--config key.curlrc"),
        "printf 'Authorization: Bearer %s' \"$PYHALL_API_KEY\" | "
        + DOCUMENTED.replace('"Authorization: Bearer phk_live_YOUR_KEY"', "@-"),
    ],
)
def test_a_line_that_takes_its_key_from_elsewhere_is_read_too(line: str) -> None:
    """F102."""
    assert looks_like_curl(line)
    assert (pasted(line).form.worker_id, pasted(line).notes) == ("wkr_abc123", ())
