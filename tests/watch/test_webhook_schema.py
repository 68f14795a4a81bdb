"""The schema of what a webhook gets: it takes every alert that there can be, and nothing else."""

import copy
import json
from typing import Any

import pytest

from pyhall_tui.alarms.alarm import Alarm, Change, Condition, What, alarm_id
from pyhall_tui.fleet.events import Severity
from pyhall_tui.watch.messages import message
from pyhall_tui.watch.webhook import Webhook
from tests.watch.webhook_schema import SCHEMA, assert_alert, assert_message

HOSTILE = "\udcff\x00\u202e<!channel> {{ $labels }}\n"


def change(condition: Condition, severity: Severity, what: What, text: str = "") -> Change:
    resolved_at = 2e9 if what is What.RESOLVED else None
    alarm = Alarm(
        id=alarm_id("prod", condition, text),
        condition=condition,
        subject=text,
        namespace=text,
        severity=severity,
        first_at=-1e12,
        fired_at=1e12,
        detail=text,
        correlation_id=text,
        resolved_at=resolved_at,
    )
    return Change(what=what, at=1.0, alarm=alarm)


def as_read(changes: list[Change]) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(json.dumps(message(changes, "prod")).encode())
    return read


@pytest.mark.parametrize("text", ["", "wkr_a", HOSTILE])
@pytest.mark.parametrize("condition", list(Condition))
def test_every_alarm_fits(condition: Condition, text: str) -> None:
    changes = [change(condition, each, what, text) for each in Severity for what in (What.FIRED, What.RESOLVED)]
    said = as_read(changes)
    assert_message(said)
    for each in said["alerts"]:
        assert_alert(each)


def test_as_many_alerts_fit_as_are_sent_at_once() -> None:
    assert SCHEMA["$defs"]["message"]["properties"]["alerts"]["maxItems"] == Webhook.most
    one = change(Condition.BANNED, Severity.ALARM, What.FIRED, "wkr_a")
    assert_message(as_read([one] * Webhook.most))
    with pytest.raises(AssertionError):
        assert_message(as_read([one] * (Webhook.most + 1)))


def test_it_has_each_field_and_no_other() -> None:
    said = as_read([change(Condition.BANNED, Severity.ALARM, What.FIRED, "wkr_a")])
    for path in ((), ("alerts", 0)):
        for name in _at(said, path):
            less = copy.deepcopy(said)
            del _at(less, path)[name]
            with pytest.raises(AssertionError):
                assert_message(less)
        more = copy.deepcopy(said)
        _at(more, path)["another"] = 1
        with pytest.raises(AssertionError):
            assert_message(more)


def _at(value: Any, path: tuple[str | int, ...]) -> dict[str, Any]:
    for key in path:
        value = value[key]
    found: dict[str, Any] = value
    return found
