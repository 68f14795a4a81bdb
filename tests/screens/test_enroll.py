"""The enrollment form: typed, checked, previewed, sent once, and never lost."""

import json
import os
from pathlib import Path

import pytest
from textual import events
from textual.widgets import Button, Input, OptionList, ProgressBar

from pyhall_tui.files.drafts import Drafts
from pyhall_tui.journal.rows import EnrollmentState
from pyhall_tui.paths import Home
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.screens.enroll.form import EnrollForm
from pyhall_tui.screens.enroll.screen import EnrollScreen
from pyhall_tui.screens.messages import OpenProfile
from tests.live_hall import LiveHall
from tests.screens.conftest import OpenApp, profile_of
from tests.screens.enrolling import HASH, at_the_form, enrolled, fill_in, posts, sees
from tests.waiting import until


@pytest.mark.thorough
async def test_an_answer_without_a_worker_that_can_be_watched_is_unknown(open_app: OpenApp, hall: LiveHall) -> None:
    """F116: nothing is watched, and what was typed stands; `tests/enroll/test_batch.py` has the other bodies."""
    hall.faults.add(path="/api/v1/hall/enroll", status=201, body='{"worker_id": "a\\nb"}', count=1)
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await at_the_form(opened)
        await fill_in(opened)
        before = {entry.worker_id for entry in opened.workspace.fleet}
        await opened.pilot.press("ctrl+s")
        await sees(opened, "Outcome unknown: it may be enrolled already.")
        (row,) = opened.workspace.journal.enrollments("acme", batch="form")
        assert row.state is EnrollmentState.UNKNOWN
        assert {entry.worker_id for entry in opened.workspace.fleet} == before
        assert opened.screen.query_one(EnrollForm).display_name.value == "My Worker"


async def test_a_send_that_cannot_be_kept_is_refused_and_said_before(
    open_app: OpenApp, hall: LiveHall, home: Home
) -> None:
    """F64"""
    (home.data / "journal.db").mkdir(parents=True)
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await at_the_form(opened)
        await fill_in(opened)
        await sees(opened, "The journal can't be written, so nothing is enrolled")
        await opened.pilot.press("ctrl+s")
        await sees(opened, "The journal can't record what is sent, so nothing is sent.")
        assert not enrolled(hall) and not posts(hall)


