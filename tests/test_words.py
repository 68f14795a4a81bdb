"""Texts on screen, docstrings and comments use the words of the guide's list ("Words" in DEVELOPERS.md)."""

import ast
import io
import re
import tokenize
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
NOT_WRITTEN_IN_PROSE = re.compile(
    r"\b(anew|perhaps cut|amiss|all else|all the same|blanks?|loopback|whose the|tells? of|told of)\b"
    r"|(?<!left )(?<!leaves )(?<!leaving )\balone\b"
    r"|(?<!\bthere )(?<!answer )\b(is|are) no(?! longer| more)\b"
    r"|\bwhere there (is|are) no(ne)?\b"
    r"|\b(as|while|until) one (looks|watches|types|leaves|scrolls)\b",
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


def prose_of(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and text of each docstring and comment, on one line and without the code in backticks."""
    found = [
        (token.start[0], token.string)
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    ]
    found += [
        (node.lineno, node.value.value)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    ]
    for line, text in sorted(found):
        yield line, " ".join(re.sub(r"`[^`]*`", "`", text).split())


def test_comments_and_docstrings_are_found_without_their_code() -> None:
    source = '"""Made\n   anew, `amiss`."""\nx = "alone"  # where there is none\n'
    assert list(prose_of(source)) == [(1, "Made anew, `."), (3, "# where there is none")]


@pytest.mark.parametrize(
    "text", ("its own alone", "This is no hash.", "told of it", "where there is none", "as one types", "looks anew")
)
def test_stilted_words_are_found(text: str) -> None:
    assert NOT_WRITTEN_IN_PROSE.search(text)


@pytest.mark.parametrize("text", ("the answer is no, always", "there is no file", "it is left alone", "is no longer"))
def test_plain_words_are_not(text: str) -> None:
    assert not NOT_WRITTEN_IN_PROSE.search(text)


def test_the_manual_is_in_plain_words() -> None:
    texts = {file.name: file.read_text("utf-8") for file in sorted((PACKAGE / "topics").glob("*.md"))}
    assert texts
    without_code = {name: re.sub(r"```.*?```|`[^`]*`", "`", text, flags=re.DOTALL) for name, text in texts.items()}
    found = [(name, match[0]) for name, text in without_code.items() for match in NOT_WRITTEN_IN_PROSE.finditer(text)]
    assert found == []


@pytest.mark.thorough
def test_docstrings_and_comments_are_in_plain_words() -> None:
    found = [
        f"{file.relative_to(PACKAGE)}:{line}: {text}"
        for file in sorted(PACKAGE.rglob("*.py"))
        for line, text in prose_of(file.read_text("utf-8"))
        if NOT_WRITTEN_IN_PROSE.search(text)
    ]
    assert found == []
