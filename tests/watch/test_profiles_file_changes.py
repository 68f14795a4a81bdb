"""`profiles.toml` changes while `pyhall-tui watch` runs: the real program, real halls."""

import json
import re
import sys
from pathlib import Path

import pytest

from pyhall_tui.clock import SystemClock
from pyhall_tui.journal.journal import Journal
from pyhall_tui.journal.renaming import name_aside
from pyhall_tui.profiles.watch_list import WatchList
from tests.live_hall import HASH, WORKER, LiveHall, live_hall
from tests.watch.program import Watch, environment, profile_of, watching

pytestmark = [pytest.mark.thorough, pytest.mark.skipif(sys.platform == "win32", reason="signals are of Unix")]


def file_of(home: Path) -> Path:
    return home / "config" / "profiles.toml"


def change(home: Path, pattern: str, value: str) -> None:
    text = file_of(home).read_text()
    new = re.sub(pattern, value.replace("\\", r"\\"), text)
    assert new != text
    file_of(home).write_text(new)


def said(watch: Watch) -> list[tuple[str, str | None]]:
    return [(line["what"], line["profile"]) for line in watch.of_type("settings")]


def beating(watch: Watch) -> list[str]:
    """Return the profiles of the last heartbeat."""
    return [each["profile"] for beat in watch.of_type("heartbeat")[-1:] for each in beat["profiles"]]


def test_a_profile_that_is_added_is_watched_and_one_that_is_removed_is_not(tmp_path: Path, hall: LiveHall) -> None:
    profile_of(tmp_path, hall, "one")
    with watching(tmp_path, hall.key, "--all") as watch:
        watch.wait_until_live()
        before = file_of(tmp_path).read_text()
        profile_of(tmp_path, hall, "two")
        watch.wait_for(lambda: beating(watch) == ["one", "two"])
        watch.wait_until_live()
        assert said(watch) == [("added", "two")]
        hall.store.ban_hash(HASH, "exfiltrates")
        watch.wait_for(lambda: {event["profile"] for event in watch.events("banned")} == {"one", "two"})
        file_of(tmp_path).write_text(before)
        watch.wait_for(lambda: said(watch)[1:] == [("removed", "two")])
        watch.wait_for(lambda: beating(watch) == ["one"])
        watch.wait_for(lambda: "two is not in profiles.toml any more: it is no longer watched." in watch.errors)


def test_a_named_profile_that_is_removed_may_come_back_and_others_are_not_watched(
    tmp_path: Path, hall: LiveHall
) -> None:
    profile_of(tmp_path, hall, "one")
    with watching(tmp_path, hall.key, "--profile", "one") as watch:
        watch.wait_until_live()
        whole = file_of(tmp_path).read_text()
        file_of(tmp_path).write_text(whole.replace("[profiles.one]", "[profiles.other]"))
        watch.wait_for(lambda: said(watch) == [("removed", "one")])
        watch.wait_for(lambda: beating(watch) == [])
        file_of(tmp_path).write_text(whole)
        watch.wait_for(lambda: said(watch)[1:] == [("added", "one")])
        watch.wait_for(lambda: beating(watch) == ["one"])


def test_another_registry_is_asked_as_soon_as_the_file_names_it(tmp_path: Path, hall: LiveHall) -> None:
    with live_hall() as other:
        profile_of(tmp_path, hall)
        other.store.ban_hash(HASH, "exfiltrates")
        with watching(tmp_path, hall.key) as watch:
            watch.wait_until_live()
            change(tmp_path, f'"{hall.url}"', f'"{other.url}"')
            watch.wait_for(lambda: other.requests)
            (line,) = watch.of_type("settings")
            assert (line["what"], line["profile"], line["changed"]) == ("changed", "acme", ["registry_url"])
            assert [line["registry"] for line in watch.of_type("profile")] == [hall.url, other.url]
            watch.wait_for(lambda: f"PYHALL_API_KEY is sent to {hall.url} only." in watch.errors)
        assert all("Authorization" not in str(seen.headers) for seen in other.requests)


def test_other_settings_and_rules_are_in_force_without_a_new_start(tmp_path: Path, hall: LiveHall) -> None:
    profile_of(tmp_path, hall)
    with watching(tmp_path, hall.key) as watch:
        watch.wait_until_live()
        with file_of(tmp_path).open("a") as file:
            file.write('timeout = 5.0\n[profiles.acme.alarms]\nbanned = "note"\n')
        watch.wait_for(lambda: [line["changed"] for line in watch.of_type("settings")] == [["timeout", "alarms"]])
        hall.store.ban_hash(HASH, "exfiltrates")
        watch.wait_for(lambda: watch.events("banned"))
        watch.wait_for(lambda: watch.of_type("heartbeat")[-1]["profiles"][0]["workers"]["banned"] == 1)
        count = len(watch.of_type("heartbeat"))
        watch.wait_for(lambda: len(watch.of_type("heartbeat")) > count + 1)
        assert watch.of_type("heartbeat")[-1]["profiles"][0]["alarms"] == 0
        assert len(watch.of_type("profile")) == 1


def test_another_command_is_run_for_the_next_alarm(tmp_path: Path, hall: LiveHall) -> None:
    profile_of(tmp_path, hall, on_alarm=["false"])
    told = tmp_path / "told"
    command = json.dumps(["/bin/sh", "-c", f"cat >> {told}"])
    with watching(tmp_path, hall.key) as watch:
        watch.wait_until_live()
        change(tmp_path, r"on_alarm = .*", f"on_alarm = {command}")
        watch.wait_for(lambda: [line["changed"] for line in watch.of_type("settings")] == [["on_alarm"]])
        change(tmp_path, r"on_alarm = .*", 'on_alarm = ["no such program"]')
        watch.wait_for(lambda: said(watch)[1:] == [("unusable", "acme")])
        hall.store.ban_hash(HASH, "exfiltrates")
        watch.wait_for(lambda: told.exists() and told.read_text().endswith("\n"))
        assert json.loads(told.read_text())["worker"] == WORKER
        watch.wait_for(
            lambda: "which is not a program here. The command that was there before stays in force." in watch.errors
        )


