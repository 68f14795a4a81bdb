"""A file of checkpoints, as a crash or a full disk leaves it."""

import pytest

from pyhall_tui.hall.checkpoints import Checkpoint
from pyhall_tui.hall.kept_checkpoints import read_kept, separator
from pyhall_tui.hall.signed_note import NoteMistake, SigningKey

KEY = SigningKey("hall.yourco.org", bytes(32))


def note(seq: int, key: SigningKey = KEY) -> bytes:
    return key.sign(Checkpoint(key.public.name, seq, "ab" * 32, f"2026-11-26T10:00:0{seq}Z").text()).encode()


def seqs(data: bytes) -> list[int]:
    return [each.seq for each in read_kept(data, KEY.public).checkpoints]


def appended(data: bytes, *notes: bytes) -> bytes:
    for each in notes:
        data += separator(data) + each
    return data


def test_notes_are_read_one_by_one() -> None:
    assert seqs(appended(b"", note(1), note(2), note(3))) == [1, 2, 3]
    assert read_kept(b"", KEY.public) == ([], 0)


def test_a_note_that_was_cut_anywhere_is_passed_over_and_the_next_ones_are_read() -> None:
    for length in range(1, len(note(2)) - 1):
        cut = note(1) + note(2)[:length]
        assert read_kept(cut, KEY.public) == read_kept(note(1), KEY.public)._replace(unfinished=1), length
        whole = appended(cut, note(3), note(4))
        assert whole.startswith(cut)
        assert (seqs(whole), read_kept(whole, KEY.public).unfinished) == ([1, 3, 4], 1), length


def test_a_note_is_whole_without_its_last_line_end() -> None:
    cut = (note(1) + note(2))[:-1]
    assert read_kept(cut, KEY.public).unfinished == 0
    assert seqs(cut) == [1, 2]
    assert seqs(appended(cut, note(3))) == [1, 2, 3]


def test_several_cut_notes_are_passed_over() -> None:
    data = b""
    for length in (3, 20, 60, 130):
        data = appended(data, note(1)[:length])
    kept = read_kept(appended(data, note(2)), KEY.public)
    assert ([each.seq for each in kept.checkpoints], kept.unfinished) == ([2], 4)


def test_blocks_that_were_never_written_are_passed_over() -> None:
    cut = note(1) + note(2)[:30] + bytes(100)
    assert seqs(cut) == [1]
    assert seqs(appended(cut, note(3))) == [1, 3]
    assert seqs(appended(note(1) + bytes(4096), note(2))) == [1, 2]


def test_a_note_that_follows_a_cut_one_without_a_line_end_is_read() -> None:
    assert seqs(note(1) + note(2)[:30] + note(3)) == [1, 3]


@pytest.mark.parametrize(
    "data",
    [
        b"x",
        b"a\n\n\xe2\x80\x94 b c\n",
        b"\xff",
        b"root:x:0:0:root:/root:/bin/bash\n",
        note(1).replace(b"\n1\n", b"\n7\n"),
        note(1) + note(2).replace(b"\n2\n", b"\n7\n"),
        note(1).replace(b"hall.", b"hill."),
        note(1, SigningKey("hall.yourco.org", bytes(31) + b"1")),
        note(1) + b"\nx\n" + note(2),
        note(1) + b"hall.yourco.org\nseven\n",
        note(1)[:-20] + b"\nmore\n",
    ],
)
def test_what_is_not_a_note_of_this_key_is_an_error(data: bytes) -> None:
    with pytest.raises(NoteMistake):
        read_kept(data, KEY.public)
