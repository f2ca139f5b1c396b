"""Lines of a PDF into paragraphs, headings, lists and tables; what every page repeats is dropped.

Words cut at the end of a line are put together again, and a sentence that goes on in the next
column or on the next page stays one sentence.
"""

from __future__ import annotations

import itertools
import re
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from citewise.readers.extracted import Tick
from citewise.readers.layout import Layout, flat
from citewise.readers.pdf_furniture import without_furniture
from citewise.readers.pdf_lines import Cells
from citewise.readers.pdf_page import PageText, TextLine
from citewise.readers.sheets import add_sheet

__all__ = ["write_pages"]

_BULLET = re.compile(r"[•‣▪◦●○■□\uf0b7\uf0a7]\s*|[-–—*]\s+")
_NUMBERED = re.compile(r"\(?(?:\d{1,3}|[a-zA-Z])[.)]\s+\S")
_ENDS_SENTENCE = re.compile(r"[.!?:;。！？…][\"'”’»)\]]*$")
_CUT = re.compile(r"(\w*[^\W\d_])[-\u2010]$")
_CUT_NUMBER = re.compile(r"\d[-\u2010\u2013]$")
_WORD = re.compile(r"\w+(?:[-\u2010]\w+)*")
_LETTERS = re.compile(r"[^\W\d_]+")
_LARGER = 1.15
_LONGEST_HEADING = 160

Kind = Literal["prose", "item", "heading"]


@dataclass(slots=True)
class _Block:
    """Text with the page of each of its pieces, or a table."""

    kind: Kind
    pieces: list[tuple[int, str]]
    size: float = 0.0
    bold: bool = False
    rows: list[list[str]] = field(default_factory=list)
    width: tuple[float, float] = (0.0, 0.0)
    full: bool = False  # its last line reaches the edge, so that it may go on elsewhere

    @property
    def text(self) -> str:
        return " ".join(text for _, text in self.pieces)


def write_pages(pages: Sequence[PageText], tick: Tick) -> tuple[str, tuple[int, ...]]:
    """The text of a document, and the offset at which each page begins."""
    shown = without_furniture(pages, tick)
    body = _body_size(shown)
    tick()
    vocabulary = _vocabulary(shown)
    blocks: list[_Block] = []
    for number, page in enumerate(shown):
        tick()
        for run in page.runs:
            for block in _blocks(run, number, body, vocabulary):
                _append(blocks, block, vocabulary)
    return _written(blocks, len(pages), _levels(blocks), tick)


def _body_size(pages: Sequence[PageText]) -> float:
    """The size in which most of the text is set."""
    sizes: Counter[float] = Counter()
    for page in pages:
        for run in page.runs:
            for line in run:
                if isinstance(line, TextLine):
                    sizes[round(line.size, 1)] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 10.0


def _vocabulary(pages: Sequence[PageText]) -> frozenset[str]:
    """Words that stand whole somewhere: they decide how cut ones are put together."""
    found: set[str] = set()
    for page in pages:
        for line in (line for run in page.runs for line in run if isinstance(line, TextLine)):
            for word in _WORD.findall(line.text.rstrip("-\u2010").lower()):
                found.add(word)
                parts = word.split("-")
                found.update(f"{a}-{b}" for a, b in itertools.pairwise(parts))
    return frozenset(found)


def _blocks(
    run: Sequence[TextLine | Cells], page: int, body: float, vocabulary: frozenset[str]
) -> Iterator[_Block]:
    lines = [line for line in run if isinstance(line, TextLine)]
    left = min((line.x0 for line in lines), default=0.0)
    right = max((line.x1 for line in lines), default=0.0)
    pitch = _pitch(lines)
    open_block: list[TextLine] = []
    for line in run:
        if isinstance(line, Cells):
            if open_block:
                yield _block(open_block, page, body, vocabulary, right)
                open_block = []
            yield _Block("prose", [(page, "")], rows=line.rows, width=(line.x0, line.x1))
            continue
        if open_block and _begins_anew(open_block, line, left, right, pitch):
            yield _block(open_block, page, body, vocabulary, right)
            open_block = []
        open_block.append(line)
    if open_block:
        yield _block(open_block, page, body, vocabulary, right)


def _pitch(lines: Sequence[TextLine]) -> float:
    """The usual distance from one line to the next."""
    steps = [b.base - a.base for a, b in itertools.pairwise(lines) if b.base > a.base]
    return statistics.median_low(steps) if len(steps) >= 3 else 0.0


def _begins_anew(
    above: Sequence[TextLine], line: TextLine, left: float, right: float, pitch: float
) -> bool:
    last, first = above[-1], above[0]
    size = max(last.size, line.size)
    if abs(last.size - line.size) > 0.12 * size or last.bold != line.bold:
        return True
    step = line.base - last.base
    if step < 0 or step > (1.4 * pitch if pitch else 1.9 * size):
        return True
    ended = _ends_sentence(last.text)
    short = last.x1 < right - 0.15 * (right - left)
    if _BULLET.match(line.text) and (len(line.text) > 2):
        return True
    if _NUMBERED.match(line.text) and (ended or short or _NUMBERED.match(first.text)):
        return True
    if _is_item(first.text) and line.x0 > first.x0 + 0.4 * size:
        return False
    indented = line.x0 > left + 0.7 * size and last.x0 <= left + 0.4 * size
    return ended and (short or indented)


