"""`[theme]`: ours, Textual's, or your own."""

import pytest

from pyhall_tui.config.config import read
from pyhall_tui.config.known import Known
from pyhall_tui.config.table import Mistake
from pyhall_tui.config.theme import OwnTheme, ThemeChoice

KNOWN = Known(themes=("pyhall-dark", "pyhall-16-dark", "nord"), colors=("teal", "red"))


def theme_of(text: str) -> ThemeChoice:
    config, mistakes = read(text, KNOWN)
    assert mistakes == []
    return config.theme


def only_mistake(text: str) -> Mistake:
    config, mistakes = read(text, KNOWN)
    assert len(mistakes) == 1 and config.theme.name == "pyhall-dark"
    return mistakes[0]


def test_a_theme_is_chosen_by_name() -> None:
    assert theme_of('[theme]\nname = "nord"').name == "nord"


def test_a_theme_of_your_own_has_a_table() -> None:
    text = '[theme]\nname = "mine"\n[theme.mine]\nlike = "nord"\nerror = "#f00"\nframe = "teal"'
    assert theme_of(text) == ThemeChoice("mine", own={"mine": OwnTheme("nord", {"error": "#f00", "frame": "teal"})})


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ('[theme]\nname = "nrod"', Mistake(2, 8, "There is no theme named nrod. Did you mean nord?")),
        ("[theme]\nname = 7", Mistake(2, 8, "name must be a text in quotes.")),
        ('[theme]\nnam = "nord"', Mistake(2, 1, "There is no setting named nam. Did you mean name?")),
        ('[theme.mine]\nerror = "#12345"', Mistake(2, 9, "#12345 is not a color: write # and 3 or 6 hex digits.")),
        ('[theme.mine]\nerror = "tael"', Mistake(2, 9, "There is no color named tael. Did you mean teal?")),
        (
            '[theme.mine]\neror = "red"',
            Mistake(2, 1, "There is no color of a theme named eror. Did you mean error?"),
        ),
        ('[theme.mine]\nlike = "nrod"', Mistake(2, 8, "There is no theme named nrod. Did you mean nord?")),
        (
            '[theme.nord]\nerror = "red"',
            Mistake(1, 1, "nord can't be the name of your own theme: it has a meaning."),
        ),
        ('theme = "nord"', Mistake(1, 9, "theme must be a table.")),
    ],
)
def test_a_mistake_is_named_with_its_place_and_ours_stays(text: str, mistake: Mistake) -> None:
    assert only_mistake(text) == mistake
