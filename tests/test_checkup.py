"""The doctor's lines: each has a mark or says what to do, and never shows a key."""

import sqlite3
import time
from email.utils import formatdate
from pathlib import Path

import pytest

from pyhall_tui.checkup import Finding, Patient, Terminal, examine, examine_apart, exit_code
from pyhall_tui.journal.journal import Journal
from pyhall_tui.logs.masking import register_secret
from pyhall_tui.paths import Home
from pyhall_tui.probe import CheckResult
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.keys import KeyAnswer, KeySource, KeyState
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.render.findings import report
from tests.clock import ManualClock
from tests.live_hall import LiveHall, live_hall

GOOD_TERMINAL = Terminal(True, 120, 40, "utf-8", {"TERM": "xterm-256color"})


def patient_of(
    tmp_path: Path, hall: LiveHall, *, key: str | None = None, clock: ManualClock | None = None, **more: object
) -> Patient:
    held = ApiKey(key or hall.key)
    answer = KeyAnswer(held, KeySource.KEYRING, KeyState.FOUND, "The key is in the OS keyring.")
    profile = Profile(name="acme", namespace="org.yourco", registry_url=hall.url)
    patient = Patient(Home.below(tmp_path), clock or now(), GOOD_TERMINAL, profile, "", answer)
    return patient._replace(**more)  # type: ignore[arg-type]


def now(ahead: float = 0.0) -> ManualClock:
    """Return a clock with this machine's time, or ahead of it."""
    return ManualClock(wall=time.time() + ahead)


async def found(patient: Patient) -> dict[str, Finding]:
    return {finding.about: finding async for finding in examine(patient)}


async def test_without_problems_each_line_has_a_tick(hall: LiveHall, tmp_path: Path) -> None:
    lines = await found(patient_of(tmp_path, hall))

    assert {about for about, line in lines.items() if line.mark is not CheckResult.YES} == {
        "namespace"
    }  # reads tell none
    assert list(lines) == [
        *("profile", "key kept", "reach", "TLS", "clock", "key", "namespace", "ban list"),
        *("journal", "config", "folders", "terminal", "versions"),
    ]
    assert exit_code(list(lines.values())) == 0
    assert not any(hall.key in line.sentence + line.advice for line in lines.values())


async def test_only_reads_are_sent(hall: LiveHall, tmp_path: Path) -> None:
    await found(patient_of(tmp_path, hall))
    assert {request.method for request in hall.requests} == {"GET"} and len(hall.requests) <= 7


@pytest.mark.parametrize(("ahead", "said"), [(90.0, "90 s ahead of"), (-3600.0, "3,600 s behind")])
async def test_a_clock_that_is_wrong_is_reported_with_the_difference(
    hall: LiveHall, tmp_path: Path, ahead: float, said: str
) -> None:
    line = (await found(patient_of(tmp_path, hall, clock=now(ahead))))["clock"]
    amount = said.split(" s ")[0].replace(",", "")
    assert line.mark is CheckResult.NO and "NTP" in line.advice and said.split(" s ")[1] in line.sentence
    told = int(line.sentence.split(" s ")[0].rsplit(" ", 1)[1].replace(",", ""))
    assert abs(told - int(amount)) <= 2


async def test_a_registry_without_health_still_gives_its_time(hall: LiveHall, tmp_path: Path) -> None:
    hall.faults.add(path="/health", status=404, headers={"Date": formatdate(usegmt=True)})
    assert (await found(patient_of(tmp_path, hall)))["clock"].mark is CheckResult.YES


async def test_a_key_that_is_rejected_is_something_off(hall: LiveHall, tmp_path: Path) -> None:
    lines = await found(patient_of(tmp_path, hall, key="phk_live_wrong_and_long_enough"))
    assert lines["key"].mark is CheckResult.NO and lines["key"].advice
    assert exit_code(list(lines.values())) == 1


async def test_an_unreachable_registry_exits_2_and_the_rest_is_checked_anyway(tmp_path: Path) -> None:
    with live_hall() as hall:
        patient = patient_of(tmp_path, hall)
    lines = await found(patient)
    assert lines["reach"].mark is CheckResult.NO and lines["clock"].mark is CheckResult.NOT_TRIED
    assert lines["journal"].mark is lines["versions"].mark is CheckResult.YES
    assert exit_code(list(lines.values())) == 2


