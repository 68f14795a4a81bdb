"""`pyhall-tui watch`, the real program: a real hall, a real Alertmanager, real signals and pipes."""

import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from pyhall_tui.clock import SystemClock
from pyhall_tui.journal.journal import Journal
from pyhall_tui.profiles.watch_list import WatchList
from tests.live_hall import HASH, WORKER, LiveHall, live_hall
from tests.watch.debian import alertmanager, asked, free_port
from tests.watch.program import Watch, environment, profile_of, watching

pytestmark = [pytest.mark.thorough, pytest.mark.skipif(sys.platform == "win32", reason="signals are of Unix")]


def page(port: int) -> str:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
        f"http://127.0.0.1:{port}/metrics", timeout=10
    ) as answer:
        return str(answer.read().decode())


def firing(url: str) -> list[str]:
    return [alert["labels"]["worker"] for alert in asked(f"{url}/api/v2/alerts?active=true") or []]


def test_a_ban_reaches_everybody_within_the_interval_and_a_second(tmp_path: Path, hall: LiveHall) -> None:
    profile_of(tmp_path, hall)
    port = free_port()
    with alertmanager(tmp_path) as url:
        options = ("--metrics", f"127.0.0.1:{port}", "--alertmanager", url)
        with watching(tmp_path, hall.key, *options) as watch:
            watch.wait_until_live()
            assert 'pyhall_workers{profile="acme",state="clean"} 1\n' in page(port)
            assert firing(url) == []
            took = []
            while not took or (took[-1] >= 0.5 + 1.0 + 2.0 and len(took) < 12):  # again if the machine was busy
                hall.store.ban_hash(HASH, "exfiltrates")
                spent = watch.wait_for(lambda: len(watch.events("banned")) > len(took))
                spent += watch.wait_for(lambda: 'state="banned"} 1\n' in page(port))
                took.append(spent + watch.wait_for(lambda: firing(url) == [WORKER]))
                assert 'pyhall_alarms{profile="acme",state="firing",severity="alarm"} 1\n' in page(port)
                hall.store.unban_hash(HASH)
                watch.wait_for(lambda: len(watch.events("unbanned")) == len(took))
                watch.wait_for(lambda: firing(url) == [])
                watch.wait_for(lambda: 'state="clean"} 1\n' in page(port))
            assert took[-1] < 0.5 + 1.0 + 2.0
            code, ended_in = watch.end()
        assert code == 128 + signal.SIGTERM
        assert ended_in < 20.0  # it waits for nobody
        assert watch.lines[-1] == {"type": "end", "at": watch.lines[-1]["at"], "code": 143}


def test_killed_at_any_moment_it_goes_on_where_it_ended(tmp_path: Path, hall: LiveHall) -> None:
    workers = [f"wkr_{number}" for number in range(8)]
    for worker in workers:
        hall.add_worker(worker, sha256=f"{int(worker[4:]):064x}")
    profile_of(tmp_path, hall, workers=workers)
    seen: dict[str, set[int]] = {worker: set() for worker in workers}
    with alertmanager(tmp_path) as url:
        for number, worker in enumerate(workers):
            with watching(tmp_path, hall.key, "--alertmanager", url) as watch:
                if number % 4 == 0:
                    watch.wait_until_live()
                else:
                    watch.wait_for(lambda watch=watch: watch.of_type("profile"))
                hall.store.ban(worker, "exfiltrates")
                time.sleep(0.2 * (number % 4))  # the kill comes before, while and after it is printed
                watch.process.kill()
                watch.process.wait()
            for event in watch.events("banned"):
                seen[event["worker"]].add(event["id"])
            assert watch.of_type("profile")[0]["resumed"] is (number > 0)
        with watching(tmp_path, hall.key, "--alertmanager", url) as watch:
            watch.wait_until_live()
            watch.wait_for(lambda: sorted(firing(url)) == workers)
            watch.end()
        for event in watch.events("banned"):
            seen[event["worker"]].add(event["id"])
    assert all(len(ids) == 1 for ids in seen.values()), seen


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_its_number(tmp_path: Path, hall: LiveHall, number: signal.Signals) -> None:
    profile_of(tmp_path, hall)
    with watching(tmp_path, hall.key) as watch:
        watch.wait_until_live()
        code, ended_in = watch.end(number)
        assert code == 128 + number
        assert ended_in < 20.0  # it waits for nobody
        assert watch.lines[-1]["code"] == code


