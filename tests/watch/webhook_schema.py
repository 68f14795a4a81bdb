"""The printed schema of what a webhook gets, and of what a command gets: one alert of it."""

import json
from typing import Any

import jsonschema_rs

from pyhall_tui.share.printed import WATCH, text_of

SCHEMA: dict[str, Any] = json.loads(text_of(WATCH["webhook-schema"]))
_MESSAGE = jsonschema_rs.validator_for(SCHEMA)
_ALERT = jsonschema_rs.validator_for({**SCHEMA, "$ref": "#/$defs/alert"})


def assert_message(value: Any) -> None:
    """Assert that it is what a webhook gets."""
    _assert(_MESSAGE, value)


def assert_alert(value: Any) -> None:
    """Assert that it is what a command gets."""
    _assert(_ALERT, value)


def _assert(validator: Any, value: Any) -> None:
    wrong = next(validator.iter_errors(value), None)
    assert wrong is None, f"{value}: {wrong}"
