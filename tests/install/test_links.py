"""Each link and picture in the guides and the manual leads somewhere. Other sites are not asked."""

import re
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
GUIDES = [ROOT / name for name in ("README.md", "DEVELOPERS.md", "CHANGELOG.md")]
TOPICS = sorted((ROOT / "pyhall_tui/topics").glob("*.md"))
MOST_BYTES_OF_A_PICTURE = 1_000_000


def tokens_of(file: Path) -> list[Token]:
    """Return the file's inline tokens, those in tables and lists too."""
    parsed = MarkdownIt("commonmark").enable("table").parse(file.read_text(encoding="utf-8"))
    return [token for block in parsed for token in block.children or []]


def targets(file: Path, kind: str, attribute: str) -> list[str]:
    return [str(token.attrs[attribute]) for token in tokens_of(file) if token.type == kind]


def anchors(file: Path) -> set[str]:
    """Return the anchors that a forge gives the headings: lower case, without punctuation, hyphens for spaces."""
    titles = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def fault_of(target: str, file: Path) -> str | None:
    """Return what is wrong with a link in `file`."""
    parts = urlsplit(target)
    if parts.scheme:
        whole = parts.scheme == "https" and re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", parts.netloc)
        return None if whole else "is not the https address of a site"
    to = (file.parent / parts.path).resolve() if parts.path else file
    if not to.is_relative_to(ROOT):
        return "leads out of the repository"
    if not to.is_file():
        return "does not exist"
    return None if not parts.fragment or parts.fragment in anchors(to) else "has no such heading"


@pytest.mark.parametrize("file", GUIDES, ids=lambda file: file.name)
def test_each_link_of_a_guide_leads_somewhere(file: Path) -> None:
    links = [*targets(file, "link_open", "href"), *targets(file, "image", "src")]
    assert not {link: fault for link in links if (fault := fault_of(link, file))}


@pytest.mark.parametrize("file", TOPICS, ids=lambda file: file.name)
def test_a_topic_links_only_to_other_sites_and_keys(file: Path) -> None:
    """In a terminal no file beside it can be opened. A link to `#…` names an action, and is shown as its key."""
    for link in targets(file, "link_open", "href"):
        assert link.startswith("#") or (urlsplit(link).scheme and fault_of(link, file) is None), link
    assert not targets(file, "image", "src")


def test_each_picture_is_shown_and_can_be_drawn() -> None:
    shown = {ROOT / src for file in GUIDES for src in targets(file, "image", "src") if not urlsplit(src).scheme}
    assert shown == {*(ROOT / "screenshots").glob("*.svg")}
    for picture in shown:
        assert ElementTree.parse(picture).getroot().tag == "{http://www.w3.org/2000/svg}svg"
        assert picture.stat().st_size < MOST_BYTES_OF_A_PICTURE


@pytest.mark.parametrize("picture", sorted((ROOT / "screenshots").glob("*.svg")), ids=lambda file: file.stem)
def test_a_picture_asks_nobody_and_has_words_for_those_who_cannot_see_it(picture: Path) -> None:
    svg = picture.read_text(encoding="utf-8")
    drawn = re.sub(r"(<(?:text|title|desc)\b[^>]*>)[^<]*", r"\1", svg)  # a screen may show an address as text
    assert set(re.findall(r"[a-z]+://[^\"']+", drawn)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"@font-face|@import|url\(|<script|<image|href=", drawn)
    root = ElementTree.fromstring(svg)
    words = [root.findtext(f"{{http://www.w3.org/2000/svg}}{name}") or "" for name in ("title", "desc")]
    assert all(words) and len(words[1]) > 40


@pytest.mark.parametrize(
    "link",
    [
        "screenshots/none.svg",
        "../outside",
        "README.md#no-such-heading",
        "http://plain.example",
        "https://",
        "htps://a.b",
    ],
)
def test_a_broken_link_is_found(link: str) -> None:
    assert fault_of(link, ROOT / "README.md")


def test_a_link_to_a_heading_is_followed() -> None:
    assert fault_of("README.md#two-commands", ROOT / "DEVELOPERS.md") is None
