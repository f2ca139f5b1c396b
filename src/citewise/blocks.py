"""Cutting a text into blocks by its lines: headings, paragraphs, lists, tables, code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from citewise.tables import is_delimiter

__all__ = ["Block", "Line", "code_blocks", "find_blocks"]

BlockKind: TypeAlias = Literal["heading", "prose", "list", "table", "code"]
Line: TypeAlias = "tuple[int, int]"

_LINE = re.compile(r"[^\n]*(?:\n|\Z)")
_FENCE = re.compile(r"\s{0,3}(`{3,}|~{3,})")
_ATX = re.compile(r"\s{0,3}(#{1,6})(?:\s|$)")
_SETEXT = re.compile(r"\s{0,3}(=+|-{2,})\s*")
_ITEM = re.compile(r"\s*(?:[-*+•‣–]|\(?\d{1,3}[.)]|\(?[a-zA-Z][.)])\s+\S")
_ENDS_A_SENTENCE = tuple(".!?:;,。！？：；，…”\"'")

_HEADING_CHARACTERS = 100
_HEADING_WORDS = 14


@dataclass(frozen=True, slots=True)
class Block:
    """Some lines that belong together; offsets of each line, without its line end.

    ``level`` is the depth of a heading: 1 to 6 in Markdown, 0 where only its looks tell.
    """

    kind: BlockKind
    lines: tuple[Line, ...]
    level: int = 0

    @property
    def start(self) -> int:
        """Offset of the first character."""
        return self.lines[0][0]

    @property
    def end(self) -> int:
        """Offset behind the last character."""
        return self.lines[-1][1]


def find_blocks(text: str) -> list[Block]:
    """The blocks of ``text`` in order; every character that is not white space lies in one."""
    lines = _lines(text)
    blocks: list[Block] = []
    position = 0
    while position < len(lines):
        if not _content(text, lines[position]).strip():
            position += 1
            continue
        block, position = _next_block(text, lines, position)
        blocks.append(block)
    return [_as_heading(text, lines, block) for block in blocks]


def code_blocks(text: str, longest: int) -> list[Block]:
    """The blocks of a source file: whole definitions, small ones together up to ``longest``.

    A definition begins behind a blank line, at the margin; nothing in it is taken for Markdown.
    """
    blocks: list[list[Line]] = []
    for definition in _definitions(text):
        if not blocks or definition[-1][1] - blocks[-1][0][0] > longest:
            blocks.append([])
        blocks[-1].extend(definition)
    return [Block("code", tuple(lines)) for lines in blocks]


def _definitions(text: str) -> list[list[Line]]:
    found: list[list[Line]] = []
    blank = True
    for line in _lines(text):
        content = _content(text, line)
        if not content.strip():
            blank = True
            continue
        if not found or (blank and not content[0].isspace() and content[0] not in "}])"):
            found.append([])
        found[-1].append(line)
        blank = False
    return found


def _lines(text: str) -> list[Line]:
    lines = []
    for match in _LINE.finditer(text):
        end = match.end()
        while end > match.start() and text[end - 1] in "\r\n":
            end -= 1
        lines.append((match.start(), end))
    return lines


def _content(text: str, line: Line) -> str:
    return text[line[0] : line[1]]


def _next_block(text: str, lines: list[Line], first: int) -> tuple[Block, int]:
    content = _content(text, lines[first])
    fence = _FENCE.match(content)
    if fence:
        return _code(text, lines, first, fence[1])
    atx = _ATX.match(content)
    if atx:
        return Block("heading", (lines[first],), len(atx[1])), first + 1
    if _table_begins(text, lines, first):
        return _table(text, lines, first)
    if _ITEM.match(content):
        return _list(text, lines, first)
    return _paragraph(text, lines, first)


def _code(text: str, lines: list[Line], first: int, fence: str) -> tuple[Block, int]:
    last = first + 1
    while last < len(lines) and not _content(text, lines[last]).strip().startswith(fence):
        last += 1
    behind = min(last + 1, len(lines))
    return Block("code", _without_blank_end(text, lines[first:behind])), behind


def _without_blank_end(text: str, lines: list[Line]) -> tuple[Line, ...]:
    while len(lines) > 1 and not _content(text, lines[-1]).strip():
        lines = lines[:-1]
    return tuple(lines)


def _table_begins(text: str, lines: list[Line], first: int) -> bool:
    return (
        "|" in _content(text, lines[first])
        and first + 1 < len(lines)
        and is_delimiter(_content(text, lines[first + 1]))
    )


def _table(text: str, lines: list[Line], first: int) -> tuple[Block, int]:
    last = first + 2
    while last < len(lines) and "|" in _content(text, lines[last]):
        last += 1
    return Block("table", tuple(lines[first:last])), last


def _list(text: str, lines: list[Line], first: int) -> tuple[Block, int]:
    last = first + 1
    while last < len(lines) and _content(text, lines[last]).strip():
        if _interrupts(text, lines, last):
            break
        last += 1
    return Block("list", tuple(lines[first:last])), last


def _paragraph(text: str, lines: list[Line], first: int) -> tuple[Block, int]:
    last = first + 1
    while last < len(lines) and _content(text, lines[last]).strip():
        content = _content(text, lines[last])
        if last == first + 1 and _SETEXT.fullmatch(content):
            level = 1 if content.strip().startswith("=") else 2
            return Block("heading", tuple(lines[first : last + 1]), level), last + 1
        if _interrupts(text, lines, last) or _ITEM.match(content):
            break
        last += 1
    return Block("prose", tuple(lines[first:last])), last


def _interrupts(text: str, lines: list[Line], at: int) -> bool:
    content = _content(text, lines[at])
    return bool(_FENCE.match(content) or _ATX.match(content)) or _table_begins(text, lines, at)


def _as_heading(text: str, lines: list[Line], block: Block) -> Block:
    """A short line that stands alone and ends no sentence is a heading in plain text."""
    if block.kind != "prose" or len(block.lines) != 1:
        return block
    content = _content(text, block.lines[0]).strip()
    looks_like_one = (
        len(content) <= _HEADING_CHARACTERS
        and len(content.split()) <= _HEADING_WORDS
        and not content.endswith(_ENDS_A_SENTENCE)
        and not content[0].islower()
        and block.lines[0] != next(line for line in reversed(lines) if _content(text, line).strip())
    )
    return Block("heading", block.lines) if looks_like_one else block
