"""The profiles screen and its file: mistakes in it, other programs, a folder that can't be written."""

import os
from pathlib import Path

import pytest

from pyhall_tui.paths import Home
from tests.live_hall import LiveHall
from tests.screens.conftest import OpenApp, OpenedApp, profile_of
from tests.screens.profile_form import answer, fill, go_to_profiles, profiles_screen, store_of
from tests.waiting import until


async def test_a_file_with_a_mistake_is_reported_with_line_and_column_and_left_as_it_is(
    open_app: OpenApp, hall: LiveHall, home: Home
) -> None:
    home.config.mkdir(parents=True)
    file = home.config / "profiles.toml"
    file.write_text('[profiles.acme]\nnamespace = "org.acme"\nregistry_url = \n')
    async with open_app() as opened:
        assert "line 3, column" in opened.text()
        assert not opened.screen.query_one("#columns").display
        await opened.pilot.press("ctrl+s", "n", "x")
        assert file.read_text().endswith("registry_url = \n")
        file.write_text(f'[profiles.acme]\nnamespace = "org.acme"\nregistry_url = "{hall.url}"\n')
        await opened.pilot.click("#reread")
        await until(lambda: "line 3" not in opened.text() and "org.acme" in opened.text())


@pytest.mark.thorough
async def test_a_file_that_an_editor_breaks_meanwhile_costs_nothing_that_was_typed(
    open_app: OpenApp, hall: LiveHall, home: Home
) -> None:
    """F38: the next step has the focus, and what was typed is saved once the file is corrected."""
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await go_to_profiles(opened)
        await fill(opened, poll_interval="34")
        file = home.config / "profiles.toml"
        before = file.read_text()
        file.write_text(f"{before}oops = [")
        await opened.pilot.press("ctrl+s")
        await until(lambda: "This is not TOML" in opened.words())
        assert file.read_text() == f"{before}oops = ["
        file.write_text(before)
        await until(lambda: opened.screen.query_one("#reread").has_focus)
        await opened.pilot.press("enter")
        await until(lambda: "This is not TOML" not in opened.words())
        await opened.pilot.press("ctrl+s")
        await until(lambda: "Saved." in opened.text())
        assert store_of(home).load().profiles == (profile_of(hall, poll_interval=34.0),)


async def test_with_a_mistake_in_the_file_the_environment_can_be_opened_still(
    open_app: OpenApp, hall: LiveHall, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.config.mkdir(parents=True)
    (home.config / "profiles.toml").write_text("[")
    monkeypatch.setenv("PYHALL_API_KEY", hall.key)
    monkeypatch.setenv("PYHALL_REGISTRY_URL", hall.url)
    async with open_app() as opened:
        await opened.pilot.click("#environment")
        await until(lambda: "● live" in opened.text() and "environment" in opened.text(), clock=opened.clock)


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="root may write anywhere")
async def test_a_read_only_folder_is_reported_and_choosing_a_profile_works(
    open_app: OpenApp, hall: LiveHall, home: Home
) -> None:
    """F37"""
    async with open_app(profile_of(hall), key=hall.key) as opened:
        home.config.chmod(0o500)
        await _change_the_interval(opened)
        await until(lambda: "cannot be written" in opened.text())
        home.config.chmod(0o700)


async def _change_the_interval(opened: OpenedApp) -> None:
    await go_to_profiles(opened)
    await fill(opened, poll_interval="30")
    await opened.pilot.press("ctrl+s")


async def test_a_file_that_cannot_be_written_is_reported_and_nothing_typed_is_lost(
    open_app: OpenApp, hall: LiveHall, home: Home
) -> None:
    """F37: a folder is where the file should be, which stops even root."""
    async with open_app(profile_of(hall), key=hall.key) as opened:
        target = home.config / "profiles.toml"
        content = target.read_text()
        target.unlink()
        target.mkdir()
        await _change_the_interval(opened)
        await until(lambda: "profiles.toml" in opened.words() and "it is a folder" in opened.words())
        assert opened.workspace.profile.name == "acme"
        target.rmdir()
        target.write_text(content)


