"""Textual's private parts. All our uses of them are here, and nowhere else in the package.

Each use has its reason. They were checked in Textual 8.2.8. `tests/test_textual_internals.py` tests what each does, so
a new version of Textual that renames one fails there first.
"""

import os
import selectors
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property, lru_cache
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast
from weakref import WeakSet

from rich.text import Text
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._color_constants import COLOR_NAME_TO_RGB
from textual._context import active_message_pump
from textual._styles_cache import StylesCache
from textual._xterm_parser import XTermParser
from textual.app import App, SuspendNotSupported
from textual.await_remove import AwaitRemove
from textual.binding import Binding, BindingsMap, BindingType
from textual.color import Color
from textual.dom import DOMNode
from textual.driver import Driver
from textual.geometry import Region, Size
from textual.keys import Keys, key_to_character
from textual.message import Message
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.style import Style
from textual.widget import Widget

from pyhall_tui.signals import end_unseen

if TYPE_CHECKING:
    from textual.command import CommandPalette
    from textual.worker import Worker

    from pyhall_tui.paste_stream import PasteStream

_CRASH_METHODS: Final = ("_fatal_error", "_handle_exception")
KEY_SEQUENCES: Final = cast(dict[str, tuple[Keys, ...]], ANSI_SEQUENCES_KEYS)
"""What a terminal sends for each key. Every driver reads this table; it can't be changed in any other way."""

COLOR_NAMES: Final = tuple(COLOR_NAME_TO_RGB)
"""The names of all colors that Textual knows."""


class HookedApp(App[None]):
    """An app with hooks that Textual lacks: at a crash, for a screen's CSS, and before a widget is removed.

    Raises:
        ImportError: when this module is imported, if Textual would print its own crash report, with local
            variables: a key may be one of them.
    """

    CRASH_CODE: ClassVar[int] = 1
    """The exit code of a crash."""
    BEGINS_WITH_THEME: ClassVar[bool] = False
    """Whether `begin_with_theme` is called: then no CSS variables are made for Textual's own theme before that."""
    is_focusing = False
    """Whether a new screen is giving a widget the focus, and styles it itself."""
    _has_theme = False
    own_keys: Mapping[str, Sequence[str]] = {}
    """The keys that replace a binding's, by its id."""
    kept_keys: Collection[str] = ()
    """Keys that stay with their bindings, whatever `own_keys` says."""

    def give_keys(self, own: Mapping[str, Sequence[str]], kept: Collection[str]) -> None:
        """Replace the keys of bindings by these from now on, on all screens."""
        if own:
            _use_own_keys()
        self.own_keys, self.kept_keys = own, kept
        if self._screen_stacks.get(self._current_mode):
            self.refresh_bindings()
            self.screen.refresh_bindings()

    def keys_of(self, id_: str, bindings: Iterable[BindingType]) -> Sequence[str]:
        """Return the keys that one of these bindings has now."""
        own = self.own_keys.get(id_)
        if own is not None:
            return own
        return [each.key for each in Binding.make_bindings(bindings) if each.id == id_]

    def is_harmless(self, error: Exception) -> bool:
        """Whether the app can continue after an uncaught error."""
        raise NotImplementedError

    def crash_line(self, error: BaseException) -> str:
        """Return what a crash prints, and log the error."""
        raise NotImplementedError

    def before_removal(self) -> None:
        """Called before widgets are removed. Every removal goes through here."""
        raise NotImplementedError

    def end_soon(self, code: int) -> None:
        """End the app with this exit code, once the messages before are handled."""
        self.call_later(self.exit, return_code=code)

    def _build_driver(self, headless: bool, inline: bool, mouse: bool, size: tuple[int, int] | None) -> Driver:
        """Let the thread that reads keys end at once: Textual would wait for it, for a fifth of a second."""
        driver = super()._build_driver(headless, inline, mouse, size)
        for module in (type(driver).__module__, "textual.drivers.win32"):
            if hasattr(sys.modules.get(module), "XTermParser"):
                sys.modules[module].XTermParser = _PasteParser  # type: ignore[attr-defined]
        if hasattr(sys.modules[type(driver).__module__], "selectors") and hasattr(driver, "exit_event"):
            sys.modules[type(driver).__module__].selectors = _Selectors  # type: ignore[attr-defined]
            driver.exit_event = _Ending()
        if driver.is_web:
            _notice_that_nobody_shows_it(driver, end_unseen(self.end_soon))
        return driver

    def start_in_mode(self, mode: str) -> None:
        """Start with that mode's screen. Call it before the first screen is made: `switch_mode` would need one."""
        self._current_mode, self._screen_stacks = mode, {mode: []}

    def get_css_variables(self) -> dict[str, str]:
        return super().get_css_variables() if self._has_theme or not self.BEGINS_WITH_THEME else {}

    def begin_with_theme(self, name: str) -> None:
        """Take a theme before the app runs. Set as usual, it would have all CSS parsed twice for the first frame."""
        # No widget of ours has a tooltip, and news is a line: each screen would have a widget for either.
        self._disable_tooltips = self._disable_notifications = True
        self._has_theme = True
        self.set_reactive(App.theme, name)
        others = {each: False for each in self.classes if each.startswith("-theme-")}
        dark = self.current_theme.dark
        self.update_classes(
            {**others, f"-theme-{name}": True, "-dark-mode": dark, "-light-mode": not dark}, update=False
        )
        self._refresh_truecolor_filter(self.ansi_theme)
        self._invalidate_css()
        self.stylesheet.set_variables(self.get_css_variables())

    def skip_css_check(self, screen: Screen[Any]) -> None:
        """Note that a new screen has the theme's CSS: Textual would parse all CSS again, twice, to be sure of it."""
        screen._css_update_count = self._css_update_count

    def keep_parsed_css(self, sources: int) -> None:
        """Cache the rules of this many CSS sources. Textual caches 64, fewer than we have, so it never finds one."""
        self.stylesheet._parse_cache.grow(sources)

    def update_styles(self, node: DOMNode, animate: bool = True) -> None:
        """Style only what is mounted: a new widget is styled then, not for each of its classes before."""
        if node is self or (node.parent is not None and not self.is_focusing):
            super().update_styles(node, animate)

    def _load_screen_css(self, screen: Screen[object]) -> None:
        """Add only a screen's own CSS. Textual would parse all CSS again and restyle the visible screen."""
        new = [path for path in screen.css_path if not self.stylesheet.has_source(str(path))]
        if new:
            self.stylesheet.read_all(new)
            self.stylesheet.parse()
            self.stylesheet.apply(screen)

    def _prune(self, *nodes: Widget, parent: DOMNode | None = None) -> AwaitRemove:
        """Call the hook; the widget itself is notified too late."""
        self.before_removal()
        return super()._prune(*nodes, parent=parent)

    def _handle_exception(self, error: Exception) -> None:
        """Let the app continue after a harmless error: Textual ends it after any error."""
        if not self.is_harmless(error):
            super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """Print no traceback: Textual's report includes local variables."""
        self.panic()

    def panic(self, *renderables: object) -> None:
        """End the app and print one line about the crash, whatever Textual wanted to print."""
        self._return_code = self.CRASH_CODE
        super().panic(Text(self.crash_line(self._exception or RuntimeError("unknown"))))


