"""Documents into passages: blocks of at most about 700 characters, with their spans.

Every character that is not white space lies in exactly one passage, and every span is an exact
slice of the document. A heading is the first span of the passage under it. All spans of a passage
begin on one page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from citewise.blocks import Block, code_blocks, find_blocks
from citewise.legible import seen
from citewise.scopes import Scopes
from citewise.sentences import MAX_SENTENCE, sentence_offsets
from citewise.tables import parse_table
from citewise.types import Document, Passage, PassageKind, Span

__all__ = ["MAX_PASSAGE", "split"]

MAX_PASSAGE = 700
"""Characters in a passage; MiniLM reads 256 word pieces, about 1,000 characters of English."""

_SPACES = re.compile(r"\s+")
_MARKER = re.compile(r"\s*(?:[-*+•‣–]|\(?\d{1,3}[.)]|\(?[a-zA-Z][.)])\s+\S")
_HEADING_MARKS = re.compile(r"^\s*#{1,6}\s*|\s*#*\s*$")
_WRAPPED_WIDTH = 140


def split(document: Document) -> tuple[Passage, ...]:
    """The passages of ``document`` in order, with heading path, kind and spans."""
    passages: list[Passage] = []
    path: list[tuple[int, str]] = []
    pending: list[Span] = []
    lead_in = ""
    # Where headings are marked, a line that only looks like one stands below them all.
    guessed = 0 if document.format == "text" else 7
    if document.format == "code":
        return _code_passages(document)
    for block in find_blocks(document.text):
        if block.kind == "heading":
            title = _heading_title(document.text, block)
            # A heading right under another one is often a bare line that needs it for its meaning.
            above = path[-1][1] if pending else ""
            pending.append(_heading_span(document.text, block, title, above))
            path = _deeper(path, block.level or guessed, title)
            continue
        spans = _spans(document.text, block, lead_in)
        lead_in = _lead_in(document.text, block)
        if lead_in and len(spans) == 1:
            pending.extend(spans)
            continue
        heading = " > ".join(name for _, name in path)
        passages.extend(_pack(document, block.kind, heading, [*pending, *spans]))
        pending = []
    if pending:
        heading = " > ".join(name for _, name in path[:-1])
        passages.extend(_pack(document, "heading", heading, pending))
    return tuple(passages)


def _code_passages(document: Document) -> tuple[Passage, ...]:
    """A passage from the middle of a class says little without the class's name over it."""
    scopes = Scopes(document.text)
    return tuple(
        replace(passage, heading=scopes.path(passage.start))
        for block in code_blocks(document.text, MAX_PASSAGE)
        for passage in _pack(document, "code", "", _code_spans(document.text, block))
    )


def _heading_title(text: str, block: Block) -> str:
    first = text[block.lines[0][0] : block.lines[0][1]]
    return _flat(_HEADING_MARKS.sub("", first))


def _heading_span(text: str, block: Block, title: str, above: str) -> Span:
    start, end = _stripped(text, block.start, block.end)
    return Span(start, end, "heading", f"{above}: {title}" if above else title)


def _deeper(path: list[tuple[int, str]], level: int, title: str) -> list[tuple[int, str]]:
    kept = [entry for entry in path if entry[0] < level] if level else []
    return [*kept, (level, title)]


def _spans(text: str, block: Block, lead_in: str) -> list[Span]:
    if block.kind == "table":
        return _row_spans(text, block)
    if block.kind == "code":
        return _code_spans(text, block)
    if block.kind == "list":
        return list(_item_spans(text, block, lead_in))
    return [
        Span(start, end, "sentence", _flat(text[start:end]))
        for first, last in _paragraph_parts(block)
        for start, end in sentence_offsets(text, first, last)
    ]


