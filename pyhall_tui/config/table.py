"""A table of `config.toml` that knows the place of its keys, and collects what is wrong with them."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple, Self

from pyhall_tui.profiles import toml_text
from pyhall_tui.render.known_names import meant
from pyhall_tui.render.text import clean

_LONGEST = 60
"""Characters of a name from the file that a message repeats."""


class Mistake(NamedTuple):
    """One thing that is wrong in the file; everything else in it counts."""

    line: int
    column: int
    """Both from 1."""
    sentence: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.sentence}"


class Source:
    """A text that is TOML, and the mistakes that were found in it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.mistakes: list[Mistake] = []

    @cached_property
    def _statements(self) -> list[toml_text.Statement]:
        return toml_text.statements(self._text)  # only a file with a mistake needs it

    def mistake(self, path: toml_text.Path, sentence: str, *, of_name: bool) -> None:
        """Note a mistake at the value of `path` or at its name; else at the nearest table that contains it."""
        for length in range(len(path), 0, -1):
            for one in self._statements:
                if one.path[:length] == path[:length]:
                    offset = one.start if of_name or one.path != path else one.value
                    self.mistakes.append(Mistake(*toml_text.line_and_column(self._text, offset), sentence))
                    return
        self.mistakes.append(Mistake(1, 1, sentence))


class Table:
    """One table. What has the wrong type or an unknown name is a mistake, and counts as absent."""

    def __init__(self, source: Source, path: toml_text.Path, values: dict[str, Any]) -> None:
        self._source, self.path, self._values = source, path, values

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names in it, in the file's order."""
        return iter(self._values)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def value(self, name: str) -> Any:
        """Return a value, unchecked; None if it is absent."""
        return self._values.get(name)

    def mistake(self, name: str, sentence: str, *, of_name: bool = False) -> None:
        """Note a mistake in the value of a name, or (`of_name`) in the name itself. The sentence ends with a period."""
        self._source.mistake((*self.path, name), sentence, of_name=of_name)

    def unknown(self, name: str, what: str, known: Sequence[str]) -> None:
        """Note that there is no such name, and which one you may have meant."""
        self.mistake(name, no_such(what, name, known), of_name=True)

    def string(self, name: str) -> str | None:
        """Return a string; None if it is absent."""
        found: str | None = self._typed(name, str, "a text in quotes")
        return found

    def boolean(self, name: str) -> bool | None:
        """Return true or false; None if it is absent."""
        found: bool | None = self._typed(name, bool, "true or false")
        return found

    def integer(self, name: str) -> int | None:
        """Return a whole number; None if it is absent."""
        found: int | None = self._typed(name, int, "a whole number")
        return found

    def strings(self, name: str) -> tuple[str, ...] | None:
        """Return a list of strings, or one string as a list; None if it is absent."""
        value = self._values.get(name)
        if isinstance(value, str):
            return (value,)
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            return tuple(value)
        if value is not None:
            self.mistake(name, f"{clean(name, _LONGEST)} must be a text in quotes, or a list of them.")
        return None

    def table(self, name: str) -> Self | None:
        """Return a table in it; None if it is absent."""
        values = self._typed(name, dict, "a table")
        return None if values is None else type(self)(self._source, (*self.path, name), values)

    def _typed(self, name: str, kind: type[Any], what: str) -> Any:
        value = self._values.get(name)
        if value is None or (isinstance(value, kind) and (kind is bool or not isinstance(value, bool))):
            return value
        self.mistake(name, f"{clean(name, _LONGEST)} must be {what}.")
        return None


def no_such(what: str, name: str, known: Sequence[str]) -> str:
    """Return a sentence about an unknown name: `There is no theme named nrod. Did you mean nord?`"""
    like = meant(name, known)
    hint = f" Did you mean {like}?" if like else ""
    return f"There is no {what} named {clean(name, _LONGEST) or '(nothing)'}.{hint}"
