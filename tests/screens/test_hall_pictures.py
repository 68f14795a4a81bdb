"""The local hall's State tab: a store that several halls share. The docstring says what you see."""

import json
from typing import Any

from textual.containers import VerticalScroll

from pyhall_tui.hall.store import iso
from tests.clock import ManualClock
from tests.live_hall import WORKER, LiveHall
from tests.pictures import Picture
from tests.screens.conftest import OpenApp, profile_of
from tests.screens.test_hall import go_to_hall, reads


def hall_of(name: str, **fields: Any) -> dict[str, Any]:
    known = {"instance": name, "version": "1.2.3", "since": "2026-11-26T08:00:00Z", "silent": 0.4, "living": True}
    return {**known, "name": name, "decisions": 41.5, "polls": False, "stale": False, "policy_error": None, **fields}


def say(hall: LiveHall, path: str, body: object) -> None:
    hall.faults.add(path=path, body=json.dumps(body))


async def test_the_state_tab_of_a_store_that_several_halls_share(
    open_app: OpenApp, hall: LiveHall, picture: Picture
) -> None:
    """Each hall on a line: one polls the upstream, one can't reach it, one was killed; then the keys, yours first."""
    clock = ManualClock()
    noon = iso(clock.now().wall)
    status = {
        "hall_name": "pyhall-tui",
        "hall_version": "1.2.3",
        "online": True,
        "account_standing": "ok",
        "standing_checked_at": noon,
        "workers_enrolled": 1_204,
        "decisions_total": 98_212,
        "decisions_today": 1_377,
        "denials_today": 12,
        "log": {
            "seq": 98_214,
            "entry_hash": "3fa07c" + "0" * 58,
            "signed_by": "hall.yourco.org",
            "checkpoint": {"origin": "hall.yourco.org", "seq": 98_209, "at": noon},
            "error": None,
        },
        "upstream": {"url": "https://api.pyhall.dev", "stale": False, "last_poll": noon, "last_heard": noon},
        "halls": [
            hall_of("hall-a:8765", polls=True),
            hall_of("hall-b:8765", decisions=38, stale=True),
            hall_of("hall-c:8765", decisions=0, silent=41.2, living=False, policy_error="rule 3: no such tier"),
            hall_of("[/b]\x1b[31m", version=None, since=None, silent="?", decisions="many"),
        ],
    }
    keys = [
        {"key_id": "key_1", "label": "CI", "scopes": ["hall:enroll"], "last_used": noon},
        {"key_id": "key_2", "label": "", "scopes": [], "last_used": None, "yours": True},
        {"key_id": "key_3", "label": "[/b] router", "scopes": ["hall:enroll", "runtime:delivery"], "last_used": "?"},
    ]
    say(hall, "/status", status)
    say(hall, "/alerts", {"alerts": [{"level": "warning", "code": "UPSTREAM_STANDING", "message": "It is in grace"}]})
    say(hall, "/api/v1/keys", {"keys": keys})
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=(140, 44), clock=clock) as opened:
        await go_to_hall(opened)
        await opened.pilot.press("f5")
        await reads(opened, "KEYS", "[/b] router", "It is in grace")
        await picture(opened.pilot, "state-of-several-halls", (140, 44), (80, 24))
        opened.screen.query_one("#state-scroll", VerticalScroll).scroll_end(animate=False)
        await picture(opened.pilot, "state-of-several-halls-at-its-end", (80, 24))
