"""The alarms of one profile while it is open: its events become alarms, here at once and in the journal a moment later.

Other programs on the same profile write to the same journal. Their changes are applied within a second or two (`tick`),
and what the journal made of our own work overrides what we expected.
"""

import os
from collections.abc import Callable, Container, Iterable
from datetime import datetime
from functools import partial
from typing import NamedTuple, Protocol

import msgspec

from pyhall_tui.alarms.alarm import Alarm, Change, Condition, Standing, What, alarm_id
from pyhall_tui.alarms.book import AlarmBook
from pyhall_tui.alarms.flapping import Flapping, is_change
from pyhall_tui.alarms.fold import Effect, effects, is_seen_with, is_told, opened
from pyhall_tui.alarms.rules import Rules, default_rules
from pyhall_tui.alarms.silences import Silence
from pyhall_tui.clock import Clock
from pyhall_tui.fleet.events import Event, Kind, Severity
from pyhall_tui.fleet.transitions import make_event
from pyhall_tui.journal.journal import Journal
from pyhall_tui.journal.rows import Seen

_MOST = 10_000
_MOST_REPLACED = 20_000
_MOST_ACTS = 100
_AT_A_TIME = 2_000
"""Changes applied at a time, so that a storm does not block the screen."""
_WRITTEN_WITHIN = 1.0
"""Seconds within which our own work is usually written: until then it overrides what others did before it."""
_CONFIRMED_WITHIN = 5.0
"""Seconds within which the journal has written a change; after that its content counts, whatever we expected."""


class AlarmListener(Protocol):
    """Is notified, on the thread that opened the profile."""

    def events_happened(self, events: list[Event]) -> None: ...
    def alarms_changed(self, changes: list[Change]) -> None: ...


class _Told(NamedTuple):
    """A change that was reported before the journal has written it."""

    at: float
    key: tuple[Condition, str] | None


