"""Watch lists: shared, tolerant, fast, and how a paste is understood."""

from pathlib import Path

import msgspec
import pytest

from pyhall_tui.profiles.watch_list import WatchedWorker, WatchList, parse_worker_ids


@pytest.fixture
def watched(tmp_path: Path) -> WatchList:
    return WatchList(tmp_path, "acme-prod")


def ids(watch_list: WatchList) -> list[str]:
    return [worker.id for worker in watch_list.workers]


def test_a_paste_of_several_lines_gives_all_its_ids() -> None:
    """F33"""
    assert parse_worker_ids("wkr_a\r\n\r\n org.acme.mailer.prod-01 \r\nwkr_c,") == (
        ("wkr_a", "org.acme.mailer.prod-01", "wkr_c"),
        (),
    )


@pytest.mark.parametrize(
    "text",
    ["a,b;c", "a b\tc", "\"a\", 'b', `c`", '["a", "b", "c"]', "“a” «b» \ufeffc", ";a,\x0b,b\u2028c\u00a0", "a\rb\rc"],
)
def test_separators_and_quotes_are_not_part_of_an_id(text: str) -> None:
    assert parse_worker_ids(text) == (("a", "b", "c"), ())


@pytest.mark.parametrize(
    "text",
    [
        '{"workers": ["a", "b"]}',
        '[{"worker_id": "a", "status": "active"}, {"id": "b"}]',
        '{"worker_id": "a"}\r\n\r\n{"worker_id": "b"}',
        ' [\n "a",\n "b"\n]\n',
    ],
)
def test_json_is_read_for_the_ids_in_it(text: str) -> None:
    """F33"""
    assert parse_worker_ids(text) == (("a", "b"), ())


@pytest.mark.parametrize("text", ["[" * 100_000, "{", "[1, null]", '[{"name": 1}]', '["\udc80"]'])
def test_json_without_an_id_ends_nothing(text: str) -> None:
    """F33"""
    assert len(parse_worker_ids(text).ids) <= 1


def test_what_is_left_out_is_reported_with_its_reason() -> None:
    """F33"""
    parsed = parse_worker_ids(f"wkr_a wkr_a x\x1b[31m a\u202eb .. {'x' * 257} ü a/b ../x a?b")
    assert parsed.ids == ("wkr_a", "ü", "a/b", "../x", "a?b")
    assert parsed.left_out == (
        ("wkr_a", "appears twice"),
        ("x\x1b[31m", "contains a control character or an invisible one"),
        ("a\u202eb", "contains a control character or an invisible one"),
        ("..", "contains no letter and no digit"),
        ("x" * 257, "is longer than 256 characters"),
    )


def test_a_list_not_there_yet_is_empty_and_no_problem(watched: WatchList) -> None:
    assert watched.load() == ()
    assert watched.problem is None
    assert not watched.path.parent.exists()


def test_added_and_removed_workers_are_in_the_file_and_an_undo_brings_the_folder_back(watched: WatchList) -> None:
    assert watched.add(["wkr_a", "wkr_b", "wkr_a"]) == ("wkr_a", "wkr_b")
    assert watched.add(["wkr_b", "wkr_c"]) == ("wkr_c",)
    watched.set_folder("wkr_b", "/srv/b")
    removed = watched.remove(["wkr_b", "wkr_x"])
    assert removed == (WatchedWorker("wkr_b", "/srv/b"),)
    assert watched.path.read_text() == '{"id":"wkr_a"}\n{"id":"wkr_c"}\n'
    watched.restore(removed)
    assert ids(watched) == ["wkr_a", "wkr_c", "wkr_b"]
    again = WatchList(watched.path.parent.parent, "acme-prod")
    assert again.load() == watched.workers
    watched.set_folder("wkr_b", None)
    assert again.load()[2] == WatchedWorker("wkr_b")


