"""The order in which a page is read: bands, columns within them, and tables without rules.

A page is cut from top to bottom into bands whose lines leave the same gaps free, and each band at
those gaps. Where what stands beside each other are cells and not columns of prose, a band is a
table. After the recursive cut of Nagy, Seth (ICPR 1984), with rows of words instead of pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from citewise.readers.pdf_lines import (
    Cells,
    Gap,
    Line,
    Piece,
    Row,
    common_gaps,
    free_gaps,
    rows_of,
)
from citewise.readers.pdf_unruled import tabled

__all__ = ["in_order"]

Band = tuple[list[Row], list[Gap]]

_PROSE_LETTERS = 12
_FEWEST_COLUMN_LINES = 4
_SENTENCE_LETTERS = 25
_DEEPEST = 6
_FULL = 0.95
_FAR = 4.0  # line heights without any text: what stands below is something else


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
            yield from tabled(band)
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


def _is_small_table(band: Sequence[Row]) -> bool:
    """Names above and figures below."""
    texts = [[piece.text for piece in row if isinstance(piece, Line)] for row in band]
    alike = len(texts) == 2 and len(texts[0]) == len(texts[1]) > 1
    short = all(len(text) < _SENTENCE_LETTERS for row in texts for text in row)
    return alike and short and any(text[:1].isdigit() for text in texts[1])


def _is_chance(band: Sequence[Row]) -> bool:
    """A line or two with a gap are spaced out words, unless whole sentences stand side by side."""
    if len(band) > 2 or _is_small_table(band):
        return False
    return any(len(p.text) < _SENTENCE_LETTERS for row in band for p in row if isinstance(p, Line))


def _bands(rows: Sequence[Row]) -> Iterator[Band]:
    """Runs of rows that leave common gaps free, with these gaps."""
    band: list[Row] = []
    free: list[Gap] = []
    inner: list[Gap] = []
    left = right = 0.0
    for row in rows:
        own = free_gaps(row)
        alone = _inner(own, row[0].x0, row[-1].x1, row)
        if band:
            wider = min(left, row[0].x0), max(right, row[-1].x1)
            common = common_gaps(free, own)
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