class Alarms:
    """Records events, and knows the state of each alarm. Belongs to one thread."""

    def __init__(
        self,
        journal: Journal,
        profile_name: str,
        listener: AlarmListener,
        clock: Clock,
        *,
        rules: Rules | None = None,
        operator: str = "",
        namespace_of: Callable[[str], str] = lambda _: "",
        renamed: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Read nothing yet.

        Args:
            operator: who acknowledges and silences here.
            namespace_of: returns a worker's namespace; ``""`` stands for the registry.
            renamed: is called with the profile's new name if another program gives it one.
        """
        self.rules = rules or default_rules()
        self.operator = operator
        self.book = AlarmBook(profile_name, self._look_up)
        self._absent: set[tuple[Condition, str]] = set()
        """What the journal was found not to hold while the present events are taken."""
        self.most_are_gone = False
        """The registry no longer knows most of the workers that it knew: one alarm in all, not one per worker."""
        self._journal = journal
        self._profile_name = profile_name
        self._listener = listener
        self._clock = clock
        self._namespace_of = namespace_of
        self._renamed = renamed
        self._flapping = Flapping(self.rules.flapping)
        self._vanished: dict[str, Event] = {}
        """The latest events of workers that vanished in this run."""
        self._replaced: dict[int, None] = {}
        """The latest rows that newer ones replaced."""
        self._acts: list[Seen] = []
        self.undoable: Callable[[Callable[[], str]], None] = lambda _: None
        """Is called after each acknowledgement and silence with what undoes it and returns a sentence about it."""
        self._seq = 0
        self._others_writes = 0
        """The journal's number when it was last followed."""
        self._told: dict[str, _Told] = {}
        self.unseen = 0
        """Increases when the journal has got events, or acknowledgements of them, that nobody here knows about."""
        self._is_behind = False
        """The journal has more changes than were applied at a time."""

    def restore(self) -> None:
        """Load what earlier runs and other programs left."""
        self._journal.use(self._profile_name)
        self._others_writes = self._journal.others_writes()
        kept = self._journal.alarms.begin(self._profile_name)
        self._seq = kept.seq
        for alarm in kept.firing:
            self.book.put(alarm)
        now = self._clock.now()
        for silence in kept.silences:
            self.book.put_silence(silence, now.wall)

    # -- their state -------------------------------------------------------------------------------------------

    @property
    def firing(self) -> int:
        """How many firing alarms nobody has acknowledged or silenced: what the header counts."""
        return self.book.count(Standing.FIRING)

    @property
    def silenced(self) -> int:
        """How many more would be counted if they were not silenced."""
        return self.book.count(Standing.SILENCED)

    def of_event(self, event: Event) -> list[Alarm]:
        """Return the current state of the alarms that an event started."""
        found = [self.book.get(condition, event.worker_id or "") for condition in opened(event)]
        return [alarm for alarm in found if alarm is not None]

    def was_replaced(self, event_id: int) -> bool:
        """Whether a newer row replaced that event's row in this run, so it is gone."""
        return event_id in self._replaced

    # -- what happens ------------------------------------------------------------------------------------------

    def record(self, events: Iterable[Event]) -> None:
        """Store events, and report them and what they do to alarms."""
        self._absent.clear()
        kept: list[Event] = []
        changes: list[Change] = []
        for event in events:
            flaps = is_change(event) and self._flapping.add(event.worker_id or "", self._clock.now().mono)
            came = (event, self._flaps(event)) if flaps else (event,)
            kept.extend(self._record(each, changes) for each in came if not self._is_known_by_others(each))
        if kept:
            self._listener.events_happened(kept)
        self._tell(changes)

    def _look_up(self, condition: Condition, subject: str) -> Alarm | None:
        if (condition, subject) in self._absent:
            return None
        alarm = self._journal.alarms.get(self._profile_name, condition, subject)
        if alarm is None:
            self._absent.add((condition, subject))
        return alarm

    def _record(self, event: Event, changes: list[Change]) -> Event:
        namespace = self._namespace_of(event.worker_id or "")
        event = self._by_rule(event)
        if any(alarm.is_firing and alarm.is_acknowledged for alarm in self.of_event(event)):
            event = msgspec.structs.replace(event, acknowledged=True)  # unless it makes the alarm fire again
        came = msgspec.structs.replace(event, id=self._journal.alarms.new_id())
        made = self.book.take(came, namespace)
        if any(change.what is What.FIRED for change in made):
            event = msgspec.structs.replace(event, acknowledged=False)
        kept, replaced_id = self._journal.record_event(self._profile_name, event, namespace=namespace, event_id=came.id)
        if replaced_id is not None:
            self._replaced[replaced_id] = None
            while len(self._replaced) > _MOST_REPLACED:
                self._replaced.pop(next(iter(self._replaced)))
        if kept.kind is Kind.VANISHED and kept.worker_id:
            self._vanished[kept.worker_id] = kept
            while len(self._vanished) > _MOST:
                self._vanished.pop(next(iter(self._vanished)))
        changes += made
        return kept

    def _is_known_by_others(self, event: Event) -> bool:
        """Whether another program on the profile has recorded the same change already: it is not a second event."""
        known = False
        for effect in effects(event):
            alarm = self.book.get(effect.condition, event.worker_id or "")
            if alarm is None and not effect.opens:
                continue
            if alarm is None or not is_told(alarm, event, effect) or self._is_ours(alarm, effect):
                return False
            known = True
            if self.book.held(alarm.condition, alarm.subject) is None:
                self.book.put(alarm)
        return known

    def _is_ours(self, alarm: Alarm, effect: Effect) -> bool:
        return self._journal.alarms.is_ours(alarm.event_id if effect.opens else alarm.resolved_event)

    def _by_rule(self, event: Event) -> Event:
        """Return an event with the severity of the rule for what it starts."""
        severities = [self.rules.of(condition).severity for condition in opened(event)]
        if event.kind is Kind.VANISHED and self.most_are_gone:
            severities = [min(Severity.WARNING, *severities)]
        return msgspec.structs.replace(event, severity=max(severities)) if severities else event

    def _flaps(self, event: Event) -> Event:
        return make_event(
            Kind.FLAPPING,
            event.at,
            event.worker_id,
            event.before,
            "flapping",
            source="client",
            correlation_id=event.correlation_id,
            detail=self.rules.flapping.words,
        )

    def most_vanish(self, *, most: bool) -> None:
        """Note whether most workers are gone: then the first ones to go no longer count as separate alarms."""
        self.most_are_gone = most
        if not most:
            return
        gone, again = [], []
        for worker_id, event in self._vanished.items():
            alarm = self.book.firing(worker_id).get(Condition.VANISHED)
            if alarm is not None and alarm.severity is Severity.ALARM and not alarm.is_acknowledged:
                gone.append(msgspec.structs.replace(alarm, severity=Severity.WARNING))
                quieter = msgspec.structs.replace(event, severity=Severity.WARNING)
                kept, replaced_id = self._journal.put_again(self._profile_name, quieter)
                self._replaced[replaced_id or 0] = None
                again.append(kept)
        self._vanished.clear()
        if gone:
            for alarm in gone:
                self.book.put(alarm)
            self._journal.alarms.set_severity(self._profile_name, gone, Severity.WARNING)
            self._listener.events_happened(again)
            quieter_now = [Change(what=What.FIRED, at=alarm.fired_at, alarm=alarm, quiet=True) for alarm in gone]
            self._listener.alarms_changed(quieter_now)

    def unwatched(self, worker_ids: Iterable[str]) -> None:
        """End the alarms of workers that are no longer watched, because nobody checks them."""
        wall = self._clock.now().wall
        gone = []
        for worker_id in worker_ids:
            self._flapping.drop(worker_id)
            if firing := self.book.firing(worker_id):
                was = ", ".join(condition.value for condition in firing)
                gone.append(make_event(Kind.UNWATCHED, wall, worker_id, was, "not watched", source="operator"))
        self.record(gone)

    def only_watched(self, worker_ids: Container[str]) -> None:
        """End the alarms of workers that are not among these, because another program took them off the list."""
        firing = {alarm.subject for alarm in self.book.alarms() if alarm.is_firing and alarm.subject}
        self.unwatched(subject for subject in firing if subject not in worker_ids)

    # -- what people do ----------------------------------------------------------------------------------------

    def acknowledge(self, events: Iterable[Event], note: str = "") -> None:
        """Acknowledge events and the alarms that they started."""
        seen_events = list(events)
        alarms = [alarm for event in seen_events for alarm in self.of_event(event) if is_seen_with(alarm, event)]
        seen = self._journal.acknowledge([event.id for event in seen_events], by=self.operator, note=note)
        self._seen(alarms, seen)

    def acknowledge_alarms(self, alarms: Iterable[Alarm], note: str = "") -> None:
        """Acknowledge alarms if that firing is still current; the events that started them count as seen too."""
        self._seen(list(alarms), self._journal.acknowledge([], by=self.operator, note=note))
        self.unseen += 1

    def acknowledge_all(self, up_to_id: int, note: str = "") -> None:
        """Acknowledge every event up to that one with its alarms, including those that no screen has loaded.

        Alarms that another program has recorded, and that are not known here yet, stay open.
        """
        known = [alarm for alarm in self.book.alarms() if alarm.is_firing and alarm.event_id <= up_to_id]
        seen = self._journal.acknowledge_all(
            self._profile_name, up_to_id, by=self.operator, note=note, known=frozenset(alarm.id for alarm in known)
        )
        self._seen(known, seen)

    def _seen(self, alarms: list[Alarm], seen: Seen) -> None:
        changes = self.book.acknowledge(alarms, *seen)
        firings = [(change.alarm.id, change.alarm.times) for change in changes if change.alarm]
        self._journal.alarms.acknowledge(self._profile_name, firings, seen)
        self._acts = [*self._acts, seen][-_MOST_ACTS:]
        self.undoable(self._undo_said)
        self._tell(changes)

    def _undo_said(self) -> str:
        opened = self.undo() or 0
        alarms = f"{opened} alarm{'s are' if opened != 1 else ' is'} open again" if opened else "No alarm is open again"
        return f"The last acknowledgement is undone. {alarms}."

    def undo(self) -> int | None:
        """Undo the last acknowledgement of this run; return how many alarms are open again, None if there is none.

        Alarms that fired again since, or that others acknowledged, stay as they are.
        """
        if not self._acts:
            return None
        seen, wall = self._acts.pop(), self._clock.now().wall
        self._journal.unacknowledge(self._profile_name, seen, wall)
        self.unseen += 1
        changes = self.book.unacknowledge(seen.act, wall, self.operator)
        self._tell(changes)
        return len(changes)

    def silence(
        self, until: float, reason: str, *, worker: str = "", namespace: str = "", condition: str = ""
    ) -> Silence:
        """Silence what matches all given values, until that wall time."""
        silence = self._silence(until, reason, worker=worker, namespace=namespace, condition=condition)
        self.undoable(partial(self._undo_silence, silence))
        return silence

    def _silence(self, until: float, reason: str, *, worker: str, namespace: str, condition: str) -> Silence:
        wall = self._clock.now().wall
        silence = Silence(
            id=os.urandom(4).hex(),
            worker=worker,
            namespace=namespace,
            condition=condition,
            began_at=wall,
            until=until,
            reason=reason,
            by=self.operator,
        )
        self.book.put_silence(silence, wall)
        self._journal.alarms.silence(self._profile_name, silence)
        self.record([silenced_event(silence)])
        self._tell([Change(what=What.SILENCED, at=wall, by=self.operator, silence=silence)])
        return silence

    def _undo_silence(self, silence: Silence) -> str:
        if all(each.id != silence.id for each in self.book.silences):
            return f"The silence of {silence.what} has ended already."
        self._end(silence, self.operator)
        return f"No longer silenced: {silence.what}."

    def unsilence(self, silence: Silence) -> None:
        """End a silence before its time."""
        self._end(silence, self.operator)
        self.undoable(partial(self._silence_again, silence))

    def _silence_again(self, ended: Silence) -> str:
        if ended.until <= self._clock.now().wall:
            return f"The silence of {ended.what} would be over by now."
        of = {"worker": ended.worker, "namespace": ended.namespace, "condition": ended.condition}
        self._silence(ended.until, ended.reason, **of)
        return f"Silenced again: {ended.what}."

    def _end(self, silence: Silence, by: str) -> None:
        wall = self._clock.now().wall
        ended = msgspec.structs.replace(silence, ended_at=wall, ended_by=by)
        self.book.put_silence(ended, wall)
        event = silence_ended_event(ended, self._journal.alarms.new_id())
        self._journal.alarms.end_silence(self._profile_name, silence, by, event)
        self.unseen += 1
        self._tell([Change(what=What.UNSILENCED, at=wall, by=by, silence=ended)])

    def rename(self, name: str) -> None:
        """Follow the profile to its new name, with all that is recorded."""
        self._journal.rename(self._profile_name, name)
        self._profile_name = name
        self.book.rename(name)
        self._told = {_renamed(change, told, name): told for change, told in self._told.items()}

    # -- as time passes ----------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Handle what time brings: silences that end, workers that calm down, what others did."""
        self._absent.clear()
        self.follow_others()
        now = self._clock.now()
        for silence in self.book.ended(now.wall):
            self._end(silence, "time")
        self._flapping.follow((alarm.subject for alarm in self.book.with_condition(Condition.FLAPPING)), now.mono)
        self.record(
            make_event(Kind.CALMED, now.wall, worker_id, "flapping", "calm", source="client")
            for worker_id in self._flapping.calmed(now.mono)
        )

    def follow_others(self) -> None:
        """Apply what the journal has got since the last time, from other programs and from this one."""
        before, self._others_writes = self._others_writes, self._journal.others_writes()
        if before == self._others_writes and not self._told and not self._is_behind:
            return
        news: list[Change] = []
        latest: dict[tuple[Condition, str], Alarm] = {}
        written = self._journal.alarms.changes(self._profile_name, self._seq, _AT_A_TIME)
        self._is_behind = len(written) == _AT_A_TIME
        for change in written:
            if change.what is What.RENAMED:
                self._follow_to(change.by)
                break
            self._follow(change, news, latest)
        mono = self._clock.now().mono
        waiting = {told.key for told in self._told.values() if mono - told.at < _WRITTEN_WITHIN}
        for key, alarm in latest.items():
            if key not in waiting and alarm != self.book.held(*key):
                self.book.put(alarm)
        if not self._is_behind:
            self._take_what_was_written()
        if news:
            self.unseen += 1
            self._listener.alarms_changed(news)

    def _follow(self, change: Change, news: list[Change], latest: dict[tuple[Condition, str], Alarm]) -> None:
        self._seq = change.seq
        if self._told.pop(change.id, None) is None:
            news.append(change)
        if change.alarm is not None:
            latest[(change.alarm.condition, change.alarm.subject)] = change.alarm
        elif change.silence is not None:
            self.book.put_silence(change.silence, self._clock.now().wall)

    def _follow_to(self, name: str) -> None:
        """Follow the profile to the name that another program gave it. What was not read yet has moved as well."""
        self._is_behind = True
        self.rename(name)
        self._renamed(name)

    def _take_what_was_written(self) -> None:
        """Apply what the journal made of our own work; if it differs from what we expected, others were faster."""
        mono = self._clock.now().mono
        late = {change: told for change, told in self._told.items() if mono - told.at > _CONFIRMED_WITHIN}
        if not late or self._journal.troubles:
            return
        for change, told in late.items():
            del self._told[change]
            alarm = self._journal.alarms.get(self._profile_name, *told.key) if told.key else None
            if alarm is not None:
                self.book.put(alarm)

    def _tell(self, changes: list[Change]) -> None:
        if not changes:
            return
        mono = self._clock.now().mono
        for change in changes:
            key = (change.alarm.condition, change.alarm.subject) if change.alarm else None
            self._told[change.id] = _Told(mono, key)
        while len(self._told) > _MOST_REPLACED:
            self._told.pop(next(iter(self._told)))
        self._listener.alarms_changed(changes)


def _renamed(change_id: str, told: _Told, profile: str) -> str:
    """Return the id that a change has under the profile's new name."""
    if told.key is None:
        return change_id
    return f"{alarm_id(profile, *told.key)}.{change_id.partition('.')[2]}"


def silenced_event(silence: Silence) -> Event:
    """Return the event of a silence that starts."""
    until = datetime.fromtimestamp(silence.until).astimezone().isoformat(" ", "minutes")
    why = f": {silence.reason}" if silence.reason else ""
    return _of_silence(Kind.SILENCED, silence, silence.began_at, "silenced", f"until {until}, by {silence.by}{why}")


def silence_ended_event(silence: Silence, event_id: int) -> Event:
    """Return the event of a silence that has ended."""
    how = "its time is over" if silence.ended_by == "time" else f"removed by {silence.ended_by}"
    at = silence.ended_at or silence.until
    event = _of_silence(Kind.SILENCE_ENDED, silence, at, "no longer silenced", how)
    return msgspec.structs.replace(event, id=event_id)


def _of_silence(kind: Kind, silence: Silence, at: float, after: str, detail: str) -> Event:
    return make_event(kind, at, silence.worker or None, silence.what, after, source="operator", detail=detail)
