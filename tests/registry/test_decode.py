"""Both shapes of an answer become one model, and the worse of two readings counts."""

import subprocess
import sys
from typing import Any

import msgspec
import pytest

from pyhall_tui.registry.decode import Decision, Unreadable, read_ban_list, read_object, read_struct, read_verdict
from pyhall_tui.registry.models import Outcome, Verdict

HASH = "ab" * 32
DOCUMENTED = {
    "worker_id": "w",
    "namespace": "org.yourco",
    "status": "active",
    "attested": True,
    "attest_sha256": HASH,
    "ban_status": "clean",
}
OLDER = {
    "worker_id": "w",
    "status": "active",
    "current_hash": HASH,
    "banned": False,
    "ban_reason": None,
    "attested_at": "2026-03-04T00:00:00Z",
    "ai_generated": False,
}


def verdict(base: dict[str, Any], **fields: Any) -> Verdict:
    return read_verdict("w", msgspec.json.encode(base | fields), "req-1")


@pytest.mark.parametrize("shape", [DOCUMENTED, OLDER, DOCUMENTED | OLDER])
def test_every_shape_reads_alike(shape: dict[str, Any]) -> None:
    told = verdict(shape, something_new={"a": [1]})
    assert (told.known, told.status, told.attested, told.sha256) == (True, "active", True, HASH)
    assert (told.banned, told.doubts, told.correlation_id) == (False, (), "req-1")


@pytest.mark.parametrize(
    ("base", "fields"),
    [
        (DOCUMENTED, {"ban_status": "banned"}),
        (DOCUMENTED, {"ban_status": "BANNED"}),
        (DOCUMENTED, {"banned": True}),
        (DOCUMENTED, {"status": "banned"}),
        (OLDER, {"banned": True}),
        (OLDER, {"status": "Banned"}),
        (OLDER, {"ban_status": "banned"}),
        (DOCUMENTED | OLDER, {"status": "unknown", "banned": True}),
    ],
)
def test_one_field_is_enough_for_a_ban(base: dict[str, Any], fields: dict[str, Any]) -> None:
    assert verdict(base, **fields).banned


@pytest.mark.parametrize(
    ("base", "fields", "word"),
    [
        (DOCUMENTED, {"ban_status": "under_review"}, "under_review"),
        (DOCUMENTED, {"ban_status": "CLEAN"}, "CLEAN"),
        (DOCUMENTED, {"ban_status": None}, "whether"),
        (OLDER, {"banned": None}, "whether"),
        (OLDER, {"ban_reason": "leaks"}, "reason"),
        (OLDER, {"status": "quarantined"}, "quarantined"),
        (OLDER, {"status": None}, "no status"),
        (DOCUMENTED, {"current_hash": "cd" * 32}, "disagree"),
    ],
)
def test_what_is_not_plainly_clean_is_in_doubt(base: dict[str, Any], fields: dict[str, Any], word: str) -> None:
    told = verdict(base, **fields)
    assert not told.banned and len(told.doubts) == 1 and word in told.doubts[0]


@pytest.mark.parametrize("given", ["a1b2c3...", "PENDING_ATTESTATION", "unverified", "", None])
def test_what_is_not_a_hash_is_never_attested(given: str | None) -> None:
    told = verdict(DOCUMENTED, attest_sha256=given)
    assert (told.attested, told.sha256, told.hash_text) == (False, None, given)


@pytest.mark.parametrize("given", [f"sha256:{HASH}", HASH.upper(), f"SHA256:{HASH.upper()}"])
def test_a_hash_is_compared_bare_and_in_lower_case(given: str) -> None:
    assert verdict(DOCUMENTED, attest_sha256=given, current_hash=HASH).sha256 == HASH


@pytest.mark.parametrize(
    ("base", "fields"),
    [(DOCUMENTED, {"attested": False}), (OLDER, {"attested": False}), (DOCUMENTED, {"current_hash": "cd" * 32})],
)
def test_a_hash_does_not_attest_if_another_field_says_no(base: dict[str, Any], fields: dict[str, Any]) -> None:
    assert not verdict(base, **fields).attested


def test_a_status_of_unknown_is_not_known() -> None:
    assert not verdict(OLDER, status="unknown", current_hash=None).known


def test_a_byte_order_mark_is_passed_over() -> None:
    told = read_verdict("w", b"\xef\xbb\xbf" + msgspec.json.encode(OLDER), "req-1")
    assert told.status == "active" and told.raw[:1] == b"{"


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ({"outcome": "allow"}, Outcome.ALLOW),
        ({"outcome": "allow", "denied": False, "deny_code": None, "supervisor_required": False}, Outcome.ALLOW),
        ({"outcome": "deny"}, Outcome.DENY),
        ({"outcome": "DENY"}, Outcome.DENY),
        ({"denied": True}, Outcome.DENY),
        ({"denied": True, "deny_reason_if_denied": {"code": "DENY_NO_MATCHING_RULE"}}, Outcome.DENY),
        ({"outcome": "allow", "deny_code": "POLICY_BLOCKED"}, Outcome.DENY),
        ({"outcome": "allow", "denied": True}, Outcome.DENY),
        ({"outcome": "STEWARD_HOLD"}, Outcome.HOLD),
        ({"outcome": "allow", "supervisor_required": True}, Outcome.HOLD),
        ({"outcome": "deny", "deny_code": "DENY_REQUIRES_HUMAN"}, Outcome.HOLD),
        ({"outcome": "deny", "deny_code": "DENY_REQUIRES_HUMAN_APPROVAL"}, Outcome.HOLD),
        ({"outcome": "ALLOW"}, Outcome.OTHER),
        ({"outcome": " allow"}, Outcome.OTHER),
        ({"outcome": "allowed"}, Outcome.OTHER),
        ({"outcome": "DISPATCH"}, Outcome.OTHER),
        ({"denied": False}, Outcome.OTHER),
        ({}, Outcome.OTHER),
    ],
)
def test_only_a_plain_allow_is_an_allow(answer: dict[str, Any], outcome: Outcome) -> None:
    assert read_struct(msgspec.json.encode(answer), Decision).read() is outcome


