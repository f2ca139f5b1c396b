"""Tables without ruled lines: cells told by the gaps between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from citewise.readers.pdf_lines import Cells, Gap, Line, Piece, Row, common_gaps, free_gaps

__all__ = ["tabled"]


def tabled(band: Sequence[Row]) -> Iterator[list[Piece]]:
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
    cells = _cell_rows(inside, _between_cells(inside, left, right))
    yield [Cells(cells, left, right, top.base, top.size)]
    if last + 1 < len(band):
        yield [piece for row in band[last + 1 :] for piece in row]


def _between_cells(rows: Sequence[Row], left: float, right: float) -> list[Gap]:
    """All gaps of a table, narrow ones too: under a name at the left, figures end at the right."""
    common = free_gaps(rows[0])
    for row in rows[1:]:
        common = common_gaps(common, free_gaps(row))
    return [g for g in sorted(common) if g[0] >= left and g[1] <= right and g[1] - g[0] >= 1.0]


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
    return _named(rows)


def _named(rows: list[list[str]]) -> list[list[str]]:
    """A name at the left of its column and the figures at the right, put together again."""
    column = 0
    while column + 1 < len(rows[0]):
        name, beside = rows[0][column], rows[0][column + 1]
        below = [(row[column], row[column + 1]) for row in rows[1:]]
        left, right = any(a for a, _ in below), any(b for _, b in below)
        if (name and not left and not beside) or (beside and not right and not name):
            for row in rows:
                row[column : column + 2] = [f"{row[column]} {row[column + 1]}".strip()]
        else:
            column += 1
    return rows


def _goes_on(above: Sequence[str], cells: Sequence[str]) -> bool:
    """A row without its first cell is the rest of the one above, unless it holds numbers."""
    filled = [cell for cell in cells if cell]
    return bool(above[0]) and not any(cell[0].isdigit() for cell in filled)