def _row_spans(text: str, block: Block) -> list[Span]:
    table = parse_table(text, list(block.lines))
    header = table.header
    # The delimiter line belongs to the header's span, so that no character is left out.
    start, end = _stripped(text, header.start, block.lines[1][1])
    spans = [Span(start, end, "heading", seen("Columns: " + ", ".join(header.cells)))]
    spans.extend(Span(row.start, row.end, "row", seen(table.render(row))) for row in table.rows)
    return spans


def _code_spans(text: str, block: Block) -> list[Span]:
    spans: list[Span] = []
    begin = block.start
    for start, end in (*block.lines[1:], (block.end, block.end)):
        if begin < start and (end - begin > MAX_SENTENCE or start == block.end):
            spans.extend(_code_span(text, begin, start))
            begin = start
    return spans or list(_code_span(text, block.start, block.end))


def _code_span(text: str, start: int, end: int) -> Iterator[Span]:
    for first, last in _pieces(start, end):
        begin, behind = _stripped(text, first, last)
        if begin < behind:
            yield Span(begin, behind, "code", seen(text[begin:behind]))


def _pieces(start: int, end: int) -> Iterator[tuple[int, int]]:
    for first in range(start, end, MAX_SENTENCE):
        yield first, min(first + MAX_SENTENCE, end)


def _item_spans(text: str, block: Block, lead_in: str) -> Iterator[Span]:
    for first, last in _items(text, block):
        for start, end in _item_parts(text, first, last):
            words = _flat(text[start:end])
            yield Span(start, end, "item", f"{lead_in} {words}" if lead_in else words)


def _items(text: str, block: Block) -> list[tuple[int, int]]:
    items: list[tuple[int, int]] = []
    for start, end in block.lines:
        if items and not _MARKER.match(text, start, end):
            items[-1] = (items[-1][0], end)
        else:
            items.append((start, end))
    return items


def _item_parts(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """An item is one span unless it is long: its first sentence explains the second."""
    sentences = sentence_offsets(text, start, end)
    if sentences and sentences[-1][1] - sentences[0][0] <= MAX_SENTENCE // 2:
        return [(sentences[0][0], sentences[-1][1])]
    return sentences


def _lead_in(text: str, block: Block) -> str:
    """A short last line such as "What to watch next:" that introduces the list after it."""
    start, end = block.lines[-1]
    line = _flat(text[start:end])
    return line if block.kind == "prose" and line.endswith(":") and len(line) <= 80 else ""


def _paragraph_parts(block: Block) -> list[tuple[int, int]]:
    """The whole paragraph if its lines are wrapped text; each line by itself otherwise."""
    lengths = [end - start for start, end in block.lines]
    longest = max(lengths)
    wrapped = longest <= _WRAPPED_WIDTH and all(2 * n >= longest for n in lengths[:-1])
    return [(block.start, block.end)] if wrapped else list(block.lines)


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    content = text[start:end]
    begin = start + len(content) - len(content.lstrip())
    return begin, begin + len(content.strip())


def _flat(text: str) -> str:
    return _SPACES.sub(" ", seen(text)).strip()


def _pack(
    document: Document, kind: PassageKind, heading: str, spans: Iterable[Span]
) -> Iterator[Passage]:
    batch: list[Span] = []
    for span in spans:
        if batch and (
            (span.end - batch[0].start > MAX_PASSAGE and not _only_headings(batch))
            or document.page_at(span.start) != document.page_at(batch[0].start)
        ):
            yield _passage(document, kind, heading, batch)
            batch = []
        batch.append(span)
    if batch:
        yield _passage(document, kind, heading, batch)


def _only_headings(spans: list[Span]) -> bool:
    return all(span.kind == "heading" for span in spans) and len(spans) < 8


def _passage(document: Document, kind: PassageKind, heading: str, spans: list[Span]) -> Passage:
    start, end = spans[0].start, spans[-1].end
    text, page = document.text[start:end], document.page_at(start)
    return Passage(document.name, start, end, text, kind, heading, tuple(spans), page)
