"""The profiles screen and the first run: where am I connected, and as whom?"""

import threading

import pytest
from textual.widgets import Checkbox, Input

from pyhall_tui.journal.journal import Journal
from pyhall_tui.paths import Home
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.keys import KeyStore
from pyhall_tui.screens.profiles.screen import ProfilesScreen
from pyhall_tui.screens.workers.screen import WorkersScreen
from tests.clock import ManualClock
from tests.journal.makers import event
from tests.live_hall import WORKER, LiveHall, live_hall
from tests.profiles.test_keys import FakeKeyring
from tests.registry.raw_server import answer as raw_answer
from tests.registry.raw_server import raw_server
from tests.screens.conftest import OpenApp, profile_of
from tests.screens.profile_form import KEY, answer, fill, go_to_profiles, opens, profiles_screen, store_of
from tests.waiting import until


@pytest.mark.thorough
async def test_the_first_run_makes_a_profile_tests_it_saves_it_and_opens_it(
    open_app: OpenApp, hall: LiveHall, home: Home
) -> None:
    """F01: without a keyring the key is kept for this run, and one sentence says so and why."""
    async with open_app() as opened:
        assert "Welcome" in opened.text() and "Try the demo (no account needed)" in opened.text()
        await fill(opened, name="acme", namespace="org.yourco", registry_url=hall.url + "/", key=f"  {hall.key} ")
        assert hall.key not in opened.text()
        await opened.pilot.press("ctrl+g")
        await until(lambda: "package hashes are banned" in opened.text())
        for line in ("✔ reach", "✔ TLS", "✔ key", "? namespace", "✔ ban list"):
            assert line in opened.text()
        assert not [seen for seen in hall.requests if seen.method != "GET"]
        await opened.pilot.press("ctrl+s")
        await until(lambda: opened.app.workspace is not None and "● live" in opened.text(), clock=opened.clock)
        await until(lambda: "The key is not stored: it is kept for this run only." in opened.words())
        [saved] = store_of(home).load().profiles
        assert saved == profile_of(hall)
        for path in (path for path in home.config.parent.rglob("*") if path.is_file()):
            assert hall.key.encode() not in path.read_bytes(), path
    assert {seen.headers["authorization"] for seen in hall.requests if "authorization" in seen.headers} == {
        f"Bearer {hall.key}"
    }


@pytest.mark.thorough
async def test_the_demo_is_one_click_away(open_app: OpenApp, home: Home) -> None:
    async with open_app() as opened:
        await opened.pilot.click("#demo")
        await until(lambda: "BANNED" in opened.text(), clock=opened.clock)
        screen = await go_to_profiles(opened)
        assert "● open" not in opened.text() and screen.has_workspace
    assert not home.config.exists()


async def test_an_unknown_profile_is_named_with_those_that_exist(open_app: OpenApp, hall: LiveHall) -> None:
    profiles = [profile_of(hall, name=name) for name in ("acme", "lab")]
    async with open_app(*profiles, key=hall.key, profile_name="acmee") as opened:
        assert "There is no profile named acmee. Your profiles: acme, lab." in opened.text()
        await opened.pilot.press("down", "enter")
        await opens(opened, "lab")


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
@pytest.mark.thorough
async def test_the_first_run_fits(open_app: OpenApp, size: tuple[int, int]) -> None:
    async with open_app(size=size) as opened:
        for words in ("Welcome", "Try the demo", "Name", "Test", "Save"):
            assert words in opened.text(), words


# -- the form ------------------------------------------------------------------------------------------------------


@pytest.mark.thorough
async def test_a_field_is_checked_as_one_leaves_it_and_forgiven_as_soon_as_it_is_right(open_app: OpenApp) -> None:
    async with open_app() as opened:
        await fill(opened, name="acme", namespace="acme")
        assert "The namespace must be like org.yourco" in opened.text()
        opened.screen.query_one("#namespace", Input).value = "org.acme"
        await opened.pilot.pause()
        assert "The namespace must be" not in opened.text()


