"""What the watcher prints: one JSON object per line, of a few types. Pure. `share/watch.schema.json` is the schema.

All text is escaped to ASCII, so that no character of a registry's text can control a terminal, and secrets are masked.
"""

import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from pyhall_tui import __version__
from pyhall_tui.alarms.alarm import Standing
from pyhall_tui.fleet.events import Event, Severity
from pyhall_tui.journal.watchers import Holder
from pyhall_tui.logs.masking import mask
from pyhall_tui.monitor.connection_state import ConnectionState
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.watch.messages import iso
from pyhall_tui.watch.metrics import ProfileState

SCHEMA: Final = 1
_LONGEST: Final = 2_000
"""Characters of one text in a line."""
_DELETE: Final = "\x7f"

Line = Mapping[str, Any]


def start_line(at: float, profiles: Iterable[str], heartbeat: float) -> Line:
    """Return the first line. `heartbeat`: seconds between two heartbeats."""
    return {
        "type": "start",
        "schema": SCHEMA,
        "started": iso(at),
        "version": __version__,
        "pid": os.getpid(),
        "profiles": [*profiles],
        "heartbeat_seconds": heartbeat,
    }


def standby_line(at: float, profile: str, holder: Holder) -> Line:
    """Return that another program watches a profile, and this one waits for its end."""
    return {"type": "standby", "at": iso(at), "profile": profile, "pid": holder.pid, "host": holder.host}


def profile_line(at: float, profile: Profile, *, workers: int, after: int, is_resumed: bool) -> Line:
    """Return the line that says where a profile's events start: after the event with that id (0: with the first)."""
    return {
        "type": "profile",
        "at": iso(at),
        "profile": profile.name,
        "registry": profile.registry_url,
        "namespace": profile.namespace,
        "workers": workers,
        "events_after": after,
        "resumed": is_resumed,
    }


def settings_line(at: float, what: str, sentence: str, *, profile: str | None, changed: Sequence[str] = ()) -> Line:
    """Return that `profiles.toml` says something else now. `changed`: keys of the profile; no profile: the file."""
    return {
        "type": "settings",
        "at": iso(at),
        "profile": profile,
        "what": what,
        "changed": [*changed],
        "sentence": sentence,
    }


def event_line(profile: str, event: Event) -> Line:
    """Return an event. Its id is the journal's, and the same after a restart."""
    return {
        "type": "event",
        "id": event.id,
        "at": iso(event.at),
        "profile": profile,
        "kind": event.kind.name.lower(),
        "severity": event.severity.name.lower(),
        "worker": event.worker_id,
        "before": event.before,
        "after": event.after,
        "source": event.source,
        "detail": event.detail,
        "correlation_id": event.correlation_id,
        "count": event.count,
        "acknowledged": event.acknowledged,
    }


def connection_line(at: float, profile: str, state: ConnectionState) -> Line:
    """Return the state of the connection to a profile's registry."""
    return {
        "type": "connection",
        "at": iso(at),
        "profile": profile,
        "state": state.reach.value,
        "since": iso(state.since_wall),
        "sentence": state.sentence,
        "advice": state.advice,
        "ban_list": state.ban_list.value,
        "ban_list_sentence": state.ban_list_sentence,
        "push": state.pushed_until is not None,
    }


def heartbeat_line(at: float, profiles: Sequence[ProfileState], lost: int) -> Line:
    """Return what is known at the moment. `lost`: lines that could not be printed since the start."""
    return {"type": "heartbeat", "at": iso(at), "lost": lost, "profiles": [_summary(each) for each in profiles]}


def lost_line(at: float, count: int) -> Line:
    """Return how many lines are missing here, because the reader was too slow."""
    return {"type": "lost", "at": iso(at), "count": count}


def end_line(at: float, code: int) -> Line:
    """Return the last line. `code` is the exit code."""
    return {"type": "end", "at": iso(at), "code": code}


def encoded(line: Line) -> bytes:
    """Return a line as it is printed."""
    text = json.dumps(_plain(line), separators=(",", ":"), allow_nan=False)
    return text.replace(_DELETE, "\\u007f").encode("ascii") + b"\n"


def _summary(state: ProfileState) -> Line:
    oldest = state.oldest_verdict_age
    return {
        "profile": state.profile,
        "registry_up": state.registry_up,
        "ban_list": state.ban_list.value,
        "push": state.stream_up,
        "workers": {worker_state.name.lower(): count for worker_state, count in state.workers.items()},
        "oldest_verdict_age": round(oldest, 3) if math.isfinite(oldest) else None,
        "alarms": state.alarms.get((Standing.FIRING, Severity.ALARM), 0),
    }


def _plain(value: Any) -> Any:
    """Return a value whose texts hold no secret and are not longer than `_LONGEST`."""
    if isinstance(value, str):
        return mask(value, _LONGEST)
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value
