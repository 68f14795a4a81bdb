"""The levels Basic, Standard and Full, against the ecosystem's own check."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pyhall.conformance import check_worker_compliance

from pyhall_tui.attest.controls import Level, check_controls
from tests.packages.trees import sample

_CONTROLS = st.lists(
    st.sampled_from(
        ["ctrl.obs.audit-log-append-only", "ctrl.obs.audit_log", "CTRL.POL.Default-Deny", "ctrl.evidence-receipts", "x"]
    ),
    max_size=3,
)
_BLAST = st.sets(st.sampled_from(["data", "network", "financial", "time", "reversibility"]), min_size=3)
_RECORDS = st.fixed_dictionaries(
    {},
    optional={
        "worker_id": st.sampled_from(["", "org.a.b"]),
        "worker_species_id": st.just("wrk.a.b"),
        "capabilities": st.sampled_from([[], ["cap.a"]]),
        "risk_tier": st.just("low"),
        "required_controls": _CONTROLS,
        "currently_implements": _CONTROLS,
        "allowed_environments": st.just(["dev"]),
        "blast_radius": _BLAST.map(lambda names: dict.fromkeys(names, 0)),
        "privilege_envelope": st.sampled_from([{}, {"tools": []}]),
        "idempotency": st.just("full"),
        "artifact_hash": st.just("sha256:" + "0" * 64),
    },
)
FULL = sample("record-hello-greeter.json") | {
    "currently_implements": ["ctrl.obs.audit_log_append_only", "ctrl.pol.default_deny", "ctrl.evidence-receipt"]
}


@given(record=st.one_of(_RECORDS, _RECORDS.map(lambda part: FULL | part)))
def test_the_level_is_the_one_that_the_sdk_gives(record: dict[str, Any]) -> None:
    assert check_controls(record).achieved.title == check_worker_compliance(record)["achieved_level"]


def test_what_is_missing_for_the_next_level_is_named() -> None:
    compliance = check_controls(sample("record-hello-greeter.json"))
    assert compliance.achieved is Level.BASIC
    assert compliance.missing_for_next == ("ctrl.pol.default_deny",)


def test_at_the_top_nothing_is_missing() -> None:
    compliance = check_controls(FULL)
    assert (compliance.achieved, compliance.missing_for_next) == (Level.FULL, ())


def test_an_empty_record_is_not_a_level_and_lacks_the_four_fields() -> None:
    compliance = check_controls({})
    assert compliance.achieved is Level.NONE
    assert compliance.missing_for_next == ("worker_id", "worker_species_id", "capabilities", "risk_tier")


def test_fields_of_any_type_do_not_crash_it() -> None:
    assert check_controls(dict.fromkeys(FULL, 7)).achieved is Level.BASIC
