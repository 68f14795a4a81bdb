"""Silences that were started or ended by mistake, undone."""

from pathlib import Path

from pyhall_tui.fleet.own_changes import OwnChanges
from pyhall_tui.journal.alarms import Alarms
from pyhall_tui.journal.journal import Journal
from tests.clock import ManualClock
from tests.journal.makers import NOW
from tests.journal.test_names import Nobody


def alarms_and_changes(folder: Path, clock: ManualClock) -> tuple[Alarms, OwnChanges]:
    changes = OwnChanges()
    alarms = Alarms(Journal.open(folder / "journal.db", clock), "prod", Nobody(), clock, operator="ada")
    alarms.restore()
    alarms.undoable = changes.add
    return alarms, changes


async def test_a_silence_is_undone_and_the_end_of_one_too(tmp_path: Path) -> None:
    alarms, changes = alarms_and_changes(tmp_path, ManualClock(wall=NOW))
    alarms.silence(NOW + 3_600, "a move", worker="wkr_1")
    assert await changes.undo() == "No longer silenced: all of wkr_1."
    assert alarms.book.silences == ()
    silence = alarms.silence(NOW + 3_600, "a move", worker="wkr_1")
    alarms.unsilence(silence)
    assert await changes.undo() == "Silenced again: all of wkr_1."
    (again,) = alarms.book.silences
    assert (again.worker, again.until, again.reason) == ("wkr_1", NOW + 3_600, "a move")
    assert await changes.undo() == "The silence of all of wkr_1 has ended already."


async def test_a_silence_whose_time_is_over_is_not_put_back(tmp_path: Path) -> None:
    clock = ManualClock(wall=NOW)
    alarms, changes = alarms_and_changes(tmp_path, clock)
    alarms.unsilence(alarms.silence(NOW + 60, "", worker="wkr_1"))
    await clock.advance(61)
    assert await changes.undo() == "The silence of all of wkr_1 would be over by now."
    assert alarms.book.silences == ()
