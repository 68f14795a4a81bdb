"""The incident note, as it is pasted into a ticket."""

from pyhall_tui.clock import Moment
from pyhall_tui.fleet.entry import Ban, Entry
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.registry.models import BanListEntry, Verdict
from pyhall_tui.render.incident import incident_note
from tests.journal.makers import NOW, dispatch, event

HASH = "a1" * 32
PROFILE = Profile(name="acme", namespace="org.acme", registry_url="https://api.example.org")
LISTED = BanListEntry(sha256=HASH, reason="exfiltrates", reported_at="2026-03-20", source="hall-monitor")


def banned(**fields: object) -> Entry:
    verdict = Verdict(worker_id="org.acme.w1", known=True, status="active", sha256=HASH, correlation_id="req-9")
    values = {"verdict": verdict, "asked": 990.0, "asked_wall": NOW - 10, "last_sha256": HASH, **fields}
    return Entry("org.acme.w1", ban=Ban("ban list", 990.0, "exfiltrates"), listed=LISTED, **values)  # type: ignore[arg-type]


def note(entry: Entry, events: object = (), dispatches: object = ()) -> str:
    return incident_note(entry, events, dispatches, PROFILE, Moment(1_000.0, NOW), 120.0)  # type: ignore[arg-type]


def test_it_says_who_what_why_when_and_by_which_source() -> None:
    text = note(banned(), [event(source="ban list", correlation_id="req-7", detail="exfiltrates")])
    for part in ("BANNED: `org.acme.w1`", f"`{HASH}`", "`ban list`", "`exfiltrates`", "`req-7`", "`req-9`"):
        assert part in text
    assert "(verified 10s ago)" in text
    assert "`hall-monitor`" in text


def test_a_stale_verdict_is_called_stale() -> None:
    assert "STALE" in note(banned(asked=0.0))


def test_what_dispatch_answers_is_shown_only_if_known() -> None:
    assert "No dispatch with this worker is known here; none was sent" in note(banned())
    denied = dispatch(outcome="deny", deny_code="WORKER_BANNED", reason="banned", correlation_id="req-5", at=NOW)
    text = note(banned(), [event(at=NOW - 60)], [denied])
    assert "**DENY** `WORKER_BANNED`, `banned` (correlation id `req-5`)" in text
    assert "before the last change" not in text


def test_an_answer_from_before_the_ban_is_marked_as_such() -> None:
    text = note(banned(), [event(at=NOW)], [dispatch(outcome="allow", at=NOW - 60)])
    assert "**ALLOW**" in text and "**before the last change**" in text


def test_a_dispatch_without_an_answer_is_neither_allow_nor_deny() -> None:
    text = note(banned(), [], [dispatch(outcome="", error="Timed out.", may_have_reached=True)])
    assert "no answer, `Timed out.`, and it may have reached the registry" in text


def test_foreign_markdown_stays_text() -> None:
    """F08, F09."""
    hostile = "` **@everyone** `` [x](http://evil) | \x1b[2J\n# head"
    text = note(banned(), [event(detail=hostile)])
    row = next(line for line in text.splitlines() if "@everyone" in line)
    assert "``` ` **@everyone** `` [x](http://evil) \\| ␛[2J␊# head ```" in row
    assert "\x1b" not in text and "\n# head" not in text


def test_a_worker_that_was_never_answered_for_has_a_note_too() -> None:
    text = note(Entry("wkr_1"))
    assert "(not verified yet)" in text and "No change has been seen" in text
