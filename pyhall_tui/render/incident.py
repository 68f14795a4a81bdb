"""The incident note: what is known about a worker, as Markdown for a ticket."""

import re
from collections.abc import Sequence

from pyhall_tui.clock import Moment
from pyhall_tui.fleet.entry import Entry
from pyhall_tui.fleet.events import Event
from pyhall_tui.journal.rows import DispatchRow
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.render.event import WORDS
from pyhall_tui.render.text import age, clean, full_time
from pyhall_tui.render.worker import LOOKS, attested_word

_MOST_EVENTS = 20


def incident_note(
    entry: Entry,
    events: Sequence[Event],
    dispatches: Sequence[DispatchRow],
    profile: Profile,
    now: Moment,
    stale_after: float,
) -> str:
    """Return the note. `events` and `dispatches` are the worker's, newest first; no request is sent for it.

    All foreign text is in code spans, in which Markdown, mentions and links have no effect.
    """
    state = LOOKS[entry.last_state()].word
    head = f"## {state}: {_code(entry.worker_id)}"
    parts = [head, _facts(entry, profile, now, stale_after), _seen(events), _dispatched(dispatches, events)]
    return "\n\n".join(parts) + "\n"


def _facts(entry: Entry, profile: Profile, now: Moment, stale_after: float) -> str:
    verdict, listed = entry.verdict, entry.listed
    last_known = " (the last known; none is attested now)" if entry.last_sha256 and not entry.sha256 else ""
    facts: list[tuple[str, str]] = [
        ("State", _state(entry, now, stale_after)),
        ("Name", _code(verdict.display_name if verdict else None)),
        ("Namespace", _code((verdict.namespace if verdict else None) or profile.namespace)),
        ("Registry", _code(profile.registry_url)),
        ("Package hash", _code(entry.sha256 or entry.last_sha256) + last_known),
        ("Status", _code(verdict.status if verdict else None)),
        ("Attested", attested_word(verdict)),
    ]
    if entry.ban is not None:
        facts += [("Ban seen by", _code(entry.ban.source)), ("Reason", _code(entry.ban.reason))]
    if listed is not None:
        facts += [
            ("Reported", f"{_code(listed.reported_at)} by {_code(listed.source)}"),
            ("Review", _code(listed.review_status)),
        ]
    if verdict is not None:
        facts.append(("Last verdict", f"{full_time(entry.asked_wall)}, correlation id {_code(verdict.correlation_id)}"))
    facts.append(("Note written", full_time(now.wall)))
    return "\n".join(f"- **{label}:** {value}" for label, value in facts)


def _state(entry: Entry, now: Moment, stale_after: float) -> str:
    words = LOOKS[entry.state(now.mono, stale_after)].word
    seconds = entry.age(now.mono)
    if seconds is None:
        return f"{words} (not verified yet)"
    stale = ", STALE: not verified on time" if entry.is_stale(now.mono, stale_after) else ""
    return f"{LOOKS[entry.last_state()].word} (verified {age(seconds)}{stale})"


def _seen(events: Sequence[Event]) -> str:
    if not events:
        return "### What was seen\n\nNo change has been seen since watching began."
    rows = [
        f"| {full_time(event.at)} | {WORDS[event.severity]} | {_cell(_change(event))} | {_cell(_code(event.source))} |"
        f" {event.count} | {_cell(_code(event.correlation_id))} |"
        for event in events[:_MOST_EVENTS]
    ]
    left = len(events) - _MOST_EVENTS
    more = f"\n\n{left} older changes are left out." if left > 0 else ""
    head = "| when | severity | what changed | source | times | correlation id |\n| --- | --- | --- | --- | --- | --- |"
    return "### What was seen\n\n" + "\n".join([head, *rows]) + more


def _change(event: Event) -> str:
    detail = f": {_code(event.detail)}" if event.detail else ""
    return f"{event.kind}, {_code(event.before)} → {_code(event.after)}{detail}"


def _dispatched(dispatches: Sequence[DispatchRow], events: Sequence[Event]) -> str:
    head = "### What dispatch answers\n\n"
    if not dispatches:
        return head + "No dispatch with this worker is known here; none was sent for this note."
    last = dispatches[0]
    asked = f"{full_time(last.at)}: {_code(last.capability)} as {_code(last.worker_id)}"
    ids = f"correlation id {_code(last.correlation_id)}"
    when = ""
    if events and events[0].at > last.at:
        when = " That was **before the last change** above."
    return f"{head}{asked}: {_answer(last)} ({ids}).{when} None was sent for this note."


def _answer(row: DispatchRow) -> str:
    if not row.outcome:
        reached = ", and it may have reached the registry" if row.may_have_reached else ""
        return f"no answer, {_code(row.error)}{reached}"
    code = f" {_code(row.deny_code)}" if row.deny_code else ""
    reason = f", {_code(row.reason)}" if row.reason else ""
    decision = f", decision {_code(row.decision_id)}" if row.decision_id else ""
    return (
        f"**{clean(row.outcome, 40).upper() if row.outcome.isalpha() else _code(row.outcome)}**{code}{reason}{decision}"
    )


def _code(text: str | None) -> str:
    """Return foreign text as a code span, fenced by more backticks than it contains."""
    shown = clean(text or "", 500).strip()
    if not shown:
        return "–"
    longest = max((len(run) for run in re.findall(r"`+", shown)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def _cell(markdown: str) -> str:
    """Return it escaped for a table's cell, which `|` would end even in a code span."""
    return markdown.replace("|", "\\|")
