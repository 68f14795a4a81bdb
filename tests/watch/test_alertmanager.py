"""Alerts as an Alertmanager takes them: again and again while they fire, and once more when they are over."""

import asyncio
import json
from collections import Counter
from pathlib import Path

import pytest

from pyhall_tui.alarms.alarm import Condition
from pyhall_tui.alarms.rules import rules_from
from pyhall_tui.clock import SystemClock
from pyhall_tui.fleet.events import Kind, Severity
from pyhall_tui.registry.posting import Moved, NotPosted, Poster, read_receiver
from pyhall_tui.watch.alertmanager import RESEND, label
from pyhall_tui.watch.alertmanager_sender import AlertmanagerSender, alerts_of, refusal
from pyhall_tui.watch.deliveries import Deliveries
from pyhall_tui.watch.delivery import Outcomes
from pyhall_tui.watch.messages import iso
from tests.journal.makers import NOW, event
from tests.registry.raw_server import RawRequest, RawServer, answer
from tests.watch.rig import Rig

OK = answer(b"")


class Sending:
    """What is sent to the server for one profile, step by step."""

    def __init__(self, rig: Rig, server: RawServer) -> None:
        self.rig, self.server = rig, server
        self.counts: Counter[tuple[str, str]] = Counter()
        poster = Poster(alerts_of(read_receiver(server.url)), SystemClock())
        outcomes = Outcomes("alertmanager", self.counts, rig.clock, rig.alarms.record)
        news = rig.news("alertmanager")
        self.sender = AlertmanagerSender(poster, news, "prod", rig.alarms.book, outcomes, rig.clock)

    async def step(self) -> float:
        """Let it look once."""
        assert self.rig.journal.flush(30)
        wait = await self.sender.step()
        assert self.rig.journal.flush(30)
        return wait

    def told(self) -> list[list[str]]:
        """Return what each request since the last call said: worker, and whether it fires."""
        requests, self.server.requests[:] = [*self.server.requests], []
        return [
            [
                f"{one['labels'].get('worker', '')} {'over' if 'endsAt' in one else 'fires'}"
                for one in json.loads(each.body)
            ]
            for each in requests
        ]


@pytest.fixture
async def sending(rig: Rig, server: RawServer) -> Sending:
    server.answer(OK)
    made = Sending(rig, server)
    await made.step()
    return made


async def test_what_fires_is_sent_at_once_again_within_a_minute_and_ended_when_it_is_over(
    rig: Rig, sending: Sending
) -> None:
    rig.ban("wkr_a")
    await sending.step()
    assert sending.told() == [["wkr_a fires"]]
    await sending.step()
    assert sending.told() == []
    assert 30 <= RESEND <= 60
    for _ in range(3):
        rig.clock.skip(RESEND)
        await sending.step()
        assert sending.told() == [["wkr_a fires"]]
    rig.lift("wkr_a")
    await sending.step()
    assert sending.told() == [["wkr_a over"]]
    rig.clock.skip(RESEND)
    await sending.step()
    assert sending.told() == []


async def test_an_alert_has_what_routes_and_people_need(rig: Rig, server: RawServer, sending: Sending) -> None:
    rig.ban("wkr_a", detail="exfiltrates", source="ban list", correlation_id="req-1")
    await sending.step()
    rig.clock.skip(30)
    rig.lift("wkr_a")
    await sending.step()
    (fires,), (over,) = (json.loads(each.body) for each in server.requests)
    assert fires == {
        "labels": {
            "alertname": "PyhallBanned",
            "alarm": rig.alarms.book.get(Condition.BANNED, "wkr_a").id,
            "profile": "prod",
            "namespace": "org.acme",
            "worker": "wkr_a",
            "severity": "critical",
        },
        "annotations": {
            "summary": "wkr_a is BANNED (ban list): exfiltrates",
            "source": "ban list",
            "detail": "exfiltrates",
            "correlation_id": "req-1",
        },
        "startsAt": "2026-03-20T09:46:40.000Z",
    }
    assert over == fires | {"endsAt": "2026-03-20T09:47:10.000Z"}
    assert server.requests[0].line == "POST /api/v2/alerts HTTP/1.1"


async def test_an_acknowledged_alarm_still_fires_and_says_who_has_seen_it(
    rig: Rig, server: RawServer, sending: Sending
) -> None:
    rig.ban("wkr_a")
    await sending.step()
    server.requests.clear()
    rig.alarms.acknowledge_alarms([rig.alarms.book.get(Condition.BANNED, "wkr_a")], "on it")
    await sending.step()
    (alert,) = json.loads(server.requests[0].body)
    assert (alert["annotations"]["acknowledged"], "endsAt" in alert) == ("by ada: on it", False)


