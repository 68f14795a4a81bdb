"""What is shown about one worker; nothing is shown as reported for one that the registry doesn't know."""

from pyhall_tui.clock import Moment
from pyhall_tui.fleet.entry import Ban, Entry
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.registry.models import Verdict
from pyhall_tui.render.incident import incident_note
from pyhall_tui.render.worker import LABEL, worker_fields, worker_row

NOW = Moment(100.0, 1_772_000_000.0)
GONE = Verdict(worker_id="wkr_1", known=False)


def shown(entry: Entry) -> dict[str, str]:
    groups = worker_fields(entry, NOW, 60.0)
    return {field.label: field.value.text for _, fields in groups for field in fields}


def test_a_worker_that_the_registry_does_not_know_is_not_called_clean_nor_unattested() -> None:
    """F20."""
    entry = Entry("wkr_1", GONE, asked=90.0, last_sha256="ab" * 32)
    fields = shown(entry)
    assert fields["ban status"].startswith("unknown") and fields["attested"].startswith("unknown")
    assert worker_row(entry, NOW, 60.0).attested.text == "–"


def test_a_ban_that_the_list_keeps_over_an_unknown_worker_is_not_denied_by_verify() -> None:
    """F20."""
    fields = shown(Entry("wkr_1", GONE, asked=90.0, ban=Ban("ban list", 90.0, "listed")))
    assert fields["ban status"] == "BANNED"
    assert fields["verify says"] == "unknown: the ban list counts"


def test_a_verdict_that_says_nothing_of_a_ban_is_not_called_clean() -> None:
    told = Verdict(worker_id="wkr_1", known=True, status="active")
    assert shown(Entry("wkr_1", told, asked=90.0))["ban status"] == "not stated"


def test_the_note_calls_an_old_hash_the_last_known() -> None:
    """F20."""
    profile = Profile(name="acme", namespace="org.acme", registry_url="https://registry.example")
    note = incident_note(Entry("wkr_1", GONE, asked=90.0, last_sha256="ab" * 32), [], [], profile, NOW, 60.0)
    assert "the last known; none is attested now" in note


def test_a_hash_stays_whole_beside_its_label_or_below_it_and_is_halved_only_where_it_has_no_room() -> None:
    sha256 = "ab" * 32
    known = Entry("wkr_1", Verdict(worker_id="wkr_1", known=True, sha256=sha256), asked=90.0)

    def lines(width: int) -> list[tuple[str | None, str]]:
        fields = [field for _, group in worker_fields(known, NOW, 60.0, width=width) for field in group]
        at = [field.label for field in fields].index("sha256")
        return [(field.label, field.value.text) for field in fields[at : at + 2]]

    assert lines(LABEL + 64)[0] == ("sha256", sha256)
    assert lines(LABEL + 63) == [("sha256", ""), (None, sha256)]
    assert lines(63) == [("sha256", sha256[:32]), ("", sha256[32:])]
