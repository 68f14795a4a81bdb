"""Writes JSON as the contract hashes it, and reads JSON so strictly that it can't be read in two ways."""

import json
from collections.abc import Mapping
from typing import Any

from pyhall_tui.files.regular_file import NotText, edited_text
from pyhall_tui.registry.json_body import is_too_deep


class NotJson(ValueError):
    """The text is not a JSON object. `str()` says why, without a full stop."""


class Object(dict[str, Any]):
    """A JSON object that remembers duplicate names: the last one counts here, but other readers may use the first."""

    twice: tuple[str, ...] = ()


def canonical(value: Mapping[str, Any]) -> bytes:
    """Return the contract's bytes of a JSON object: sorted keys, no spaces, non-ASCII as `\\uXXXX`."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def read_object(text: bytes | str) -> Object:
    """Read one JSON object. A byte order mark is accepted; `NaN`, which is not JSON, is not. Raises `NotJson`."""
    twice: list[str] = []

    def collect(pairs: list[tuple[str, Any]]) -> Object:
        found = Object(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twice.extend(sorted({name for name in names if names.count(name) > 1}))
        return found

    try:
        decoded = edited_text(text) if isinstance(text, bytes) else text.removeprefix("\ufeff")
        value = json.loads(decoded, object_pairs_hook=collect, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise NotJson(f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except NotText as error:
        raise NotJson(f"not JSON: {error}") from None
    except RecursionError:
        raise NotJson("nested too deeply") from None
    except ValueError as error:
        raise NotJson(f"not JSON: {error}") from None
    if not isinstance(value, Object):
        raise NotJson("not a JSON object")
    if is_too_deep(value):
        raise NotJson("nested too deeply")
    value.twice = tuple(twice)
    return value


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not a number JSON has")