if missing := [name for name in _CRASH_METHODS if not hasattr(App, name)]:
    raise ImportError(f"This version of Textual can't be used: its App has no {' and no '.join(missing)}.")


class HookedScreen(Screen[None]):
    """A screen that draws nothing while the app holds back updates: Textual would draw it and discard the result.

    It has neither border nor text, so all its lines are alike.
    """

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw one of its lines: most of them are covered, and Textual would draw each."""
        return super().render_lines(Region(crop.x, crop.y, crop.width, 1)) * crop.height

    def _screen_resized(self, size: Size) -> None:
        """Lay out once at the start: Textual does it for each of two messages that tell the same size."""
        if not self.app._batch_count or size != self._compositor.size:
            super()._screen_resized(size)
        else:
            self._layout_required = True  # as soon as updates are not held back

    def _compositor_refresh(self) -> None:
        if self.app._batch_count:
            self.refresh()
        else:
            super()._compositor_refresh()

    def _update_auto_focus(self) -> None:
        """Style what gets the focus once: Textual does it for the widget, and then for all that surrounds it."""
        app, before = self.app, self.focused
        if not isinstance(app, HookedApp):
            super()._update_auto_focus()
            return
        app.is_focusing = True
        try:
            super()._update_auto_focus()
        finally:
            app.is_focusing = False
        focused = None if self.focused is before else self.focused
        if focused is not None and not any(node._has_focus_within for node in focused.ancestors_with_self):
            app.update_styles(focused)  # nothing that surrounds it was styled


# -- the terminal ----------------------------------------------------------------------------------------------


def driver_of(app: App[Any]) -> Driver | None:
    """Return what drives the terminal, or None before the app runs."""
    return app._driver


class _PasteParser(XTermParser):
    """Textual's parser of a terminal's input, which would take an escape character in a paste for a key."""

    @cached_property
    def _stream(self) -> "PasteStream":
        from pyhall_tui.paste_stream import PasteStream  # with the first input

        return PasteStream()

    def feed(self, data: str) -> Iterable[Message]:
        passed = self._stream.take(data)
        return super().feed(passed) if passed or not data else ()


class _WakingSelector(selectors.SelectSelector):
    """Waits for keys as Textual's does, which looks only every tenth of a second whether it should end."""

    waiting: ClassVar[WeakSet["_WakingSelector"]] = WeakSet()

    def __init__(self) -> None:
        super().__init__()
        self._pipe, self._is_open, self._lock = os.pipe(), True, Lock()
        self.register(self._pipe[0], selectors.EVENT_READ)
        self.waiting.add(self)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return [(key, events) for key, events in super().select(timeout) if key.fd != self._pipe[0]]

    def wake(self) -> None:
        """Let each `select` return at once from now on."""
        with self._lock:
            if self._is_open:
                os.write(self._pipe[1], b"\0")

    def close(self) -> None:
        with self._lock:
            was_open, self._is_open = self._is_open, False
        if was_open:
            super().close()
            for end in self._pipe:
                os.close(end)


