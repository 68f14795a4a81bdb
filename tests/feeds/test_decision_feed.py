"""The feed of decisions by itself: one row per decision, limited in number."""

from pyhall_tui.feeds.decision_feed import MOST, DecisionFeed
from pyhall_tui.registry.local_hall import MOST_DECISIONS, HallDecision
from pyhall_tui.registry.models import Outcome


def decision(seq: int, **fields: object) -> HallDecision:
    nothing = dict.fromkeys(
        ("at", "capability", "namespace", "risk_tier", "rule", "code", "reason", "correlation_id", "decision_id")
    )
    more = {"worker_id": f"w{seq}", "latency_ms": None, "fields": {"worker_id": f"w{seq}"} | fields}
    return HallDecision(key=str(seq), seq=seq, outcome=Outcome.ALLOW, outcome_text="allow", **nothing, **more)  # type: ignore[arg-type]


def decisions(first: int, last: int) -> list[HallDecision]:
    return [decision(seq) for seq in range(last, first - 1, -1)]


def test_a_decision_that_comes_again_is_one_row() -> None:
    feed = DecisionFeed()
    feed.take(decisions(1, 3))
    feed.take(decisions(2, 4))
    assert feed.keys() == ["4", "3", "2", "1"] and feed.newest_seq == 4


def test_it_holds_so_many_and_lets_the_oldest_go() -> None:
    feed = DecisionFeed()
    for start in range(1, MOST + 1_000, 400):
        feed.take(decisions(start, start + 399))
    assert feed.total == MOST and feed.keys()[0] == str(feed.newest_seq)


def test_while_paused_no_more_is_held_than_is_shown() -> None:
    feed = DecisionFeed()
    feed.take(decisions(1, 2))
    feed.pause(paused=True)
    for start in range(3, MOST + 1_000, 400):
        feed.take(decisions(start, start + 399))
    assert feed.keys() == ["2", "1"] and feed.held == MOST
    feed.pause(paused=False)
    assert feed.total == MOST and feed.held == 0


def test_a_full_answer_after_the_first_says_that_some_may_be_missing() -> None:
    feed = DecisionFeed()
    feed.take(decisions(1, MOST_DECISIONS))
    assert not feed.missed
    feed.take(decisions(10_000, 10_000 + MOST_DECISIONS - 1))
    assert feed.missed


def test_a_filter_ignores_case_and_looks_at_values() -> None:
    feed = DecisionFeed()
    feed.take([decision(2, rule="Night-Only"), decision(1)])
    feed.text = "night-only"
    assert feed.keys() == ["2"]
