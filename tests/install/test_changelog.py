"""The changelog: its form, and that it has an entry for the version that is built."""

import re
import tomllib
from datetime import date
from pathlib import Path

from packaging.version import Version

from pyhall_tui import __version__

ROOT = Path(__file__).parents[2]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
KINDS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]


def sections() -> list[str]:
    """Return the title of each version's section, the newest first, as written behind `## `."""
    return re.findall(r"^## (.+)$", CHANGELOG, re.MULTILINE)


def released() -> list[Version]:
    """Return the versions that have been released, the newest first."""
    return [Version(title.split("]")[0].strip("[")) for title in sections() if title != "[Unreleased]"]


def next_version() -> Version:
    """Return the version that a tree without git is built as."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return Version(settings["tool"]["hatch"]["version"]["fallback-version"])


def test_the_newest_section_is_what_is_built() -> None:
    """A release has a section of its own on top; on the way to one, what is new stands under Unreleased."""
    building = Version(__version__)
    if building.is_devrelease:
        assert sections()[0] == "[Unreleased]"
        assert all(version < building for version in released())
    else:
        assert released()[0] == building


def test_a_tree_without_git_is_on_the_way_to_the_version_after_the_newest_release() -> None:
    assert next_version().is_devrelease
    assert all(version <= Version(next_version().base_version) for version in released())


def test_each_release_has_its_day_and_the_newest_is_on_top() -> None:
    for title in sections():
        if title != "[Unreleased]":
            day = re.fullmatch(r"\[\d+\.\d+\.\d+\] - (\d{4}-\d\d-\d\d)( \[YANKED\])?", title)
            assert day, title
            date.fromisoformat(day[1])
    assert released() == sorted(released(), reverse=True)


def test_changes_are_sorted_by_kind_and_each_version_has_its_link() -> None:
    for kind in re.findall(r"^### (.+)$", CHANGELOG, re.MULTILINE):
        assert kind in KINDS
    for title in sections():
        assert re.search(rf"^{re.escape(title.split(' - ')[0])}: https://", CHANGELOG, re.MULTILINE)
