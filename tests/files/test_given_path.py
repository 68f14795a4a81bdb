"""A path is understood however a terminal passes it on."""

from pathlib import Path
from urllib.parse import quote

import pytest

from pyhall_tui.files.given_path import given_path


@pytest.mark.parametrize("name", ["a b", "it's", 'say "hi"', "50% off", "a#b?c", "ü é", "b\\c", "[x] $HOME"])
@pytest.mark.parametrize("ending", ["", "\n", " "])
def test_what_is_dropped_on_the_terminal_is_that_folder(tmp_path: Path, name: str, ending: str) -> None:
    """F50."""
    folder = tmp_path / "some where" / name
    folder.mkdir(parents=True)
    in_single = "'" + str(folder).replace("'", "'\\''") + "'"
    in_double = '"' + "".join(f"\\{one}" if one in '"\\$`' else one for one in str(folder)) + '"'
    escaped = "".join(one if one.isalnum() or one in "/_-." else f"\\{one}" for one in str(folder))
    urls = (f"file://{quote(str(folder))}", f"file://localhost{quote(str(folder))}", f"FILE:{quote(str(folder))}")
    for given in (str(folder), in_single, in_double, escaped, *urls):
        assert given_path(given + ending) == folder, given


@pytest.mark.parametrize("name", ["'quoted'", '"quoted"', "a\\ b", "file:x", " led by a blank"])
def test_a_folder_with_such_a_name_stays_within_reach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """F50."""
    (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    assert given_path(name) == Path(name)
    assert given_path(str(tmp_path / name)) == tmp_path / name


def test_the_home_folder_is_known_in_each_way_of_writing_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F50."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for given in ("~/a b", "'~/a b'", "~/a\\ b"):
        assert given_path(given) == tmp_path / "a b"


@pytest.mark.parametrize(
    ("given", "path"),
    [
        (r'"C:\a b\c"', r"C:\a b\c"),
        (r"C:\a b\c", r"C:\a b\c"),
        ("file:///C:/a%20b/c", "C:/a b/c"),
        ("file:///C|/a", "/C|/a"),
    ],
)
def test_windows_quotes_in_its_own_way(given: str, path: str) -> None:
    """F50."""
    assert str(given_path(given, platform="win32")) == path


@pytest.mark.parametrize("given", ["/it's here", "file://elsewhere/a", "/a /b", "'/a' '/b'", "x\0y", "/" + "x" * 5_000])
def test_what_is_none_of_these_is_left_as_it_is(given: str) -> None:
    """F50."""
    assert str(given_path(given)) == str(Path(given))
