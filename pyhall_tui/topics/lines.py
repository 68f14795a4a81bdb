"""A topic as lines of a given width, for a terminal or a dialog."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from pyhall_tui.topics.blocks import Block, Kind, Look, Span

Line = list[Span]
_INDENT: Final = {Kind.TITLE: 0, Kind.HEADING: 0, Kind.PARAGRAPH: 2, Kind.ITEM: 4, Kind.CODE: 4}
"""Characters before a block's text."""


def as_lines(blocks: Iterable[Block], width: int) -> list[Line]:
    """Lay out the blocks, with empty lines between them, in lines of at most `width` characters.

    Code is not wrapped, and a word that is longer than a line has one of its own.
    """
    lines, before = list[Line](), None
    for block in blocks:
        if before is not None and not (before.kind is block.kind is Kind.ITEM):
            lines.append([])
        lines += _code(block) if block.kind is Kind.CODE else _wrapped(block, width)
        before = block
    return lines


def as_text(lines: Iterable[Line]) -> str:
    """Return lines as plain text, each with its end."""
    return "".join("".join(span.text for span in line).rstrip() + "\n" for line in lines)


def _code(block: Block) -> Iterator[Line]:
    indent = " " * _INDENT[Kind.CODE]
    for line in block.spans[0].text.split("\n"):
        yield [Span(indent), Span(line, Look.CODE)] if line else []


def _wrapped(block: Block, width: int) -> Iterator[Line]:
    mark = f"  {block.mark} " if block.mark else ""
    indent = len(mark) or _INDENT[block.kind]
    heading = block.kind in (Kind.TITLE, Kind.HEADING)
    line, used = [Span(mark or " " * indent)], indent
    for word in _words(block.spans):
        length = sum(len(span.text) for span in word)
        gap = used > indent
        if gap and used + 1 + length > width:
            yield line
            line, used, gap = [Span(" " * indent)], indent, False
        parts = [Span(span.text, Look.STRONG) for span in word] if heading else word
        line += [*([Span(" ", _between(line, parts))] if gap else []), *parts]
        used += gap + length
    yield line


def _between(line: Line, word: Line) -> Look:
    """Return the look of the space between two words, so that a command with several words looks like one."""
    return word[0].look if line[-1].look is word[0].look else Look.PLAIN


def _words(spans: Iterable[Span]) -> Iterator[Line]:
    """Yield the words: each a list of spans without a space between them."""
    word = Line()
    for span in spans:
        for part in re.split(r"( +)", span.text):
            if part.startswith(" ") and word:
                yield word
                word = []
            elif part.strip():
                word.append(span._replace(text=part))
    if word:
        yield word


def with_backticks(blocks: Iterable[Block]) -> Iterator[Block]:
    """Put the backticks back around code in a sentence, for where it has no color that tells it apart."""
    for block in blocks:
        if block.kind is Kind.CODE:
            yield block
        else:
            yield block._replace(spans=tuple(_quoted(span) for span in block.spans))


def _quoted(span: Span) -> Span:
    return span._replace(text=f"`{span.text}`", look=Look.PLAIN) if span.look is Look.CODE else span
