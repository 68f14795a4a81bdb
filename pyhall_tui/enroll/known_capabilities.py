"""The capabilities seen before: in the profile, in the fleet's verdicts, in earlier enrollments."""

from functools import partial
from itertools import chain

import msgspec

from pyhall_tui.enroll.request import FORM
from pyhall_tui.fleet.fleet import Fleet
from pyhall_tui.journal.journal import Journal
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.threads.off_loop import off_loop


class _Sent(msgspec.Struct):
    capabilities: tuple[str, ...] = ()


async def known_capabilities(profile: Profile, fleet: Fleet, journal: Journal) -> list[str]:
    """Return them in alphabetical order, each once."""
    seen = set(chain.from_iterable(entry.verdict.capabilities for entry in fleet if entry.verdict))
    sent = await off_loop(partial(_sent_before, journal, profile.name), name="journal")
    return sorted({*profile.capabilities, *seen, *sent}, key=str.casefold)


def _sent_before(journal: Journal, profile_name: str) -> set[str]:
    found: set[str] = set()
    for row in journal.enrollments(profile_name, batch=FORM):
        try:
            found.update(msgspec.json.decode(row.request, type=_Sent).capabilities)
        except (msgspec.DecodeError, RecursionError):
            continue
    return found
