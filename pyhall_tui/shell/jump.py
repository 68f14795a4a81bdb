"""The things that the palette goes to: workers, events, rules of the policy, profiles, saved filters; the newest first.

`worker emb` looks for workers only; any other text is looked for in all of them.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from enum import StrEnum
from functools import partial
from typing import Final, NamedTuple, Protocol, TypeVar, cast

from textual.command import Hit, Hits, Provider
from textual.content import Content

from pyhall_tui.fleet.entry import Entry
from pyhall_tui.fleet.events import Event
from pyhall_tui.fleet.finding import find_newest
from pyhall_tui.fleet.terms import quoted
from pyhall_tui.profiles.profile_store import ProfilesFileError, ProfileStore
from pyhall_tui.profiles.saved_filters import SavedFilters
from pyhall_tui.registry.errors import RegistryError
from pyhall_tui.registry.local_hall import HallRule, hall_policy
from pyhall_tui.render.event import moment, sentence
from pyhall_tui.render.text import clean, short_hash
from pyhall_tui.render.worker import LOOKS
from pyhall_tui.screens.messages import Go, OpenProfile
from pyhall_tui.screens.overview.watched import KeepsProfiles, KeptProfile
from pyhall_tui.shell.app_keys import open_ban_list, open_rule
from pyhall_tui.shell.palette import Command, highlighted
from pyhall_tui.threads.off_loop import off_loop
from pyhall_tui.workspace import Workspace

T = TypeVar("T")


class Kind(StrEnum):
    """What can be looked for; the values are the words that begin a text."""

    WORKER = "worker"
    EVENT = "event"
    RULE = "rule"
    PROFILE = "profile"
    FILTER = "filter"


class Wanted(NamedTuple):
    """What is typed: which kind of thing, if it says so, and the text."""

    kind: Kind | None
    text: str

    def wants(self, kind: Kind) -> bool:
        """Whether things of that kind are looked for. Without a kind, it takes two characters."""
        return self.kind is kind or (self.kind is None and len(self.text) >= _LEAST)


class HasThings(Protocol):
    """What is needed from the app in addition to Textual's own."""

    @property
    def profile_store(self) -> ProfileStore: ...
    @property
    def workspace(self) -> Workspace | None: ...
    @property
    def fleets(self) -> KeepsProfiles: ...


_LEAST: Final = 2
"""Characters from which on things are looked for without a kind: one would find most of them."""
_MOST: Final = 10
"""Things of a kind that are listed; behind workers stands how many more there are."""
_SCORES: Final = {Kind.FILTER: 0.55, Kind.WORKER: 0.5, Kind.RULE: 0.45, Kind.EVENT: 0.4}
"""Of the first of each kind: behind the commands whose titles match well."""
_NAMED: Final = 10.0
"""Added to the score of a kind that is named: before all commands."""
_PAUSE: Final = 0.15
"""Seconds without a key after which the journal or the registry is asked."""
_PATIENCE: Final = 2.0
"""Seconds for which an answer of a disk or a registry is waited for."""
_MOST_PATIENCE: Final = 60.0
"""The same if nothing but that is looked for; escape ends it."""


def wanted(query: str) -> Wanted:
    """Read what is typed: `worker emb`, `workers emb`, or only a text."""
    first, _, rest = query.strip().partition(" ")
    word = first.casefold()
    for kind in Kind:
        if word in (kind.value, f"{kind.value}s"):
            return Wanted(kind, rest.strip())
    return Wanted(None, query.strip())