async def test_plain_http_to_another_machine_wants_the_switch(open_app: OpenApp) -> None:
    async with open_app() as opened:
        await fill(opened, name="a", namespace="org.acme", registry_url="http://registry.example")
        assert "would send the key in clear text" in opened.text()
        opened.screen.query_one("#allow_insecure", Checkbox).value = True
        await opened.pilot.pause()
        assert "would send the key in clear text" not in opened.text()


async def test_nothing_is_saved_while_a_field_is_wrong(open_app: OpenApp, home: Home) -> None:
    async with open_app() as opened:
        await fill(opened, name="acme", namespace="org.acme", registry_url="https://h", poll_interval="soon")
        await opened.pilot.press("ctrl+s")
        await until(lambda: "1 field to correct" in opened.text())
        assert opened.screen.focused is opened.screen.query_one("#poll_interval")
        assert not (home.config / "profiles.toml").exists()


@pytest.mark.thorough
async def test_characters_in_a_field_are_text(open_app: OpenApp, hall: LiveHall) -> None:
    """F34"""
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await go_to_profiles(opened)
        for name in ("name", "key", "capabilities"):
            field = screen.query_one(f"#{name}", Input)
            field.focus()
            field.value = ""
            await opened.pilot.press(*"qu", "question_mark", "slash", "1", "n", "x", "K")
            assert field.value == "qu?/1nxK"
        assert opened.screen is screen


@pytest.mark.thorough
async def test_a_pasted_key_is_stripped_and_does_not_submit(open_app: OpenApp, hall: LiveHall) -> None:
    """F05"""
    from textual.events import Paste

    async with open_app(profile_of(hall)) as opened:
        screen = await go_to_profiles(opened)
        screen.query_one("#key").focus()
        await opened.pilot.pause()
        screen.query_one("#key").post_message(Paste(f"  {hall.key}\n"))
        await until(lambda: screen.form.typed_key == hall.key)
        assert screen.focused is screen.query_one("#key")
        await opened.pilot.press("ctrl+g")
        await until(lambda: "The registry accepts the key." in opened.text())


@pytest.mark.thorough
async def test_what_is_typed_survives_another_profile_a_change_of_screen_and_a_restart(
    open_app: OpenApp, hall: LiveHall
) -> None:
    profiles = [profile_of(hall, name=name) for name in ("acme", "lab")]
    async with open_app(*profiles, key=hall.key) as opened:
        screen = await go_to_profiles(opened)
        await fill(opened, poll_interval="17")
        screen.table.focus()
        await opened.pilot.press("down", "1", "5", "up")
        await until(lambda: screen.form.values()["poll_interval"] == "17")
        assert "edited" in opened.text()
    async with open_app() as opened:
        screen = await go_to_profiles(opened)
        assert screen.form.values()["poll_interval"] == "17"
        await opened.pilot.press("z")
        await until(lambda: screen.form.values()["poll_interval"] == "60")
        assert "edited" not in opened.text()


# -- the test ------------------------------------------------------------------------------------------------------