class _Selectors:
    """What a driver uses of the module `selectors`."""

    EVENT_READ = selectors.EVENT_READ
    SelectSelector = _WakingSelector


class _Ending(Event):
    """Set when the thread that reads keys should end; wakes it."""

    def set(self) -> None:
        for each in [*_WakingSelector.waiting]:
            each.wake()  # first: once it is set, the selector may be closed
        super().set()


def _notice_that_nobody_shows_it(driver: Any, gone: Callable[[], None]) -> None:
    """Call `gone` when the pipes of a web driver are closed: Textual would crash on one, and never end on the other."""
    write, read = driver._write, driver.run_input_thread

    def write_if_seen(data: bytes) -> int:
        try:
            return int(write(data))
        except OSError:
            gone()
            return len(data)

    def read_to_the_end() -> None:
        read()
        if not driver.exit_event.is_set():
            gone()

    driver._write, driver._key_thread = write_if_seen, Thread(target=read_to_the_end, name="textual-input")


def write_to_terminal(app: App[Any], sequence: str) -> None:
    """Write an escape sequence that Textual has no method for. Without a terminal, nothing is written."""
    driver = app._driver
    if driver is not None and not app.is_headless:
        driver.write(sequence)
        driver.flush()


def has_mouse(driver: Driver) -> bool:
    """Whether the app has the mouse; if not, the terminal selects text with it."""
    return driver._mouse


def all_screens(app: App[Any]) -> list[Screen[Any]]:
    """Return the screens of all modes, including those hidden or below a dialog."""
    return [screen for stack in app._screen_stacks.values() for screen in stack]


def turn_mouse(driver: Driver, *, on: bool) -> None:
    """Turn the terminal's mouse events on or off. The choice survives a stop, because Textual reads `_mouse`."""
    change = getattr(driver, "_enable_mouse_support" if on else "_disable_mouse_support", None)
    driver._mouse = True  # without it, neither method writes anything
    if change is not None:  # a headless driver has neither method
        change()
    driver._mouse = on


def is_handed_back(driver: Any) -> bool:
    """Whether Textual gave back the terminal for a stop (ctrl+z), and takes it again at SIGCONT; or lent it."""
    return bool(driver._must_signal_resume) or not driver._auto_restart


class _Nowhere:
    """Takes what the app would draw while another program has the terminal. Textual would wait for ever to write it."""

    def write(self, text: str) -> None: ...
    def stop(self) -> None: ...


@contextmanager
def lent_terminal(app: App[Any]) -> Iterator[int]:
    """Give back the terminal for a while, to another program; yields its file descriptor.

    Unlike with Textual's `App.suspend`, the app continues meanwhile, and may even end: then it does not take the
    terminal again, and does not touch it.

    Raises:
        SuspendNotSupported: there is no terminal to give.
    """
    driver: Any = app._driver
    if driver is None or not driver.can_suspend:
        raise SuspendNotSupported
    driver.suspend_application_mode()
    driver._writer_thread, driver._auto_restart = _Nowhere(), False
    driver.stop_application_mode = driver.disable_input = lambda: None
    try:
        yield getattr(driver, "fileno", 0)
    finally:
        del driver.stop_application_mode, driver.disable_input
        driver._auto_restart = True
        if app._running and not (app._exit or app._exit_renderables or is_going(app)):
            driver.resume_application_mode()
            app.refresh(layout=True)
        else:
            driver.stop_application_mode = driver.disable_input = lambda: None


# -- widgets ---------------------------------------------------------------------------------------------------


def is_going(node: MessagePump) -> bool:
    """Whether a screen or widget is being removed, or is gone; until it is gone, `is_attached` stays true."""
    return node._closing or node._closed or (isinstance(node, DOMNode) and node._pruning)


def running_pump() -> MessagePump | None:
    """Return the app, screen or widget whose message or timer is being handled."""
    return active_message_pump.get(None)


