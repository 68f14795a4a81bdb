"""Signed notes, as the transparency logs write them."""

import pytest

from pyhall_tui.hall.signed_note import NoteMistake, PublicKey, SigningKey, opened

SEED = bytes(range(32))
TEXT = "one\n\ntwo\n"


def test_a_note_of_the_reference_implementation_is_opened() -> None:
    """The example in the documentation of Go's package `note`."""
    key = PublicKey.read("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n")
    text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    signature = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    assert opened(f"{text}\n— PeterNeumann {signature}\n", key) == text


def test_what_was_signed_is_opened() -> None:
    key = SigningKey("hall.yourco.org", SEED)
    assert opened(key.sign(TEXT), PublicKey.read(str(key.public))) == TEXT


def test_a_signature_of_somebody_else_beside_it_is_passed_over() -> None:
    key, witness = SigningKey("hall", SEED), SigningKey("witness", SEED)
    note = key.sign(TEXT) + witness.sign(TEXT).rpartition("\n\n")[2]
    assert opened(note, key.public) == opened(note, witness.public) == TEXT


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda note: note.replace("two", "too"), "wrong"),
        (lambda note: note.replace("— hall", "— hell"), "not signed by hall"),
        (lambda note: note.removesuffix("\n"), "not a signed note"),
        (lambda note: "", "not a signed note"),
        (lambda note: note + "more\n", "not a signed note"),
        (lambda note: note.replace("— hall ", "— hall !"), "not a signed note"),
        (lambda note: note[: note.rindex("— hall ") + 15] + "\n", "wrong|base64|not signed"),
    ],
)
def test_a_changed_note_is_refused(change, why: str) -> None:
    key = SigningKey("hall", SEED)
    with pytest.raises(NoteMistake, match=why):
        opened(change(key.sign(TEXT)), key.public)


def test_a_key_of_the_same_name_is_not_the_key() -> None:
    with pytest.raises(NoteMistake, match="not signed"):
        opened(SigningKey("hall", SEED).sign(TEXT), SigningKey("hall", bytes(32)).public)


def test_a_key_is_read_back_and_not_shown() -> None:
    key = SigningKey("hall", SEED)
    again = SigningKey.read(key.text())
    assert again.public == key.public
    assert key.text().split("+")[-1].strip() not in repr(key) + str(key)


@pytest.mark.parametrize(
    "text",
    ["", "x", "PRIVATE+KEY+hall", "PRIVATE+KEY+hall+00000000+AQ==", "PRIVATE+KEY+hall+zz+!!", "PRIVATE+KEY+++"],
)
def test_what_is_not_a_key_is_refused(text: str) -> None:
    with pytest.raises(NoteMistake):
        SigningKey.read(text)


def test_a_damaged_key_is_refused_without_showing_it() -> None:
    key = SigningKey("hall", SEED)
    damaged = key.text().replace(key.public.number.hex(), "00000000")
    with pytest.raises(NoteMistake, match="damaged") as refused:
        SigningKey.read(damaged)
    assert damaged.split("+")[-1].strip() not in str(refused.value)
    with pytest.raises(NoteMistake, match="damaged"):
        PublicKey.read(str(key.public).replace(key.public.number.hex(), "00000000"))


def test_a_private_key_is_not_taken_for_a_public_one() -> None:
    with pytest.raises(NoteMistake, match="private"):
        PublicKey.read(SigningKey("hall", SEED).text())


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "x" * 300])
def test_a_name_that_would_break_the_format_is_refused(name: str) -> None:
    with pytest.raises(NoteMistake, match="name"):
        SigningKey(name, SEED)
