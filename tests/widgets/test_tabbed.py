"""Tabs that change only when they are told to."""

from textual.app import App, ComposeResult
from textual.widgets import Input, TabPane

from pyhall_tui.widgets.tabbed import Tabbed


class TwoTabs(App[None]):
    """Two tabs, each with a field that the app focuses when its tab is shown, as our screens do."""

    def compose(self) -> ComposeResult:
        with Tabbed(initial="first"):
            for name in ("first", "second"):
                with TabPane(name, id=name):
                    yield Input(id=f"{name}-field")

    def on_tabbed_content_tab_activated(self) -> None:
        self.query_one(f"#{self.query_one(Tabbed).active}-field").focus()


async def test_a_focus_that_is_late_does_not_bring_the_previous_tab_back() -> None:
    app = TwoTabs()
    async with app.run_test() as pilot:
        await pilot.pause()
        tabs = app.query_one(Tabbed)
        shown: list[str] = []
        app.watch(tabs, "active", lambda name: shown.append(name), init=False)
        tabs.active = "second"
        tabs.post_message(TabPane.Focused(tabs.get_pane("first")))
        for _ in range(3):  # with Textual's own tabs, the two change places forever from here on
            await pilot.pause()
        assert shown == ["second"]
        assert app.focused is not None and app.focused.id == "second-field"


async def test_the_focus_moves_within_the_tab_on_show() -> None:
    app = TwoTabs()
    async with app.run_test() as pilot:
        await pilot.pause()
        app.set_focus(None)
        app.query_one("#first-field").focus()
        await pilot.pause()
        assert app.query_one(Tabbed).active == "first"
        assert app.focused is not None and app.focused.id == "first-field"
