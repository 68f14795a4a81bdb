"""The oldest verdict and the last change, compared with a look at every worker, over random histories."""

from hypothesis import given
from hypothesis import strategies as st

from pyhall_tui.fleet.fleet import Fleet
from pyhall_tui.fleet.times import FleetTimes
from tests.fleet.test_fleet import moment, verdict

IDS = [f"wkr_{number}" for number in range(5)]

steps = st.lists(
    st.tuples(
        st.sampled_from(["verdict", "verdict", "watch", "unwatch", "put back"]),
        st.sampled_from(IDS),
        st.booleans(),
        st.booleans(),
    ),
    max_size=60,
)


@given(steps)
def test_the_times_are_always_those_of_a_look_at_every_worker(history: list[tuple[str, str, bool, bool]]) -> None:
    fleet, now, changed = Fleet(10.0), 0.0, 0.0
    times, removed = FleetTimes(fleet), []
    for kind, worker_id, banned, looks in history:
        now += 1.0
        if kind == "verdict":
            fleet.apply(verdict(worker_id, banned=banned), moment(now), moment(now))
        elif kind == "watch":
            fleet.watch([worker_id])
        elif kind == "unwatch":
            removed += fleet.unwatch([worker_id])
        else:
            fleet.put_back([entry for entry in removed if entry.worker_id not in fleet])
            removed.clear()
        changed = max([changed, *(entry.changed_wall for entry in fleet)])
        if looks:
            times.refresh()
            assert times.oldest == min((entry.asked for entry in fleet if entry.verdict), default=None)
            assert times.last_changed <= changed
    times.refresh()
    assert times.last_changed >= max((entry.changed_wall for entry in fleet), default=0.0)
