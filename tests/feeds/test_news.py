"""What the line of news shows: alarms until they are seen, everything else for its time."""

from pyhall_tui.alarms.alarm import Alarm, Condition
from pyhall_tui.feeds.news import MOST, Item, News, Shown, Tone


def alarm(number: int) -> Alarm:
    return Alarm(id=f"a{number}", condition=Condition.BANNED, subject=f"w{number}", first_at=1.0, fired_at=1.0)


def note(number: int, ends: float = 5.0) -> Item:
    return Item(f"note {number}", Tone.NOTE, ends)


def test_the_newest_is_shown_and_the_others_are_counted_until_their_time_is_over() -> None:
    news = News()
    for number in range(30):
        news.say(note(number, ends=5.0 + number))
    assert news.shown(0.0) == Shown(other=note(29, 34.0), more=29)
    assert news.shown(20.0) == Shown(other=note(29, 34.0), more=13)
    assert news.next_end() == 21.0
    assert news.shown(34.0) == Shown()


def test_an_alarm_stays_until_it_is_seen_and_hides_nothing_else() -> None:
    news = News()
    news.say_alarm(alarm(1), Item("w1 is BANNED", Tone.ALARM))
    news.say(note(1))
    assert news.shown(0.0) == Shown(Item("w1 is BANNED", Tone.ALARM), note(1))
    news.dismiss()
    assert news.shown(1e9) == Shown(Item("w1 is BANNED", Tone.ALARM))
    news.alarms_seen()
    assert news.shown(0.0) == Shown()


def test_an_alarm_that_is_over_goes_and_the_one_before_it_is_shown_again() -> None:
    news = News()
    for number in (1, 2, 3):
        news.say_alarm(alarm(number), Item(f"w{number}", Tone.ALARM))
    assert news.shown(0.0) == Shown(Item("w3", Tone.ALARM), more=2)
    assert news.keep(lambda one: one.subject != "w3", {"a3", "unknown"})
    assert news.shown(0.0) == Shown(Item("w2", Tone.ALARM), more=1)
    assert not news.keep(lambda _: True)


def test_the_same_news_again_is_one_that_lasts_longer() -> None:
    news = News()
    news.say(Item("Copied.", Tone.NOTE, 2.0))
    news.say(Item("Copied.", Tone.NOTE, 3.0))
    assert news.shown(2.5) == Shown(other=Item("Copied.", Tone.NOTE, 3.0))


def test_it_is_bounded() -> None:
    news = News()
    for number in range(3 * MOST):
        news.say(note(number))
    assert news.shown(0.0).more == MOST - 1


def test_what_one_source_knows_takes_down_only_its_own_alarms() -> None:
    news = News()
    news.say_alarm(alarm(1), Item("w1", Tone.ALARM), "acme")
    news.say_alarm(alarm(2), Item("w2", Tone.ALARM), "staging")
    assert news.keep(lambda _: False, None, "staging")
    assert news.shown(0.0, "acme") == Shown(Item("w1", Tone.ALARM))
    assert news.shown(0.0, "staging").is_elsewhere
    news.alarms_seen("staging")
    assert news.shown(0.0, "acme").alarm
    news.keep_sources("staging")
    assert news.shown(0.0) == Shown()
