"""What we use of Textual's private parts still is there and does what we rely on, and only one module uses it.

If a new version of Textual fails here, look at the part's reason in `pyhall_tui/textual_internals.py`.
"""

import ast
import importlib
import inspect
import pkgutil
import signal
import sys
import textwrap
from collections.abc import Iterable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.color import Color
from textual.containers import Vertical
from textual.dom import DOMNode
from textual.geometry import Size
from textual.screen import Screen
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Input, Static

import pyhall_tui
from pyhall_tui import textual_internals as internals
from pyhall_tui.textual_internals import HookedApp, HookedScreen
from tests.waiting import until

KEY = "phk_live_0123456789abcdefNOTREAL"
THEIRS = ("textual", "rich")
MACHINERY = {"_decorated_handlers", "_reactives", "_computes", "_merged_bindings"}
"""What Textual's metaclass writes into each class."""


class Hooked(HookedApp):
    """A minimal app with the hooks."""

    CRASH_CODE = 70
    harmless = False

    def __init__(self) -> None:
        super().__init__()
        self.removals = 0

    def compose(self) -> ComposeResult:
        yield Input()
        yield Static("text")

    def is_harmless(self, error: Exception) -> bool:
        return self.harmless

    def crash_line(self, error: BaseException) -> str:
        return f"crashed: {type(error).__name__}"

    def before_removal(self) -> None:
        self.removals += 1


class RichError(Exception):
    """An error that prints itself, as Textual's own on CSS do."""

    def __rich__(self) -> str:
        return f"rich {KEY}"


def private(names: Any) -> set[str]:
    return {name for name in names if name.startswith("_") and not name.startswith("__")}