async def test_a_silenced_alarm_is_not_sent_and_ends_if_it_was(rig: Rig, server: RawServer, sending: Sending) -> None:
    rig.ban("wkr_a")
    await sending.step()
    silence = rig.alarms.silence(NOW + 3_600, "upgrade", worker="wkr_*")
    rig.ban("wkr_b")
    await sending.step()
    alert = json.loads(server.requests[-1].body)[0]
    assert alert["annotations"]["silenced"] == "until 2026-03-20T10:46:40.000Z by ada: upgrade"
    assert sending.told() == [["wkr_a fires"], ["wkr_a over"]]
    rig.alarms.unsilence(silence)
    await sending.step()
    assert sending.told() == [["wkr_a fires", "wkr_b fires"]]


async def test_what_fired_and_ended_between_two_looks_is_sent_as_both(rig: Rig, sending: Sending) -> None:
    rig.ban("wkr_a")
    rig.lift("wkr_a")
    await sending.step()
    assert sending.told() == [["wkr_a fires"], ["wkr_a over"]]


async def test_what_ended_while_nobody_ran_is_ended(rig: Rig, server: RawServer, sending: Sending) -> None:
    rig.ban("wkr_a", "wkr_b")
    await sending.step()
    again = rig.restarted()
    again.lift("wkr_a")
    sending_again = Sending(again, server)
    sending_again.told()
    await sending_again.step()
    assert sending_again.told() == [["wkr_b fires"], ["wkr_a over"]]
    again.journal.close()


async def test_a_failure_is_tried_again_until_it_is_taken_and_loses_no_end(
    rig: Rig, server: RawServer, sending: Sending
) -> None:
    rig.ban("wkr_a")
    await sending.step()
    rig.lift("wkr_a")
    server.answer(answer(b"", "503 Service Unavailable"), answer(b"", "503 Service Unavailable"), OK)
    sending.told()
    waits = [await sending.step() for _ in range(3)]
    assert sending.told() == [["wkr_a over"]] * 3
    assert all(wait <= 15 for wait in waits)
    assert sending.counts == {("alertmanager", "sent"): 2, ("alertmanager", "failed"): 2}
    kinds = [each.kind for each in rig.events if each.kind in (Kind.ALERTS_FAILING, Kind.ALERTS_RECOVERED)]
    assert kinds == [Kind.ALERTS_FAILING, Kind.ALERTS_RECOVERED]


async def test_an_alarm_that_becomes_less_urgent_ends_under_its_old_labels(
    rig: Rig, server: RawServer, sending: Sending
) -> None:
    rig.happens(event(Kind.VANISHED, "wkr_a"))
    await sending.step()
    server.requests.clear()
    rig.alarms.most_vanish(most=True)
    await sending.step()
    (warns,), (over,) = (json.loads(each.body) for each in server.requests)
    assert (warns["labels"]["severity"], over["labels"]["severity"]) == ("warning", "critical")
    assert "endsAt" in over


async def test_every_severity_is_sent_with_its_word(rig: Rig, server: RawServer, sending: Sending) -> None:
    rig.alarms.rules = rules_from({"banned": "warning", "vanished": "note"})[0]
    rig.ban("wkr_a")
    rig.happens(event(Kind.VANISHED, "wkr_b"), event(Kind.DRIFTED, "wkr_c", severity=Severity.ALARM))
    await sending.step()
    alerts = json.loads(server.requests[-1].body)
    severities = {one["labels"]["worker"]: one["labels"]["severity"] for one in alerts}
    assert severities == {"wkr_a": "warning", "wkr_b": "info", "wkr_c": "critical"}


async def test_a_clock_set_back_never_ends_an_alert_before_its_start(
    rig: Rig, server: RawServer, sending: Sending
) -> None:
    rig.ban("wkr_a")
    await sending.step()
    rig.clock.jump_wall(-86_400)
    rig.lift("wkr_a")
    await sending.step()
    over = json.loads(server.requests[-1].body)[0]
    assert over["endsAt"] > over["startsAt"]


async def test_thousands_are_sent_in_parts(rig: Rig, sending: Sending) -> None:
    rig.ban(*(f"wkr_{number}" for number in range(600)))
    await sending.step()
    assert [len(each) for each in sending.told()] == [250, 250, 100]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("wkr_a", "wkr_a"),
        ("a\nb\x00\x1b[31m", "a\\nb\\x00\\x1b[31m"),
        ("\udc80", "\\udc80"),
        ("\u202eevil", "\\u202eevil"),
        ("日本", "日本"),
        ("x" * 200, "x" * 200),
        ("x" * 201, "x" * 199 + "…"),
    ],
)
def test_a_label_is_valid_whatever_an_id_holds(text: str, shown: str) -> None:
    assert label(text) == shown