def test_a_local_halls_denial_brings_its_code_and_reason() -> None:
    given = {"denied": True, "deny_reason_if_denied": {"code": "DENY_POLICY_GATE", "message": "no"}}
    decision = read_struct(msgspec.json.encode(given), Decision)
    assert (decision.code, decision.why, decision.word) == ("DENY_POLICY_GATE", "no", "denied: true")


def test_a_reason_that_is_not_text_is_kept_as_json() -> None:
    """F08."""
    decision = read_struct(b'{"outcome":"deny","reason":{"flags":[true,false]}}', Decision)
    assert decision.why == '{"flags":[true,false]}'


def ban_list(*hashes: object, limit: int | None = 50_000) -> Any:
    body = [{"sha256": given, "reason": "r", "review_status": None} for given in hashes]
    return read_ban_list(msgspec.json.encode(body), limit, "req-1")


def test_bans_are_found_by_bare_hash_and_what_is_none_is_counted() -> None:
    told = ban_list(f"SHA256:{HASH.upper()}", "unverified", None)
    assert (told.entries.keys(), told.unreadable, told.truncated) == ({HASH}, 2, False)


@pytest.mark.parametrize(
    ("count", "limit", "cut"),
    [
        (500, 500, True),
        (499, 500, False),
        (500, 50_000, True),
        (501, 50_000, False),
        (1000, None, True),
        (100, 50_000, True),
        (0, None, False),
    ],
)
def test_a_ban_list_as_long_as_a_limit_is_perhaps_cut(count: int, limit: int | None, cut: bool) -> None:
    """F22: the requested limit, or the registry's own."""
    hashes = [f"{number:064x}" for number in range(count)]
    assert ban_list(*hashes, limit=limit).truncated is cut


@pytest.mark.parametrize(
    ("hashes", "count", "cut"), [([HASH], 1, False), ([HASH], 2, True), ([], 0, True), ([HASH], None, False)]
)
def test_a_local_halls_ban_list_clears_nobody_while_its_cache_is_empty(
    hashes: list[str], count: int | None, cut: bool
) -> None:
    body = msgspec.json.encode({"hashes": hashes, "count": count, "source": "local-cache"})
    told = read_ban_list(body, 500, "req-1")
    assert told.truncated is cut and list(told.entries) == hashes


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b'["x"]', b"null", b"[{}", b"[" * 100_000, b'[{"sha256":NaN}]'])
def test_what_is_not_a_ban_list_is_not_mistaken_for_an_empty_one(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read_ban_list(body, 500, "req-1")


@pytest.mark.parametrize(
    "odd",
    [
        b'{"sha256":"%s","reason":5,"reported_at":1700000000,"source":{},"review_status":[]}' % (b"cd" * 32),
        b'{"sha256":"%s","reason":"\\ud800 \\uDFFF"}' % (b"cd" * 32),
        b'"sha256:%s"' % (b"CD" * 32),
    ],
)
def test_an_odd_entry_bans_and_hides_none_beside_it(odd: bytes) -> None:
    """F22"""
    entries = read_ban_list(b'[%s,{"sha256":"%s"}]' % (odd, b"ef" * 32), 50_000, "").entries
    assert entries.keys() == {"cd" * 32, "ef" * 32}


@pytest.mark.parametrize("odd", [b"null", b"5", b"true", b"[]", b"{}", b'{"sha256":{}}'])
def test_an_entry_that_is_not_a_ban_is_counted_and_hides_none_beside_it(odd: bytes) -> None:
    """F22"""
    told = read_ban_list(b'[%s,{"sha256":"%s"}]' % (odd, b"ef" * 32), 50_000, "")
    assert (len(told.entries), told.unreadable) == (1, 1)


@pytest.mark.parametrize("hint", [{"next": "/page/2"}, {"has_more": True}, {"count": 2}, {"count": 2.0}])
def test_a_ban_list_that_says_there_is_more_is_cut(hint: dict[str, Any]) -> None:
    """F22"""
    assert read_ban_list(msgspec.json.encode({"hashes": [HASH]} | hint), 50_000, "").truncated


def test_what_decides_nothing_may_be_of_any_type_and_hides_no_ban() -> None:
    """F17"""
    odd = {"ban_reason": {"code": 1}, "namespace": 5, "display_name": ["a"], "attested_at": 17, "capabilities": "c"}
    told = verdict(DOCUMENTED, banned=True, **odd)
    assert (told.banned, told.ban_reason, told.display_name, told.capabilities) == (True, '{"code":1}', '["a"]', ("c",))


def test_half_of_a_surrogate_pair_is_shown_as_unreadable_and_nothing_else_changes() -> None:
    """F09"""
    told = read_object(rb'{"name": "\ud83d\ude00 \ud800 \\ud800 \uDC00"}')
    assert told["name"] == "\N{GRINNING FACE} \ufffd \\ud800 \ufffd"


def test_models_and_errors_come_without_httpx() -> None:
    code = (
        "import sys, pyhall_tui.registry, pyhall_tui.registry.models, pyhall_tui.registry.errors,"
        " pyhall_tui.registry.correlation, pyhall_tui.registry.decode, pyhall_tui.registry.origin;"
        " print([name for name in ('httpx', 'truststore') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