def test_a_reader_that_closes_ends_it(tmp_path: Path, hall: LiveHall) -> None:
    profile_of(tmp_path, hall)
    with watching(tmp_path, hall.key, "--heartbeat", "3600", reads=False) as watch:
        assert watch.process.stdout is not None
        assert watch.process.stdout.readline().startswith(b'{"type":"start"')
        watch.process.stdout.close()
        assert watch.process.wait(30) == 141
        assert watch.errors == ""


def test_a_full_disk_ends_it_with_a_sentence(tmp_path: Path, hall: LiveHall) -> None:
    profile_of(tmp_path, hall)
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "pyhall_tui", "watch"]
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, env=environment(tmp_path, hall.key), timeout=60, check=False
        )
    assert done.returncode == 2
    assert done.stderr == b"pyhall-tui: The output can't be written: No space left on device.\n"


def test_a_reader_that_does_not_read_stalls_nothing(tmp_path: Path, hall: LiveHall) -> None:
    profile_of(tmp_path, hall)
    port = free_port()
    with watching(tmp_path, hall.key, "--metrics", f"127.0.0.1:{port}", reads=False) as watch:
        for _ in range(3):
            before = len(hall.requests)
            watch.wait_for(lambda before=before: len(hall.requests) > before + 3)
        hall.store.ban_hash(HASH, "exfiltrates")
        watch.wait_for(lambda: 'state="banned"} 1\n' in page(port))


def test_a_key_goes_to_no_other_registry(tmp_path: Path, hall: LiveHall) -> None:
    with live_hall() as other:
        profile_of(tmp_path, hall, "first")
        profile_of(tmp_path, other, "second")
        with watching(tmp_path, hall.key, "--all") as watch:
            watch.wait_for(lambda: other.requests and hall.requests)
            watch.wait_for(lambda: any(line["state"] == "live" for line in watch.of_type("connection")))
            assert watch.lines[0]["profiles"] == ["first", "second"]
            said = "PYHALL_API_KEY is sent to"
            watch.wait_for(
                lambda: f"{said} {hall.url} only: the keys of second come from the OS keyring." in watch.errors
            )
        assert all("Authorization" not in str(seen.headers) for seen in other.requests)


def test_several_profiles_are_watched_by_one_program(tmp_path: Path, hall: LiveHall) -> None:
    hall.add_worker("wkr_two", sha256="f" * 64)
    profile_of(tmp_path, hall, "one")
    profile_of(tmp_path, hall, "two", workers=["wkr_two"])
    profile_of(tmp_path, hall, "three")
    with watching(tmp_path, hall.key, "--profile", "two", "--profile", "one", "--profile", "two") as watch:
        watch.wait_until_live()
        hall.store.ban("wkr_two", "exfiltrates")
        watch.wait_for(lambda: watch.events("banned"))
        assert watch.lines[0]["profiles"] == ["two", "one"]
        assert [event["profile"] for event in watch.events("banned")] == ["two"]


def test_workers_are_put_on_the_list_and_taken_off_while_it_runs(tmp_path: Path, hall: LiveHall) -> None:
    profile_of(tmp_path, hall)
    hall.add_worker("wkr_new")
    with watching(tmp_path, hall.key) as watch:

        def clean() -> int:
            return int(watch.of_type("heartbeat")[-1]["profiles"][0]["workers"]["clean"])

        watch.wait_until_live()
        assert clean() == 1
        WatchList(tmp_path / "data", "acme").add(["wkr_new"])
        watch.wait_for(lambda: clean() == 2)
        WatchList(tmp_path / "data", "acme").remove(["wkr_new"])
        watch.wait_for(lambda: clean() == 1)


