"""The order in which a page is read: bands, columns within them, and tables without rules.

A page is cut from top to bottom into bands whose lines leave the same gaps free, and each band at
those gaps. Where what stands beside each other are cells and not columns of prose, a band is a
table. After the recursive cut of Nagy, Seth (ICPR 1984), with rows of words instead of pixels.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from citewise.readers.pdf_words import Word

__all__ = ["Cells", "Line", "in_order", "lines_of", "rows_of"]

_MARKER = re.compile(r"[•‣▪◦●○■□–—*\-]|\(?(\d{1,3}|[a-zA-Z]|[ivxIVX]{1,5})[.)]|\d{1,2}(\.\d{1,2})+")
_PROSE_LETTERS = 12
_FEWEST_COLUMN_LINES = 4
_SENTENCE_LETTERS = 25
_DEEPEST = 6
_FULL = 0.95
_FAR = 4.0  # line heights without any text: what stands below is something else


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
Band = tuple[list[Row], list[Gap]]


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


def in_order(pieces: Sequence[Piece], depth: int = 0) -> Iterator[list[Piece]]:
    """Runs of pieces as a person reads them: each run a column, or a table by itself."""
    pending: list[Piece] = []
    for band, gaps in _with_column_tops(_bands(rows_of(pieces))):
        flat = [piece for row in band for piece in row]
        if not gaps or depth > _DEEPEST or _is_chance(band):
            pending.extend(flat)
            continue
        columns = _columns(flat, gaps)
        narrow = depth > 0 or not any(map(_is_prose, columns))
        if narrow and _is_prose(flat, _FULL):
            pending.extend(flat)  # Words spaced out to fill a narrow column.
            continue
        if pending:
            yield pending
            pending = []
        if _is_table(band, columns):
            yield from _tabled(band, gaps)
        else:
            for column in columns:
                yield from in_order(column, depth + 1)
    if pending:
        yield pending


def _with_column_tops(bands: Iterable[Band]) -> list[Band]:
    """Bands with the lines that stand above them but at one side of their gaps.

    A column may begin higher than its neighbour, whose first line is a heading.
    """
    found: list[Band] = []
    for band, gaps in bands:
        while gaps and found and not found[-1][1]:
            above = found[-1][0]
            row, size = above[-1], band[0][0].size
            near = band[0][0].base - row[0].base <= 2 * max(size, row[0].size)
            aside = all(p.x1 <= g[0] or p.x0 >= g[1] for p in row for g in gaps)
            if not (near and aside):
                break
            band.insert(0, above.pop())
            if not above:
                found.pop()
        found.append((band, gaps))
    return found


def _is_chance(band: Sequence[Row]) -> bool:
    """A line or two with a gap are spaced out words, unless whole sentences stand side by side."""
    if len(band) > 2:
        return False
    return any(len(p.text) < _SENTENCE_LETTERS for row in band for p in row if isinstance(p, Line))


def _bands(rows: Sequence[Row]) -> Iterator[Band]:
    """Runs of rows that leave common gaps free, with these gaps."""
    band: list[Row] = []
    free: list[Gap] = []
    inner: list[Gap] = []
    left = right = 0.0
    for row in rows:
        own = _free(row)
        alone = _inner(own, row[0].x0, row[-1].x1, row)
        if band:
            wider = min(left, row[0].x0), max(right, row[-1].x1)
            common = _common(free, own)
            together = _inner(common, *wider, row)
            crosses = len(row) == 1 and len(together) < len(inner)
            tables = any(isinstance(piece, Cells) for piece in (*band[-1], *row))
            far = inner and not tables and row[0].base - band[-1][0].base > _FAR * row[0].size
            if far or crosses or bool(inner) != bool(together) or (not inner and alone):
                yield band, inner
                band = []
            else:
                free, inner, (left, right) = common, together, wider
        if not band:
            free, inner, left, right = own, alone, row[0].x0, row[-1].x1
        band.append(row)
    if band:
        yield band, inner


def _free(row: Row) -> list[Gap]:
    """Where a row leaves the page empty, the margins included."""
    edges = [(-1e6, row[0].x0), *((a.x1, b.x0) for a, b in itertools.pairwise(row))]
    return [gap for gap in (*edges, (row[-1].x1, 1e6)) if gap[1] > gap[0]]


def _common(some: Sequence[Gap], others: Sequence[Gap]) -> list[Gap]:
    both = [(max(a, c), min(b, d)) for a, b in some for c, d in others]
    return [gap for gap in both if gap[1] > gap[0]]


def _inner(free: Sequence[Gap], left: float, right: float, row: Row) -> list[Gap]:
    """The gaps between ``left`` and ``right`` that are too wide to lie between words."""
    least = 0.6 * min(piece.size for piece in row)
    return [g for g in sorted(free) if g[0] >= left and g[1] <= right and g[1] - g[0] >= least]


def _columns(pieces: Sequence[Piece], gaps: Sequence[Gap]) -> list[list[Piece]]:
    columns: list[list[Piece]] = [[] for _ in range(len(gaps) + 1)]
    for piece in pieces:
        columns[sum(piece.x0 >= gap[1] - 0.01 for gap in gaps)].append(piece)
    return [column for column in columns if column]


def _is_table(band: Sequence[Row], columns: Sequence[Sequence[Piece]]) -> bool:
    """Cells are short and stand beside each other; columns of prose are long lines."""
    if any(isinstance(piece, Cells) for column in columns for piece in column):
        return False
    beside = sum(len(row) > 1 for row in band)
    return beside * 2 >= len(band) and not all(_is_prose(column) for column in columns)


def _is_prose(column: Sequence[Piece], fullness: float = 0.6) -> bool:
    """Lines of running text: nearly all as long as their column, many going on from the one above.

    Cells of a table are short, of different lengths, and begin with capitals or figures.
    """
    rows = [[p for p in row if isinstance(p, Line)] for row in rows_of(column)]
    lines = [" ".join(piece.text for piece in row) for row in rows if row]
    if len(lines) < (_FEWEST_COLUMN_LINES if fullness < _FULL else 3):
        return False
    widths = sorted(row[-1].x1 - row[0].x0 for row in rows if row)
    full = widths[len(widths) // 2] >= fullness * widths[-1]
    letters = sum(map(len, lines)) / len(lines)
    going_on = sum(line[0].islower() for line in lines) / len(lines)
    caseless = not any(c.islower() for line in lines for c in line)
    return full and letters >= _PROSE_LETTERS and (going_on >= 0.25 or (caseless and letters >= 12))


def _tabled(band: Sequence[Row], gaps: Sequence[Gap]) -> Iterator[list[Piece]]:
    """A table, and before and behind it the lines that only happen to end where its gaps begin."""
    first = next(i for i, row in enumerate(band) if len(row) > 1)
    last = next(i for i in range(len(band) - 1, -1, -1) if len(band[i]) > 1)
    if last == first:
        yield [piece for row in band for piece in row]
        return
    while last + 1 < len(band) and not _set_apart(band, last + 1):
        last += 1
    inside = band[first : last + 1]
    if first:
        yield [piece for row in band[:first] for piece in row]
    right = max(piece.x1 for row in inside for piece in row)
    left, top = min(row[0].x0 for row in inside), inside[0][0]
    yield [Cells(_cell_rows(inside, gaps), left, right, top.base, top.size)]
    if last + 1 < len(band):
        yield [piece for row in band[last + 1 :] for piece in row]


def _set_apart(band: Sequence[Row], number: int) -> bool:
    """Whether a single line under a table is no part of it: further down, or set otherwise."""
    above, line = band[number - 1][0], band[number][0]
    if isinstance(above, Cells) or isinstance(line, Cells):
        return True
    return line.base - above.base > 1.6 * line.size or abs(line.size - above.size) > 0.1 * line.size


def _cell_rows(band: Sequence[Row], gaps: Sequence[Gap]) -> list[list[str]]:
    rows: list[list[str]] = []
    for row in band:
        cells = [""] * (len(gaps) + 1)
        for piece in row:
            place = sum(piece.x0 >= gap[1] - 0.01 for gap in gaps)
            text = piece.text if isinstance(piece, Line) else ""
            cells[place] = f"{cells[place]} {text}".strip()
        if rows and not cells[0] and _goes_on(rows[-1], cells):
            rows[-1] = [f"{a} {b}".strip() for a, b in zip(rows[-1], cells, strict=True)]
        else:
            rows.append(cells)
    return rows


def _goes_on(above: Sequence[str], cells: Sequence[str]) -> bool:
    """A row without its first cell is the rest of the one above, unless it holds numbers."""
    filled = [cell for cell in cells if cell]
    return bool(above[0]) and not any(cell[0].isdigit() for cell in filled)
