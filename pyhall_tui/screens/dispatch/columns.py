"""The columns of the lists of dispatches: this session's, and all stored ones."""

from pyhall_tui.widgets.line_table import Column

COLUMNS = (
    Column("when", "WHEN", 9, sortable=False),
    Column("result", "ANSWER", 9, sortable=False),
    Column("code", "CODE", 12, flex=2, leaves=4, sortable=False),
    Column("capability", "CAPABILITY", 18, flex=2, leaves=5, sortable=False, is_name=True),
    Column("worker", "WORKER", 16, flex=2, sortable=False, is_id=True),
    Column("tier", "TIER", 8, leaves=3, sortable=False),
    Column("elapsed", "TIME", 8, leaves=2, sortable=False),
    Column("correlation", "CORRELATION ID", 18, leaves=1, sortable=False),
)
