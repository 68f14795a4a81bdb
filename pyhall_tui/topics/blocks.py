"""A topic's Markdown as typed blocks: headings, paragraphs, list items, code. Nothing else is written in topics."""

from collections.abc import Iterator
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from markdown_it.token import Token


class Kind(Enum):
    """What a block is."""

    TITLE = "title"
    HEADING = "heading"
    PARAGRAPH = "paragraph"
    ITEM = "item"
    CODE = "code"


class Look(Enum):
    """How a part of a text looks."""

    PLAIN = "plain"
    STRONG = "strong"
    CODE = "code"


class Span(NamedTuple):
    """Part of a text that looks the same."""

    text: str
    look: Look = Look.PLAIN
    action: str = ""
    """The id of a key's action if the text is its default key: you may have given it another one."""


class Block(NamedTuple):
    """One block."""

    kind: Kind
    spans: tuple[Span, ...]
    """The text; of code, one span with its line ends."""
    mark: str = ""
    """What is in front of a list item: `•`, or its number. A second paragraph of an item has only its indent."""


class NotATopic(ValueError):
    """The Markdown has something that topics don't use, such as a table."""


def read(markdown: str) -> list[Block]:
    """Return the blocks of a topic's Markdown. Raises `NotATopic`.

    A link to `#workers.sort` says that its text is the key of that action.
    """
    blocks = list[Block]()
    marks = list[str]()
    mark, heading = "", ""
    for token in MarkdownIt("commonmark").parse(markdown):
        match token.type:
            case "heading_open":
                heading = token.tag
            case "bullet_list_open" | "ordered_list_open":
                marks.append("•")
            case "bullet_list_close" | "ordered_list_close":
                marks.pop()
            case "list_item_open":
                mark = f"{token.info}." if token.info else "•"
            case "inline":
                blocks.append(_block(heading, mark, bool(marks), tuple(_spans(token))))
                mark, heading = "", ""
            case "fence":
                blocks.append(Block(Kind.CODE, (Span(token.content.rstrip("\n"), Look.CODE),)))
            case "heading_close" | "paragraph_open" | "paragraph_close" | "list_item_close":
                pass
            case other:
                raise NotATopic(f"A topic can't have {other}")
    return blocks


def _block(heading: str, mark: str, in_list: bool, spans: tuple[Span, ...]) -> Block:
    if heading:
        return Block(Kind.TITLE if heading == "h1" else Kind.HEADING, spans)
    return Block(Kind.ITEM, spans, mark) if in_list else Block(Kind.PARAGRAPH, spans)


def _spans(inline: "Token") -> Iterator[Span]:
    look, action = Look.PLAIN, ""
    for token in inline.children or ():
        match token.type:
            case "text":
                yield Span(token.content, look)
            case "code_inline":
                yield Span(token.content, Look.CODE, action)
            case "softbreak":
                yield Span(" ", look)
            case "strong_open":
                look = Look.STRONG
            case "strong_close":
                look = Look.PLAIN
            case "link_open":
                action = str(token.attrs["href"]).removeprefix("#")
            case "link_close":
                action = ""
            case other:
                raise NotATopic(f"A topic can't have {other}")