def test_held_workers_are_watched_at_once_and_written_later(watched: WatchList) -> None:
    watched.hold(["wkr_a", "wkr_b"])
    assert ids(watched) == ["wkr_a", "wkr_b"] and not watched.path.exists()
    watched.load()
    assert ids(watched) == ["wkr_a", "wkr_b"] and watched.problem is None
    assert watched.has_unwritten
    watched.begin_saving()()()
    assert not watched.has_unwritten
    again = WatchList(watched.path.parent.parent, "acme-prod")
    again.load()
    assert ids(again) == ["wkr_a", "wkr_b"]


def test_what_is_not_an_id_is_not_added(watched: WatchList) -> None:
    with pytest.raises(ValueError, match="control character"):
        watched.add(["wkr_a", "wkr\n_b"])
    assert watched.load() == ()


def test_two_programs_changes_add_up(watched: WatchList, tmp_path: Path) -> None:
    watched.add(["wkr_a", "wkr_b"])
    other = WatchList(tmp_path, "acme-prod")
    other.load()
    other.add(["wkr_c"])
    other.set_folder("wkr_a", "/srv/a")
    watched.remove(["wkr_b"])
    watched.add(["wkr_a", "wkr_d"])
    assert watched.workers == other.load()
    assert ids(watched) == ["wkr_a", "wkr_c", "wkr_d"]
    assert watched.workers[0].folder == "/srv/a"


def test_damaged_lines_are_reported_and_kept_and_so_are_unknown_fields(watched: WatchList) -> None:
    damaged = ['{"id": "wkr_b', '{"id": 3}', "\x00\x00", '{"id": "a\\u001bb"}', '{"id": "z", "x": ' + "[" * 5000]
    watched.path.parent.mkdir()
    watched.path.write_text("\n".join(['{"id": "wkr_a", "note": "later"}\r', "", *damaged, '{"id": "wkr_c"}']))
    watched.load()
    assert ids(watched) == ["wkr_a", "wkr_c"]
    assert watched.problem is not None and watched.problem.startswith("5 lines of the watch list ")
    watched.set_folder("wkr_a", "/srv/a")
    lines = watched.path.read_text().splitlines()
    assert msgspec.json.decode(lines[0]) == {"id": "wkr_a", "note": "later", "folder": "/srv/a"}
    assert lines[2:] == damaged


def test_a_folder_that_cannot_be_written_leaves_the_list_in_memory_until_it_can(tmp_path: Path) -> None:
    """F37"""
    in_the_way = tmp_path / "data"
    in_the_way.write_text("no folder")
    watched = WatchList(in_the_way, "acme-prod")
    watched.load()
    watched.add(["wkr_a", "wkr_b"])
    assert watched.problem is not None
    assert "changes are lost when the program ends" in watched.problem and str(watched.path) in watched.problem
    watched.set_folder("wkr_a", "/srv/a")
    watched.remove(["wkr_b"])
    assert watched.load() == (WatchedWorker("wkr_a", "/srv/a"),)

    in_the_way.unlink()
    watched.add(["wkr_c"])
    assert watched.problem is None
    assert WatchList(in_the_way, "acme-prod").load() == watched.workers


def test_every_name_has_a_file_of_its_own_that_any_system_takes(tmp_path: Path) -> None:
    names = ["acme", "Acme", "a/b", "a\\b", "a b", "..", "CON", "ü", "界", "x" * 64, "x" * 63, "a-b", "acme "]
    files = [WatchList(tmp_path, name).path for name in names]
    assert len({str(path).lower() for path in files}) == len(names)
    assert all(path.parent == tmp_path / "watch" for path in files)
    assert all(path.name.isascii() and len(path.name) < 64 for path in files)


def test_the_list_follows_its_profiles_name_and_goes_with_it(watched: WatchList, tmp_path: Path) -> None:
    watched.add(["wkr_a"])
    watched.rename("acme-new")
    assert WatchList(tmp_path, "acme-prod").load() == ()
    assert ids(watched) == ["wkr_a"]
    assert WatchList(tmp_path, "acme-new").load() == watched.workers
    watched.delete()
    assert WatchList(tmp_path, "acme-new").load() == watched.workers == ()