def _ends_sentence(text: str) -> bool:
    return _ENDS_SENTENCE.search(text[-8:]) is not None


def _is_item(text: str) -> bool:
    return bool(_BULLET.match(text) or _NUMBERED.match(text))


def _block(
    lines: Sequence[TextLine], page: int, body: float, vocabulary: frozenset[str], right: float
) -> _Block:
    text = ""
    for line in lines:
        text = _joined(text, flat(line.text), vocabulary)
    size, bold = max(line.size for line in lines), all(line.bold for line in lines)
    short = len(text) <= _LONGEST_HEADING and len(lines) <= 3
    named = short and not text.endswith((".", ";", ",")) and any(c.isalpha() for c in text)
    stands_out = size >= _LARGER * body or (bold and len(text) <= 100 and not _BULLET.match(text))
    if named and stands_out:
        return _Block("heading", [(page, text)], size, bold)
    kind: Kind = "item" if _is_item(text) else "prose"
    left = min(line.x0 for line in lines)
    full = len(lines) > 1 and lines[-1].x1 > left + 0.75 * (right - left)
    full = full or text.endswith(("-", "\u2010"))
    return _Block(kind, [(page, text)], size, bold, full=full)


def _joined(text: str, more: str, vocabulary: frozenset[str]) -> str:
    """Two lines as one, a word that was cut between them whole again."""
    head, tail = _cut(text, more, vocabulary)
    return f"{head}{tail}"


def _cut(text: str, more: str, vocabulary: frozenset[str]) -> tuple[str, str]:
    """The two ends as they belong together, with the blank between them if there is one."""
    if _CUT_NUMBER.search(text[-4:]) and more[:1].isdigit():
        return text, more
    cut = _CUT.search(text[-60:]) if text.endswith(("-", "\u2010")) else None
    following = _LETTERS.match(more)
    if not cut or not following:
        return text, f" {more}" if text else more
    whole, kept = cut[1] + following[0], f"{cut[1]}-{following[0]}"
    if not following[0][0].islower() or kept.lower() in vocabulary:
        return text, more
    if whole.lower() in vocabulary or len(cut[1]) > 1:
        return text[:-1], more
    return text, more


def _append(blocks: list[_Block], block: _Block, vocabulary: frozenset[str]) -> None:
    """Add a block, or let it continue the one before, in the next column or on the next page."""
    last = blocks[-1] if blocks else None
    if last is None:
        blocks.append(block)
    elif last.rows and block.rows and len(last.rows[0]) == len(block.rows[0]):
        _continue_table(blocks, last, block)
    elif (
        not last.rows
        and not block.rows
        and last.full
        and block.kind == "prose"
        and abs(last.size - block.size) < 0.1 * block.size
        and not _ends_sentence(last.text)
        and (block.text[:1].islower() or last.text[-1:].islower() or last.text.endswith(","))
    ):
        last.full = block.full
        page, text = last.pieces[-1]
        head, tail = _cut(text, block.text, vocabulary)
        if tail.startswith(" "):
            last.pieces.append(block.pieces[0])
        else:  # the end of a word goes to the page where the word began
            end, _, rest = tail.partition(" ")
            last.pieces[-1] = (page, head + end)
            if rest:
                last.pieces.append((block.pieces[0][0], rest))
    else:
        blocks.append(block)


def _continue_table(blocks: list[_Block], last: _Block, block: _Block) -> None:
    """A table that goes on over the page keeps the names of its columns."""
    same_place = all(abs(a - b) < 5 for a, b in zip(last.width, block.width, strict=True))
    if last.pieces[0][0] == block.pieces[0][0] or not same_place:
        blocks.append(block)
        return
    rows = block.rows if block.rows[0] == last.rows[0] else [last.rows[0], *block.rows]
    block.rows = rows
    blocks.append(block)


def _levels(blocks: Sequence[_Block]) -> dict[tuple[float, bool], int]:
    """Depth of headings by how they are set: the larger, the higher."""
    looks = {(round(b.size, 0), b.bold) for b in blocks if b.kind == "heading"}
    ranked = sorted(looks, key=lambda look: (-look[0], not look[1]))
    return {look: min(rank, 6) for rank, look in enumerate(ranked, 1)}


def _written(
    blocks: Sequence[_Block], count: int, levels: dict[tuple[float, bool], int], tick: Tick
) -> tuple[str, tuple[int, ...]]:
    layout = Layout()
    starts: list[int] = []
    for block in blocks:
        tick()
        bullet = block.kind == "item" and _BULLET.match(block.text) is not None
        position = layout.mark(bullet)
        for page, text in block.pieces:
            while len(starts) <= page:
                starts.append(position)
            position += len(text) + 1
        if block.rows:
            add_sheet(layout, block.rows)
        elif block.kind == "heading":
            layout.heading(levels[round(block.size, 0), block.bold], block.text)
        elif bullet:
            layout.item(_BULLET.sub("", block.text, count=1))
        else:
            layout.paragraph(block.text)
    starts.extend([len(layout)] * (count - len(starts)))
    if starts:
        starts[0] = 0
    return layout.text(), tuple(starts)