@pytest.mark.thorough
async def test_a_typed_worker_is_enrolled_watched_and_verified(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await at_the_form(opened)
        await fill_in(opened)
        await sees(opened, "All checks passed.")
        await opened.pilot.press("ctrl+s")
        await sees(opened, "The registry now says: ● clean")
        (worker_id,) = enrolled(hall)
        await sees(opened, f"● enrolled {worker_id}")
        await sees(opened, "It attests the hash that was sent.")
        assert "✖" not in opened.text(), "no field of the next worker is told to be wrong before it is left"
        assert opened.workspace.fleet.get(worker_id) is not None
        (row,) = opened.workspace.journal.enrollments("acme", batch="form")
        assert (row.state, row.worker_id) == (EnrollmentState.ANSWERED, worker_id)
        assert json.loads(row.request)["capabilities"] == ["mail.send", "mail.read"]


@pytest.mark.thorough
async def test_the_preview_is_what_is_sent(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, size=(200, 50)) as opened:
        await at_the_form(opened)
        await fill_in(opened, sha256=f"sha256:{HASH.upper()}")
        await opened.pilot.pause()
        shown = opened.text()
        await opened.pilot.press("ctrl+s")
        await until(lambda: enrolled(hall), clock=opened.clock)
    sent = next(request for request in hall.requests if request.raw_path == "/api/v1/hall/enroll")
    assert hall.key not in shown
    for name, value in sent.headers.items():
        told = value.replace(hall.key, "••••••••")
        assert f"{name}: {told}".lower() in shown.lower()
    assert f"POST {hall.url}/api/v1/hall/enroll" in shown
    assert json.loads(sent.body) == {
        "namespace": "org.yourco",
        "display_name": "My Worker",
        "capabilities": ["mail.send", "mail.read"],
        "sha256": HASH,
    }
    for line in json.dumps(json.loads(sent.body), indent=2).splitlines():
        assert line in shown


@pytest.mark.thorough
async def test_each_field_is_checked_as_one_leaves_it(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await at_the_form(opened)
        await sees(opened, "3 checks left: display name, capabilities, package hash")
        assert "Give the worker a name" not in opened.text()
        await opened.pilot.press("tab")
        await sees(opened, "✖ Give the worker a name that people will recognize.")
        await opened.pilot.press("shift+tab", *"My Worker")
        assert "Give the worker a name" not in opened.text()
        opened.screen.query_one("#sha256", Input).focus()
        await opened.pilot.press(*"abc", "tab")
        await sees(opened, "✖ A SHA-256 has 64 hex digits; these are 3.")
        await sees(opened, "2 checks left: capabilities, package hash")


async def test_a_form_with_checks_left_goes_to_the_first_of_them(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await at_the_form(opened)
        await opened.pilot.press(*"My Worker", "ctrl+s")
        assert screen.focused is screen.query_one("#capabilities")
        await sees(opened, "✖ Add at least one capability")
        assert posts(hall) == 0


@pytest.mark.thorough
async def test_all_characters_are_text_while_a_field_has_the_focus(open_app: OpenApp, hall: LiveHall) -> None:
    """F34: `quorum?/1` into every input."""
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await at_the_form(opened)
        for field in ("display_name", "capabilities", "sha256"):
            screen.query_one(f"#{field}", Input).focus()
            await opened.pilot.press(*"quorum?/1:")
            assert screen.query_one(f"#{field}", Input).value == "quorum?/1:"
        assert opened.screen is screen


async def test_capabilities_complete_from_those_seen_before(open_app: OpenApp, hall: LiveHall) -> None:
    profile = profile_of(hall, capabilities=("mail.send.bulk",))
    async with open_app(profile, key=hall.key, watch=("wkr_abc123",)) as opened:
        screen = await at_the_form(opened)
        fleet = opened.workspace.fleet
        await until(lambda: (entry := fleet.get("wkr_abc123")) and entry.verdict, clock=opened.clock)
        screen.one.learn_capabilities()
        screen.query_one("#capabilities", Input).focus()
        await opened.pilot.press(*"llm.")
        await sees(opened, "seen before:")
        await sees(opened, "llm.text.generate")
        await opened.pilot.press("right", "enter", *"mail", "right", "enter")
        await until(lambda: screen.form.capabilities.chosen == ["llm.text.generate", "mail.send.bulk"])


@pytest.mark.thorough
async def test_a_capability_is_taken_back_corrected_and_removed(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await at_the_form(opened)
        field = screen.form.capabilities
        field.input.focus()
        await opened.pilot.press(*"mail.sent", "enter", *"mail.read", "enter")
        await opened.pilot.press("backspace")
        assert (field.chosen, field.input.value) == (["mail.sent"], "mail.read")
        await opened.pilot.press("enter")
        screen.query_one("#chosen", OptionList).focus()
        await opened.pilot.press("home", "enter")
        assert field.input.value == "mail.sent" and field.input.has_focus
        await opened.pilot.press("backspace", "d", "enter")
        assert field.chosen == ["mail.read", "mail.send"]
        screen.query_one("#chosen", OptionList).focus()
        await opened.pilot.press("end", "delete")
        assert field.chosen == ["mail.read"]


async def test_pasted_capabilities_are_all_taken_and_a_name_says_what_it_left_out(
    open_app: OpenApp, hall: LiveHall
) -> None:
    """F33: three lines, CRLF, an empty line, a trailing comma. F05: a pasted newline does not submit."""
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await at_the_form(opened)
        screen.form.display_name.input.post_message(events.Paste("My Worker\r\nsecond line\r\n"))
        await sees(opened, "Only the first line was taken; 1 more line left out.")
        assert screen.form.display_name.value == "My Worker"
        screen.form.capabilities.input.focus()
        screen.form.capabilities.input.post_message(events.Paste("mail.send\r\n\r\nmail.read,\r\n"))
        await until(lambda: screen.form.capabilities.value == "mail.send, mail.read")
        await opened.pilot.press("enter")
        assert screen.form.capabilities.chosen == ["mail.send", "mail.read"]


async def test_an_error_lands_at_the_field_that_it_names(open_app: OpenApp, hall: LiveHall) -> None:
    hall.faults.add(path="/api/v1/hall/enroll", status=400, body='{"error": "display_name: taken [/x]"}')
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await at_the_form(opened)
        await fill_in(opened)
        await opened.pilot.press("ctrl+s")
        await sees(opened, "✖ The registry says: display_name: taken [/x]")
        await sees(opened, "✖ Nothing was enrolled.")
        assert screen.focused is screen.form.display_name.input
        assert screen.form.package.field.value == HASH
        (row,) = opened.workspace.journal.enrollments("acme", batch="form")
        assert row.state is EnrollmentState.REFUSED


@pytest.mark.thorough
async def test_an_error_text_is_shown_unchanged(open_app: OpenApp, hall: LiveHall) -> None:
    """F08: brackets are text. F09: no control byte reaches the screen."""
    told = {"error": '{"flags": [true, false]} [red]x\x1b]0;PWNED\x07'}
    hall.faults.add(path="/api/v1/hall/enroll", status=403, body=json.dumps(told))
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await at_the_form(opened)
        await fill_in(opened)
        await opened.pilot.press("ctrl+s")
        await sees(opened, '{"flags": [true, false]} [red]x␛]0;PWNED␇')
        await sees(opened, "The registry refused it: nothing was enrolled.")


@pytest.mark.thorough
async def test_an_enrollment_that_may_have_arrived_is_sent_again_only_after_a_question(
    open_app: OpenApp, hall: LiveHall
) -> None:
    hall.faults.add(path="/api/v1/hall/enroll", drop="answered", count=1)
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await at_the_form(opened)
        await fill_in(opened)
        await opened.pilot.press("ctrl+s")
        await sees(opened, "It may have reached the registry")
        assert len(enrolled(hall)) == 1
        await opened.pilot.press("ctrl+s")
        await sees(opened, "Send it again?")
        await opened.pilot.press("enter")
        assert posts(hall) == 1
        await opened.pilot.press("ctrl+s", "y")
        await until(lambda: len(enrolled(hall)) == 2, clock=opened.clock)
        rows = opened.workspace.journal.enrollments("acme", batch="form")
        assert {row.state for row in rows} >= {EnrollmentState.UNKNOWN}


@pytest.mark.thorough
async def test_a_send_without_a_known_answer_is_remembered_over_a_restart(open_app: OpenApp, hall: LiveHall) -> None:
    hall.faults.add(path="/api/v1/hall/enroll", drop="answered", count=1)
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await at_the_form(opened)
        await fill_in(opened)
        await opened.pilot.press("ctrl+s")
        await sees(opened, "It may have reached the registry")
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await at_the_form(opened)
        await sees(opened, "My Worker was sent at")
        await opened.pilot.press("ctrl+s")
        await sees(opened, "Send it again?")
        await opened.pilot.press("escape")
        assert posts(hall) == 1
        await opened.pilot.click("#forget")
        await until(lambda: "My Worker was sent at" not in opened.text())


@pytest.mark.thorough
async def test_a_revoked_key_costs_nothing_that_was_typed(open_app: OpenApp, hall: LiveHall) -> None:
    """F35: 401, a new key on another screen, back: all fields and the cursor are there and the send works."""
    profile = profile_of(hall)
    async with open_app(profile, key="phk_live_revoked") as opened:
        await at_the_form(opened)
        await fill_in(opened)
        await opened.pilot.press("left", "left", "ctrl+s")
        await sees(opened, "The registry answered 401")
        await sees(opened, "Put a valid key into the profile.")
        before = opened.workspace
        opened.keys.hold_for_this_run(profile, ApiKey(hall.key))
        opened.app.post_message(OpenProfile("acme"))
        await until(lambda: opened.app.workspace not in (None, before), clock=opened.clock)
        screen = await at_the_form(opened)
        assert screen.form.display_name.value == "My Worker"
        assert screen.form.capabilities.chosen == ["mail.send", "mail.read"]
        hash_input = screen.form.package.field.input
        assert (hash_input.value, hash_input.has_focus, hash_input.cursor_position) == (HASH, True, 62)
        await opened.pilot.press("ctrl+s")
        await until(lambda: enrolled(hall), clock=opened.clock)


@pytest.mark.thorough
async def test_the_cursor_is_where_it_was_when_you_return_by_keys(open_app: OpenApp, hall: LiveHall) -> None:
    """F35: escape and a digit are the keyboard's way to the profiles and back."""
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await at_the_form(opened)
        await fill_in(opened)
        screen.form.display_name.input.focus()
        await opened.pilot.press("home", "right", "right", "escape", "5")
        await until(lambda: opened.screen is not screen)
        await opened.pilot.press("2", "X")
        assert opened.screen is screen
        assert screen.form.display_name.value == "MyX Worker"


@pytest.mark.thorough
async def test_a_refused_send_does_not_stand_under_the_verdict_on_the_worker_before(
    open_app: OpenApp, hall: LiveHall
) -> None:
    """F35."""
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await at_the_form(opened)
        await fill_in(opened)
        await opened.pilot.press("ctrl+s")
        await sees(opened, "The registry now says: ● clean")
        hall.store.revoke_key(hall.store.all_keys()[0].key_id)
        await fill_in(opened, name="Second")
        await opened.pilot.press("ctrl+s")
        await sees(opened, "The registry answered 401")
        screen = opened.screen
        assert isinstance(screen, EnrollScreen)
        screen.fleet_changed()
        await opened.pilot.pause()
        assert "The registry now says" not in opened.text()


@pytest.mark.thorough
async def test_what_was_typed_survives_a_restart_and_another_screen(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await at_the_form(opened)
        await fill_in(opened)
        screen.form.capabilities.input.focus()
        await opened.pilot.press(*"half.typ", "escape", "1", "2")
        assert opened.screen is screen
        assert screen.form.capabilities.chosen[:2] == ["mail.send", "mail.read"]
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await at_the_form(opened)
        assert screen.form.display_name.value == "My Worker"
        assert screen.form.capabilities.chosen[:2] == ["mail.send", "mail.read"]
        assert screen.form.package.field.value == HASH


async def test_a_read_only_profile_refuses_with_the_reason(open_app: OpenApp, hall: LiveHall) -> None:
    """F45: nothing that the registry records is sent."""
    async with open_app(profile_of(hall, read_only=True), key=hall.key) as opened:
        await at_the_form(opened)
        await fill_in(opened)
        await opened.pilot.press("ctrl+s")
        await sees(opened, "✖ This profile is read-only: it enrolls nothing.")
        assert posts(hall) == 0


@pytest.mark.thorough
async def test_an_answer_without_a_worker_is_shown_and_is_not_a_failure(open_app: OpenApp, hall: LiveHall) -> None:
    """Contract, part 2: enroll may open a session and name no worker."""
    session = {"session_id": "ses_1", "namespace": "org.yourco", "expires": "2026-12-01T00:00:00Z"}
    hall.faults.add(path="/api/v1/hall/enroll", body=json.dumps(session))
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await at_the_form(opened)
        await fill_in(opened)
        await opened.pilot.press("ctrl+s")
        await sees(opened, "? answered without a worker id")
        await sees(opened, "ses_1")
        (row,) = opened.workspace.journal.enrollments("acme", batch="form")
        assert (row.state, row.worker_id) == (EnrollmentState.ANSWERED, None)


@pytest.mark.thorough
async def test_a_picked_folder_is_hashed_its_hash_kept_and_once_enrolled_it_is_compared(
    open_app: OpenApp, hall: LiveHall, tmp_path: Path
) -> None:
    package = tmp_path / "worker"
    package.mkdir()
    (package / "main.py").write_text("print()\n")
    (package / ".env").write_text("KEY=1\n")
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await at_the_form(opened)
        await opened.pilot.press("ctrl+o")
        path = opened.screen.query_one("#path", Input)
        path.value = str(package)
        path.focus()
        await opened.pilot.press("enter")
        await until(lambda: screen.form.package.package is not None)
        assert len(screen.form.package.field.value) == 64
        await sees(opened, "2 files, 14 bytes")
        await sees(opened, "1 thing that should not be in a package")
        computed = screen.form.package.field.value
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await at_the_form(opened)
        assert screen.form.package.field.value == computed
        await sees(opened, "2 files, 14 bytes")
        await fill_in(opened, sha256="")
        await opened.pilot.press("ctrl+s")
        await sees(opened, "The registry now says: ● clean")
        (worker_id,) = enrolled(hall)
        assert opened.workspace.packages.folder(worker_id) == package


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.thorough
async def test_a_pipe_in_the_package_is_named_and_can_be_left_out(
    open_app: OpenApp, hall: LiveHall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F43: never waited for; what is left out is reported."""
    package = tmp_path / "worker"
    package.mkdir()
    (package / "main.py").write_text("print()\n")
    os.mkfifo(package / "queue")
    monkeypatch.chdir(tmp_path)
    async with open_app(profile_of(hall), key=hall.key, size=(240, 40)) as opened:  # its sentence on one line
        screen = await at_the_form(opened)
        screen.form.package.start(Path("worker"))
        await sees(opened, "queue: a named pipe")
        assert screen.form.package.field.value == ""
        await sees(opened, "Hash without them")
        await opened.pilot.click("#without")
        await until(lambda: screen.form.package.package is not None)
        assert screen.form.package.package is not None
        assert screen.form.package.package.left_out == 1
        (package / "gone").symlink_to("nowhere")
        screen.form.package.start(Path("worker"), skip_special=True)
        await sees(opened, "gone: a link to something that does not exist")
        assert screen.form.package.field.value == "", "the hash of before is not this package's now"


@pytest.mark.thorough
async def test_a_hash_under_way_can_be_cancelled_and_stops_the_send(
    open_app: OpenApp, hall: LiveHall, tmp_path: Path
) -> None:
    """F30: nothing waits for a large package."""
    package = tmp_path / "large"
    package.mkdir()
    with (package / "weights.bin").open("wb") as file:
        file.truncate(64 << 30)
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await at_the_form(opened)
        await fill_in(opened)
        screen.form.package.start(package)
        await until(lambda: screen.query_one("#hash-bar", ProgressBar).total == 64 << 30)
        await opened.pilot.press("ctrl+s")
        await sees(opened, "1 check left: package hash")
        await opened.pilot.press("escape")
        await sees(opened, "Stopped: the hash is unchanged.")
        assert screen.form.package.field.value == HASH
        assert posts(hall) == 0


@pytest.mark.thorough
async def test_the_form_is_usable_with_only_the_mouse_on_a_small_terminal(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, size=(80, 24)) as opened:
        screen = await at_the_form(opened)
        await opened.pilot.click("#display_name")
        await opened.pilot.press(*"My Worker")
        await opened.pilot.click("#capabilities")
        await opened.pilot.press(*"mail.send", "enter")
        await opened.pilot.click("#sha256")
        screen.form.package.field.input.post_message(events.Paste(HASH))
        assert screen.query_one("#send", Button).region.y == 22
        await opened.pilot.click("#send")
        await sees(opened, "The registry now says: ● clean")


@pytest.mark.thorough
async def test_quitting_in_the_middle_of_a_send_leaves_it_unsettled(open_app: OpenApp, hall: LiveHall) -> None:
    hall.faults.add(path="/api/v1/hall/enroll", latency=30)
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await at_the_form(opened)
        await fill_in(opened)
        await opened.pilot.press("ctrl+s")
        await until(lambda: posts(hall) == 1)
        await sees(opened, "Sending…")
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await at_the_form(opened)
        await sees(opened, "no answer is known")
        assert screen.form.display_name.value == "My Worker"
        rows = opened.workspace.journal.enrollments("acme", batch="form")
        assert [row.state for row in rows] == [EnrollmentState.UNKNOWN]


@pytest.mark.thorough
async def test_enter_takes_the_capability_that_is_offered_and_a_new_one_is_said_to_be_new(
    open_app: OpenApp, hall: LiveHall
) -> None:
    """F49."""
    async with open_app(profile_of(hall, capabilities=("llm.embed", "mail.send")), key=hall.key) as opened:
        screen = await at_the_form(opened)
        field = screen.form.capabilities
        screen.one.learn_capabilities()
        await until(lambda: field._known)
        field.input.focus()
        await opened.pilot.press(*"llm.em", "enter")
        await until(lambda: field.chosen == ["llm.embed"])
        await opened.pilot.press(*"mial.send", "enter")
        await sees(opened, "mial.send is new here. Did you mean mail.send?")
        await opened.pilot.press(*"llm text", "enter")
        await sees(opened, "A capability has no spaces in it")
        assert (field.chosen, field.input.value) == (["llm.embed", "mial.send"], "llm text")


@pytest.mark.thorough
async def test_a_new_capability_is_sent_only_after_it_was_said_to_be_new(open_app: OpenApp, hall: LiveHall) -> None:
    """F49: the key that sends is pressed with `llm.em` in the field."""
    async with open_app(profile_of(hall, capabilities=("llm.embed",)), key=hall.key) as opened:
        screen = await at_the_form(opened)
        screen.one.learn_capabilities()
        await until(lambda: screen.form.capabilities._known)
        screen.form.display_name.input.value = "My Worker"
        screen.form.package.field.input.value = "ab" * 32
        screen.form.capabilities.input.focus()
        await opened.pilot.press(*"llm.em", "ctrl+s")
        await sees(opened, "llm.em is new here. Did you mean llm.embed?")
        await sees(opened, "▲ llm.em is new here.")  # beside the button too, where "All checks passed." would be
        assert "All checks passed" not in opened.text() and "ctrl+s again to send it anyway" in opened.words()
        assert not [seen for seen in hall.requests if seen.method == "POST"]
        await opened.pilot.press("ctrl+s")
        await until(lambda: [seen for seen in hall.requests if seen.method == "POST"], clock=opened.clock)


@pytest.mark.thorough
async def test_a_draft_that_cannot_be_read_is_kept_and_named(open_app: OpenApp, hall: LiveHall) -> None:
    """F73"""
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await at_the_form(opened)
        path = Drafts(opened.app.fleets.home.state, "acme").folder / "enroll.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes('{"display_name": "W"}'.encode("utf-16"))
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await at_the_form(opened)
        await until(lambda: "It was set aside as" in opened.words())
    (aside,) = path.parent.glob("enroll.json.unreadable-*")
    assert "W" in aside.read_text("utf-16")