@cache
def own_names(kind: type) -> tuple[set[str], set[str]]:
    """Return the private names that a class's source defines (methods, and what is set on self), and those it uses."""
    try:
        (source,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    except (OSError, TypeError):
        return set(), set()
    assert isinstance(source, ast.ClassDef)
    defined, used = set(), set()
    for part in source.body:
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
            defined.add(part.name)
        elif isinstance(part, ast.Assign | ast.AnnAssign):
            targets = part.targets if isinstance(part, ast.Assign) else [part.target]
            defined |= {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}
    for node in ast.walk(source):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("self", "cls", "super()"):
            (defined if isinstance(node.ctx, ast.Store) else used).add(node.attr)
    return private(defined), private(used)


def our_classes() -> Iterator[tuple[type, list[type], list[type]]]:
    """Return each class of ours that has one of Textual's as a base: with those bases, and with ours."""
    for module in pkgutil.walk_packages(pyhall_tui.__path__, "pyhall_tui."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    modules = [module for name, module in list(sys.modules.items()) if name.startswith("pyhall_tui")]
    found = {kind for module in modules for kind in vars(module).values() if inspect.isclass(kind)}
    for kind in found:
        bases = kind.__mro__[1:]
        theirs = [base for base in bases if base.__module__.startswith(THEIRS)]
        if theirs and kind.__module__.startswith("pyhall_tui") and kind.__module__ != internals.__name__:
            yield kind, theirs, [base for base in bases if base.__module__.startswith("pyhall_tui")]


@pytest.mark.thorough
def test_no_class_but_the_hooked_ones_defines_or_uses_a_private_name_of_its_textual_base() -> None:
    """`SLF001` does not see `self._name` and `super()._name`: a new version of Textual could take or drop the name."""
    wrong, seen = [], 0
    for kind, theirs, ours in our_classes():
        seen += 1
        of_textual = {name for base in theirs for name in private(vars(base)) | own_names(base)[0]} - MACHINERY
        defined, used = own_names(kind)
        not_ours = used - defined - {name for base in ours for name in own_names(base)[0] - own_names(HookedApp)[0]}
        wrong += [f"{kind.__module__}.{kind.__name__}.{name}" for name in (defined | not_ours) & of_textual]
    assert seen > 50
    assert wrong == []


@pytest.mark.thorough
def test_no_other_module_imports_a_private_module_of_textual() -> None:
    wrong = []
    for file in Path(pyhall_tui.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            else:
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            wrong += [
                (file.name, name)
                for name in names
                if name.split(".")[0] in THEIRS and "._" in name and file.name != "textual_internals.py"
            ]
    assert wrong == []


# -- a crash ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [RuntimeError, RichError])
async def test_a_crash_prints_our_line_and_no_local_variable(
    kind: type[Exception], capsys: pytest.CaptureFixture[str]
) -> None:
    """Errors that print themselves, as Textual's own do, are printed by us too."""

    class Crashing(Hooked):
        def key_f2(self) -> None:
            key = KEY
            raise kind(key)

    app = Crashing()
    with pytest.raises(kind):
        async with app.run_test() as pilot:
            await pilot.press("f2")
    shown = "".join(capsys.readouterr())
    assert f"crashed: {kind.__name__}" in shown
    assert KEY not in shown
    assert "Traceback" not in shown
    assert app.return_code == 70


async def test_a_harmless_error_does_not_end_the_app() -> None:
    class Failing(Static):
        def on_click(self) -> None:
            raise RuntimeError("late")

    class Going(Hooked):
        harmless = True

        def compose(self) -> ComposeResult:
            yield Input()
            yield Failing("text")

    app = Going()
    async with app.run_test():
        app.query_one(Failing).post_message(events.Click(None, 0, 0, 0, 0, 1, False, False, False))
        app.post_message(events.Key("x", "x"))
        await until(lambda: app.query_one(Input).value == "x")
    assert app.return_code != Going.CRASH_CODE


# -- the app's hooks -------------------------------------------------------------------------------------------


async def test_the_app_starts_in_the_given_mode() -> None:
    app = Hooked()
    app.add_mode("other", partial(Screen, id="other"))
    app.start_in_mode("other")
    async with app.run_test():
        assert app.current_mode == "other"
        assert app.screen.id == "other"


async def test_what_is_removed_goes_through_the_hook() -> None:
    app = Hooked()
    async with app.run_test():
        text = app.query_one(Static)
        await text.remove()
        assert app.removals
        assert not app.query(Static)


async def test_a_screen_with_its_css_noted_is_not_parsed_for_again(tmp_path: Path) -> None:
    app, parsed = Hooked(), []
    css = tmp_path / "other.tcss"
    css.write_text("#styled { width: 7; }")

    class Styled(Screen[None]):
        CSS_PATH = str(css)

        def compose(self) -> ComposeResult:
            yield Static(id="styled")

    def make() -> Screen[None]:
        screen = Styled()
        app.skip_css_check(screen)
        return screen

    app.add_mode("other", make)
    async with app.run_test() as pilot:
        app.refresh_css = lambda *args, **more: parsed.append(args)  # type: ignore[method-assign]
        await app.switch_mode("other")
        await pilot.pause()
        assert app.screen.query_one("#styled").size.width == 7
    assert parsed == []


async def test_a_new_widget_is_styled_when_it_is_mounted_and_not_before() -> None:
    class Classed(Static):
        DEFAULT_CSS = "Classed { width: 3; &.wide { width: 7; } &.tall { height: 2; } }"

    styled: list[object] = []
    app = Hooked()
    async with app.run_test() as pilot:
        update = app.stylesheet.update_nodes
        app.stylesheet.update_nodes = lambda nodes, **more: update(styled.extend(nodes) or styled, **more)  # type: ignore
        widget = Classed()
        widget.add_class("wide")
        assert styled == []
        await app.mount(widget)
        assert widget.styles.width is not None and widget.styles.width.value == 7
        widget.add_class("tall")
        await pilot.pause()
        assert widget in styled and widget.size.height == 2


def test_parsed_css_is_cached_for_the_requested_number_of_sources() -> None:
    app = Hooked()
    app.keep_parsed_css(1_000)
    assert app.stylesheet._parse_cache.maxsize == 1_000


class Drawn(Static):
    """Counts its frames."""

    drawn = 0

    def render_line(self, y: int) -> Strip:
        self.drawn += 1
        return super().render_line(y)


class Batched(Hooked):
    class Start(HookedScreen):
        def compose(self) -> ComposeResult:
            yield Drawn("text")

    def get_default_screen(self) -> Screen[Any]:
        return self.Start()


async def test_nothing_is_drawn_while_updates_are_held_back() -> None:
    app = Batched()
    async with app.run_test() as pilot:
        await pilot.pause()
        widget = app.screen.query_one(Drawn)
        before = widget.drawn
        with app.batch_update():
            widget.update("other")
            await pilot.pause()
            assert widget.drawn == before
        await until(lambda: widget.drawn > before)


# -- the terminal ----------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="the driver of Linux and macOS")
class Focused(HookedScreen):
    """A screen that gives its field the focus; `within` styles what surrounds it too."""

    AUTO_FOCUS = "Input"
    DEFAULT_CSS = "Focused { Input:focus { text-style: underline; } }"

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Input()


class FocusedWithin(Focused):
    DEFAULT_CSS = "FocusedWithin { Vertical:focus-within { text-style: bold; } }"


@pytest.mark.parametrize("kind", [Focused, FocusedWithin])
async def test_what_gets_the_focus_first_is_styled_once(kind: type[Focused], monkeypatch: pytest.MonkeyPatch) -> None:
    app = Hooked()
    async with app.run_test() as pilot:
        styled: list[DOMNode] = []
        real = app.stylesheet.update_nodes

        def note(nodes: Iterable[DOMNode], animate: bool = False) -> None:
            nodes = list(nodes)
            styled.extend(nodes)
            real(nodes, animate)

        monkeypatch.setattr(app.stylesheet, "update_nodes", note)
        composed = Focused._compose

        async def compose(screen: Focused) -> None:
            styled.clear()
            await composed(screen)
            assert styled.count(screen.query_one(Input)) == 1

        monkeypatch.setattr(kind, "_compose", compose)
        await app.push_screen(kind())
        await pilot.pause()
        field = app.screen.query_one(Input)
        assert field.has_focus and field.styles.text_style.underline
        assert bool(app.screen.query_one(Vertical).styles.text_style.bold) is (kind is FocusedWithin)


async def test_the_mouse_is_given_away_and_taken_back() -> None:
    from textual.drivers.linux_driver import LinuxDriver

    written: list[str] = []

    class Noted(LinuxDriver):
        def write(self, data: str) -> None:
            written.append(data)

    driver = Noted(Hooked())
    assert internals.has_mouse(driver)
    internals.turn_mouse(driver, on=False)
    assert "\x1b[?1000l" in written
    assert not internals.has_mouse(driver)
    written.clear()
    internals.turn_mouse(driver, on=True)
    assert "\x1b[?1000h" in written
    assert internals.has_mouse(driver)
    assert not internals.is_handed_back(driver)
    driver._must_signal_resume = True
    assert internals.is_handed_back(driver)
    for number in (signal.SIGTSTP, signal.SIGCONT):  # the driver takes them when it is made
        signal.signal(number, signal.SIG_DFL)


async def test_the_driver_is_there_once_the_app_runs() -> None:
    app = Hooked()
    assert internals.driver_of(app) is None
    internals.write_to_terminal(app, "\a")
    async with app.run_test():
        driver = internals.driver_of(app)
        assert driver is not None
        assert driver.is_headless
        assert internals.all_screens(app) == [app.screen]


def test_the_table_of_keys_is_what_the_terminals_bytes_are_read_by(monkeypatch: pytest.MonkeyPatch) -> None:
    from textual._xterm_parser import XTermParser

    monkeypatch.setitem(internals.KEY_SEQUENCES, "\x1b4", internals.KEY_SEQUENCES["\x1bOA"])
    read = [event.key for event in XTermParser().feed("\x1b4") if isinstance(event, events.Key)]
    assert read == ["up"]


# -- widgets ---------------------------------------------------------------------------------------------------


async def test_a_widget_that_is_removed_is_going() -> None:
    app = Hooked()
    async with app.run_test():
        text = app.query_one(Static)
        assert not internals.is_going(text)
        removal = text.remove()
        assert internals.is_going(text)
        await removal
        assert internals.is_going(text)


async def test_the_widget_whose_message_is_handled_is_known() -> None:
    seen: list[object] = []

    class Clicked(Static):
        def on_click(self) -> None:
            seen.append(internals.running_pump())

    class Clickable(Hooked):
        def compose(self) -> ComposeResult:
            yield Clicked("text")

    app = Clickable()
    async with app.run_test() as pilot:
        await pilot.click(Clicked)
        assert seen == [app.query_one(Clicked)]


async def test_a_call_after_the_next_frame_is_waited_for() -> None:
    app = Hooked()
    async with app.run_test() as pilot:
        await pilot.pause()
        done: list[int] = []

        def call() -> None:
            done.append(1)

        app.screen._invoke_later(call, app)  # where `call_after_refresh` leads to
        assert call in internals.calls_after_the_frame(app.screen)
        app.screen.refresh()
        await until(lambda: done == [1])
        assert call not in internals.calls_after_the_frame(app.screen)


async def test_the_bindings_of_one_widget_are_known() -> None:
    app = Hooked()
    async with app.run_test():
        field = app.query_one(Input)
        assert "delete_left" in [binding.action for binding in internals.bindings_for(field, "backspace")]
        assert internals.bindings_for(field, "f12") == ()


async def test_the_scrollbars_follow_at_once() -> None:
    class View(ScrollView):
        def render_line(self, y: int) -> Strip:
            return Strip.blank(self.size.width)

    class Viewing(Hooked):
        def compose(self) -> ComposeResult:
            yield View()

    app = Viewing()
    async with app.run_test():
        view = app.query_one(View)
        view.set_reactive(View.virtual_size, Size(10, 1_000))
        assert not view.show_vertical_scrollbar
        internals.update_scrollbars(view)
        assert view.show_vertical_scrollbar


# -- memory -----------------------------------------------------------------------------------------------------


def test_the_cache_that_kept_closed_widgets_is_replaced() -> None:
    from textual._styles_cache import StylesCache

    before = StylesCache.__dict__["get_inner_outer"]
    black, red = Color(0, 0, 0), Color(255, 0, 0)
    try:
        expected = StylesCache().get_inner_outer(black, red)
        internals.unpin_closed_widgets()
        assert StylesCache().get_inner_outer(black, red) == expected
        assert isinstance(StylesCache.__dict__["get_inner_outer"], staticmethod)
    finally:
        StylesCache.get_inner_outer = before  # type: ignore[method-assign]


async def test_a_closed_widget_watches_the_app_no_more() -> None:
    app = Hooked()
    async with app.run_test():
        text = app.query_one(Static)
        text.watch(app, "theme", lambda: None, init=False)
        watching = partial(lambda: [node for node, _ in app.__dict__["__watchers"]["theme"]])
        assert text in watching()
        internals.forget_closed_watchers(app)
        assert text in watching()
        await text.remove()
        internals.forget_closed_watchers(app)
        assert text not in watching()


def test_a_textual_that_would_print_its_own_report_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(App, "_fatal_error")
    with pytest.raises(ImportError, match="_fatal_error"):
        exec(compile(Path(internals.__file__).read_text(), internals.__file__, "exec"), {"__name__": "again"})
