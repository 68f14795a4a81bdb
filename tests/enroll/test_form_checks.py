"""What an enrollment's fields may contain, and the sentence if they may not."""

import pytest

from pyhall_tui.enroll.form_checks import (
    HASH_OF_NOTHING,
    check_all,
    check_capabilities,
    check_capability,
    check_display_name,
    check_sha256,
    field_named_in,
    hint_of_sha256,
    split_capabilities,
)

HASH = "a1b2c3" + "0" * 58


@pytest.mark.parametrize("name", ["My Worker", "Übersetzer", "要約", "[/x] {a}", "👩‍💻 ⚠️"])
def test_any_script_and_symbol_is_a_name(name: str) -> None:
    assert check_display_name(name) == ""


@pytest.mark.parametrize("name", ["", "   ", "two\nlines", "red\x1b[31m", "x" * 301])
def test_a_name_that_is_empty_or_drives_the_terminal_is_refused(name: str) -> None:
    assert check_display_name(name).endswith(".")


def test_capabilities_need_no_prefix_of_the_taxonomy() -> None:
    assert check_capabilities(["llm.text.generate", "cap.doc.summarize", "mail"]) == ""


def test_at_least_one_capability_is_required() -> None:
    assert check_capabilities([]) == "Add at least one capability: type it and press enter."


def test_a_space_in_a_capability_is_reported() -> None:
    assert check_capability("llm text") == "A capability has no spaces in it; separate two with a comma."


def test_pasted_capabilities_are_split_at_spaces_commas_and_lines() -> None:
    """F33: three on three lines, with CRLF, an empty line and a trailing comma."""
    assert split_capabilities("mail.send\r\n\r\nmail.read, llm.text.generate,\r\n") == [
        "mail.send",
        "mail.read",
        "llm.text.generate",
    ]


@pytest.mark.parametrize("text", [HASH, HASH.upper(), f"sha256:{HASH}", f"  {HASH}\n"])
def test_a_hash_is_taken_in_either_case_and_with_its_prefix(text: str) -> None:
    assert check_sha256(text) == ""


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Type the package hash, or press ctrl+o to compute it."),
        (HASH[:-1], "A SHA-256 has 64 hex digits; these are 63."),
        ("PENDING_ATTESTATION", "is a placeholder"),
        ("a1b2c3...", "only hex digits"),
        ("~/worker", "This is a path"),
        ("g" * 64, "'g' is not one"),
    ],
)
def test_what_is_not_a_hash_is_reported_by_what_it_is(text: str, sentence: str) -> None:
    assert sentence in check_sha256(text)


def test_the_hash_of_nothing_can_be_sent_and_is_pointed_out() -> None:
    assert check_sha256(HASH_OF_NOTHING) == ""
    assert "hash of nothing" in hint_of_sha256(HASH_OF_NOTHING)


def test_all_checks_that_are_left_come_in_the_order_of_the_form() -> None:
    assert list(check_all("", [], "")) == ["display_name", "capabilities", "sha256"]
    assert check_all("My Worker", ["mail.send"], HASH) == {}


@pytest.mark.parametrize(
    ("error_text", "field"),
    [
        ("missing field: display_name", "display_name"),
        ("invalid field: sha256: expected 64 hex digits", "sha256"),
        ("invalid field: capabilities[0]: expected `str`", "capabilities"),
        ("Display name is required", "display_name"),
        ("the package hash is on the ban list", "sha256"),
        ("unknown capability x.y", "capabilities"),
        ("namespace name is malformed", "namespace"),
        ("something else", None),
        ("", None),
    ],
)
def test_an_error_text_names_a_field(error_text: str, field: str | None) -> None:
    assert field_named_in(error_text) == field
