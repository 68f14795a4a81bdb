"""A webhook gets each alert as JSON with a text, at least once, over a real socket."""

import asyncio
import json
from collections import Counter

import pytest

from pyhall_tui.alarms.alarm import Condition
from pyhall_tui.alarms.rules import rules_from
from pyhall_tui.clock import SystemClock
from pyhall_tui.fleet.events import FIRST_SIGHT, Kind
from pyhall_tui.registry.posting import Poster, read_receiver
from pyhall_tui.watch.delivery import Delivery, Outcomes
from pyhall_tui.watch.webhook import Webhook
from tests.journal.makers import event
from tests.registry.raw_server import RawServer, answer, hang_up
from tests.watch.rig import Rig
from tests.watch.webhook_schema import assert_message

OK = answer(b"ok")


class Sending:
    """A delivery to the server, step by step."""

    def __init__(self, rig: Rig, url: str) -> None:
        self.rig = rig
        self.counts: Counter[tuple[str, str]] = Counter()
        webhook = Webhook(Poster(read_receiver(url), SystemClock()))
        outcomes = Outcomes("webhook", self.counts, rig.clock, rig.alarms.record)
        self.delivery = Delivery(webhook, rig.news(), "prod", rig.alarms.book, outcomes, rig.clock)

    async def step(self, times: int = 1) -> float:
        for _ in range(times):
            wait = await self.delivery.step()
            assert self.rig.journal.flush(30)
        return wait


@pytest.fixture
async def sending(rig: Rig, server: RawServer) -> Sending:
    server.answer(OK)
    made = Sending(rig, f"{server.url}/hooks/abc?x=1")
    await made.step()
    return made


def bodies(server: RawServer) -> list[dict]:
    """Return what the server got, each held to the schema."""
    found = [json.loads(request.body) for request in server.requests]
    for each in found:
        assert_message(each)
    return found


async def test_an_alarm_and_its_end_are_sent(rig: Rig, server: RawServer, sending: Sending) -> None:
    rig.ban("wkr_a", detail="exfiltrates", source="ban list", correlation_id="req-1")
    await sending.step()
    rig.clock.skip(60)
    rig.lift("wkr_a")
    await sending.step()
    fired, resolved = bodies(server)
    alarm = rig.alarms.book.get(Condition.BANNED, "wkr_a")
    assert fired == {
        "schema": 1,
        "text": "prod: ✖ wkr_a is BANNED (ban list): exfiltrates",
        "profile": "prod",
        "alerts": [
            {
                "schema": 1,
                "id": f"{alarm.id}.1.fired",
                "what": "fired",
                "text": "✖ wkr_a is BANNED (ban list): exfiltrates",
                "profile": "prod",
                "alarm": alarm.id,
                "condition": "banned",
                "severity": "alarm",
                "worker": "wkr_a",
                "namespace": "org.acme",
                "times": 1,
                "fired_at": "2026-03-20T09:46:40.000Z",
                "resolved_at": None,
                "source": "ban list",
                "detail": "exfiltrates",
                "correlation_id": "req-1",
            }
        ],
    }
    assert resolved["text"] == "prod: ✔ resolved: wkr_a is BANNED (ban list): exfiltrates"
    assert resolved["alerts"][0]["id"] == f"{alarm.id}.1.resolved"
    assert resolved["alerts"][0]["resolved_at"] == "2026-03-20T09:47:40.000Z"
    request = server.requests[0]
    assert (request.line, request.headers["content-type"]) == ("POST /hooks/abc?x=1 HTTP/1.1", "application/json")
    assert sending.counts == {("webhook", "sent"): 2}


async def test_many_at_once_are_one_message(rig: Rig, server: RawServer, sending: Sending) -> None:
    rig.ban(*(f"wkr_{number:02}" for number in range(12)))
    await sending.step()
    (sent,) = bodies(server)
    assert len(sent["alerts"]) == 12
    assert sent["text"].splitlines()[-1] == "… and 2 more"


async def test_a_failure_is_tried_again_counted_and_in_the_journal(
    rig: Rig, server: RawServer, sending: Sending
) -> None:
    server.answer(answer(b"out of order", "503 Service Unavailable", "Retry-After: 7"), hang_up, OK)
    rig.ban("wkr_a")
    assert await sending.step() == 7
    assert 0.5 <= await sending.step() <= 2
    await sending.step()
    assert [body["alerts"][0]["worker"] for body in bodies(server)] == ["wkr_a"] * 3
    assert sending.counts == {("webhook", "failed"): 2, ("webhook", "sent"): 1}
    told = [each for each in rig.events if each.kind in (Kind.ALERTS_FAILING, Kind.ALERTS_RECOVERED)]
    assert [(each.kind, each.before, each.after) for each in told] == [
        (Kind.ALERTS_FAILING, "webhook working", "webhook failing"),
        (Kind.ALERTS_RECOVERED, "webhook failing", "webhook working"),
    ]
    assert told[0].detail == f"{server.url} answers 503: out of order"


