"""Where the focus is, visible without color, and with color by more than a shade."""

import pytest
from textual.widget import Widget

from pyhall_tui.widgets.dispatch_fields import TierChoice
from pyhall_tui.widgets.field import OneLineInput
from tests.live_hall import WORKER, LiveHall
from tests.screens.conftest import OpenApp, OpenedApp, profile_of
from tests.waiting import until


def is_underlined(widget: Widget) -> bool:
    """Return whether the whole line of a field is."""
    return all(segment.style is not None and segment.style.underline for segment in widget.render_line(0))


def sign_at(opened: OpenedApp, widget: Widget) -> str:
    """Return the first character of a widget's first line."""
    return opened.text().splitlines()[widget.region.y].ljust(200)[widget.region.x]


@pytest.mark.parametrize("no_color", ["1", ""], ids=["without colour", "in colour"])
@pytest.mark.thorough
async def test_the_focused_field_is_marked_by_a_line_and_the_focused_list_by_its_bar(
    open_app: OpenApp, hall: LiveHall, monkeypatch: pytest.MonkeyPatch, no_color: str
) -> None:
    """F26: with several fields and a list on one screen, you can see which one takes the keys."""
    monkeypatch.setenv("NO_COLOR", no_color)
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await opened.pilot.press("3")
        await until(lambda: bool(opened.screen.query("#capability")))
        await opened.pilot.press(*"llm.text.generate", "tab", *WORKER, "ctrl+s")
        await until(lambda: "ALLOW" in opened.text(), clock=opened.clock)
        fields = list(opened.screen.query(OneLineInput))
        seen = [field for field in fields if field.display and field.region]
        assert [field.id for field in seen if is_underlined(field)] == ["worker_id"]
        assert "│ ▏" in opened.text() and "│ ▌" not in opened.text()
        await opened.pilot.press("tab")
        assert is_underlined(opened.screen.query_one(TierChoice))
        area = opened.screen.query_one("#context")
        assert sign_at(opened, area) == " "
        area.focus()
        await until(lambda: sign_at(opened, area) == "▌")
        await opened.pilot.press("escape")
        await opened.pilot.pause()
        assert not any(map(is_underlined, seen))
        assert "│ ▌" in opened.text()
