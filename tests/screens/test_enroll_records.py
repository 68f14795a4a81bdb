"""The enrollment form filled from records and manifests, and compared with the package."""

import json
import os
from pathlib import Path

import pytest
from textual.widgets import Button, Input, TextArea

from pyhall_tui.attest.records import read_record
from pyhall_tui.journal.rows import EnrollmentRow, EnrollmentState
from pyhall_tui.screens.enroll.screen import EnrollScreen
from tests.live_hall import LiveHall
from tests.packages import trees
from tests.screens.conftest import OpenApp, OpenedApp, profile_of
from tests.screens.enrolling import HASH, at_the_form, enrolled, fill_in, posts, sees
from tests.waiting import until


def sign_package(folder: Path, **changes: str) -> None:
    """Put the sample's signed package there, with `changes` in its manifest."""
    vector = json.loads((trees.DATA / "manifest-vector.json").read_text())
    for name, content in vector["files"].items():
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_text(content)
    (folder / "manifest.json").write_text(json.dumps(vector["manifest"] | changes))


async def read_record_of(opened: OpenedApp, path: Path) -> EnrollScreen:
    """Fill the form from the record there."""
    screen = await at_the_form(opened)
    await opened.pilot.press("ctrl+r")
    field = opened.screen.query_one("#path", Input)
    field.value = str(path)
    field.focus()
    await opened.pilot.press("enter")
    await until(lambda: screen.form.package.package is not None)
    return screen


