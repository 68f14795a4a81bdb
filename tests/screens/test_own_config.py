"""`config.toml` in the app: your own keys and theme, taken at the start and whenever the file changes."""

from pathlib import Path

import pytest

from tests.screens.conftest import OpenApp

pytestmark = pytest.mark.thorough


def footer(app: object) -> str:
    from pyhall_tui.widgets.key_bar import KeyBar

    return app.screen.query_one(KeyBar).render().plain  # type: ignore[attr-defined]


def write(folder: Path, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.toml").write_text(text)


async def test_a_changed_key_works_and_the_footer_shows_it(open_app: OpenApp, home) -> None:
    write(home.config, '[keys]\nworkers.sort = "f6"\n')
    async with open_app(demo=True) as opened:
        assert "f6 Sort" in footer(opened.app) and " s Sort" not in footer(opened.app)
