"""Verifies the marked workers of all profiles, after a question if they are many or some are hidden."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from pyhall_tui.render.text import clean
from pyhall_tui.screens.overview.watched import FoundWorker

if TYPE_CHECKING:
    from pyhall_tui.screens.enroll.ask import AskScreen

MANY: Final = 100
"""More workers than this are verified only after a question: it is a request for each."""
_MOST_NAMED: Final = 8
"""How many profiles one question names."""


def question(found: Sequence[FoundWorker], hidden: int) -> "AskScreen | None":
    """Return the question to ask first, with the number of each profile; None if there is nothing to ask."""
    if len(found) < 2 or (len(found) <= MANY and not hidden):
        return None
    from textual.content import Content

    from pyhall_tui.screens.enroll.ask import AskScreen

    counts = Counter(each.workspace.profile.name for each in found).most_common()
    lines = ["It is a request for each, sent as fast as its profile allows."]
    if hidden:
        lines.append(f"{hidden:,} of them {'is' if hidden == 1 else 'are'} hidden by the filter.")
    lines += ["", *(f"  {count:,} of {clean(name, 60)}" for name, count in counts[:_MOST_NAMED])]
    if more := counts[_MOST_NAMED:]:
        lines.append(f"  {sum(count for _, count in more):,} of {len(more):,} more profiles")
    return AskScreen(
        f"Verify {len(found):,} workers?", Content("\n".join(lines)), yes=f"Verify {len(found):,}", no="Cancel"
    )


def verify(found: Sequence[FoundWorker]) -> str:
    """Verify these workers next, each with its profile's key and pace; return what to say."""
    ids: dict[int, list[str]] = {}
    for each in found:
        ids.setdefault(id(each.workspace), []).append(each.worker_id)
    for workspace in {id(each.workspace): each.workspace for each in found}.values():
        workspace.connection.verify_now(ids[id(workspace)])
    named = clean(found[0].worker_id, 80) if len(found) == 1 else f"{len(found):,} workers"
    return f"Verifying {named} now."
