"""The fleet: every watched worker, its last known state, and what has changed since.

Pure and synchronous: no I/O, and each call is given the time. One thread, the UI's, owns it. A screen pulls
`changed_since(revision)`, so merging messages about changes loses none.
"""

from collections import ChainMap, OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter
from typing import Any

import msgspec

from pyhall_tui.clock import Moment
from pyhall_tui.fleet.drift_state import BAD_DRIFT, DriftState
from pyhall_tui.fleet.entry import Ban, Entry, State
from pyhall_tui.fleet.events import BANNED_OTHERWISE, FIRST_SIGHT, Event, Kind
from pyhall_tui.fleet.lean import lean
from pyhall_tui.fleet.transitions import ban_transition, make_event, verdict_transitions
from pyhall_tui.registry.models import BanList, BanListEntry, Verdict

MOST_RAW = 10_000
"""Workers whose last answer is held as it came."""
_JITTER = 0.5
"""Seconds by which two programs' times of the same request may differ."""
_MOST_CHANGED = 4_096
"""Changes that are told apart one by one; who asks for older ones gets them by a look at every worker."""


class Fleet:
    """All watched workers of one profile."""

    def __init__(self, interval: float) -> None:
        """Start empty. `interval` is the seconds after which a verdict is due; after twice as long it is stale."""
        self.stale_after = 2 * interval
        self.revision = 0
        self.news = 0
        """Counts what changed, verdicts that say the same as the last ones left out: by those only ages change."""
        self._whole: BanList | None = None
        """The last full answer of the ban list, without what counts beside it."""
        self.listing: BanList | None = None
        """The ban list's last complete answer."""
        self.listed_otherwise: list[str] = []
        """Workers that its last answer newly bans, or no longer names: only a verify shows how they stand."""
        self._looked_up_in: Mapping[str, BanListEntry] | None = None
        """The entries among which each worker's hash was looked up; None if workers came since."""
        self._is_listing_old = False
        """Another program reads the list: what that found in it counts, until it is read here again."""
        self._entries: dict[str, Entry] = {}
        self._changed: OrderedDict[str, int] = OrderedDict()
        """Worker id -> revision, in that order: the newest change is last. Only of the last changes."""
        self._forgotten = 0
        """The newest revision that is in it no more."""
        self._with_raw: OrderedDict[str, None] = OrderedDict()
        """Workers whose answer is held as it came, the one held longest first."""

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, worker_id: str) -> bool:
        return worker_id in self._entries

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def get(self, worker_id: str) -> Entry | None:
        """Return the worker's entry, or None if it is not watched."""
        return self._entries.get(worker_id)

    def watch(self, worker_ids: Iterable[str]) -> list[str]:
        """Add workers; return those that were not watched before."""
        new = [worker_id for worker_id in dict.fromkeys(worker_ids) if worker_id not in self._entries]
        for worker_id in new:
            folded = worker_id.casefold()
            self._entries[worker_id] = Entry(worker_id, haystack=worker_id if folded == worker_id else folded)
            self._touch(self._entries[worker_id])
        return new

    def unwatch(self, worker_ids: Iterable[str]) -> list[Entry]:
        """Remove workers; return their entries for `put_back`."""
        gone = [self._entries.pop(worker_id) for worker_id in worker_ids if worker_id in self._entries]
        for entry in gone:
            self._changed.pop(entry.worker_id, None)
            self._with_raw.pop(entry.worker_id, None)
            self.revision += 1
            self.news += 1
        return gone

    def put_back(self, entries: Iterable[Entry]) -> None:
        """Undo an `unwatch`, with everything that was known."""
        for entry in entries:
            self._entries[entry.worker_id] = entry
            self._touch(entry)
        self._looked_up_in = None

    def restore(self, verdict: Verdict, ban: Ban | None, changed_wall: float, heard: Moment) -> None:
        """Load an earlier run's verdict; it is stale until verified again. `heard` is when it was requested."""
        entry = self._entries.get(verdict.worker_id)
        if entry is None or entry.verdict is not None:
            return
        entry.ban, entry.changed_wall = ban, changed_wall
        entry.told_reason = ban.reason if ban else None
        entry.list_reason = ban.reason if ban and ban.source == "ban list" else None
        self._set_verdict(entry, verdict, heard)
        entry.restored = True
        self._looked_up_in = None

    def apply(self, verdict: Verdict, asked: Moment, now: Moment) -> list[Event]:
        """Apply a verdict that was requested at `asked`; return the transitions. Ignores unwatched workers.

        An answer to an older request than the last one's is ignored too.
        """
        entry = self._entries.get(verdict.worker_id)
        if entry is None or (entry.verdict is not None and not entry.restored and asked.mono < entry.asked):
            return []
        before, ban_before, said = entry.verdict, entry.ban, _said(entry)
        news, looks = self.news, _looks(entry, now.mono, self.stale_after)
        is_same = self._set_verdict(entry, verdict, asked)
        entry.restored, entry.error = False, ""
        self._look_up(entry)
        entry.ban = self._ban_after(entry, asked)
        entry.list_reason = (entry.listed.reason if entry.listed else entry.list_reason) if entry.ban else None
        events = [] if is_same else list(verdict_transitions(before, verdict, now.wall))
        events += _ban_changes(entry, before, ban_before, verdict, now)
        if events:
            entry.changed_wall = now.wall
        elif looks == _looks(entry, now.mono, self.stale_after) and (is_same or said == _said(entry)):
            self.news = news
        return events

    def hear(
        self,
        verdict: Verdict,
        listed: BanListEntry | None,
        changed_wall: float,
        asked: Moment,
        now: Moment,
        *,
        is_banned: bool,
    ) -> bool:
        """Take over what another program learned about a worker and has recorded; return whether that is news.

        `listed` is the ban list's entry for the worker, as that program read the list; `is_banned`: it holds a ban to
        be in force, whichever source names it. A ban always counts; everything else only if it is not older than what
        is known.
        """
        entry = self._entries.get(verdict.worker_id)
        if entry is None:
            return False
        self._is_listing_old, self._looked_up_in = True, None
        is_older = entry.verdict is not None and not entry.restored and asked.mono < entry.asked - _JITTER
        if is_older and not is_banned:
            return False
        news, looks, said = self.news, _looks(entry, now.mono, self.stale_after), _said(entry)
        is_news = not is_older and asked.wall != entry.asked_wall
        if is_older:
            self._touch(entry)
        else:
            if entry.verdict is not None:  # the journal holds the answer as it came
                entry.verdict = msgspec.structs.replace(entry.verdict, raw=verdict.raw)
            self._set_verdict(entry, verdict, asked)
            entry.restored, entry.error = False, ""
        self._hear_of_ban(entry, verdict, listed, asked, is_banned=is_banned)
        entry.changed_wall = changed_wall
        if looks == _looks(entry, now.mono, self.stale_after) and said == _said(entry):
            self.news = news
        return is_news

    def _hear_of_ban(
        self, entry: Entry, verdict: Verdict, listed: BanListEntry | None, asked: Moment, *, is_banned: bool
    ) -> None:
        before, entry.listed = entry.ban, listed
        if not is_banned:
            entry.ban = None
        else:
            reason = listed.reason if listed else verdict.ban_reason or (before.reason if before else None)
            source = "ban list" if listed else "verify"
            entry.ban = Ban(source, max(asked.mono, before.seen if before else 0.0), reason)
        entry.told_reason = entry.ban.reason if entry.ban else None
        entry.list_reason = listed.reason if listed else None

    def failed(self, worker_id: str, sentence: str) -> None:
        """Note that a verify failed. What was known stays, and ages."""
        entry = self._entries.get(worker_id)
        if entry is not None and entry.error != sentence:
            entry.error = sentence
            self._touch(entry)

    def apply_ban_list(self, answer: BanList, asked: Moment, now: Moment) -> list[Event]:
        """Apply a ban list; return the transitions. A hit bans at once; absence clears nobody."""
        if answer.besides and self._whole is not None:
            maps: list[Any] = [answer.entries, self._whole.entries]  # nothing is written to them
            both: Mapping[str, BanListEntry] = ChainMap(*maps)
            self.listing = msgspec.structs.replace(answer, entries=both)
        elif not answer.unchanged:
            self.listing = self._whole = answer
        elif self._whole is not None:
            self.listing = self._whole = msgspec.structs.replace(self._whole, age=answer.age)  # and can be read again
        self._is_listing_old = False
        events: list[Event] = []
        lifted: list[str] = []
        listed = self.listing.entries if self.listing else None
        is_known, self._looked_up_in = listed is self._looked_up_in, listed
        hit_of = listed.get if listed else dict[str, BanListEntry]().get
        for entry in self._entries.values():
            if is_known and entry.listed is None:
                continue
            hit = hit_of(entry.last_sha256)  # the empty hash of a worker that has none is in no list
            if hit is not None:
                events += self._list_hit(entry, hit, asked, now, answer.correlation_id)
            elif entry.listed is not None:
                entry.listed = None
                lifted.append(entry.worker_id)
                self._touch(entry)
        self.listed_otherwise = [*(event.worker_id for event in events if event.worker_id), *lifted]
        return events

    def listed(self, sha256: str | None) -> BanListEntry | None:
        """Return the ban list's entry of a package hash, or None if it has none."""
        if not sha256 or self.listing is None:
            return None
        return self.listing.entries.get(sha256)

    def set_drift(self, worker_id: str, drift: DriftState, detail: str, now: Moment) -> list[Event]:
        """Apply the result of comparing the worker's folder with its attested hash; return the transitions."""
        entry = self._entries.get(worker_id)
        if entry is None or (entry.drift, entry.drift_detail) == (drift, detail):
            return []
        before, entry.drift, entry.drift_detail = entry.drift, drift, detail
        self._touch(entry)
        if (before in BAD_DRIFT) == (drift in BAD_DRIFT):
            return []
        entry.changed_wall = now.wall
        kind = Kind.DRIFTED if drift in BAD_DRIFT else Kind.DRIFT_ENDED
        was = before.value if before else "not compared yet"
        return [make_event(kind, now.wall, worker_id, was, drift.value, source="drift", detail=detail)]

    def restore_drift(self, worker_id: str, drift: DriftState | None, detail: str) -> None:
        """Load an earlier run's comparison, or clear it if the folder was removed; neither is an event."""
        entry = self._entries.get(worker_id)
        if entry is not None:
            entry.drift, entry.drift_detail = drift, detail
            self._touch(entry)

    def changed_since(self, revision: int) -> list[str]:
        """Return the ids of the workers that changed after that revision, newest first."""
        if revision >= self.revision:
            return []
        if revision < self._forgotten:
            late = (entry for entry in self._entries.values() if entry.revision > revision)
            return [entry.worker_id for entry in sorted(late, key=attrgetter("revision"), reverse=True)]
        changed = []
        for worker_id in reversed(self._changed):
            if self._changed[worker_id] <= revision:
                break
            changed.append(worker_id)
        return changed

    def few_changed_since(self, revision: int) -> list[str] | None:
        """Return the same; None if there are so many that whoever asks had better look at what is on screen."""
        return None if revision < self._forgotten else self.changed_since(revision)

    def counts(self, mono: float) -> dict[State, int]:
        """Return how many workers are in each state at that moment, in order of rank, including empty ones."""
        counts = dict.fromkeys(State, 0)
        for entry in self._entries.values():
            counts[entry.state(mono, self.stale_after)] += 1
        return counts

    def _list_hit(
        self, entry: Entry, hit: BanListEntry, asked: Moment, now: Moment, correlation_id: str
    ) -> Iterator[Event]:
        before = entry.ban
        if entry.listed != hit or before is None:
            self._touch(entry)
        entry.listed = hit
        given, entry.list_reason = entry.list_reason, hit.reason or entry.list_reason
        source = before.source if before else "ban list"
        entry.ban = Ban(source, max(asked.mono, before.seen if before else 0.0), hit.reason)
        events = [
            *ban_transition(before, entry.ban, now.wall, entry.worker_id, _word(entry.verdict, entry), correlation_id),
            *_banned_again(entry, before, given, hit.reason, "ban list", now, correlation_id),
        ]
        if events:
            entry.changed_wall = now.wall
            self._touch(entry)
        yield from events

    def _look_up(self, entry: Entry) -> None:
        if not self._is_listing_old:
            entry.listed = self.listed(entry.last_sha256)

    def _ban_after(self, entry: Entry, asked: Moment) -> Ban | None:
        """Return the ban in force after a verify: the worse of both sources. Only a newer one without a ban ends it."""
        verdict, before = entry.verdict, entry.ban
        if verdict is not None and verdict.banned:
            source = before.source if before else "verify"
            return Ban(source, asked.mono, verdict.ban_reason or (before.reason if before else None))
        if entry.listed is not None:
            return before or Ban("ban list", asked.mono, entry.listed.reason)
        if before is not None and asked.mono <= before.seen:
            return before
        if before is not None and verdict is not None and verdict.doubts:
            return before
        return None

    def _set_verdict(self, entry: Entry, verdict: Verdict, asked: Moment) -> bool:
        """Take over a verdict; return whether it says the same as the last one. Most do: that takes half the time."""
        again = entry.verdict and msgspec.structs.replace(entry.verdict, correlation_id=verdict.correlation_id)
        is_same = again == verdict
        entry.verdict = again if is_same else lean(verdict, entry.worker_id)
        entry.asked, entry.asked_wall = asked.mono, asked.wall
        entry.known_since_wall = entry.known_since_wall or asked.wall
        if not is_same:
            entry.last_sha256 = verdict.sha256 or entry.last_sha256
            entry.haystack = _haystack(entry.worker_id, verdict)
        self._hold_raw(entry)
        self._touch(entry)
        return is_same

    def _touch(self, entry: Entry) -> None:
        self.revision += 1
        self.news += 1
        entry.revision = self.revision
        self._changed[entry.worker_id] = self.revision
        self._changed.move_to_end(entry.worker_id)
        if len(self._changed) > _MOST_CHANGED:
            self._forgotten = self._changed.popitem(last=False)[1]

    def _hold_raw(self, entry: Entry) -> None:
        """Hold the answers as they came for the last so many workers; the journal has those of all."""
        self._with_raw[entry.worker_id] = None
        self._with_raw.move_to_end(entry.worker_id)
        if len(self._with_raw) > MOST_RAW:
            oldest = self._entries.get(self._with_raw.popitem(last=False)[0])
            if oldest is not None and oldest.verdict is not None:
                oldest.verdict = msgspec.structs.replace(oldest.verdict, raw=b"")