async def test_what_is_not_an_alertmanager_gets_a_sentence(server: RawServer) -> None:
    poster = Poster(alerts_of(read_receiver(server.url)), SystemClock())
    server.answer(answer(b'{"cluster": {"status": "ready"}}'))
    assert await refusal(poster) == ""
    server.answer(answer(b"hello"))
    assert "answers, but not as an Alertmanager does" in await refusal(poster)
    server.answer(answer(b"gone", "404 Not Found"))
    assert await refusal(poster) == f"{server.url} answers 404 to /api/v2/status, which an Alertmanager has: gone"
    server.answer(answer(b"", "301 Moved Permanently", "Location: /prefix/api/v2/status"))
    with pytest.raises(Moved, match="a redirect to another path there"):
        await refusal(poster)
    await poster.aclose()


async def test_a_closed_port_gets_a_sentence() -> None:
    poster = Poster(alerts_of(read_receiver("http://127.0.0.1:1")), SystemClock())
    with pytest.raises(NotPosted, match=r"Nothing answers at 127\.0\.0\.1:1: the connection was refused\."):
        await refusal(poster)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("http://127.0.0.1:9093", "/api/v2/alerts"),
        ("http://127.0.0.1:9093/", "/api/v2/alerts"),
        ("http://127.0.0.1:9093/alerts/", "/alerts/api/v2/alerts"),
        ("http://127.0.0.1:9093/api/v2/alerts", "/api/v2/alerts"),
        ("http://127.0.0.1:9093/api/v2/alerts/", "/api/v2/alerts"),
    ],
)
def test_the_url_of_an_alertmanager_may_be_its_own_or_that_of_its_alerts(url: str, path: str) -> None:
    assert alerts_of(read_receiver(url)).path == path


async def test_the_check_at_the_start_says_what_is_wrong_and_whether_it_may_mend(server: RawServer) -> None:
    server.answer(answer(b"", "307 Temporary Redirect", "Location: https://hooks.example/x"))
    deliveries = Deliveries(SystemClock(), alertmanager="http://127.0.0.1:1", webhook=f"{server.url}/x")
    down, moved = await deliveries.check()
    assert (down.is_final, moved.is_final) == (False, True)
    assert down.sentence == (
        "--alertmanager: Nothing answers at 127.0.0.1:1: the connection was refused. It is tried again."
    )
    assert moved.sentence.startswith(f"--webhook: {server.url} answers 307, a redirect to https://hooks.example:")
    assert server.requests[0].method == "OPTIONS"
    await deliveries.aclose()


@pytest.mark.parametrize(
    ("option", "url"), [("alertmanager", "127.0.0.1:9093"), ("alertmanager", "http://a/?x"), ("webhook", "hooks")]
)
async def test_a_wrong_url_names_its_option(option: str, url: str) -> None:
    with pytest.raises(ValueError, match=f"--{option}: The URL"):
        Deliveries(SystemClock(), **{option: url})


async def test_a_url_may_be_in_a_file_which_no_process_list_shows(server: RawServer, tmp_path: Path) -> None:
    server.answer(answer(b""))
    (tmp_path / "webhook").write_text(f"{server.url}/T0K3N-12345678\n")
    deliveries = Deliveries(SystemClock(), webhook=f"@{tmp_path}/webhook")
    assert await deliveries.check() == []
    assert server.requests[0].target == "/T0K3N-12345678"
    await deliveries.aclose()
    with pytest.raises(ValueError, match="--webhook: /no/such cannot be read: no such file"):
        Deliveries(SystemClock(), webhook="@/no/such")
    (tmp_path / "webhook").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="cannot be read: it is UTF-16"):
        Deliveries(SystemClock(), webhook=f"@{tmp_path}/webhook")


async def test_a_long_wait_that_an_alertmanager_asks_for_ends_no_alert(
    rig: Rig, server: RawServer, sending: Sending
) -> None:
    server.answer(answer(b"", "503 Service Unavailable", "Retry-After: 3600"))
    rig.ban("wkr_a")
    assert await sending.step() == 15


def test_absurd_times_are_still_times() -> None:

    assert iso(-5) == "1970-01-01T00:00:00.000Z"
    assert iso(1e300).startswith("9999-12-31")


async def test_receivers_that_hang_do_not_delay_the_watch_for_long(server: RawServer) -> None:
    async def hang(_: RawRequest, __: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3_600)

    server.answer(hang)
    deliveries = Deliveries(SystemClock(), alertmanager=server.url, webhook=f"{server.url}/hook")
    problems = await deliveries.check()
    assert [problem.is_final for problem in problems] == [False, False]
    assert [problem.sentence.partition(":")[0] for problem in problems] == ["--alertmanager", "--webhook"]
    assert problems[0].sentence.endswith("It has not answered within 3 s. It is tried again.")
    await deliveries.aclose()
