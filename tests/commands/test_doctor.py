"""`pyhall-tui doctor` against the hall."""

import json
from pathlib import Path

from tests.commands.asking import run_here, run_program
from tests.live_hall import LiveHall


def test_all_fine_is_zero_and_each_line_has_a_tick(hall: LiveHall, tmp_path: Path) -> None:
    done = run_program(tmp_path, "doctor", url=hall.url, key=hall.key)

    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.split()[1] for line in done.stdout.splitlines()][:2] == ["profile", "key"]
    assert hall.key not in done.stdout and done.stderr == ""


def test_a_wrong_key_is_one_and_a_registry_that_is_down_two(hall: LiveHall, tmp_path: Path) -> None:
    assert run_here(tmp_path, "doctor", url=hall.url, key="phk_live_not_that_one").returncode == 1
    assert run_here(tmp_path, "doctor", url="http://127.0.0.1:9", key=hall.key).returncode == 2


def test_json_is_one_document_with_the_exit_code(hall: LiveHall, tmp_path: Path) -> None:
    done = run_here(tmp_path, "doctor", "--json", url=hall.url, key=hall.key)
    document = json.loads(done.stdout)
    assert document["exit_code"] == done.returncode == 0
    assert {"about", "mark", "sentence", "advice"} == set(document["findings"][0])
    assert hall.key not in done.stdout


def test_the_report_is_markdown_without_names(hall: LiveHall, tmp_path: Path) -> None:
    done = run_here(tmp_path, "doctor", "--report", url=hall.url, key=hall.key)
    assert done.stdout.startswith("### pyhall-tui doctor\n")
    assert "org.yourco" not in done.stdout and str(tmp_path) not in done.stdout and hall.key not in done.stdout
    assert "Overridden by PYHALL_REGISTRY_URL, PYHALL_NAMESPACE, PYHALL_API_KEY" in done.stdout


def test_the_profile_line_names_the_variables_that_say_what_is_asked(hall: LiveHall, tmp_path: Path) -> None:
    """F63"""
    (tmp_path / "config").mkdir()
    file = tmp_path / "config" / "profiles.toml"
    file.write_text('[profiles.acme]\nnamespace = "org.acme"\nregistry_url = "https://a.example"\n')
    done = run_here(tmp_path, "doctor", url=hall.url, key=hall.key)
    line = next(line for line in done.stdout.splitlines() if " profile " in line)
    assert f"acme: org.yourco at {hall.url}" in line
    assert "PYHALL_REGISTRY_URL and PYHALL_NAMESPACE say so, over the file." in line
