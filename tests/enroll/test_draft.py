"""The form's draft as it is stored."""

from pyhall_tui.enroll.draft import Draft, Package, Unsettled
from pyhall_tui.packages.package_hash import PackageKind

HASH = "a1b2c3" + "0" * 58
PACKAGE = Package(path="/srv/w", sha256=HASH, kind=PackageKind.FOLDER, files=3, bytes_total=9, left_out=1, warnings=0)
SENT = Unsettled(display_name="My Worker", sha256=HASH, at=1.0, correlation_id="req-1")


def test_a_draft_reads_back_as_it_was_kept() -> None:
    draft = Draft(display_name=" ok ", capabilities=["a.b"], sha256=HASH, package=PACKAGE, focus="sha256", cursor=7)
    draft.unsettled.append(SENT)
    assert Draft.read(draft.as_dict()) == draft


def test_what_another_version_kept_is_not_a_reason_to_fail() -> None:
    assert Draft.read({"capabilities": "not a list"}) == Draft()
    assert Draft.read({"display_name": "x", "of_a_later_version": 1}).display_name == "x"


def test_another_send_of_the_same_package_or_name_is_recognised() -> None:
    assert Draft(sha256=HASH, unsettled=[SENT]).like_unsettled() == SENT
    assert Draft(display_name="My Worker", unsettled=[SENT]).like_unsettled() == SENT
    assert Draft(display_name="Other", sha256="0" * 64, unsettled=[SENT]).like_unsettled() is None
