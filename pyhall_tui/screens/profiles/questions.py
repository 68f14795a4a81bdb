"""The questions before something is overwritten, deleted or saved untested."""

from typing import Any, Final

from textual.content import Content

from pyhall_tui.profiles.edits import values_of
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.profile_store import ProfileConflict
from pyhall_tui.render.text import Cell, Style, clean
from pyhall_tui.screens.profiles.choice import Choice, ChoiceScreen
from pyhall_tui.widgets.cells import as_content

_LABEL: Final = 22


def ask_untested(*, failed: bool, hindrance: str = "") -> ChoiceScreen:
    """Ask before saving a connection that is not known to work: `test`, `save` or None.

    Args:
        hindrance: why a test can't show now whether the settings work, in sentences.
    """
    title = "The test failed" if failed else "Not tested yet"
    text = "With these settings, the registry did not answer correctly." if failed else "A test takes a moment."
    if hindrance:
        title, text = "Can't be tested now", clean(hindrance, 400)
    choices = [Choice("test", "Test again" if failed else "Test first"), Choice("save", "Save anyway")]
    question = "Save anyway?" if failed and not hindrance else "Save without testing?"
    return ChoiceScreen(title, Content(f"{text} {question}"), choices[bool(hindrance) :])


def ask_delete(profile: Profile, workers: int, *, is_open: bool) -> ChoiceScreen:
    """Ask before deleting a profile: `delete` or None."""
    watched = f"its watch list of {workers} worker{'s' * (workers != 1)}" if workers else "its watch list"
    lines = [
        as_content(
            [
                Cell(clean(profile.name), Style.STRONG),
                Cell(f", its key in the OS keyring and {watched} will be deleted."),
            ]
        ),
        Content("Its history stays in the journal, marked as deleted: a new profile does not inherit it."),
        Content("This cannot be undone; nothing changes in the registry."),
    ]
    if is_open:
        lines.append(Content("It is open now, and will be closed."))
    choices = [Choice("keep", "Keep it"), Choice("delete", "Delete it", danger=True)]
    return ChoiceScreen("Delete this profile?", Content("\n").join(lines), choices)


def ask_conflict(conflict: ProfileConflict, mine: Profile) -> ChoiceScreen:
    """Ask what to do if the file was changed meanwhile: `theirs`, `mine` or None."""
    if conflict.theirs is None:
        choices = [Choice("theirs", "Discard mine"), Choice("mine", "Save it anyway")]
        return ChoiceScreen("Changed in the meantime", Content(clean(conflict)), choices)
    theirs, ours = values_of(conflict.theirs), values_of(mine)
    lines = [Content("Someone else changed the same settings in the file:"), Content("")]
    lines += [_difference(key, theirs[key], ours[key]) for key in conflict.keys]
    choices = [Choice("theirs", "Take theirs"), Choice("mine", "Overwrite with mine", danger=True)]
    return ChoiceScreen("Changed in the meantime", Content("\n").join(lines), choices)


def take_theirs(conflict: ProfileConflict, mine: dict[str, Any]) -> dict[str, Any]:
    """Return the form's values, with the file's value wherever both changed the same field."""
    assert conflict.theirs is not None
    theirs = values_of(conflict.theirs)
    return {**mine, **{key: theirs[key] for key in conflict.keys}}


def _difference(key: str, theirs: object, mine: object) -> Content:
    label = key.replace("_", " ").ljust(_LABEL)
    cells = [Cell(label, Style.DIM), Cell("theirs "), Cell(clean(theirs), Style.STRONG)]
    return as_content([*cells, Cell("  mine "), Cell(clean(mine), Style.STRONG)])
