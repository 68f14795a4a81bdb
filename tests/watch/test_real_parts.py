"""The real Prometheus scrapes the metrics, and a real Alertmanager takes what fires and what is over."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from pyhall_tui.clock import SystemClock
from pyhall_tui.fleet.entry import State
from pyhall_tui.metrics.address import listen
from pyhall_tui.metrics.server import MetricsServer
from pyhall_tui.watch.deliveries import Deliveries
from pyhall_tui.watch.metrics import ProfileState, WatcherState, render
from tests.waiting import until
from tests.watch.debian import alertmanager, asked, prometheus
from tests.watch.rig import Rig

pytestmark = pytest.mark.thorough
HOSTILE = 'wkr "\\\n\x1b[31m\u202e\udc80{x="y"}' + "x" * 5_000


async def alerts(url: str) -> dict[str, Any]:
    """Return the Alertmanager's active alerts by the worker's label."""
    found = await asyncio.to_thread(asked, f"{url}/api/v2/alerts")
    return {alert["labels"]["worker"]: alert for alert in found or []}


async def eventually(ask: Any, holds: Any) -> Any:
    """Ask until what is answered holds, and return it."""
    for _ in range(1_000):
        if holds(answer := await ask()):
            return answer
        await asyncio.sleep(0.05)
    raise AssertionError(f"not so within 50 s, but: {answer}")


async def test_an_alertmanager_gets_what_fires_and_what_is_over(tmp_path: Path) -> None:
    rig = Rig(tmp_path, SystemClock())
    with alertmanager(tmp_path) as url:
        deliveries = Deliveries(SystemClock(), alertmanager=url)
        assert await deliveries.check() == []
        following = asyncio.create_task(deliveries.follow(rig.profile, rig.notes))
        rig.ban("wkr_a", HOSTILE, detail="exfiltrates")
        found = await eventually(lambda: alerts(url), lambda got: len(got) == 2)
        assert found["wkr_a"]["status"]["state"] == "active"
        assert found["wkr_a"]["annotations"]["detail"] == "exfiltrates"
        assert deliveries.sent[("alertmanager", "failed")] == 0
        rig.lift("wkr_a")
        await eventually(lambda: alerts(url), lambda got: "wkr_a" not in got and len(got) == 1)
        rig.lift(HOSTILE)
        await eventually(lambda: alerts(url), lambda got: not got)
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        await deliveries.aclose()
    rig.journal.close()


async def test_an_alertmanager_that_comes_late_gets_everything(tmp_path: Path) -> None:
    rig = Rig(tmp_path, SystemClock())
    rig.ban("wkr_a")
    with alertmanager(tmp_path) as url:
        pass
    deliveries = Deliveries(SystemClock(), alertmanager=url)
    (problem,) = await deliveries.check()
    assert not problem.is_final
    following = asyncio.create_task(deliveries.follow(rig.profile, rig.notes))
    await until(lambda: deliveries.sent[("alertmanager", "failed")])
    following.cancel()
    with alertmanager(tmp_path) as again:
        deliveries = Deliveries(SystemClock(), alertmanager=again)
        following = asyncio.create_task(deliveries.follow(rig.profile, rig.notes))
        await eventually(lambda: alerts(again), lambda got: list(got) == ["wkr_a"])
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
    rig.journal.close()


async def test_prometheus_scrapes_the_metrics(tmp_path: Path) -> None:
    listening = listen("127.0.0.1:0")
    state = WatcherState(profiles=[ProfileState(profile='a "b"', workers={State.BANNED: 2}, registry_up=True)])
    serving = asyncio.create_task(MetricsServer(listening, lambda: render(state)).serve())
    target = f"127.0.0.1:{listening.getsockname()[1]}"
    with prometheus(tmp_path, target) as url:
        query = f"{url}/api/v1/query?query={quote('pyhall_workers')}"
        answer = await eventually(
            lambda: asyncio.to_thread(asked, query), lambda got: got is not None and got["data"]["result"]
        )
        targets = await asyncio.to_thread(asked, f"{url}/api/v1/targets")
    serving.cancel()
    found = {(one["metric"]["profile"], one["metric"]["state"]): one["value"][1] for one in answer["data"]["result"]}
    assert found == {('a "b"', each.name.lower()): "2" if each is State.BANNED else "0" for each in State}
    (target_state,) = targets["data"]["activeTargets"]
    assert (target_state["health"], target_state["lastError"]) == ("up", "")
