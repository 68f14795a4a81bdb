"""Copies a worker's incident note to the clipboard, from the workers screen and from the worker's view."""

from functools import partial
from typing import Any

from textual.screen import Screen

from pyhall_tui.render.incident import incident_note
from pyhall_tui.screens.messages import CopyText
from pyhall_tui.threads.off_loop import off_loop
from pyhall_tui.workspace import Workspace


async def copy_note(screen: Screen[Any], workspace: Workspace, worker_id: str) -> None:
    """Write the note from what is known and stored, without asking the registry, and copy it."""
    entry = workspace.fleet.get(worker_id)
    if entry is None:
        return
    events = workspace.recent_events(worker_id)
    question = partial(workspace.journal.dispatches, workspace.profile.name, worker=worker_id, limit=50)
    dispatches = await off_loop(question, name="incident note")
    mine = [row for row in dispatches if row.worker_id == worker_id]  # an id may contain a `*`
    note = incident_note(entry, events, mine, workspace.profile, workspace.now(), workspace.fleet.stale_after)
    screen.post_message(CopyText(note, "incident note"))
