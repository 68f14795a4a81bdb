"""What was typed in a dialog that was closed without using it: it is there again when the dialog is opened again."""

from typing import Any, Final, Protocol, runtime_checkable
from weakref import WeakKeyDictionary

from textual.app import App
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

_left: Final[WeakKeyDictionary[object, dict[tuple[str, str], dict[str, str]]]] = WeakKeyDictionary()
"""The texts by field, by the dialog's class and title, by what is open: another profile has its own."""


@runtime_checkable
class HasWorkspace(Protocol):
    """What is needed from the app."""

    @property
    def workspace(self) -> object | None:
        """What is open."""


class LeftTyped:
    """Follows the fields of one dialog. Texts are only in memory; a password is not kept at all."""

    def __init__(self, screen: Screen[Any], title: str, *, puts_back: bool = True) -> None:
        """Put back what was left in a dialog of this class and title, or leave it for the next one."""
        self._place, self._key = _place_of(screen.app), (type(screen).__qualname__, title)
        self._fields = {field.id: field for field in screen.query("Input, TextArea") if field.id and _is_plain(field)}
        self._typed: set[str] = set()
        self._used: dict[str, str] = {}
        self._puts_back = puts_back
        self._began = {name: _read(field) for name, field in self._fields.items()}
        self._last = dict(self._began)
        """The last known texts: a field also reports the text that it begins with, late, when it may have the focus."""
        for name, text in _left.get(self._place, {}).get(self._key, {}).items():
            if puts_back and name in self._fields:
                self._typed.add(name)
                _write(self._fields[name], text)

    def changed(self, field: Widget) -> None:
        """Note that a field's text is another one; it was typed if you are in the field."""
        if field.id in self._fields:
            text = _read(field)
            if text != self._last[field.id] and field.has_focus:
                self._typed.add(field.id)
            self._last[field.id] = text

    def was_used(self) -> None:
        """Note that what is in the fields now has had its effect, as after a search."""
        self._used = self._texts()

    def leave(self, *, was_used: bool) -> bool:
        """Keep what was typed and not used; return whether there is anything."""
        kept = {} if was_used else {name: text for name, text in self._texts().items() if self._used.get(name) != text}
        left = _left.setdefault(self._place, {})
        if kept:
            left[self._key] = kept
        elif self._puts_back:
            left.pop(self._key, None)
        return bool(kept)

    def _texts(self) -> dict[str, str]:
        texts = {name: _read(self._fields[name]) for name in self._typed}
        return {name: text for name, text in texts.items() if text.strip() and text != self._began[name]}


def _is_plain(field: Widget) -> bool:
    return not (isinstance(field, Input) and field.password)


def _read(field: Any) -> str:
    return str(field.value if isinstance(field, Input) else field.text)  # a text area: its import is large


def _write(field: Any, text: str) -> None:
    if isinstance(field, Input):
        field.value = text
    else:
        field.text = text


def _place_of(app: App[Any]) -> object:
    opened = app.workspace if isinstance(app, HasWorkspace) else None
    return app if opened is None else opened