async def test_a_receiver_that_takes_every_other_alert_does_not_fill_the_journal(
    rig: Rig, server: RawServer, sending: Sending
) -> None:
    server.answer(*[answer(b"", "500 Internal Server Error"), OK] * 20, OK)
    for number in range(20):
        rig.ban(f"wkr_{number}")
        await sending.step(2)
    assert sending.counts == {("webhook", "failed"): 20, ("webhook", "sent"): 20}
    kinds = (Kind.ALERTS_FAILING, Kind.ALERTS_RECOVERED)
    assert [each.kind for each in rig.events if each.kind in kinds] == [*kinds]
    rig.clock.skip(60)
    server.answer(answer(b"", "500 Internal Server Error"))
    rig.ban("wkr_x")
    await sending.step()
    assert rig.events[-1].kind is Kind.ALERTS_FAILING
    kept = [each.kind for each in rig.journal.events("prod") if each.kind in kinds]
    assert kept == [Kind.ALERTS_FAILING, Kind.ALERTS_RECOVERED, Kind.ALERTS_FAILING]


async def test_a_redirect_is_not_followed(rig: Rig, server: RawServer, sending: Sending) -> None:
    server.answer(answer(b"", "302 Found", "Location: https://elsewhere.example/secret-path"))
    rig.ban("wkr_a")
    await sending.step()
    (told,) = [each for each in rig.events if each.kind is Kind.ALERTS_FAILING]
    assert told.detail == (
        f"{server.url} answers 302, a redirect to https://elsewhere.example: give the URL that it redirects to. Alerts"
        " are sent only where you say."
    )
    assert len(server.requests) == 1


async def test_what_is_refused_for_its_content_holds_up_nothing_behind_it(
    rig: Rig, server: RawServer, sending: Sending
) -> None:
    async def choosy(request, writer) -> None:
        writer.write(answer(b"no", "400 Bad Request") if b"wkr_bad" in request.body else OK)
        await writer.drain()

    server.answer(choosy)
    rig.ban("wkr_a", "wkr_bad", "wkr_b")
    await sending.step(8)
    taken = [body["alerts"][0]["worker"] for body in bodies(server) if len(body["alerts"]) == 1]
    assert taken == ["wkr_a", "wkr_bad", "wkr_bad", "wkr_bad", "wkr_b"]


async def test_a_wrong_token_drops_nothing(rig: Rig, server: RawServer, sending: Sending) -> None:
    server.answer(*[answer(b"", "403 Forbidden")] * 10, OK)
    rig.ban("wkr_a")
    await sending.step(11)
    assert sending.counts[("webhook", "sent")] == 1


async def test_a_kill_between_two_alerts_loses_none_and_sends_none_twice_for_another(
    rig: Rig, server: RawServer, sending: Sending
) -> None:
    server.answer(OK, answer(b"", "500 Internal Server Error"), OK)
    rig.ban("wkr_a")
    await sending.step()
    rig.ban("wkr_b")
    await sending.step()
    again = rig.restarted()
    await Sending(again, f"{server.url}/hooks/abc?x=1").step()
    again.journal.close()
    assert [body["alerts"][0]["worker"] for body in bodies(server)] == ["wkr_a", "wkr_b", "wkr_b"]


async def test_silenced_and_less_urgent_alarms_call_nobody(rig: Rig, server: RawServer, sending: Sending) -> None:
    rig.alarms.silence(rig.clock.now().wall + 3_600, "upgrade", worker="wkr_silent")
    rig.ban("wkr_silent")
    rig.alarms.rules = rules_from({"vanished": "warning"})[0]
    rig.happens(event(Kind.VANISHED, "wkr_warned"))
    rig.ban("wkr_told")
    await sending.step()
    assert [one["worker"] for body in bodies(server) for one in body["alerts"]] == ["wkr_told"]


