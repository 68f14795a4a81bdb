"""Saved requests, by name, in a TOML file that a team can keep in git. It has neither keys nor correlation ids."""

import tomllib
from pathlib import Path
from typing import Any

import msgspec
import tomli_w

from pyhall_tui.dispatch.form import DispatchForm
from pyhall_tui.files.regular_file import NotText, edited_text, read_bounded, reason
from pyhall_tui.files.safe_file import locked, write_atomically

_KEPT = ("capability", "worker_id", "risk_tier", "context")


class SavedMistake(Exception):
    """The file can't be read or written; the message is a sentence that names it. The file is unchanged."""


class SavedRequests:
    """The requests of one `requests.toml`: `[requests.NAME]` tables. Nothing is kept between calls."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> dict[str, DispatchForm]:
        """Return the requests by name, in alphabetical order; nothing if there is no file yet.

        Raises:
            SavedMistake: the file has a mistake.
        """
        try:
            return {
                name: msgspec.convert({key: table[key] for key in _KEPT if key in table}, DispatchForm)
                for name, table in sorted(self._tables().items())
            }
        except (msgspec.ValidationError, TypeError) as error:
            raise SavedMistake(f"{self.path}: {error}.") from None

    def save(self, name: str, form: DispatchForm) -> None:
        """Save a request under a name, replacing one with the same name; other tables and unknown keys stay.

        Raises:
            SavedMistake: the file has a mistake, or can't be written.
        """
        values = {key: getattr(form, key) for key in _KEPT if getattr(form, key)}
        self._change(lambda tables: tables.update({name: {**_unknown(tables.get(name)), **values}}))

    def delete(self, name: str) -> None:
        """Remove a request; it is not an error if it doesn't exist.

        Raises:
            SavedMistake: as `save`.
        """
        self._change(lambda tables: tables.pop(name, None))

    def _change(self, change: Any) -> None:
        try:
            with locked(self.path):
                document = self._document()
                tables = document.setdefault("requests", {})
                change(tables)
                document["requests"] = dict(sorted(tables.items()))
                write_atomically(self.path, tomli_w.dumps(document, multiline_strings=True).encode())
        except OSError as error:
            raise SavedMistake(f"{self.path} cannot be written ({reason(error)}).") from None

    def _tables(self) -> dict[str, Any]:
        tables = self._document().get("requests", {})
        if not isinstance(tables, dict):
            raise SavedMistake(f"{self.path}: requests is not a table.")
        return tables

    def _document(self) -> dict[str, Any]:
        try:
            return tomllib.loads(edited_text(read_bounded(self.path)))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise SavedMistake(f"{self.path} cannot be read ({reason(error)}).") from None
        except NotText as error:
            raise SavedMistake(f"{self.path} cannot be read: {error}.") from None
        except tomllib.TOMLDecodeError as error:
            raise SavedMistake(f"{self.path} is not TOML: {error}.") from None


def _unknown(table: Any) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key not in _KEPT} if isinstance(table, dict) else {}