class Things(Provider):
    """Finds what there is to go to. No key is ever held up: fleets are searched in slices, files read in threads."""

    _profiles: "asyncio.Task[list[str]] | None" = None
    _rules: "asyncio.Task[Sequence[HallRule]] | None" = None

    @property
    def _has(self) -> HasThings:
        return cast(HasThings, self.app)

    async def discover(self) -> Hits:
        for place, command in enumerate(await self._of_profiles("")):
            yield Hit(0.1 - place / 1_000, Content(command.title), command.run, command.title, _as_text(command.help))

    async def search(self, query: str) -> Hits:
        asked = wanted(query)
        if asked.wants(Kind.PROFILE):
            matcher = self.matcher(asked.text)
            for command in await self._of_profiles(asked.text):
                score = matcher.match(command.title) if asked.text else _NAMED
                title = highlighted(matcher, command.title) if asked.text else Content(command.title)
                yield Hit(score, title, command.run, command.title, _as_text(command.help))
        for kind, find in self._finders().items():
            if asked.wants(kind):
                place = 0
                async for command in find(asked):
                    score = _SCORES[kind] + (asked.kind is not None) * _NAMED - place / 1_000
                    yield Hit(score, Content(command.title), command.run, command.title, _as_text(command.help))
                    place += 1

    def _finders(self) -> "dict[Kind, Callable[[Wanted], AsyncIterator[Command]]]":
        """Return how each kind is found, the quickest first."""
        return {
            Kind.WORKER: self._workers,
            Kind.FILTER: self._filters,
            Kind.EVENT: self._events,
            Kind.RULE: self._of_policy,
        }

    # -- profiles ----------------------------------------------------------------------------------------------

    async def _of_profiles(self, text: str) -> list[Command]:
        """Return the profiles with this in their names, in the file's order."""
        if self._profiles is None:
            self._profiles = asyncio.create_task(off_loop(self._profile_names, name="palette-profiles"))
        names = await _in_time(self._profiles, [])
        found = [name for name in names if text.casefold() in f"open profile {name}".casefold()]
        shown = found[: 2 * _MOST]
        post = self.app.post_message
        return [
            Command(f"Open profile {name}", partial(post, OpenProfile(name)), "Without a restart") for name in shown
        ]

    def _profile_names(self) -> list[str]:
        try:
            return [profile.name for profile in self._has.profile_store.load().profiles]
        except ProfilesFileError:
            return []

    # -- workers -----------------------------------------------------------------------------------------------

    async def _workers(self, asked: Wanted) -> AsyncIterator[Command]:
        """Yield the workers of all profiles that run with this id, name, hash, capability or model."""
        text = asked.text
        workspace, total = self._has.workspace, 0
        found: list[tuple[float, bool, Command]] = []
        for kept in self._has.fleets.kept:
            if kept.workspace is None:
                continue
            fleet = kept.workspace.fleet
            here = await find_newest(fleet, text, kept.workspace.now(), _MOST)
            found += [(-each.changed_wall, not kept.is_open, self._worker(kept, each)) for each in here.entries]
            total += here.total if kept.is_open else 0
        for _, _, command in sorted(found, key=lambda each: each[:2])[:_MOST]:
            yield command
        if not text or workspace is None:
            return
        shown = clean(text, 80)
        if total > 1:
            show = partial(self.app.post_message, Go("workers", fill={"filter": quoted(text)}))
            yield Command(f"All {total:,} workers with “{shown}”", show, "Filter the workers")
        if workspace.fleet.listing is not None:
            search = partial(open_ban_list, self.app, workspace, text)
            yield Command(f"Search the ban list for “{shown}”", search, "By hash, reason or source")

    def _worker(self, kept: KeptProfile, entry: Entry) -> Command:
        workspace = kept.workspace
        assert workspace is not None
        word = LOOKS[entry.state(workspace.now().mono, workspace.fleet.stale_after)].word
        name = entry.verdict.display_name if entry.verdict else None
        where = "" if kept.is_open else f"  in {clean(kept.profile.name, 40)}"
        title = f"Worker {clean(entry.worker_id, 80)}" + (f"  {clean(name, 60)}" if name else "") + where
        going = (
            Go("workers", worker_id=entry.worker_id)
            if kept.is_open
            else OpenProfile(kept.profile.name, worker_id=entry.worker_id)
        )
        help_text = f"{word} · hash {short_hash(entry.last_sha256)}"
        return Command(title, partial(self.app.post_message, going), help_text)

    # -- filters, events, rules --------------------------------------------------------------------------------

    async def _filters(self, asked: Wanted) -> AsyncIterator[Command]:
        """Yield the saved filters of the open profile, the last saved first."""
        text = asked.text
        if (workspace := self._has.workspace) is None:
            return
        saved = SavedFilters(self._has.profile_store, workspace.profile.name)
        by_name, _ = await _in_time(off_loop(saved.load, name="palette-filters"), ({}, ""))
        found = [(name, query) for name, query in by_name.items() if text.casefold() in f"{name} {query}".casefold()]
        for name, query in found[::-1][:_MOST]:
            go = partial(self.app.post_message, Go("workers", fill={"filter": query}))
            yield Command(f"Filter {clean(name, 64)}", go, clean(query, 120))

    async def _events(self, asked: Wanted) -> AsyncIterator[Command]:
        """Yield the events of all profiles that run which have this text in any field, the newest first."""
        await asyncio.sleep(_PAUSE)  # the next key ends this search
        found: list[tuple[Event, KeptProfile]] = []
        for kept in self._has.fleets.kept:
            found += [(event, kept) for event in await self._events_of(kept, asked.text)]
        found.sort(key=lambda each: each[0].at, reverse=True)  # of the same moment, as they were asked for
        for event, kept in found[:_MOST]:
            yield self._event(kept, event)

    async def _events_of(self, kept: KeptProfile, text: str) -> list[Event]:
        if (workspace := kept.workspace) is None:
            return []
        journal, name = workspace.journal, workspace.profile.name

        def ask() -> list[Event]:
            journal.flush()
            return journal.events(name, limit=_MOST, text=text or None)

        return await _in_time(off_loop(ask, name="palette-events"), [])

    def _event(self, kept: KeptProfile, event: Event) -> Command:
        assert kept.workspace is not None
        where = "" if kept.is_open else f"  in {clean(kept.profile.name, 40)}"
        title = f"Event {moment(event.at, kept.workspace.now().wall)}  {clean(sentence(event), 160)}{where}"
        going = (
            Go("activity", fill={"event": event})
            if kept.is_open
            else OpenProfile(kept.profile.name, "activity", event=event)
        )
        return Command(title, partial(self.app.post_message, going), "Show it in Activity")

    async def _of_policy(self, asked: Wanted) -> AsyncIterator[Command]:
        """Yield the rules of the hall's policy, in their order; only a local hall is asked."""
        text = asked.text
        workspace = self._has.workspace
        if workspace is None or not workspace.connection.is_hall:
            return
        if self._rules is None:
            self._rules = asyncio.create_task(_rules_of(workspace))
        patience = _PATIENCE if asked.kind is None else _MOST_PATIENCE
        found = [each for each in await _in_time(self._rules, (), patience) if text.casefold() in _searched(each)]
        for rule in found[:_MOST]:
            go = partial(open_rule, self.app, workspace, rule.id)
            said = f"{rule.outcome} · capability {rule.capability} · worker {rule.worker}"
            yield Command(f"Rule {clean(rule.id, 80)}", go, clean(said, 160))


async def _rules_of(workspace: Workspace) -> Sequence[HallRule]:
    try:
        return (await workspace.connection.ask_in_turn(hall_policy)).rules
    except RegistryError:
        return ()


def _searched(rule: HallRule) -> str:
    return " ".join((rule.id, rule.outcome, rule.capability, rule.worker, rule.reason or "")).casefold()


async def _in_time(answer: Awaitable[T], otherwise: T, patience: float = _PATIENCE) -> T:
    """Wait for an answer, and take another one if it does not come in time. What is shared goes on."""
    try:
        return await asyncio.wait_for(asyncio.shield(answer), patience)
    except TimeoutError:
        return otherwise


def _as_text(help_text: str) -> str:
    """Return a help text for Textual, which would read it as markup."""
    return cast(str, Content(help_text))