async def test_a_flapping_worker_is_one_alert_and_no_longer_one_for_each_change(
    rig: Rig, server: RawServer, sending: Sending
) -> None:
    for _ in range(20):
        rig.ban("wkr_a")
        rig.lift("wkr_a")
        await sending.step()
    told = [(one["condition"], one["what"]) for body in bodies(server) for one in body["alerts"]]
    assert told.count(("flapping", "fired")) == 1
    assert told[-1] == ("flapping", "fired")
    assert len(told) < 10


async def test_what_still_fires_when_its_silence_ends_is_sent_then(
    rig: Rig, server: RawServer, sending: Sending
) -> None:
    silence = rig.alarms.silence(rig.clock.now().wall + 3_600, "upgrade", worker="wkr_*")
    rig.ban("wkr_a", "wkr_b", "wkr_seen")
    rig.lift("wkr_b")
    rig.alarms.acknowledge_alarms([rig.alarms.book.get(Condition.BANNED, "wkr_seen")])
    assert rig.journal.flush(30)
    await sending.step()
    assert server.requests == []
    rig.alarms.unsilence(silence)
    assert rig.journal.flush(30)
    await sending.step()
    assert [(one["worker"], one["what"]) for body in bodies(server) for one in body["alerts"]] == [("wkr_a", "fired")]


async def test_a_ban_that_flapping_kept_back_is_sent_when_the_worker_is_calm(
    rig: Rig, server: RawServer, sending: Sending
) -> None:
    for _ in range(20):
        rig.lift("wkr_a")
        rig.ban("wkr_a")
    await sending.step()
    server.requests.clear()
    rig.clock.skip(3_600)
    rig.alarms.tick()
    assert rig.journal.flush(30)
    await sending.step()
    told = [(one["condition"], one["what"]) for body in bodies(server) for one in body["alerts"]]
    assert told == [("flapping", "resolved"), ("banned", "fired")]


async def test_a_ban_that_was_there_when_the_worker_was_first_seen_is_sent(
    rig: Rig, server: RawServer, sending: Sending
) -> None:
    rig.ban("wkr_a", before=FIRST_SIGHT)
    await sending.step()
    assert len(server.requests) == 1


async def test_no_text_of_an_id_is_a_mention_or_a_link_and_the_exact_id_is_beside_it(
    rig: Rig, server: RawServer, sending: Sending
) -> None:
    hostile = "<!channel> @all [x](http://evil.example) \x1b[31m\udc80"
    rig.ban(hostile)
    await sending.step()
    (sent,) = bodies(server)
    assert not set("<>@[]\x1b") & set(sent["text"])
    assert sent["alerts"][0]["worker"] == "<!channel> @all [x](http://evil.example) \x1b[31m\\udc80"


async def test_the_login_of_a_url_is_sent_and_never_shown(rig: Rig, server: RawServer) -> None:
    server.answer(answer(b"", "500 Internal Server Error"))
    sending = Sending(rig, f"http://ada:s3cretpassw0rd@127.0.0.1:{server.port}/T0K3N-1234567890")
    rig.ban("wkr_a")
    await sending.step()
    assert server.requests[0].headers["authorization"] == "Basic YWRhOnMzY3JldHBhc3N3MHJk"
    (told,) = [each for each in rig.events if each.kind is Kind.ALERTS_FAILING]
    assert told.detail == f"{server.url} answers 500"


async def test_a_silent_receiver_is_given_up_in_time(rig: Rig, server: RawServer) -> None:
    async def silent(request, writer) -> None:
        await asyncio.Event().wait()

    server.answer(silent)
    receiver = read_receiver(server.url)
    webhook = Webhook(Poster(receiver, SystemClock(), timeout=0.05))
    counts: Counter[tuple[str, str]] = Counter()
    rig.ban("wkr_a")
    outcomes = Outcomes("webhook", counts, rig.clock, rig.alarms.record)
    await Delivery(webhook, rig.news(), "prod", rig.alarms.book, outcomes, rig.clock).step()
    assert counts == {("webhook", "failed"): 1}


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("hooks.acme.example/x", "must begin with https:// or http://"),
        ("ftp://hooks.acme.example/x", "must begin with https:// or http://"),
        ("https://", "host"),
        ("https:///x", "host"),
        ("https://a b/x", "space"),
        ("https://hooks.acme.example:99999/x", "host or port"),
        ("https://hooks.acme.example/x#y", "fragment"),
        ("http://ada:pass@hooks.acme.example/x", "clear text"),
        ("https://[::1/x", "host or port"),
        ("", "must begin"),
    ],
)
def test_a_url_that_cannot_be_used_gets_a_sentence(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_receiver(url)
