"""`config.toml` in the app: your own keys and theme, taken at the start and whenever the file changes."""

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.widgets import Input

from pyhall_tui.paths import Home
from pyhall_tui.screens.enroll.package import PackageField
from pyhall_tui.screens.key_help import KeysScreen
from pyhall_tui.shell.palette import commands
from pyhall_tui.widgets.key_bar import KeyBar
from tests.pictures import picture_of
from tests.screens.conftest import OpenApp, OpenedApp
from tests.waiting import until

pytestmark = pytest.mark.thorough


def footer(opened: OpenedApp) -> str:
    return opened.screen.query_one(KeyBar).render().plain


def write(home: Home, text: str) -> Path:
    home.config.mkdir(parents=True, exist_ok=True)
    file = home.config / "config.toml"
    file.write_text(text)
    return file


async def until_after_looks(opened: OpenedApp, condition: Callable[[], object]) -> None:
    def look() -> bool:
        opened.clock.skip(0.5)
        return bool(condition())

    await until(look)
    await opened.pilot.pause()


async def test_a_changed_key_works_and_footer_and_help_show_it(open_app: OpenApp, home: Home) -> None:
    write(home, '[keys]\nworkers.filter = ["f6", "ctrl+f"]\n')
    async with open_app(demo=True) as opened:
        assert "f6 Filter" in footer(opened) and "/ Filter" not in footer(opened)
        await opened.pilot.press("slash")
        assert not isinstance(opened.app.focused, Input)
        await opened.pilot.press("question_mark")
        await until(lambda: isinstance(opened.app.screen, KeysScreen) and "f6 ^f" in opened.words())
        await opened.pilot.press("escape", "ctrl+f")
        assert isinstance(opened.app.focused, Input)


async def test_a_character_as_a_key_still_reaches_fields(open_app: OpenApp, home: Home) -> None:
    write(home, '[keys]\napp.log = "Q"\nworkers.enroll = []\nworkers.add = "w"\n')
    async with open_app(demo=True) as opened:
        await opened.pilot.press("slash", *"weQk")
        assert isinstance(opened.app.focused, Input) and opened.app.focused.value == "weQk"
        await opened.pilot.press("escape", "escape")
        await opened.pilot.press("Q")
        assert type(opened.app.screen).__name__ == "RunLogScreen"


async def test_a_key_that_is_no_character_works_in_a_field_though_the_default_is_one(
    open_app: OpenApp, home: Home
) -> None:
    write(home, '[keys]\nworkers.add = "f7"\n')
    async with open_app(demo=True) as opened:
        await opened.pilot.press("slash", "f7")
        assert type(opened.app.screen).__name__ == "AddWorkersScreen"


async def test_the_keys_that_lead_out_still_work(open_app: OpenApp, home: Home) -> None:
    write(home, '[keys]\ndialog.leave = "f9"\nkeys.close = []\napp.quit_now = []\napp.next = "f8"\n')
    async with open_app(demo=True) as opened:
        await opened.pilot.press("question_mark", "escape")
        assert not isinstance(opened.app.screen, KeysScreen)
        await opened.pilot.press("question_mark", "f9")
        assert not isinstance(opened.app.screen, KeysScreen)
        before = opened.app.focused
        await opened.pilot.press("f8")
        await opened.pilot.press("ctrl+c")
        assert before is not None
        await until(lambda: not opened.app.is_running or opened.app.return_code is not None)


async def test_other_bindings_of_a_key_stay_when_one_moves(open_app: OpenApp, home: Home) -> None:
    """`M` gives the mouse away and takes it back: two actions, of which one gets another key."""
    write(home, '[keys]\napp.give_mouse = "f9"\n')
    async with open_app(demo=True) as opened:
        keys = {active.binding.id: key for key, active in opened.app.screen.active_bindings.items()}
        assert keys["app.give_mouse"] == "f9" and "M" not in keys.values()
        await opened.pilot.press("f9")
        keys = {active.binding.id: key for key, active in opened.app.screen.active_bindings.items()}
        assert keys["app.take_mouse"] == "M"


async def test_a_conflict_is_named_once_and_stands_in_a_band_until_it_is_mended(open_app: OpenApp, home: Home) -> None:
    file = write(home, '[keys]\nworkers.sort = "q"\nworkers.verify = "f6"\n')
    sentence = "line 2, column 16: q is also the key of app.quit (Quit at once): both keep their own keys."
    async with open_app(demo=True) as opened:
        await until_after_looks(opened, lambda: any(sentence in text for text in opened.said()))
        assert "s Sort" in footer(opened) and "f6 Verify" in footer(opened) and "q Quit" in footer(opened)
        assert any(sentence in text for text in opened.workspace.standing)
        file.write_text('[keys]\nworkers.verify = "f6"\n')
        await until_after_looks(opened, lambda: not opened.app.run_log.config_trouble)
        assert not any("config.toml" in text for text in opened.workspace.standing)


