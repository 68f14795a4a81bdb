"""The command palette: every screen, every profile, and every key of the current screen."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple, Protocol, cast

from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.fuzzy import Matcher

from pyhall_tui.profiles.profile_store import ProfilesFileError, ProfileStore
from pyhall_tui.screens.messages import OpenDemo, OpenProfile
from pyhall_tui.widgets.dialog import ClosedOnce
from pyhall_tui.widgets.header import SCREEN_TITLES


class HasProfiles(Protocol):
    """What the palette needs from the app in addition to Textual's own."""

    @property
    def profile_store(self) -> ProfileStore: ...


class Command(NamedTuple):
    """One line of the palette."""

    title: str
    run: Callable[[], object]
    help: str


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

    def _commands(self) -> Iterator[Command]:
        app = self.app
        for number, (mode, title) in enumerate(SCREEN_TITLES.items(), start=1):
            yield Command(f"Go to {title}", partial(app.run_action, f"mode('{mode}')"), f"Key {number}")
        for name in self._profile_names():
            yield Command(f"Open profile {name}", partial(app.post_message, OpenProfile(name)), "Without a restart")
        yield Command("Open the demo", partial(app.post_message, OpenDemo()), "The embedded hall; no account needed")
        yield Command("The ban list: search, check, report", partial(app.run_action, "ban_list"), "Key b")
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