@pytest.mark.parametrize("text", ["[profiles.acme\n", "", "[profiles.acme]\nnamespace = 3\n", "\udcff"])
def test_a_broken_file_is_reported_once_and_the_last_good_one_stays(tmp_path: Path, hall: LiveHall, text: str) -> None:
    profile_of(tmp_path, hall)
    whole = file_of(tmp_path).read_text()
    with watching(tmp_path, hall.key, "--all") as watch:
        watch.wait_until_live()
        file_of(tmp_path).write_bytes(text.encode("utf-8", "surrogateescape"))
        watch.wait_for(lambda: said(watch) == [("unusable", None)])
        sentence = str(watch.of_type("settings")[0]["sentence"])
        assert sentence.startswith(str(file_of(tmp_path)))
        assert sentence.endswith("What it said before stays in force.")
        watch.wait_for(lambda: sentence in watch.errors)
        hall.store.ban_hash(HASH, "exfiltrates")
        watch.wait_for(lambda: watch.events("banned"))
        file_of(tmp_path).write_text(whole)
        watch.wait_for(lambda: said(watch)[1:] == [("usable", None)])
        assert beating(watch) == ["acme"]


def rename(home: Path, old: str, new: str) -> None:
    """Do as the app does when it renames a profile, in its order."""
    change(home, rf"\[profiles\.{old}\]", f"[profiles.{new}]")
    with Journal.open(home / "data" / "journal.db", SystemClock()) as journal:
        journal.rename(old, new)
        assert journal.flush(30)
    WatchList(home / "data", old).rename(new)


@pytest.mark.parametrize("chosen", [("--all",), ("--profile", "acme")])
def test_the_one_that_stands_by_follows_a_rename_too(tmp_path: Path, hall: LiveHall, chosen: tuple[str, ...]) -> None:
    profile_of(tmp_path, hall)
    with watching(tmp_path, hall.key, *chosen) as first:
        first.wait_until_live()
        with watching(tmp_path, hall.key, *chosen) as second:
            second.wait_for(lambda: second.of_type("standby"))
            rename(tmp_path, "acme", "new")
            both = (first, second)
            for watch in both:
                watch.wait_for(lambda watch=watch: ("renamed", "new") in said(watch))
            second.wait_for(lambda: sorted((beating(first), beating(second))) == [[], ["new"]])
            if beating(first):
                first.end()
                second.wait_for(lambda: beating(second) == ["new"])
            second.wait_until_live()
            hall.store.ban_hash(HASH, "exfiltrates")
            second.wait_for(lambda: [event["profile"] for event in second.events("banned")] == ["new"])
            assert {what for what, _ in (*said(first), *said(second))} == {"renamed"}


def test_a_profile_that_the_app_deletes_is_not_watched_under_the_name_of_what_is_left(
    tmp_path: Path, hall: LiveHall
) -> None:
    profile_of(tmp_path, hall, "one")
    profile_of(tmp_path, hall, "two")
    with watching(tmp_path, hall.key, "--all") as watch:
        watch.wait_until_live()
        whole = file_of(tmp_path).read_text()
        file_of(tmp_path).write_text(whole[: whole.index("[profiles.two]")])
        with Journal.open(tmp_path / "data" / "journal.db", SystemClock()) as journal:
            journal.put_aside("two", name_aside("two", SystemClock()))
            assert journal.flush(30)
        watch.wait_for(lambda: said(watch) == [("removed", "two")])
        watch.wait_for(lambda: beating(watch) == ["one"])
        assert [line["profile"] for line in watch.of_type("profile")] == ["one", "two"]
        file_of(tmp_path).write_text(whole)
        watch.wait_for(lambda: beating(watch) == ["one", "two"])


def test_a_folder_that_is_set_is_compared_without_a_new_start(tmp_path: Path, hall: LiveHall) -> None:
    profile_of(tmp_path, hall)
    package = tmp_path / "package"
    package.mkdir()
    (package / "worker.py").write_text("print('another')\n")
    with watching(tmp_path, hall.key) as watch:
        watch.wait_until_live()
        WatchList(tmp_path / "data", "acme").set_folder(WORKER, str(package))
        watch.wait_for(lambda: [event["worker"] for event in watch.events("drifted")] == [WORKER])
        WatchList(tmp_path / "data", "acme").set_folder(WORKER, None)
        watch.wait_for(lambda: watch.of_type("heartbeat")[-1]["profiles"][0]["workers"]["clean"] == 1)


def test_a_key_that_is_rejected_is_looked_for_again(tmp_path: Path, hall: LiveHall) -> None:
    profile_of(tmp_path, hall)
    key = tmp_path / "credentials" / "api-key"
    key.parent.mkdir()
    key.write_text("phk_live_an-old-one\n")
    with watching(tmp_path, "", environ=environment(tmp_path, "", CREDENTIALS_DIRECTORY=str(key.parent))) as watch:
        watch.wait_for(lambda: any(line["state"] == "key rejected" for line in watch.of_type("connection")))
        key.write_text(f"{hall.key}\n")
        watch.wait_until_live()
        assert [line["changed"] for line in watch.of_type("settings")] == [["api_key"]]
        assert hall.key.encode() not in b"".join(watch.raw)
        assert hall.key not in watch.errors