@pytest.mark.thorough
async def test_a_link_to_the_file_stays_a_link(open_app: OpenApp, hall: LiveHall, home: Home, tmp_path: Path) -> None:
    """F36"""
    async with open_app(profile_of(hall), key=hall.key) as opened:
        file, target = home.config / "profiles.toml", tmp_path / "dotfiles" / "profiles.toml"
        target.parent.mkdir()
        target.write_text(file.read_text() + "# mine\n")
        file.unlink()
        file.symlink_to(target)
        await _change_the_interval(opened)
        await until(lambda: "Saved." in opened.text())
        assert file.is_symlink()
        assert "poll_interval = 30" in target.read_text() and "# mine" in target.read_text()


@pytest.mark.parametrize(("choice", "interval"), [("mine", 30), ("theirs", 20)])
@pytest.mark.thorough
async def test_two_programs_that_change_the_same_are_asked_whose_it_is(
    open_app: OpenApp, hall: LiveHall, home: Home, choice: str, interval: int
) -> None:
    """F38: the other's remaining changes stay in any case."""
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await go_to_profiles(opened)
        await fill(opened, poll_interval="30")
        base = store_of(home).load().profiles[0]
        store_of(home).save(profile_of(hall, poll_interval=20.0, timeout=3.0), base)
        store_of(home).save(profile_of(hall, name="other"), None)
        await opened.pilot.press("ctrl+s")
        await until(lambda: "theirs 20  mine 30" in opened.text())
        await answer(opened, choice)
        await until(lambda: "Saved." in opened.text() or "Their values are in the form now" in opened.text())
        acme, other = store_of(home).load().profiles
        assert (acme.poll_interval, acme.timeout, other.name) == (interval, 3.0, "other")
        assert profiles_screen(opened).form.values()["poll_interval"] == str(interval)


@pytest.mark.thorough
async def test_a_new_profile_never_takes_the_place_of_another(open_app: OpenApp, hall: LiveHall, home: Home) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await go_to_profiles(opened)
        await opened.pilot.press("n")
        await until(lambda: screen.form.values()["name"] == "")
        await fill(opened, name="acme", namespace="org.other", registry_url=hall.url)
        await opened.pilot.press("ctrl+s")
        await answer(opened, "save")
        await until(lambda: "A profile named acme already exists. Choose another name." in opened.words())
        assert store_of(home).load().profiles == (profile_of(hall),)


async def test_an_empty_file_is_not_a_first_run_and_is_started_again_only_on_request(
    open_app: OpenApp, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F71"""
    home.config.mkdir(parents=True)
    file = home.config / "profiles.toml"
    file.write_bytes(b"")
    monkeypatch.setenv("PYHALL_REGISTRY_URL", "http://127.0.0.1:1")
    async with open_app(size=(80, 24)) as opened:
        await until(lambda: "It is empty, since" in opened.words())
        for label in ("Try the demo", "Read the file again", "Start an empty list", "Open from the environment"):
            assert label in opened.text()
        assert "Welcome" not in opened.text() and not opened.screen.query_one("#columns").display
        await opened.pilot.press("ctrl+s", "n")
        assert file.read_bytes() == b""
        await opened.pilot.click("#begin")
        await until(lambda: "Welcome" in opened.text())
        await until(lambda: opened.screen.query_one("#name").has_focus)
        assert store_of(home).load().profiles == ()


@pytest.mark.thorough
async def test_a_file_that_goes_while_the_program_runs_is_reported_and_nothing_typed_is_lost(
    open_app: OpenApp, hall: LiveHall, home: Home
) -> None:
    """F71"""
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await go_to_profiles(opened)
        await fill(opened, poll_interval="34")
        file = home.config / "profiles.toml"
        kept = file.read_bytes()
        file.unlink()
        await opened.pilot.press("ctrl+s")
        await until(lambda: "It has disappeared since this program read it." in opened.words())
        assert not file.exists()
        file.write_bytes(kept)
        await opened.pilot.click("#reread")
        await until(lambda: "It has disappeared" not in opened.words())
        await opened.pilot.press("ctrl+s")
        await until(lambda: "Saved." in opened.text())
        assert store_of(home).load().profiles == (profile_of(hall, poll_interval=34.0),)