def calls_after_the_frame(screen: Screen[Any]) -> list[Any]:
    """Return what is to be called after the screen's next frame (`call_after_refresh`)."""
    return [call for call, _sender in screen._callbacks]


def bindings_for(node: DOMNode, key: str) -> Sequence[Binding]:
    """Return a key's bindings in this node only; `Screen.active_bindings` covers the whole chain, and is slow."""
    return _own_bindings(node).key_to_bindings.get(key, ())


def _use_own_keys() -> None:
    """Let `HookedApp.own_keys` replace keys. Textual's own keymap drops every other binding of a key it touches.

    It also looks only at a binding's first key to see whether a field takes it as text.
    """
    kind: Any = Screen
    kind._binding_chain = property(_chain_with_own_keys)


def _own_bindings(node: DOMNode) -> BindingsMap:
    """Return a node's bindings with your own keys, each at its place."""
    app = node.app
    if not isinstance(app, HookedApp) or not app.own_keys:
        return node._bindings
    mapped: dict[str, list[Binding]] = {}
    moved: set[str] = set()
    for key, bindings in node._bindings.key_to_bindings.items():
        for binding in bindings:
            own = app.own_keys.get(binding.id) if binding.id else None
            if own is not None and binding.id not in moved:
                moved.add(binding.id or "")
                for each in own:
                    mapped.setdefault(each, []).append(binding.with_key(each))
            if own is None or (key in app.kept_keys and key not in own):
                mapped.setdefault(key, []).append(binding)
    return BindingsMap.from_keys(mapped)


def _chain_with_own_keys(screen: Screen[Any]) -> list[tuple[DOMNode, BindingsMap]]:
    """Return the bindings from the focus up to the app, without the keys that a field takes as text."""
    app = screen.app
    if not isinstance(app, HookedApp) or not app.own_keys:
        return _textuals_chain(screen)
    nodes: list[DOMNode]
    focused = screen.focused if screen.focused is not None and not screen.focused.loading else None
    nodes = [screen, app] if focused is None else focused.ancestors_with_self
    chain = []
    for index, node in enumerate(nodes):
        bindings, takers = _own_bindings(node).copy(), nodes[:index]
        for key in [*bindings.key_to_bindings] if focused is not None else ():
            if any(taker.check_consume_key(key, key_to_character(key)) for taker in takers):
                del bindings.key_to_bindings[key]
        chain.append((node, bindings))
    return chain


_textuals_chain: Final[Callable[[Screen[Any]], list[tuple[DOMNode, BindingsMap]]]] = vars(Screen)["_binding_chain"].fget


def replace_bindings(screen: Screen[Any], prefix: str, bindings: Iterable[Binding]) -> None:
    """Give a screen these bindings, which are made while the app runs, in place of those whose id has that prefix."""
    found = screen._bindings.key_to_bindings
    for key, those in list(found.items()):
        if kept := [each for each in those if not (each.id or "").startswith(prefix)]:
            found[key] = kept
        else:
            del found[key]
    for each in bindings:
        found[each.key] = [*found.get(each.key, ()), each]  # another list: the class has the old one too
    screen.refresh_bindings()


def update_scrollbars(view: ScrollView) -> None:
    """Let the scrollbars follow the view's `virtual_size` now; otherwise that takes a layout of the screen."""
    view._scroll_update(view.virtual_size)


# -- memory ----------------------------------------------------------------------------------------------------


def unpin_closed_widgets() -> None:
    """Replace a method of Textual whose cache keeps what up to 1,024 widgets drew, even closed ones.

    The cache's key holds the widget's own `StylesCache`, although the result does not depend on it:
    https://github.com/Textualize/textual/issues/6665. A version of Textual without that cache is not changed.
    """
    if hasattr(StylesCache.get_inner_outer, "cache_info"):
        StylesCache.get_inner_outer = staticmethod(_inner_and_outer)  # type: ignore[method-assign, assignment]


@lru_cache(1024)
def _inner_and_outer(base_background: Color, background: Color) -> tuple[Style, Style]:
    return Style(background=base_background + background), Style(background=base_background)


def forget_closed_watchers(app: App[Any]) -> None:
    """Drop closed widgets' watchers of the app: Textual keeps each text area until the theme changes."""
    watchers: dict[str, list[tuple[DOMNode, object]]] = getattr(app, "__watchers", {})
    for each in watchers.values():
        each[:] = [(node, callback) for node, callback in each if not node._closing]


def gathering_commands(palette: "CommandPalette") -> "Worker[Any] | None":
    """Return the work that looks for what is typed in a palette, while it is running."""
    group = palette._GATHER_COMMANDS_GROUP
    running = (work for work in palette.workers if work.node is palette and work.group == group)
    return next((work for work in running if not (work.is_finished or work.is_cancelled)), None)
