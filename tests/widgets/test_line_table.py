"""The table for long lists: what it draws, and how little."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.screen import ModalScreen

from pyhall_tui.render.text import Cell, clean
from pyhall_tui.shell.theme import DARK
from pyhall_tui.widgets.columns import fit, pieces
from pyhall_tui.widgets.line_table import Column, LineTable, Row
from tests.waiting import until

COLUMNS = (Column("id", "ID", 8, flex=1), Column("note", "NOTE", 10, leaves=1), Column("age", "AGE", 6))


class TableApp(App[None]):
    def __init__(self, rows: int) -> None:
        super().__init__()
        self.drawn: list[str] = []
        self.rows = [f"row-{number}" for number in range(rows)]
        self.opened: list[str] = []
        self.ages: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        yield LineTable(COLUMNS, self.row)

    def on_mount(self) -> None:
        self.register_theme(DARK)
        self.theme = DARK.name
        self.query_one(LineTable).show(self.rows)

    def row(self, key: str) -> Row:
        self.drawn.append(key)
        return Row({"id": Cell(key), "note": Cell("n"), "age": Cell(self.ages.get(key, "1s"))})

    def on_line_table_opened(self, message: LineTable.Opened) -> None:
        self.opened.append(message.key)


async def test_only_the_rows_on_screen_are_ever_made() -> None:
    app = TableApp(10_000)
    async with app.run_test(size=(60, 20)):
        assert len(set(app.drawn)) <= 20


async def test_a_change_of_a_row_that_is_not_on_screen_draws_nothing() -> None:
    app = TableApp(10_000)
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.pause()
        app.drawn.clear()
        app.query_one(LineTable).refresh_rows(["row-9000"])
        await pilot.pause()
        assert app.drawn == []


async def test_a_change_of_a_row_on_screen_draws_only_that_row() -> None:
    app = TableApp(100)
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.pause()
        app.drawn.clear()
        app.query_one(LineTable).refresh_rows(["row-3"])
        await pilot.pause()
        assert set(app.drawn) == {"row-3"}


async def test_the_cursor_stays_on_its_row_when_the_order_changes() -> None:
    app = TableApp(100)
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press("down", "down")
        table = app.query_one(LineTable)
        table.show(list(reversed(app.rows)))
        assert table.cursor_key == "row-2"
        assert "row-2" in table.visible_keys


async def test_a_row_that_is_gone_leaves_the_cursor_in_its_place() -> None:
    app = TableApp(5)
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press("down")
        table = app.query_one(LineTable)
        table.show([key for key in app.rows if key != "row-1"])
        assert table.cursor_key == "row-2"


async def test_until_a_person_moves_it_the_cursor_is_on_the_first_row() -> None:
    app = TableApp(5)
    async with app.run_test(size=(60, 20)):
        table = app.query_one(LineTable)
        table.show(list(reversed(app.rows)))
        assert table.cursor_key == "row-4"


async def test_a_key_that_was_meant_for_the_row_before_does_nothing_and_the_next_one_acts() -> None:
    """F24: the first row moves away in the same instant, before anybody has moved the cursor."""
    app = TableApp(5)
    async with app.run_test(size=(60, 20)) as pilot:
        table = app.query_one(LineTable)
        table.show(list(reversed(app.rows)), by_itself=True)
        await pilot.press("enter")
        assert app.opened == []
        table.show(app.rows, by_itself=True)
        await pilot.press("enter")
        assert app.opened == ["row-4"]


@pytest.mark.parametrize("act", [LineTable.targets, LineTable.target])
async def test_no_action_is_meant_for_what_took_the_place_of_a_row_that_went(
    act: Callable[[LineTable], object],
) -> None:
    """F24: it no longer passes the filter."""
    app = TableApp(5)
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press("down")
        table = app.query_one(LineTable)
        table.show([key for key in app.rows if key != "row-1"], by_itself=True)
        assert not act(table)
        assert act(table) in ("row-2", ["row-2"])


async def test_no_action_falls_back_to_the_cursor_when_all_marked_rows_went() -> None:
    """F24."""
    app = TableApp(5)
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press("down", "space")
        table = app.query_one(LineTable)
        table.show([key for key in app.rows if key != "row-1"], by_itself=True)
        assert table.targets() == []


@pytest.mark.parametrize("by_itself", [True, False])
async def test_a_row_that_stays_under_the_cursor_and_what_a_person_asked_for_is_acted_on_at_once(
    by_itself: bool,
) -> None:
    app = TableApp(5)
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press("down")
        table = app.query_one(LineTable)
        table.show(list(reversed(app.rows)), by_itself=by_itself)
        assert table.targets() == ["row-1"]
        table.show(["row-3", "row-4"])
        assert table.targets() == ["row-4"]


async def test_after_a_moment_the_row_that_came_is_what_one_sees() -> None:
    app = TableApp(5)
    async with app.run_test(size=(60, 20)):
        table = app.query_one(LineTable)
        table.show(list(reversed(app.rows)), by_itself=True)
        await until(lambda: table._settling is None)
        assert table.targets() == ["row-4"]


async def test_a_double_click_opens_the_row() -> None:
    app = TableApp(5)
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.click(LineTable, offset=(4, 3), times=2)
        await until(lambda: app.opened)
        assert app.opened == ["row-2"]


async def test_columns_leave_a_narrow_table_in_their_order() -> None:
    app = TableApp(1)
    async with app.run_test(size=(60, 5)) as pilot:
        assert "NOTE" in app.query_one(LineTable).render_line(0).text
        await pilot.resize_terminal(24, 5)
        header = app.query_one(LineTable).render_line(0).text
        assert "NOTE" not in header
        assert "AGE" in header


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [("ab", 4, "ab  "), ("abcdef", 4, "abc…"), ("日本語", 4, "日 …"), ("日本", 4, "日本"), ("x", 0, "")],
)
def test_a_cut_never_halves_a_double_width_character(text: str, width: int, expected: str) -> None:
    """F10."""
    assert fit(text, width) == expected


@given(st.lists(st.text().map(clean), max_size=4), st.integers(1, 30))
def test_a_cell_of_any_parts_is_as_wide_as_its_column_and_the_gap(texts: list[str], width: int) -> None:
    """F10."""
    row = Row({"marks": tuple(Cell(text) for text in texts)})
    assert sum(cell_len(piece.text) for piece in pieces(row, "marks", width)) == width + 2


async def test_a_row_for_which_the_table_grows_widens_its_column() -> None:
    """It is drawn before the table hears of its new height."""
    app = TableApp(2)
    app.ages["row-2"] = "a long time"
    async with app.run_test(size=(60, 20)) as pilot:
        table = app.query_one(LineTable)
        table.styles.height = 3
        await pilot.pause()
        app.push_screen(ModalScreen[None]())
        table.styles.height = 4
        table.show([*app.rows, "row-2"])
        app.pop_screen()
        await until(lambda: table.size.height == 4)
        await pilot.pause()
        assert "a long time" in table.render_line(3).text


async def test_the_column_by_which_it_is_sorted_never_leaves() -> None:
    app = TableApp(1)
    async with app.run_test(size=(24, 5)):
        table = app.query_one(LineTable)
        assert "NOTE" not in table.render_line(0).text
        table.set_sort("note", descending=True)
        assert "NOTE ▼" in table.render_line(0).text


async def test_a_row_that_looks_as_before_is_not_painted_again() -> None:
    app = TableApp(100)
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.pause()
        table = app.query_one(LineTable)
        painted: list[object] = []
        table.refresh = lambda *regions, **_: painted.append(regions)  # type: ignore[assignment, method-assign]
        table.refresh_rows(["row-3"])
        table.show([*app.rows[:-2], "row-99", "row-98"])
        assert painted == []


async def test_a_row_that_the_cursor_left_is_painted_without_it() -> None:
    app = TableApp(100)
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.pause()
        table = app.query_one(LineTable)
        await pilot.press("down", "up", "down")
        await pilot.pause()
        barred = [line for line in range(1, 19) if "▌" in table.render_line(line).text]
        assert barred == [2]
