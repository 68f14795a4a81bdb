"""Asks again and again whether the account is suspended and the hall's own code banned, and makes alarms of it.

Only a clear yes starts an alarm and only a clear no ends it: a field that is missing or has another type says nothing.
What another registry said counts only until the profile's new one answers.
"""

from typing import Final

from pyhall_tui.alarms.alarm import Condition
from pyhall_tui.asking_again import ask_again
from pyhall_tui.clock import Clock
from pyhall_tui.connection import Connection
from pyhall_tui.files.notes import Notes
from pyhall_tui.fleet.events import FIRST_SIGHT, Kind
from pyhall_tui.fleet.transitions import make_event
from pyhall_tui.journal.alarms import Alarms
from pyhall_tui.registry.hall_account import Account, OwnCode, ask_account, ask_hall_account, ask_own_code

_SUSPENDED: Final = "account suspended"
_BANNED: Final = "its own code banned"
_CONDITIONS: Final = frozenset({Condition.ACCOUNT_SUSPENDED, Condition.HALL_BANNED})
_NOTE: Final = "standing"
"""The kind of the note that has the URL of the registry whose word the alarms are."""


async def follow(connection: Connection, alarms: Alarms, notes: Notes, clock: Clock) -> None:
    """Ask until cancelled. Beside a program that watches the profile, that one does."""
    await ask_again(connection, clock, _Asking(connection, alarms, notes, clock).look, "the account")


class _Asking:
    def __init__(self, connection: Connection, alarms: Alarms, notes: Notes, clock: Clock) -> None:
        self._connection, self._alarms, self._notes, self._clock = connection, alarms, notes, clock
        self._hall = ""
        """The URL of the registry that was seen to be a hall: its status counts, and nothing else in its place."""

    async def look(self) -> bool:
        """Ask both questions; False if this registry has no answer to either."""
        registry, ask = self._connection.profile.registry_url, self._connection.ask_in_turn
        account = await ask(ask_hall_account)
        if account is not None:
            self._hall = registry
        elif self._hall != registry:
            account = await ask(ask_account)
        code = await ask(ask_own_code)
        if registry == self._connection.profile.registry_url:
            wall = self._clock.now().wall
            self._end_what_another_said(registry, wall)
            _take_account(account or Account(), self._alarms, wall)
            _take_code(code, self._alarms, wall)
            if (account and account.is_suspended) or code.banned:
                self._note_who_said_so(registry)
        return account is not None or code.banned is not None or self._hall == registry

    def _end_what_another_said(self, registry: str, wall: float) -> None:
        """End the alarms that are the word of the registry that the profile had before."""
        if _CONDITIONS.isdisjoint(self._alarms.book.firing("")):
            return
        before = self._notes.load(_NOTE, "", str)
        if before is not None and before != registry:
            event = make_event(Kind.REGISTRY_CHANGED, wall, None, before, registry, source="operator")
            self._alarms.record([event])

    def _note_who_said_so(self, registry: str) -> None:
        if self._notes.load(_NOTE, "", str) != registry:
            self._notes.save(_NOTE, "", registry)


def _take_account(account: Account, alarms: Alarms, wall: float) -> None:
    fires = Condition.ACCOUNT_SUSPENDED in alarms.book.firing("")
    said = account.is_suspended
    if said is None or said is fires:
        return
    kind = Kind.ACCOUNT_SUSPENDED if said else Kind.ACCOUNT_RESTORED
    detail = f"as of {account.checked_at}" if account.checked_at else ""
    before, after = (FIRST_SIGHT, _SUSPENDED) if said else (_SUSPENDED, f"account {account.standing}")
    alarms.record([make_event(kind, wall, None, before, after, source="client", detail=detail)])


def _take_code(code: OwnCode, alarms: Alarms, wall: float) -> None:
    fires = Condition.HALL_BANNED in alarms.book.firing("")
    if code.banned is None or code.banned is fires:
        return
    kind = Kind.HALL_BANNED if code.banned else Kind.HALL_UNBANNED
    before, after = (FIRST_SIGHT, _BANNED) if code.banned else (_BANNED, "its own code not banned")
    alarms.record([make_event(kind, wall, None, before, after, source="client", detail=code.hash or "")])
