"""The table of profiles: a row for each that is watched, marked if it is chosen for the overview."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar, Final

from textual.binding import Binding, BindingType

from pyhall_tui.clock import Moment
from pyhall_tui.render.overview import ProfileLook, ProfileSummary, profile_look
from pyhall_tui.widgets.line_table import Column, LineTable, Row

COLUMNS: Final = (
    Column("profile", "  PROFILE", 12, flex=1, sortable=False, is_id=True, most=24),
    Column("namespace", "NAMESPACE", 12, flex=1, leaves=2, sortable=False),
    Column("registry", "REGISTRY", 16, flex=1, leaves=1, sortable=False),
    Column("connection", "CONNECTION", 29, flex=3, sortable=False),
    Column("workers", "WORKERS", 18, flex=3, sortable=False),
    Column("alarms", "ALARMS", 7, flex=1, sortable=False),
    Column("oldest", "OLDEST", 6, leaves=5, sortable=False, field="oldest_verdict_at"),
    Column("behind", "SWEEP", 10, leaves=4, sortable=False),
    Column("changed", "CHANGED", 11, leaves=3, sortable=False, field="changed_at"),
)


def row_of(of: ProfileSummary | None, now: Moment) -> Row:
    """Return a profile's row at that moment."""
    if of is None:
        return Row({})
    look: ProfileLook = profile_look(of, now)
    return Row({**look._asdict()})


class ProfilesTable(LineTable):
    """Rows of profiles. The mark before a row says that it is chosen; space changes that."""

    ACTS_ON_MARKS = False
    BINDING_GROUP_TITLE = "Profiles"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "space",
            "mark",
            "Choose",
            id="overview.choose",
            tooltip="Watch this profile while another one is open, or no longer",
        ),
    ]

    class Chosen(LineTable.RowMessage):
        """A profile is to be in the overview, or no longer."""

        def __init__(self, table: LineTable, key: str) -> None:
            super().__init__(table)
            self.key = key

    def __init__(
        self,
        row: Callable[[str], Row],
        values: Callable[[str], Mapping[str, Any] | None],
        *,
        id: str,  # noqa: A002
    ) -> None:
        """`values` returns what an export says of a profile (see `LineTable`)."""
        super().__init__(COLUMNS, row, id=id, values=values, what="profile")

    def mark(self, keys: Collection[str]) -> None:
        """Mark the rows that are chosen."""
        if changed := {*self.marked}.symmetric_difference(keys):
            self.marked.set_to(keys)
            self.refresh_rows(changed)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Don't offer what would mark many at once: each mark is a profile that is watched."""
        return action not in ("mark_shown", "invert_marks")

    def action_mark(self) -> None:
        if (key := self.target()) is not None:
            self.post_message(self.Chosen(self, key))
