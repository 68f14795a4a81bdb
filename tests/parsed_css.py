"""One process parses a style sheet once, not again for each app that a test opens.

What Textual has parsed never changes: all widgets of an app share it already, and so may those of the next app.
"""

from typing import Any

from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet

_parse = Stylesheet._parse_rules
_parsed: dict[tuple[Any, ...], list[RuleSet]] = {}


def share_parsed_css() -> None:
    """Let each app of this process take what another one has parsed, if text, place and variables are the same."""
    Stylesheet._parse_rules = _parse_once  # type: ignore[method-assign]


def _parse_once(self: Stylesheet, css: str, read_from: Any, *rest: Any, **named: Any) -> list[RuleSet]:
    key = (css, read_from, rest, tuple(named.items()), frozenset(self._variables.items()))
    if key not in _parsed:
        _parsed[key] = _parse(self, css, read_from, *rest, **named)
    return _parsed[key]