async def test_no_profile_is_two_with_what_to_do(hall: LiveHall, tmp_path: Path) -> None:
    lines = await found(patient_of(tmp_path, hall, profile=None, problem="", key=None))
    assert lines["profile"].advice and "reach" not in lines and exit_code(list(lines.values())) == 2


async def test_the_journal_is_measured_and_a_damaged_one_is_found(hall: LiveHall, tmp_path: Path) -> None:
    home = Home.below(tmp_path)
    with Journal.open(home.data / "journal.db", ManualClock()):
        line = (await found(patient_of(tmp_path, hall)))["journal"]  # also while the app has it open
        assert line.mark is CheckResult.YES and "KiB" in line.sentence
    (home.data / "journal.db").write_bytes(b"no database at all" * 1000)
    line = (await found(patient_of(tmp_path, hall)))["journal"]
    assert line.mark is CheckResult.NO and "damaged" in line.sentence and line.advice


async def test_a_journal_held_by_another_program_is_not_damage(hall: LiveHall, tmp_path: Path) -> None:
    home = Home.below(tmp_path)
    home.data.mkdir(parents=True)
    with sqlite3.connect(home.data / "journal.db") as db:
        db.execute("CREATE TABLE t (x)")
        db.commit()
        db.execute("BEGIN EXCLUSIVE")
        line = (await found(patient_of(tmp_path, hall)))["journal"]
    assert line.mark is CheckResult.NO and "can't be read" in line.sentence


async def test_a_mistake_in_the_config_is_reported_with_its_place(hall: LiveHall, tmp_path: Path) -> None:
    home = Home.below(tmp_path)
    home.config.mkdir(parents=True)
    (home.config / "profiles.toml").write_text("[profiles.acme\n")
    line = (await found(patient_of(tmp_path, hall)))["config"]
    assert line.mark is CheckResult.NO and "profiles.toml" in line.sentence


@pytest.mark.parametrize(
    ("terminal", "mark"),
    [
        (GOOD_TERMINAL._replace(encoding="ascii"), CheckResult.NO),
        (GOOD_TERMINAL._replace(environ={"TERM": "dumb"}), CheckResult.NO),
        (GOOD_TERMINAL._replace(columns=60), CheckResult.UNPROVEN),
        (GOOD_TERMINAL._replace(is_there=False), CheckResult.NOT_TRIED),
    ],
)
async def test_an_unsuitable_terminal_is_reported(
    hall: LiveHall, tmp_path: Path, terminal: Terminal, mark: CheckResult
) -> None:
    assert (await found(patient_of(tmp_path, hall, terminal=terminal)))["terminal"].mark is mark


async def test_on_a_thread_of_its_own_the_lines_are_the_same(hall: LiveHall, tmp_path: Path) -> None:
    lines = [finding.about async for finding in examine_apart(patient_of(tmp_path, hall))]
    assert lines[0] == "profile" and lines[-1] == "versions"


def test_the_report_names_no_key_no_namespace_no_host_and_no_home(tmp_path: Path) -> None:
    key = "phk_live_" + "k3y" * 8
    profile = Profile(name="acme", namespace="org.acme", registry_url="https://registry.acme.internal/hall")
    patient = Patient(Home.below(tmp_path), ManualClock(), GOOD_TERMINAL, profile)
    register_secret(key)
    text = report(
        [
            Finding("profile", CheckResult.YES, f"acme: org.acme at {profile.registry_url}."),
            Finding(
                "reach", CheckResult.NO, f"registry.acme.internal:443 said {key[2:20]} by http://u:p@proxy.lan:3128"
            ),
            Finding("journal", CheckResult.YES, f"1 KiB in {Path.home()}/data/journal.db, PYHALL_REGISTRY_URL"),
        ],
        patient,
    )
    for secret in ("acme", "proxy.lan", key[2:20], "u:p", str(Path.home())):
        assert secret not in text
    assert "<namespace>" in text and "<host>" in text and "~/data/journal.db, PYHALL_REGISTRY_URL" in text