def _said(entry: Entry) -> tuple[object, ...]:
    """Return all of a verdict that is shown in a list."""
    verdict = entry.verdict
    if verdict is None:
        return ()
    return verdict.status, verdict.known, verdict.attested, verdict.hash_text, verdict.sha256, entry.haystack


def _looks(entry: Entry, mono: float, stale_after: float) -> tuple[object, ...]:
    """Return everything else that is shown of a worker in a list, its age left out."""
    return entry.state(mono, stale_after), entry.restored, entry.error, entry.ban and entry.ban.reason


def _ban_changes(
    entry: Entry, before: Verdict | None, ban_before: Ban | None, verdict: Verdict, now: Moment
) -> Iterator[Event]:
    """Yield what a verdict did to the ban in force."""
    if (ban_before is None) != (entry.ban is None):
        word = _word(entry.verdict if ban_before else before, entry)
        yield from ban_transition(ban_before, entry.ban, now.wall, entry.worker_id, word, verdict.correlation_id)
    given = before.ban_reason if before is not None and before.banned else None
    yield from _banned_again(entry, ban_before, given, verdict.ban_reason, "verify", now, verdict.correlation_id)


def _banned_again(
    entry: Entry, before: Ban | None, given: str | None, reason: str | None, source: str, now: Moment, correlation: str
) -> Iterator[Event]:
    """Yield a ban that replaced another between two answers: the same source gives a different reason.

    The other source reports it too, a little later, which is not a second event.
    """
    if before is None or entry.ban is None:
        entry.told_reason = entry.ban.reason if entry.ban else None
        return
    if not given or not reason or reason in (given, entry.told_reason):
        return
    entry.told_reason = reason
    yield make_event(
        Kind.BANNED,
        now.wall,
        entry.worker_id,
        BANNED_OTHERWISE,
        "BANNED",
        source=source,
        correlation_id=correlation,
        detail=reason,
    )


class _Model(msgspec.Struct):
    """The model that runs a worker, which some registries state in their answer."""

    ai_model: object = None
    ai_service: object = None


def _haystack(worker_id: str, verdict: Verdict) -> str:
    """Return the text that a filter searches: the words that you would search for, one per line."""
    odd_word = verdict.ban_word if verdict.doubts else None  # `clean` would mislead if the ban list bans it
    odd_hash = None if verdict.sha256 else verdict.hash_text
    try:
        model = msgspec.json.decode(verdict.raw, type=_Model)
    except msgspec.DecodeError:  # truncated, or of a different shape
        model = _Model()
    words = (
        *(worker_id, verdict.display_name, verdict.status, odd_word, odd_hash),
        *(model.ai_model, model.ai_service, *verdict.capabilities),
    )
    return "\n".join(word for word in words if isinstance(word, str) and word).casefold()


def _word(verdict: Verdict | None, entry: Entry) -> str:
    """Return what a verdict says of the worker as a word, ignoring its ban: the state before and after a ban."""
    if verdict is None:
        return FIRST_SIGHT
    return Entry(entry.worker_id, verdict, drift=entry.drift).last_state().name.lower()