def test_textual_is_never_imported(tmp_path: Path, hall: LiveHall) -> None:
    profile_of(tmp_path, hall)
    listed = environment(tmp_path, hall.key, PYTHONPROFILEIMPORTTIME="1")
    with watching(tmp_path, hall.key, "--webhook", f"{hall.url}/hook", environ=listed) as watch:
        watch.wait_until_live()
        watch.end()
    assert "pyhall_tui.watch.watcher" in watch.errors
    assert "textual" not in watch.errors
    assert "| rich" not in watch.errors


def test_the_service_manager_hears_of_the_start_and_the_end(tmp_path: Path, hall: LiveHall) -> None:
    profile_of(tmp_path, hall)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(60)
        told = environment(tmp_path, hall.key, NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="400000")
        with watching(tmp_path, hall.key, environ=told) as watch:
            heard: list[bytes] = []
            while not any(each.startswith(b"STATUS=1 worker") and b"1 of 1" in each for each in heard):
                heard.append(manager.recv(1_000))
            watch.end()
            while heard[-1] != b"STOPPING=1":
                heard.append(manager.recv(1_000))
    assert b"READY=1" in heard[:2]
    assert heard.count(b"WATCHDOG=1") >= 2


def test_hostile_text_and_secrets_are_not_printed(tmp_path: Path, hall: LiveHall) -> None:
    profile_of(tmp_path, hall)
    with watching(tmp_path, hall.key) as watch:
        watch.wait_until_live()
        hall.store.ban_hash(HASH, f"\x1b]0;owned\x07 \x9b31m \u202e \x7f \u2028 {hall.key}")
        watch.wait_for(lambda: watch.events("banned"))
        watch.end()
    assert hall.key.encode() not in b"".join(watch.raw)
    assert b"\\u001b]0;owned" in b"".join(watch.raw)


def test_what_happened_while_it_was_not_running_is_printed_at_the_next_start(tmp_path: Path, hall: LiveHall) -> None:
    profile_of(tmp_path, hall)
    with watching(tmp_path, hall.key) as watch:
        watch.wait_until_live()
        watch.end()
    command = [sys.executable, "-m", "pyhall_tui", "alarms", "silence", "--worker", "wkr_*", "--until", "1h"]
    subprocess.run([*command, "--reason", "maintenance"], env=environment(tmp_path, hall.key), check=True, timeout=60)
    with watching(tmp_path, hall.key) as again:
        again.wait_for(lambda: again.events("silenced"))
        command = [sys.executable, "-m", "pyhall_tui", "alarms", "silence", "--worker", "x*", "--until", "1h"]
        subprocess.run(command, env=environment(tmp_path, hall.key), check=True, timeout=60)
        again.wait_for(lambda: len(again.events("silenced")) == 2)
        again.end()
    assert not {event["id"] for event in watch.of_type("event")} & {event["id"] for event in again.of_type("event")}


def test_a_profile_without_a_key_is_named_and_the_others_go_on(tmp_path: Path, hall: LiveHall) -> None:
    profile_of(tmp_path, hall)
    with (tmp_path / "config" / "profiles.toml").open("a") as file:
        file.write('[profiles.far]\nnamespace = "org.far"\nregistry_url = "https://registry.invalid"\n')

    def states(watch: Watch) -> set[tuple[str, str]]:
        return {(line["profile"], line["state"]) for line in watch.of_type("connection")}

    with watching(tmp_path, hall.key, "--all") as watch:
        watch.wait_for(lambda: {("acme", "live"), ("far", "no key")} <= states(watch))


def test_what_keeps_it_from_watching_is_said_on_standard_error(tmp_path: Path, hall: LiveHall) -> None:
    profile_of(tmp_path, hall, workers=(), ban_list_interval=0.1, requests_per_second=10)
    with watching(tmp_path, hall.key) as watch:
        watch.wait_for(lambda: "acme: No workers are watched" in watch.errors)
        watch.wait_for(lambda: "so no worker is ever verified: raise the ban list's interval" in watch.errors)