@pytest.mark.thorough
async def test_each_step_that_fails_says_what_to_do(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app() as opened:
        await fill(opened, name="acme", namespace="org.yourco", registry_url=hall.url, key="phk_live_wrong")
        await opened.pilot.press("ctrl+g")
        await until(lambda: "The registry rejects the key." in opened.text())
        assert "make a new one in the registry's dashboard" in opened.words()
        await fill(opened, registry_url="http://127.0.0.1:9")
        await opened.pilot.press("ctrl+g")
        await until(lambda: "Nothing answers at 127.0.0.1:9" in opened.text())
        assert "Check the network" in opened.text()


@pytest.mark.thorough
async def test_a_redirect_offers_its_address_and_does_not_follow_it(open_app: OpenApp) -> None:
    """F14"""
    async with raw_server() as server, open_app() as opened:
        server.answer(raw_answer(b"", "301 Moved", "Location: https://new.example/pyhall/health"))
        await fill(opened, name="acme", namespace="org.yourco", registry_url=server.url, key=KEY)
        await opened.pilot.press("ctrl+g")
        await until(lambda: "Put https://new.example/pyhall into the profile" in opened.text())
        assert len(server.requests) == 1
        await opened.pilot.click("#use-url")
        await until(lambda: profiles_screen(opened).form.values()["registry_url"] == "https://new.example/pyhall")


@pytest.mark.thorough
async def test_saving_what_is_not_known_to_work_is_asked_once(open_app: OpenApp, home: Home) -> None:
    async with open_app() as opened:
        await fill(opened, name="acme", namespace="org.yourco", registry_url="http://127.0.0.1:9", key=KEY)
        await opened.pilot.press("ctrl+s")
        await until(lambda: "Not tested yet" in opened.text())
        await opened.pilot.press("escape")
        await opened.pilot.pause()
        assert not (home.config / "profiles.toml").exists()
        await opened.pilot.press("ctrl+s")
        await answer(opened, "test")
        await until(lambda: "Nothing answers" in opened.text())
        await opened.pilot.press("ctrl+s")
        await until(lambda: "The test failed" in opened.text())
        await answer(opened, "save")
        await opens(opened, "acme")
        assert [profile.name for profile in store_of(home).load().profiles] == ["acme"]


# -- the list ------------------------------------------------------------------------------------------------------


@pytest.mark.thorough
async def test_profiles_are_listed_with_their_marks_and_one_read_of_the_keyring(
    open_app: OpenApp, hall: LiveHall
) -> None:
    """F04"""
    keyring = FakeKeyring()
    keys = KeyStore(ManualClock(), find_keyring=lambda: keyring)
    profiles = [profile_of(hall, name=f"p{number}") for number in range(7)]
    profiles.append(profile_of(hall, name="prod", production=True, read_only=True))
    for profile in profiles:
        keyring.entries[f"{profile.name}@{hall.url}"] = hall.key
    async with open_app(*profiles, keys=keys, size=(200, 60), profile_name="p3") as opened:
        await until(lambda: opened.workspace.connection.is_connected)
        await go_to_profiles(opened)
        await opened.pilot.press("end")
        await opened.pilot.pause()
        rows = {
            line.split()[1]: line
            for line in opened.text().splitlines()
            if line.startswith("│") and "org.yourco" in line
        }
        assert "● open" in rows["p3"] and "OS keyring" in rows["p3"]
        assert "not asked" in rows["p4"]
        assert "PRODUCTION READ ONLY" in opened.text()
    assert keyring.calls == [f"get p3@{hall.url}"]


@pytest.mark.thorough
async def test_another_profile_is_opened_without_a_restart(open_app: OpenApp, hall: LiveHall) -> None:
    with live_hall() as other:
        profiles = (profile_of(hall), profile_of(other, name="lab"))
        async with open_app(*profiles) as opened:
            opened.keys.hold_for_this_run(profiles[1], ApiKey(other.key))
            await go_to_profiles(opened)
            await opened.pilot.press("down", "enter")
            await opens(opened, "lab")
            await until(lambda: "● live" in opened.text() and "lab" in opened.text(), clock=opened.clock)


@pytest.mark.thorough
async def test_a_profile_is_duplicated_renamed_and_deleted(open_app: OpenApp, hall: LiveHall, home: Home) -> None:
    keyring = FakeKeyring()
    keys = KeyStore(ManualClock(), find_keyring=lambda: keyring)
    keyring.entries[f"acme@{hall.url}"] = hall.key
    async with open_app(profile_of(hall), keys=keys, watch=("wkr_abc123",)) as opened:
        screen = await go_to_profiles(opened)
        await opened.pilot.press("d")
        await until(lambda: screen.form.values()["name"] == "acme-copy")
        await opened.pilot.press("ctrl+s")
        await answer(opened, "save")
        await until(lambda: screen.table.cursor_key == "acme-copy")
        await fill(opened, name="spare")
        await opened.pilot.press("ctrl+s")
        await until(lambda: [profile.name for profile in store_of(home).load().profiles] == ["acme", "spare"])

        screen.table.focus()
        await until(lambda: screen.table.cursor_key == "spare")
        await opened.pilot.press("x")
        await until(lambda: "cannot be undone" in opened.text())
        await answer(opened, "delete")
        await until(lambda: "spare was deleted" in opened.text())
        assert keyring.entries == {f"acme@{hall.url}": hall.key}

        await opened.pilot.press("x")
        await until(lambda: "watch list of 1 worker" in opened.text() and "It is open now" in opened.text())
        await answer(opened, "delete")
        await until(lambda: isinstance(opened.screen, ProfilesScreen) and not opened.screen.has_workspace)
        await until(lambda: "acme was deleted." in opened.text())
        assert keyring.entries == {}


@pytest.mark.thorough
async def test_the_open_profile_is_renamed_with_its_key_and_watch_list(open_app: OpenApp, hall: LiveHall) -> None:
    keyring = FakeKeyring()
    keys = KeyStore(ManualClock(), find_keyring=lambda: keyring)
    keyring.entries[f"acme@{hall.url}"] = hall.key
    async with open_app(profile_of(hall), keys=keys, watch=("wkr_abc123",)) as opened:
        await go_to_profiles(opened)
        await fill(opened, name="acme-eu")
        await opened.pilot.press("ctrl+s")
        await opens(opened, "acme-eu", "profiles")
        assert [entry.worker_id for entry in opened.workspace.fleet] == ["wkr_abc123"]
        assert keyring.entries == {f"acme-eu@{hall.url}": hall.key}


async def test_what_is_recorded_moves_with_the_name(open_app: OpenApp, hall: LiveHall, home: Home) -> None:
    """Alarms, who has seen them, silences and notes: of the open profile, and of one that is not open."""
    other = profile_of(hall, name="other")
    async with open_app(profile_of(hall), other, key=hall.key, watch=("w1", "w2")) as opened:
        workspace = opened.workspace
        workspace.take_events([event(worker_id="w1"), event(worker_id="w2")])
        workspace.alarms.acknowledge_alarms(list(workspace.alarms.book.firing("w1").values()), "on it")
        workspace.alarms.silence(opened.clock.now().wall + 600, "upgrade", worker="w2")
        workspace.notes.save("form", "explain", {"worker": "w1"})
        workspace.journal.record_event("other", event(worker_id="w9"))
        screen = await go_to_profiles(opened)
        await fill(opened, name="acme-eu")
        await opened.pilot.press("ctrl+s")
        await opens(opened, "acme-eu", "profiles")
        alarms = opened.workspace.alarms
        assert (alarms.firing, alarms.silenced) == (0, 1)
        assert [alarm.note for alarm in alarms.book.firing("w1").values()] == ["on it"]
        assert opened.workspace.notes.load("form", "explain", dict[str, str]) == {"worker": "w1"}
        screen = profiles_screen(opened)
        screen.table.move_to("other")
        await until(lambda: screen.form.values()["name"] == "other")
        await fill(opened, name="others")
        await opened.pilot.press("ctrl+s")
        journal = opened.workspace.journal
        await until(lambda: [alarm.subject for alarm in journal.alarms.all("others") or []] == ["w9"])
    with Journal.open(home.data / "journal.db", opened.clock) as journal:
        assert not any(journal.alarms.all(name) or journal.events(name) for name in ("acme", "other"))


# -- what is open continues -----------------------------------------------------------------------------------------


@pytest.mark.thorough
async def test_a_new_key_for_the_open_profile_reconnects_and_leaves_the_screens_as_they_are(
    open_app: OpenApp, hall: LiveHall
) -> None:
    """F35: the key was revoked; forms typed elsewhere are not touched by the new one."""
    async with open_app(profile_of(hall), key="phk_live_revoked", watch=("wkr_abc123",)) as opened:
        await until(lambda: "key rejected" in opened.text(), clock=opened.clock)
        workers, workspace = opened.screen, opened.workspace
        await go_to_profiles(opened)
        await fill(opened, key=hall.key)
        await opened.pilot.press("ctrl+s")
        await answer(opened, "save")
        await opened.pilot.press("escape", "1")
        await until(lambda: "● live" in opened.text() and "● clean" in opened.text(), clock=opened.clock)
        assert opened.screen is workers and opened.workspace is workspace


@pytest.mark.thorough
async def test_marks_and_pace_are_in_force_at_once(open_app: OpenApp, hall: LiveHall) -> None:
    """F45"""
    async with open_app(profile_of(hall), key=hall.key) as opened:
        workspace = opened.workspace
        screen = await go_to_profiles(opened)
        screen.query_one("#read_only", Checkbox).value = True
        screen.query_one("#production", Checkbox).value = True
        await fill(opened, poll_interval="30")
        await opened.pilot.press("ctrl+s")
        await until(lambda: "Saved." in opened.text())
        await until(lambda: "PRODUCTION  READ ONLY" in opened.text().splitlines()[0])
        assert opened.workspace is workspace and workspace.profile.read_only
        assert workspace.fleet.stale_after == 60


# -- the key -------------------------------------------------------------------------------------------------------


@pytest.mark.thorough
async def test_the_variable_is_named_as_the_keys_source_and_a_saved_key_is_not_used_while_it_is_set(
    open_app: OpenApp, hall: LiveHall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F07"""
    monkeypatch.setenv("PYHALL_API_KEY", f"{hall.key}\r")
    keyring = FakeKeyring()
    keys = KeyStore(ManualClock(), find_keyring=lambda: keyring)
    profiles = [profile_of(hall, name=name) for name in ("a", "b")]
    async with open_app(*profiles, keys=keys) as opened:
        await go_to_profiles(opened)
        await opened.pilot.press("down", "enter")
        await opens(opened, "b")
        await until(lambda: "key: PYHALL_API_KEY" in opened.text())
        await go_to_profiles(opened)
        assert "While set, PYHALL_API_KEY overrides the key of every profile." in opened.text()
        await fill(opened, key=KEY)
        await opened.pilot.press("ctrl+s")
        await answer(opened, "save")
        await until(lambda: keyring.entries == {f"b@{hall.url}": KEY})
        await until(lambda: "Saved. The key is in the OS keyring. It is not used while" in opened.words())
        assert opened.workspace.key_answer is not None and opened.workspace.key_answer.key == ApiKey(hall.key)


class HangingKeyring(FakeKeyring):
    """Prompts a user who does not answer yet."""

    def __init__(self) -> None:
        super().__init__()
        self.answered = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.answered.wait(20)
        return super().get_password(service, username)


@pytest.mark.thorough
async def test_a_keyring_that_does_not_answer_freezes_nothing_and_can_be_asked_again(
    open_app: OpenApp, hall: LiveHall
) -> None:
    """F02"""
    keyring, clock = HangingKeyring(), ManualClock()
    keyring.entries[f"acme@{hall.url}"] = hall.key
    keys = KeyStore(clock, find_keyring=lambda: keyring)
    async with open_app(profile_of(hall), keys=keys, clock=clock) as opened:
        await until(lambda: "Waiting for the OS keyring" in opened.text())
        await go_to_profiles(opened)
        await opened.pilot.press("1")
        await clock.advance(30)
        await until(lambda: "did not answer within 30 s" in opened.text())
        assert "Type it on Profiles (5), press K to ask the OS keyring again" in opened.words()
        keyring.answered.set()
        await opened.pilot.press("K")
        await until(lambda: "● live" in opened.text() and "press K" not in opened.text(), clock=clock)


@pytest.mark.thorough
async def test_a_locked_keyring_is_said_to_be_locked_and_never_overwritten(
    open_app: OpenApp, hall: LiveHall, home: Home
) -> None:
    """F03"""
    from keyring.errors import KeyringLocked

    keyring = FakeKeyring()
    keyring.entries[f"acme@{hall.url}"] = "phk_live_stored"
    keyring.error = KeyringLocked("Failed to unlock the collection!")
    keys = KeyStore(ManualClock(), find_keyring=lambda: keyring)
    async with open_app(profile_of(hall), keys=keys) as opened:
        await until(lambda: "The OS keyring is locked." in opened.text())
        await go_to_profiles(opened)
        assert "no key yet" not in opened.text()
        await fill(opened, key=hall.key)
        await opened.pilot.press("ctrl+g")
        await until(lambda: "The registry accepts the key." in opened.text())
        await opened.pilot.press("ctrl+s")
        await until(lambda: "kept for this run only. The OS keyring is locked." in opened.words())
        await until(lambda: "● live" in opened.text(), clock=opened.clock)
        assert keyring.entries == {f"acme@{hall.url}": "phk_live_stored"}
        keyring.error = None
        await opened.pilot.click("#do-ask_key")
        await until(lambda: keyring.entries == {f"acme@{hall.url}": hall.key})
    for path in (path for path in home.config.parent.rglob("*") if path.is_file()):
        assert b"phk_live" not in path.read_bytes(), path


# -- the file ------------------------------------------------------------------------------------------------------


async def test_a_demo_that_cannot_be_opened_says_why(open_app: OpenApp, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("No free port")

    monkeypatch.setattr("pyhall_tui.hall.late_demo.listen", fail)
    async with open_app(demo=True) as opened:
        await until(lambda: "The demo can't be opened: No free port." in opened.words())


@pytest.mark.thorough
async def test_enter_on_the_open_profile_goes_to_its_workers_without_opening_it_again(
    open_app: OpenApp, hall: LiveHall
) -> None:
    async with open_app(profile_of(hall), watch=("wkr_abc123",)) as opened:
        await until(lambda: opened.workspace.connection.is_connected, clock=opened.clock)
        before = opened.workspace
        await go_to_profiles(opened)
        await opened.pilot.press("enter")
        await until(lambda: isinstance(opened.screen, WorkersScreen))
        assert opened.workspace is before

        before.connection.close()  # as if a bug had stopped the monitor
        await until(lambda: not before.connection.is_connected)
        await go_to_profiles(opened)
        await opened.pilot.press("enter")
        await until(lambda: isinstance(opened.screen, WorkersScreen) and opened.workspace is not before)


@pytest.mark.thorough
async def test_a_new_profile_with_the_name_of_a_deleted_one_has_none_of_its_alarms(
    open_app: OpenApp, hall: LiveHall, home: Home
) -> None:
    async with open_app(profile_of(hall), watch=(WORKER,)) as opened:
        opened.workspace.take_events([event(worker_id=WORKER)])
        assert opened.workspace.alarms.firing == 1
        await go_to_profiles(opened)
        await opened.pilot.press("x")
        await until(lambda: "does not inherit" in " ".join(opened.text().split()))
        await answer(opened, "delete")
        await until(lambda: isinstance(opened.screen, ProfilesScreen) and not opened.screen.has_workspace)
        await until(lambda: "acme was deleted." in opened.text())
        await opened.app.fleets.open_profile(profile_of(hall))
        fresh = opened.app.fleets.workspace
        assert fresh is not None
        assert (len(fresh.fleet), fresh.alarms.firing, fresh.journal.events("acme")) == (0, 0, [])
