"""Splices in any TOML text: the result says what it should, and all other lines stay exactly the same."""

import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pyhall_tui.profiles import toml_text
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.profile_store import ProfileStore
from tests.examples import examples

VALUES = st.sampled_from(
    [
        "1",
        "0x1f",
        "1979-05-27 07:32:00",
        "'#[x]='",
        r'"\"] # \\"',
        '"""\n[profiles.trap]\nx = "1" # no\n"""""',
        "'''\n]]]\n[trap]\n'''''",
        "[ # one\n  1, # ]\n  '[',\n]",
        "{ a.b = [1, {c = '}'}], \"=\" = 2 }",
        "[]",
        "true",
    ]
)
NAMES = st.text(min_size=1, max_size=8).filter(lambda name: name.isprintable() and name == name.strip())
COMMENTS = st.sampled_from(["", "\n", "# [not.a.table]\n", '   # it\'s = """ odd\n', "\t\n\n"])
TAILS = st.sampled_from(["", "  # a ' tail", " #=", "   "])


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A text of tables by hand, with profiles among them, and the names of those."""
    names = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    text = draw(COMMENTS)
    for index, name in enumerate(names):
        key = toml_text._key(name)
        text += f"[ profiles . {key} ]{draw(TAILS)}\n" if draw(st.booleans()) else f"[profiles.{key}]\n"
        lines = ['namespace = "org.acme"', "registry_url='https://a.example'", f"later = {draw(VALUES)}"]
        for line in draw(st.permutations(lines)):
            text += f"{draw(COMMENTS)}{line}{draw(TAILS)}\n"
        if draw(st.booleans()):
            text += f"{draw(COMMENTS)}[[other{index}]]\n'x y'.z = {draw(VALUES)}{draw(TAILS)}\n"
        if draw(st.booleans()):
            text += f'[profiles.{key}.sub]\n"q" = {draw(VALUES)}\n'
    return text.removesuffix("\n") if draw(st.booleans()) else text + draw(COMMENTS), names


def other_lines(text: str, *parts: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip() and not any(part in line for part in parts)]


@settings(max_examples=examples(60))
@given(documents(), st.data())
def test_a_change_says_what_it_should_and_keeps_every_other_line(
    document: tuple[str, list[str]], data: st.DataObject
) -> None:
    text, names = document
    expected: dict[str, Any] = tomllib.loads(text)
    name = data.draw(st.sampled_from(names))
    with TemporaryDirectory() as folder:
        store = ProfileStore(Path(folder) / "profiles.toml")
        store.path.write_text(text, newline="")
        base = store.load().named(name)
        assert base is not None
        store.save(Profile(name=name, namespace="x.new", registry_url=base.registry_url, bell=True), base)
        store.set_default(name)
        after = store.path.read_text()
    expected["default"] = name
    expected["profiles"][name] |= {"namespace": "x.new", "bell": True}
    assert tomllib.loads(after) == expected
    assert other_lines(after, "default =", "bell =", "namespace") == other_lines(text, "namespace")


@settings(max_examples=examples(60))
@given(documents(), st.data())
def test_renaming_and_deleting_touch_one_profile(document: tuple[str, list[str]], data: st.DataObject) -> None:
    text, names = document
    before = tomllib.loads(text)
    name = data.draw(st.sampled_from(names))
    new = data.draw(NAMES.filter(lambda one: one not in names))
    with TemporaryDirectory() as folder:
        store = ProfileStore(Path(folder) / "profiles.toml")
        store.path.write_text(text, newline="")
        store.rename(name, new)
        renamed = tomllib.loads(store.path.read_text())
        assert list(renamed["profiles"]) == [new if one == name else one for one in names]
        assert renamed["profiles"][new] == before["profiles"][name]
        store.delete(new)
        after = tomllib.loads(store.path.read_text())
    del before["profiles"][name]
    before["profiles"] = before["profiles"] or after.get("profiles")
    assert after.get("profiles") == before["profiles"]
    assert {key: value for key, value in after.items() if key != "profiles"} == {
        key: value for key, value in before.items() if key != "profiles"
    }


@given(documents())
def test_every_statement_is_found_where_tomllib_reads_it(document: tuple[str, list[str]]) -> None:
    text, names = document
    found = toml_text.statements(text)
    assert {one.path[:2] for one in found if one.path[0] == "profiles"} == {("profiles", name) for name in names}
    for one in found:
        if not one.is_header:
            assert tomllib.loads(f"x = {text[one.value : one.end]}")
