"""Texts name keys as `config.toml` gives them: see `widgets.key_bar.key_name`."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

_PACKAGE = Path(__file__).parent.parent / "pyhall_tui"
_SHOWN = ("screens", "shell", "widgets", "render", "dispatch", "enroll", "packages", "monitor", "fleets", "feeds")
"""The rooms whose texts the app shows; `*.py` beside them too. Commands have no keys."""
_KEY = r"(?:(?:ctrl|alt|shift)\+\w+|f\d{1,2}|\^[a-z]|[A-Za-z0-9?/])"
_NAMED = (
    re.compile(rf"\b[Pp]ress {_KEY}(?!\w)"),
    re.compile(rf"\bkey {_KEY}(?!\w)", re.IGNORECASE),
    re.compile(r"(?<= )\((?:(?:ctrl|alt|shift)\+\w+|f\d{1,2}|\^[a-z]|[A-Za-z0-9?])\)"),
    re.compile(
        r"(?:^|[ (])(?:(?:ctrl|alt|shift)\+\w+|\^[a-z]|[B-HJ-Zb-z/]) (?:opens|shows|lists|searches|undoes|copies)\b"
    ),
)
_LEADS_OUT = re.compile(r"press ctrl\+[cq]\b", re.IGNORECASE)
"""These keys keep their meaning: see `config.keys.ALWAYS`."""


def named_keys(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the words of each key that a text of a module names, apart from docstrings and bindings."""
    tree = ast.parse(source)
    left_out = {
        id(part)
        for node in ast.walk(tree)
        if (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        or (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Binding", "key_name"))
        for part in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in left_out:
            for found in (match for pattern in _NAMED for match in pattern.finditer(node.value)):
                if not _LEADS_OUT.match(found[0]):
                    yield node.lineno, found[0].strip()


def test_no_text_of_the_app_has_the_name_of_a_key_that_can_be_changed() -> None:
    files = [*_PACKAGE.glob("*.py"), *(file for room in _SHOWN for file in (_PACKAGE / room).rglob("*.py"))]
    fixed = [
        f"{file.relative_to(_PACKAGE)}:{line}: {words}"
        for file in files
        for line, words in named_keys(file.read_text())
    ]
    assert not fixed, "use key_name() or key_names() of widgets.key_bar"


def test_it_is_noticed() -> None:
    texts = ("Press m to go on.", "see the Doctor (D).", "· S lists them", "f'{x}: press ctrl+s again.'", "/ searches")
    assert all([*named_keys(f'"""About."""\nsaid = {text!r}')] for text in texts)


def test_what_names_no_key_is_left() -> None:
    for text in ("Press it again.", "a key in the keyring", "PRAGMA quick_check(1)", "a worker shows", "press escape"):
        assert not [*named_keys(f"said = {text!r}")]
    assert not [*named_keys('"""Press m."""\nsaid = key_name(self, "press m", "press m")')]
