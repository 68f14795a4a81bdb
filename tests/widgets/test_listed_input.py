"""A list of known names below a field: what is highlighted is what enter takes, and nothing typed is lost."""

from textual import on
from textual.app import App, ComposeResult
from textual.widgets import Input

from pyhall_tui.widgets.dispatch_fields import NameField
from pyhall_tui.widgets.listed_input import ListedInput

NAMES = ("mail.send", "llm.embed", "llm.text.generate", "text.llm")


class OneField(App[None]):
    """One field, and what was submitted."""

    def __init__(self, names: tuple[str, ...] = NAMES) -> None:
        super().__init__()
        self._names_known = names
        self.submitted: list[str] = []

    def compose(self) -> ComposeResult:
        yield NameField("capability", "Capability", lambda: self._names_known, says_new=True)

    @property
    def field(self) -> ListedInput:
        return self.query_one(ListedInput)

    @on(Input.Submitted)
    def _note(self, message: Input.Submitted) -> None:
        self.submitted.append(message.value)


async def test_down_opens_the_list_and_enter_takes_what_is_highlighted() -> None:
    """F49."""
    app = OneField()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down")
        assert app.field.names.display and app.field.names.highlighted_name == "mail.send"
        await pilot.press("down", "enter")
        assert (app.field.value, app.field.names.display) == ("llm.embed", False)
        assert app.submitted == ["llm.embed"]


async def test_typing_filters_and_what_starts_with_the_text_comes_first() -> None:
    app = OneField()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", *"LLM")
        names = app.field.names
        assert [str(option.prompt) for option in names.options] == ["llm.embed", "llm.text.generate", "text.llm"]
        await pilot.press("up", "down", "down", "enter")
        assert app.field.value == "llm.text.generate"


async def test_a_filter_that_nothing_fits_shows_no_list_and_keeps_the_text() -> None:
    app = OneField()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", *"xyz")
        assert not app.field.names.display
        await pilot.press("enter")
        assert app.field.value == "xyz"


async def test_escape_closes_the_list_and_keeps_the_text() -> None:
    app = OneField()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"xllm", "home", "delete", "down", "down", "escape")
        assert (app.field.value, app.field.names.display, app.field.has_focus) == ("llm", False, True)


async def test_the_list_stands_below_the_field_and_never_covers_it() -> None:
    many = tuple(f"capability.{number}" for number in range(1_000))
    app = OneField(many)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down")
        await pilot.pause()
        names = app.field.names
        assert names.region.y == app.field.region.bottom
        assert 0 < names.region.height <= 6
        assert "800 more" in str(names.options[-1].prompt)


async def test_leaving_the_field_closes_the_list_and_takes_nothing() -> None:
    app = OneField()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down")
        app.set_focus(None)
        await pilot.pause()
        assert (app.field.value, app.field.names.display) == ("", False)


async def test_a_click_takes_a_name_and_gives_the_field_the_keys_back() -> None:
    app = OneField()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down")
        await pilot.pause()
        await pilot.click(app.field.names, offset=(4, 1))
        await pilot.pause()
        assert (app.field.value, app.field.has_focus) == ("llm.embed", True)


async def test_hostile_names_are_shown_clean_and_taken_as_they_are() -> None:
    app = OneField(("[red]x\x1b[2J", "y"))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down")
        assert str(app.field.names.options[0].prompt) == "[red]x␛[2J"
        await pilot.press("enter")
        assert app.field.value == "[red]x\x1b[2J"