def test_a_closed_standard_output_ends_it_with_a_sentence(tmp_path: Path, hall: LiveHall) -> None:
    profile_of(tmp_path, hall)
    done = subprocess.run(
        ["/bin/sh", "-c", '"$0" -m pyhall_tui watch >&-', sys.executable],
        stderr=subprocess.PIPE,
        env=environment(tmp_path, hall.key),
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == b"pyhall-tui: The output can't be written: stdout is closed.\n"


def test_a_renamed_profile_is_watched_under_its_new_name(tmp_path: Path, hall: LiveHall) -> None:
    profile_of(tmp_path, hall)
    with watching(tmp_path, hall.key) as watch:
        watch.wait_until_live()
        file = tmp_path / "config" / "profiles.toml"
        file.write_text(file.read_text().replace("[profiles.acme]", "[profiles.new]"))
        with Journal.open(tmp_path / "data" / "journal.db", SystemClock()) as journal:
            journal.rename("acme", "new")
            assert journal.flush(30)
        watch.wait_for(lambda: [line["profile"] for line in watch.of_type("profile")] == ["acme", "new"])
        watch.wait_until_live()
        hall.store.ban_hash(HASH, "exfiltrates")
        watch.wait_for(lambda: watch.events("banned"))
        assert watch.events("banned")[0]["profile"] == "new"


def test_a_journal_that_cannot_be_used_keeps_nobody_from_watching(tmp_path: Path, hall: LiveHall) -> None:
    profile_of(tmp_path, hall)
    (tmp_path / "data" / "journal.db").mkdir()
    with watching(tmp_path, hall.key) as watch:
        watch.wait_until_live()
        hall.store.ban_hash(HASH, "exfiltrates")
        watch.wait_for(lambda: watch.events("banned"))
        watch.wait_for(lambda: "are kept in memory only" in watch.errors)


def test_a_damaged_journal_is_replaced_and_the_watch_goes_on(tmp_path: Path, hall: LiveHall) -> None:
    profile_of(tmp_path, hall)
    (tmp_path / "data" / "journal.db").write_bytes(b"not a database" * 1_000)
    with watching(tmp_path, hall.key) as watch:
        watch.wait_until_live()
        hall.store.ban_hash(HASH, "exfiltrates")
        watch.wait_for(lambda: watch.events("banned"))
    assert list((tmp_path / "data").glob("journal.db.damaged-*"))


def test_a_storm_of_bans_is_printed_whole(tmp_path: Path, hall: LiveHall) -> None:
    workers = [f"wkr_{number}" for number in range(2_000)]
    for worker in workers:
        hall.add_worker(worker)
    profile_of(tmp_path, hall, workers=workers, requests_per_second=2_000, poll_interval=30.0)
    with watching(tmp_path, hall.key) as watch:
        watch.wait_until_live()
        hall.store.ban_hash(HASH, "exfiltrates")
        watch.wait_for(lambda: len(watch.events("banned")) >= len(workers))
        watch.end()
    assert sorted(event["worker"] for event in watch.events("banned")) == sorted(workers)
    assert len({event["id"] for event in watch.of_type("event")}) == len(watch.of_type("event"))
    assert not watch.of_type("lost")


def test_a_dead_registry_and_dead_receivers_hold_up_neither_the_others_nor_the_end(
    tmp_path: Path, hall: LiveHall
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as dead:  # takes connections, and never answers
        silent = f"http://127.0.0.1:{dead.getsockname()[1]}"
        profile_of(tmp_path, hall, "one", on_alarm=["sleep", "1000"])
        profile_of(tmp_path, hall, "two")
        with (tmp_path / "config" / "profiles.toml").open("a") as file:
            file.write(f'[profiles.dead]\nnamespace = "org.dead"\nregistry_url = "{silent}"\n')
        with watching(tmp_path, hall.key, "--all", "--alertmanager", silent, "--webhook", f"{silent}/hook") as watch:
            watch.wait_for(lambda: watch.of_type("heartbeat"))
            watch.wait_for(lambda: sum(one["registry_up"] for one in watch.of_type("heartbeat")[-1]["profiles"]) == 2)
            hall.store.ban_hash(HASH, "exfiltrates")
            watch.wait_for(lambda: {event["profile"] for event in watch.events("banned")} == {"one", "two"})
            code, took = watch.end()
    assert code == 128 + signal.SIGTERM
    assert took < 9.0  # a request takes ten, the command thirty: it waits for neither
    assert watch.lines[-1]["type"] == "end"
