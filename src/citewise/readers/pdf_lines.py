"""Words into lines, lines into rows, and the gaps that they leave free."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from citewise.readers.pdf_words import Word

__all__ = [
    "Cells",
    "Gap",
    "Line",
    "Piece",
    "Row",
    "common_gaps",
    "free_gaps",
    "lines_of",
    "rows_of",
]

_MARKER = re.compile(r"[•‣▪◦●○■□–—*\-]|\(?(\d{1,3}|[a-zA-Z]|[ivxIVX]{1,5})[.)]|\d{1,2}(\.\d{1,2})+")


@dataclass(slots=True)
class Line:
    """Words side by side on one baseline, without a wide gap between them."""

    text: str
    x0: float
    x1: float
    base: float
    size: float
    bold: bool


@dataclass(slots=True)
class Cells:
    """A table: rows of cells, the first of which may name the columns."""

    rows: list[list[str]]
    x0: float
    x1: float
    base: float
    size: float = 0.0


Piece = Line | Cells
Row = list[Piece]
Gap = tuple[float, float]


def lines_of(words: Sequence[Word]) -> list[Line]:
    """Words in the order of the file, joined where they follow each other on a baseline."""
    lines: list[Line] = []
    for _, group in itertools.groupby(words, key=lambda word: word.line):
        given = list(group)
        parts = [given] if _justified(given) else _parted(given)
        lines.extend(_line(part) for part in parts)
    return lines


def _justified(words: Sequence[Word]) -> bool:
    """Blanks that the file itself sets, stretched alike to fill the line."""
    if len(words) < 3 or not all(word.spaced for word in words[1:]):
        return False
    if max(w.base for w in words) - min(w.base for w in words) > 0.35 * words[0].size:
        return False
    gaps = [b.x0 - a.x1 for a, b in itertools.pairwise(words)]
    return min(gaps) > 0.5 * max(gaps)


def _parted(words: Sequence[Word]) -> list[list[Word]]:
    parts: list[list[Word]] = []
    for word in words:
        if parts and _continues(parts[-1], word):
            parts[-1].append(word)
        else:
            parts.append([word])
    return parts


def _line(words: Sequence[Word]) -> Line:
    text, size = words[0].text, max(word.size for word in words)
    for before, word in itertools.pairwise(words):
        touching = before.text.endswith("-") and word.x0 - before.x1 < 0.05 * size
        text += word.text if touching else f" {word.text}"
    first, bold = words[0], all(word.bold for word in words)
    return Line(text, first.x0, words[-1].x1, first.base, size, bold)


def _continues(line: Sequence[Word], word: Word) -> bool:
    previous = line[-1]
    size = max(previous.size, word.size, 1.0)
    if abs(previous.base - word.base) > 0.35 * size:
        return False
    # A blank that the file itself sets may be wide in justified text; one that PDFium made up
    # where nothing is printed is wide only between cells or columns.
    widest = 1.3 if word.spaced else 0.7
    if len(line) == 1 and _MARKER.fullmatch(previous.text):
        widest = 4.0
    return -0.5 * size < word.x0 - previous.x1 < widest * size


def rows_of(pieces: Sequence[Piece]) -> list[Row]:
    """Pieces grouped by baseline, from top to bottom, each row from left to right."""
    rows: list[Row] = []
    for piece in sorted(pieces, key=lambda piece: (piece.base, piece.x0)):
        if rows and abs(rows[-1][0].base - piece.base) <= 0.4 * min(piece.size, rows[-1][0].size):
            rows[-1].append(piece)
        else:
            rows.append([piece])
    for row in rows:
        row.sort(key=lambda piece: piece.x0)
    return rows


def free_gaps(row: Row) -> list[Gap]:
    """Where a row leaves the page empty, the margins included."""
    edges = [(-1e6, row[0].x0), *((a.x1, b.x0) for a, b in itertools.pairwise(row))]
    return [gap for gap in (*edges, (row[-1].x1, 1e6)) if gap[1] > gap[0]]


def common_gaps(some: Sequence[Gap], others: Sequence[Gap]) -> list[Gap]:
    """What is free in both."""
    both = [(max(a, c), min(b, d)) for a, b in some for c, d in others]
    return [gap for gap in both if gap[1] > gap[0]]
