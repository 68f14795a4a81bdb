"""The command palette: every screen, profile, and key of the current screen; and workers, by what they are."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, NamedTuple, Protocol, cast

from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.fuzzy import Matcher

from pyhall_tui.fleet.order import find
from pyhall_tui.fleet.terms import quoted
from pyhall_tui.profiles.profile_store import ProfilesFileError, ProfileStore
from pyhall_tui.render.text import clean, short_hash
from pyhall_tui.render.worker import LOOKS
from pyhall_tui.screens.messages import Go, OpenDemo, OpenProfile
from pyhall_tui.shell.app_keys import open_ban_list
from pyhall_tui.widgets.dialog import ClosedOnce
from pyhall_tui.widgets.header import SCREEN_TITLES
from pyhall_tui.workspace import Workspace


class HasProfiles(Protocol):
    """What the palette needs from the app in addition to Textual's own."""

    @property
    def profile_store(self) -> ProfileStore: ...
    @property
    def workspace(self) -> Workspace | None: ...


class Command(NamedTuple):
    """One line of the palette."""

    title: str
    run: Callable[[], object]
    help: str


_LEAST: Final = 2
"""Characters from which on workers are searched: one would find most of them."""
_MOST: Final = 10
"""Workers that are listed; behind them stands how many more there are."""
_SCORE: Final = 0.5
"""Of the first worker: behind the commands whose titles match well."""


class Palette(CommandPalette, ClosedOnce[None]):
    """Textual's palette, but a second Enter does not close another screen."""


class PyHallCommands(Provider):
    """Finds commands; they are the same as those of the keys and the bar."""

    async def discover(self) -> Hits:
        for command in self._commands():
            yield DiscoveryHit(Content(command.title), command.run, text=command.title, help=command.help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for command in self._commands():
            score = matcher.match(command.title)
            if score > 0:
                title = _highlighted(matcher, command.title)
                yield Hit(score, title, command.run, text=command.title, help=command.help)
        for place, command in enumerate(self._found(query)):
            score = _SCORE - place / 1_000
            yield Hit(score, Content(command.title), command.run, text=command.title, help=command.help)

    def _found(self, query: str) -> Iterator[Command]:
        """Yield the workers with this id, name, hash, capability or model, and the search of the ban list."""
        workspace = cast(HasProfiles, self.app).workspace
        if workspace is None or len(query.strip()) < _LEAST:
            return
        mono, post = workspace.now().mono, self.app.post_message
        found = find(workspace.fleet, query, workspace.now())
        for entry in found[:_MOST]:
            word = LOOKS[entry.state(mono, workspace.fleet.stale_after)].word
            name = entry.verdict.display_name if entry.verdict else None
            title = f"Worker {clean(entry.worker_id, 80)}" + (f"  {clean(name, 60)}" if name else "")
            go = partial(post, Go("workers", worker_id=entry.worker_id))
            yield Command(title, go, f"{word} · hash {short_hash(entry.last_sha256)}")
        if len(found) > 1:
            show = partial(post, Go("workers", fill={"filter": quoted(query.strip())}))
            yield Command(f"All {len(found):,} workers with “{clean(query.strip(), 80)}”", show, "Filter the workers")
        if workspace.fleet.listing is not None:
            search = partial(open_ban_list, self.app, workspace, query.strip())
            yield Command(f"Search the ban list for “{clean(query.strip(), 80)}”", search, "By hash, reason or source")

    def _commands(self) -> Iterator[Command]:
        app = self.app
        for number, (mode, title) in enumerate(SCREEN_TITLES.items()):
            yield Command(f"Go to {title}", partial(app.run_action, f"mode('{mode}')"), f"Key {number}")
        for name in self._profile_names():
            yield Command(f"Open profile {name}", partial(app.post_message, OpenProfile(name)), "Without a restart")
        yield Command("Open the demo", partial(app.post_message, OpenDemo()), "The embedded hall; no account needed")
        yield Command("The ban list: search, check, report", partial(app.run_action, "open('ban_list')"), "Key b")
        yield Command("Alarms: all, and their state", partial(app.run_action, "open('alarms')"), "Key !")
        trace = partial(app.run_action, "open('correlation')")
        yield Command("Trace: everything a correlation id touched", trace, "Key f")
        yield Command("Log of this run: requests, faults, news", partial(app.run_action, "open_log"), "Key L")
        yield Command("Doctor: check everything for problems", partial(app.run_action, "doctor"), "Key D")
        for active in self.screen.active_bindings.values():
            binding = active.binding
            if binding.tooltip and active.enabled and not (binding.id or "app.").startswith("app."):
                action = partial(app.run_action, binding.action, active.node)
                yield Command(binding.tooltip, action, f"Key {app.get_key_display(binding)}")
        yield Command("Toggle the light and dark theme", partial(app.run_action, "toggle_theme"), "Key ^t")
        yield Command("Show the text that was last copied", partial(app.run_action, "show_copied"), "Key C")
        clicks = bool(app.check_action("mouse", (True,)))
        title = "Take the mouse back from the terminal" if clicks else "Select text with the mouse"
        yield Command(title, partial(app.run_action, f"mouse({clicks})"), "Key M")
        yield Command("Quit", partial(app.run_action, "quit"), "Key q")

    def _profile_names(self) -> list[str]:
        store = cast(HasProfiles, self.app).profile_store
        try:
            return [profile.name for profile in store.load().profiles]
        except ProfilesFileError:
            return []


def _highlighted(matcher: Matcher, title: str) -> Content:
    """Return a title with the matches highlighted; Textual's own `highlight` reads a profile's name as markup."""
    content = Content(title)
    for offset in matcher.fuzzy_search.match(matcher.query, title)[1]:
        content = content.stylize(matcher.match_style, offset, offset + 1)
    return content