async def test_the_file_can_come_change_break_and_go_while_the_app_runs(open_app: OpenApp, home: Home) -> None:
    async with open_app(demo=True) as opened:
        await until_after_looks(opened, lambda: opened.app.own_config.is_followed)
        file = write(home, '[keys]\nworkers.sort = "f6"\n')
        await until_after_looks(opened, lambda: "f6 Sort" in footer(opened))
        assert "config.toml was read again: keys changed." in opened.said()
        new = file.with_name("new")
        new.write_text('[keys]\nworkers.sort = "f7"\n')
        new.replace(file)
        await until_after_looks(opened, lambda: "f7 Sort" in footer(opened))
        file.write_text('[keys]\nworkers.sort = "f')
        await until_after_looks(opened, lambda: opened.app.run_log.config_trouble)
        assert "f7 Sort" in footer(opened) and "not TOML" in (opened.app.run_log.config_trouble or "")
        file.unlink()
        file.mkdir()
        await until_after_looks(opened, lambda: "folder" in (opened.app.run_log.config_trouble or ""))
        assert "f7 Sort" in footer(opened)
        file.rmdir()
        await until_after_looks(opened, lambda: "s Sort" in footer(opened))
        assert opened.app.run_log.config_trouble is None
        assert "config.toml is gone: the defaults count again." in opened.said()


async def test_an_empty_file_brings_the_defaults_back(open_app: OpenApp, home: Home) -> None:
    file = write(home, '[keys]\nworkers.sort = "f6"\n')
    async with open_app(demo=True) as opened:
        await until_after_looks(opened, lambda: opened.app.own_config.is_followed)
        file.write_text("")
        await until_after_looks(opened, lambda: "s Sort" in footer(opened))


async def test_a_file_that_can_not_be_read_at_the_start_leaves_the_defaults(open_app: OpenApp, home: Home) -> None:
    write(home, "").unlink()
    (home.config / "config.toml").symlink_to("nowhere.toml")
    async with open_app(demo=True) as opened:
        await until_after_looks(opened, lambda: opened.app.run_log.config_trouble)
        assert "It is a link to nowhere.toml" in (opened.app.run_log.config_trouble or "")
        assert "s Sort" in footer(opened)


async def test_a_theme_is_taken_at_the_start_and_when_it_changes(open_app: OpenApp, home: Home) -> None:
    file = write(home, '[theme]\nname = "nord"\n')
    async with open_app(demo=True) as opened:
        assert opened.app.theme == "nord"
        await opened.pilot.press("ctrl+t")
        assert opened.app.theme == "pyhall-light"
        await opened.pilot.press("ctrl+t")
        assert opened.app.theme == "nord"
        await until_after_looks(opened, lambda: opened.app.own_config.is_followed)
        mine = '[theme]\nname = "mine"\n[theme.mine]\nlike = "nord"\n'
        file.write_text(f'{mine}error = "#ff0000"\n')
        await until_after_looks(opened, lambda: opened.app.theme == "mine")
        file.write_text(f'{mine}error = "#00ff00"\n')
        await until_after_looks(opened, lambda: opened.app.current_theme.error == "#00ff00")
        assert opened.app.theme_variables["error"].lower().startswith("#00ff00")


async def test_what_a_terminal_with_few_colors_or_none_has(open_app: OpenApp, home: Home) -> None:
    write(home, '[theme]\nname = "nord"\nfew_colors = "pyhall-16-light"\n')
    async with open_app(demo=True, theme="pyhall-16-dark") as opened:
        assert opened.app.theme == "pyhall-16-light"
    async with open_app(demo=True, theme="pyhall-plain-dark") as opened:
        assert opened.app.theme == "pyhall-plain-dark"


async def test_messages_buttons_and_dialogs_name_the_changed_key(open_app: OpenApp, home: Home) -> None:
    write(home, '[keys]\nworkers.undo = "f9"\ndoctor.copy = "ctrl+y"\ndispatch.send = []\n')
    async with open_app(demo=True) as opened:
        await opened.pilot.press("x")
        await until(lambda: any("f9 undoes it." in text for text in opened.said()))
        await opened.pilot.press("D")
        assert "ctrl+y copies a report · r checks again" in opened.words()
        await opened.pilot.press("escape", "3")
        assert "Dispatch (no key)" in opened.words()


async def test_texts_from_below_the_screens_name_the_changed_key(open_app: OpenApp, home: Home) -> None:
    keys = {"enroll.pick": "f9", "worker.folder": "f10", "keys.search": "f11", "app.theme": "f12", "enroll.write": []}
    write(home, "[keys]\n" + "".join(f"{id_} = {key!r}\n" for id_, key in keys.items()))
    async with open_app(demo=True) as opened:
        await opened.pilot.press("question_mark")
        assert "f11 searches" in picture_of(opened.app)
        await opened.pilot.press("escape")
        found = {each.title: each.help for each in commands(opened.app, opened.app.screen.active_bindings.values())}
        assert found["Light or dark theme"] == "Key f12"
        await opened.pilot.press("e")
        await until(lambda: "Write one… (no key)" in opened.words())
        opened.app.screen.query_one(PackageField).check()
        assert "press f9 to compute it" in picture_of(opened.app)


async def test_without_a_profile_a_band_names_a_mistake_until_it_is_mended(open_app: OpenApp, home: Home) -> None:
    file = write(home, "[theme]\nname = 'nrod'\n")
    async with open_app() as opened:
        await until_after_looks(opened, lambda: "There is no theme named nrod. Did you mean nord?" in opened.words())
        assert opened.screen.query_one("#kept-band").display
        file.write_text("")
        await until_after_looks(opened, lambda: not opened.screen.query_one("#kept-band").display)
        file.write_text("[theme\n")
        await until_after_looks(opened, lambda: "This is not TOML" in opened.words())