@pytest.mark.thorough
async def test_a_manifest_fills_the_form_and_is_compared_with_its_folder(
    open_app: OpenApp, hall: LiveHall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WCP_ATTEST_HMAC_KEY", "not-a-secret")
    sign_package(tmp_path / "p")
    async with open_app(profile_of(hall), key=hall.key, size=(140, 44)) as opened:
        screen = await read_record_of(opened, tmp_path / "p")
        assert screen.form.display_name.value == "org.acme.summarizer.prod-01"
        await sees(opened, "✔ Its package_hash is that of")
        await sees(opened, "✔ Its signature is valid.")
        await sees(opened, "? Nothing proves its attested_at_utc, trust_statement.")
        await sees(opened, "▲ org.acme.summarizer.prod-01 belongs to org.acme")
        await sees(opened, "code/bootstrap.py")


@pytest.mark.thorough
async def test_a_manifest_of_another_package_stops_it_until_the_words_are_typed(
    open_app: OpenApp, hall: LiveHall, tmp_path: Path
) -> None:
    sign_package(tmp_path / "p", package_hash="b" * 64)
    async with open_app(profile_of(hall), key=hall.key, size=(140, 44)) as opened:
        screen = await read_record_of(opened, tmp_path / "p")
        await sees(opened, "ATTEST_HASH_MISMATCH")
        screen.form.capabilities.show(["mail.send"])
        screen.form.display_name.input.value = "My Worker"
        await opened.pilot.press("ctrl+s")
        await sees(opened, "This is not what the record says")
        assert opened.screen.query_one("#yes", Button).disabled
        await opened.pilot.press("escape")
        assert posts(hall) == 0
        await opened.pilot.press("ctrl+s")
        await sees(opened, "To continue anyway, type: enroll it anyway")
        assert "✖ The record does not match" in opened.text()
        await opened.pilot.press(*"yes", "enter")
        assert posts(hall) == 0 and opened.screen.query_one("#words", Input).value == "yes"
        await opened.pilot.press("home", "ctrl+k", *"enroll it anyway", "enter")
        await until(lambda: enrolled(hall), clock=opened.clock)


@pytest.mark.thorough
async def test_another_record_brings_its_own_package_along(open_app: OpenApp, hall: LiveHall, tmp_path: Path) -> None:
    sign_package(tmp_path / "p")
    sign_package(tmp_path / "q", package_hash="b" * 64)
    async with open_app(profile_of(hall), key=hall.key, size=(80, 24)) as opened:
        screen = await read_record_of(opened, tmp_path / "p")
        await sees(opened, "✔ Its package_hash is that of")
        await read_record_of(opened, tmp_path / "q")
        await sees(opened, "ATTEST_HASH_MISMATCH")
        assert screen.form.package.package and screen.form.package.package.path == str(tmp_path / "q")
        assert "Namespace  org.yourco" in opened.text(), "the checks of the record begin at the form's top"


async def test_what_should_not_be_in_a_package_is_shown_below_its_hash_and_listed(
    open_app: OpenApp, hall: LiveHall, tmp_path: Path
) -> None:
    trees.write_tree(tmp_path / "p", {"main.py": "1", "web/node_modules/left-pad/a-long-name-of-a-file.js": "1"})
    async with open_app(profile_of(hall), key=hall.key, size=(80, 24)) as opened:
        screen = await at_the_form(opened)
        screen.form.package.start(tmp_path / "p")
        await sees(opened, "▲ 1 thing in it should not be in a package: see ctrl+g.")
        await opened.pilot.press("ctrl+g")
        await sees(opened, "web/node_modules: installed JavaScript packages: 1 file, 1 byte")
        await opened.pilot.press("end")
        await sees(opened, "web/node_modules/left-pad/a-long-name-of-a-file.js")
        await sees(opened, screen.form.package.listing.files[-1].sha256 if screen.form.package.listing else "")


@pytest.mark.thorough
async def test_a_pasted_record_fills_the_form_and_survives_a_restart(open_app: OpenApp, hall: LiveHall) -> None:
    record = {"worker_id": "org.yourco.greeter", "handles_capabilities": ["mail.send"], "of_ours": 1}
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await at_the_form(opened)
        await opened.pilot.press("ctrl+r")
        opened.screen.query_one("#json", TextArea).text = json.dumps(record)
        await opened.pilot.press("ctrl+s")
        await until(lambda: screen.form.capabilities.chosen == ["mail.send"])
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await at_the_form(opened)
        await sees(opened, "CLI scaffold's record pasted JSON")


@pytest.mark.thorough
async def test_a_text_that_is_not_a_record_is_reported_in_the_dialog(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await at_the_form(opened)
        await opened.pilot.press("ctrl+r")
        opened.screen.query_one("#json", TextArea).text = "[1]"
        await opened.pilot.press("ctrl+s")
        await sees(opened, "✖ This is not a record: not a JSON object.")


@pytest.mark.thorough
async def test_two_names_that_look_alike_can_be_distinguished(
    open_app: OpenApp, hall: LiveHall, tmp_path: Path
) -> None:
    """F44: é composed and decomposed are two files, hashed as they are."""
    for name in ("\u00e9", "e\u0301"):
        (tmp_path / name).write_text(name)
    if len(os.listdir(tmp_path)) < 2:  # noqa: PTH208
        pytest.skip("this file system takes the two for one")
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await at_the_form(opened)
        screen.form.package.start(tmp_path)
        await until(lambda: screen.form.package.listing is not None)
        await opened.pilot.press("ctrl+g")
        await sees(opened, "(e\\u0301)")
        await sees(opened, "(\\xe9)")


@pytest.mark.thorough
async def test_a_record_is_written_from_the_form(open_app: OpenApp, hall: LiveHall, tmp_path: Path) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await at_the_form(opened)
        await fill_in(opened)
        await opened.pilot.click("#write-record")
        path = opened.screen.query_one("#path", Input)
        path.value = str(tmp_path / "registry_record.json")
        path.focus()
        await opened.pilot.press("enter")
        await until((tmp_path / "registry_record.json").exists)
        written = read_record(tmp_path / "registry_record.json")
        assert (written.capabilities, written.package_sha256) == (("mail.send", "mail.read"), HASH)
        assert written.doubts == ()


async def test_a_send_that_a_kill_cut_short_is_unknown_in_the_journal(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        an_hour_ago = opened.clock.now().wall - 3_600
        sent = EnrollmentRow(batch="form", row_key="req-1", state=EnrollmentState.SENDING, at=an_hour_ago)
        await until(lambda: opened.app.workspace, clock=opened.clock)
        opened.workspace.journal.record_enrollment("acme", sent)
        await at_the_form(opened)

        def state() -> EnrollmentState:
            return opened.workspace.journal.enrollments("acme", batch="form")[0].state

        await until(lambda: state() is EnrollmentState.UNKNOWN)
