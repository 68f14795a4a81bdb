"""`[columns]`: what of a table can be configured, and how mistakes are named."""

import pytest

from pyhall_tui.config import columns
from pyhall_tui.config.columns import Layout
from pyhall_tui.config.config import Config, read
from pyhall_tui.config.known import Known, KnownTable

KNOWN = Known(
    tables={
        "workers": KnownTable(("state", "worker", "name", "hash"), ("worker",), ("state", "worker", "hash")),
        "activity": KnownTable(("when", "worker"), ("worker",), ()),
    }
)


def mistake(text: str) -> str:
    """Return the only mistake, and make sure that what is wrong does not count."""
    config, (found,) = read(f"[columns.workers]\n{text}\n", KNOWN)
    assert config.columns == {}
    return str(found)


def test_order_widths_and_sort() -> None:
    text = '[columns.workers]\nshow = ["worker", "hash"]\nwidth = { worker = [20, 30], hash = 9 }\nsort = "-hash"\n'
    assert read(text, KNOWN) == (
        Config(columns={"workers": Layout(("worker", "hash"), {"worker": (20, 30), "hash": (0, 9)}, "-hash")}),
        [],
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            'show = ["worker", "hsah"]',
            "line 2, column 8: There is no column named hsah. Did you mean hash? There are: state, worker, name, hash.",
        ),
        ('show = ["state"]', "line 2, column 8: worker can't be left out: it tells rows apart."),
        ('sort = "name"', "line 2, column 8: There is no column named name. There are: state, worker, hash."),
        ("width = { nme = 9 }", "line 2, column 1: There is no column named nme. Did you mean name?"),
        ("shwo = []", "line 2, column 1: There is no setting of a table named shwo. Did you mean show?"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, said: str) -> None:
    assert mistake(text) == said


@pytest.mark.parametrize("cells", ["0", "-1", "true", "[3, 2]", "[1]", '"9"', "201", "11"])
def test_a_width_that_is_none_or_too_narrow_for_ids_is_refused(cells: str) -> None:
    assert "The width of worker must be a number of cells from 12 to 200" in mistake(f"width = {{ worker = {cells} }}")


def test_an_unknown_table_is_named_and_one_with_its_own_order_is_not_sorted() -> None:
    assert str(read("[columns.worker]\n", KNOWN)[1][0]).endswith("Did you mean workers?")
    assert "an order of its own" in str(read('[columns.activity]\nsort = "when"\n', KNOWN)[1][0])


def test_a_sort_must_be_by_a_column_that_is_shown() -> None:
    config, (found,) = read('[columns.workers]\nshow = ["worker"]\nsort = "hash"\n', KNOWN)
    assert str(found) == "line 3, column 8: hash is not among the columns that are shown."
    assert config.columns["workers"] == Layout(("worker",))


def test_the_reference_changes_nothing() -> None:
    assert read("\n".join(columns.reference(KNOWN)), KNOWN) == (Config(), [])
