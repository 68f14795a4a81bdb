"""How much the journal knew at the last batch, stored outside it: a journal that knows less was deleted or restored.

Each run increases a count, first in the journal and then in a small file in the state folder. So a journal that is
ahead of the file is right (the program was killed in between), and one that is behind has forgotten what was sent
since.
"""

from pathlib import Path
from typing import Final

from pyhall_tui.clock import Clock
from pyhall_tui.enroll.request import FORM
from pyhall_tui.files.regular_file import read_bounded, reason
from pyhall_tui.files.safe_file import write_atomically
from pyhall_tui.journal.journal import Journal
from pyhall_tui.journal.rows import EnrollmentRow, EnrollmentState, NotKept

_ANY_PROFILE: Final = ""
"""The count belongs to a registry and namespace, whatever the profile."""
_UNREADABLE: Final = -1


class LastRun:
    """The number of runs in one registry and namespace. Uses the disk, so don't call it on the event loop."""

    def __init__(self, lock: Path, journal: Journal) -> None:
        """Args:
        lock: the path from `batch_lock`; the count is stored under that name.
        """
        self._path = lock.with_suffix(".runs")
        self._journal = journal

    def doubt(self) -> str:
        """Return why the journal may have forgotten what was sent, as a sentence; empty if it has not."""
        if not self._journal.is_kept:
            return ""
        told = self._told()
        if told == _UNREADABLE:
            return f"{self._path}, which tells whether the journal is the one of the last batch, cannot be read."
        if self._known() < told:
            return "The journal was deleted, or an older copy of it was put back, since the last batch."
        return ""

    def count(self, clock: Clock) -> None:
        """Count a run, or the end of one.

        Raises:
            NotKept: it can't be recorded, so send nothing.
        """
        if not self._journal.is_kept:
            return
        runs = max(self._known(), self._told()) + 1
        row = EnrollmentRow(
            batch=FORM,
            row_key=self._path.name,
            state=EnrollmentState.ANSWERED,
            at=clock.now().wall,
            correlation_id=str(runs),
        )
        self._journal.record_enrollment_now(_ANY_PROFILE, row)
        try:
            write_atomically(self._path, str(runs).encode())
        except OSError as error:
            raise NotKept(f"{self._path} can't be written ({reason(error)}), so nothing is sent.") from None

    def _told(self) -> int:
        try:
            return int(read_bounded(self._path))
        except FileNotFoundError:
            return 0
        except (OSError, ValueError):
            return _UNREADABLE

    def _known(self) -> int:
        rows = self._journal.enrollments(_ANY_PROFILE, batch=FORM, row_key=self._path.name)
        return max((int(row.correlation_id) for row in rows if row.correlation_id.isdigit()), default=0)
