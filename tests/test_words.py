"""The words that a user can see are those of the guide's list ("Words" in DEVELOPERS.md)."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "pyhall_tui"
ROOMS = (
    "app.py",
    "attest",
    "connection.py",
    "dispatch",
    "enroll",
    "journal",
    "monitor",
    "packages",
    "profiles",
    "registry",
    "render",
    "screens",
    "shell",
    "widgets",
    "workspace.py",
)
NOT_WRITTEN = re.compile(
    r"\b(anew|alone|perhaps cut|amiss|all else|all the same|blanks?|loopback)\b"
    r"|(?<!\bthere )\b(is|are) no(?! longer| more)\b",
    re.IGNORECASE,
)


def strings_of(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and text of each string of a module, without docstrings and style sheets."""
    tree = ast.parse(source)
    apart = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(target, ast.Name) and target.id.endswith("CSS"):
            apart.add(id(node.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in apart:
            yield node.lineno, node.value


def test_strings_are_found_and_docstrings_are_not() -> None:
    source = (
        '"""Made anew."""\nCSS: str = "border: blank"\ndef f(n):\n    """It is no more."""\n    g(f"{n} is no name")'
    )
    assert list(strings_of(source)) == [(5, " is no name")]


@pytest.mark.parametrize("room", ROOMS)
def test_what_a_user_can_read_has_none_of_the_words_that_are_not_written(room: str) -> None:
    path = PACKAGE / room
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    assert files
    found = [
        f"{file.relative_to(PACKAGE)}:{line}: {text}"
        for file in files
        for line, text in strings_of(file.read_text("utf-8"))
        if NOT_WRITTEN.search(text)
    ]
    assert found == []
