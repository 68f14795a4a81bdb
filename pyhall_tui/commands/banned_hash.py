"""Looking package hashes up in the registry's ban list, for commands."""

from typing import TYPE_CHECKING

from pyhall_tui.bans.lookup import BanListing, look_up
from pyhall_tui.commands.output import printable
from pyhall_tui.commands.session import sentence_of
from pyhall_tui.fleet.entry import State
from pyhall_tui.registry.errors import BanListUnclear, RegistryError
from pyhall_tui.registry.models import BanList
from pyhall_tui.render.worker import LOOKS

if TYPE_CHECKING:
    from pyhall_tui.registry.client import RegistryClient


async def ban_list_or_error(client: "RegistryClient") -> BanList | RegistryError:
    """Ask for the ban list; what went wrong is returned, so that each hash can be said to be unknown."""
    try:
        return await client.ban_list()
    except RegistryError as error:
        return error


def look_up_answer(sha256: str, answer: BanList | RegistryError) -> BanListing:
    """Look up a bare hash in the answer to the ban list's request."""
    if isinstance(answer, BanList):
        return look_up(sha256, answer)
    worst = answer.worst if isinstance(answer, BanListUnclear) else BanList(entries={})
    bans = BanList(entries=worst.entries, correlation_id=answer.correlation_id)
    return look_up(sha256, bans, sentence_of(answer))


def listing_line(listing: BanListing, what: str = "") -> str:
    """Return a line about one hash; `what` says where it is from."""
    word, look = {
        True: ("LISTED", LOOKS[State.BANNED]),
        False: ("not listed", LOOKS[State.CLEAN]),
        None: ("unknown", LOOKS[State.UNKNOWN]),
    }[listing.listed]
    why = listing.reason or "" if listing.listed else ""
    parts = [look.glyph, word.ljust(10), listing.sha256, *filter(None, [what, why])]
    return printable("  ".join(parts).rstrip())