PLAIN = [b'{"id":"org.acme.w1"}', b'{"id":"w-2"}', b'{"id":"a/b:c@d+e_f"}']
ODD = [
    *(b'{"id": "w-spaced"}', b'{"id":"w-folder","folder":"/srv/w"}', b'{"id":"w-later","colour":"red"}'),
    *(b'{"id":"--"}', b'{"id":"w-\\u00e9"}', '{"id":"w-é"}'.encode(), b"not JSON", b""),
    *(b'{"id":"' + b"x" * 257 + b'"}', b'{"id":"w-2"}', b'{"id":"w-cr"}\r'),
]


@pytest.mark.parametrize("odd", [None, *ODD])
def test_a_file_of_plain_lines_is_read_as_any_other(tmp_path: Path, odd: bytes | None) -> None:
    """Plain files take a quicker way: what comes of both ways must be the same, and be written as it was."""
    path = WatchList(tmp_path, "prod").path
    path.parent.mkdir(parents=True)
    lines = PLAIN if odd is None else [*PLAIN, odd]
    path.write_bytes(b"\n".join(lines) + b"\n")
    quick = WatchList(tmp_path, "prod")
    quick.load()
    path.write_bytes(b'{"id": "w-first"}\n' + b"\n".join(lines) + b"\n")
    slow = WatchList(tmp_path, "prod")
    assert [worker.id for worker in slow.load()] == ["w-first", *(worker.id for worker in quick.workers)]
    assert [worker.folder for worker in slow.workers[1:]] == [worker.folder for worker in quick.workers]
    slow.remove(["w-first"])
    kept = [line.rstrip(b"\r") for line in lines]
    unreadable = [line for line in (b'{"id":"--"}', b"not JSON") if line in kept]
    assert path.read_bytes().split(b"\n")[: len(quick.workers)] == [
        line for line in dict.fromkeys(kept) if line and line not in unreadable and len(line) < 250
    ]


def test_a_long_list_says_whether_it_holds_ids_without_being_read(tmp_path: Path) -> None:
    watch_list = WatchList(tmp_path, "prod")
    watch_list.add(f"org.acme.worker-{number:05}" for number in range(12_000))
    again = WatchList(tmp_path, "prod")
    assert again.holds(["org.acme.worker-00000", "org.acme.worker-11999"])
    assert not again.holds(["org.acme.worker-00000", "org.acme.worker-12000"])
    assert again.workers == ()
    again.add(["org.acme.new"])
    taken = again.read_beside()
    again.remove(["org.acme.worker-00000"])
    taken()
    assert "org.acme.worker-00000" not in ids(again)
    assert len(again.workers) == 12_000
    assert not WatchList(tmp_path, "other").holds([])


def test_what_changes_while_the_list_is_written_is_written_next(watched: WatchList, tmp_path: Path) -> None:
    watched.change({"wkr_a": True})
    write = watched.begin_saving()
    take = write()
    assert watched.add(["wkr_b"]) == ("wkr_b",)
    assert [worker.id for worker in WatchList(tmp_path, "acme-prod").load()] == ["wkr_a"]
    assert take()
    assert ids(watched) == ["wkr_a", "wkr_b"]
    assert not watched.begin_saving()()()
    assert [worker.id for worker in WatchList(tmp_path, "acme-prod").load()] == ["wkr_a", "wkr_b"]


def test_a_write_that_was_given_up_is_tried_again(watched: WatchList) -> None:
    watched.change({"wkr_a": True, "wkr_b": True})
    watched.begin_saving()
    watched.give_up_saving()
    watched.remove(["wkr_b"])
    assert [worker.id for worker in watched.load()] == ["wkr_a"]
