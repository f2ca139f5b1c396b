"""Tables with ruled lines: the grid that the lines make, and the words in its cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from citewise.readers.pdf_lines import Cells, lines_of, rows_of
from citewise.readers.pdf_words import Rule, Sheet, Word

__all__ = ["ruled_tables"]

_NEAR = 3.0
_MOST_RULES = 3000


@dataclass(slots=True)
class _Grid:
    rules: list[Rule]
    xs: list[float]
    ys: list[float]


def ruled_tables(sheet: Sheet) -> tuple[list[Cells], list[Word]]:
    """The tables on a page, and the words outside them."""
    tables: list[Cells] = []
    outside = sheet.words
    for grid in _grids(sheet.rules):
        inside = [word for word in outside if _within(grid, word)]
        table = _cells(grid, inside)
        if table is not None:
            tables.append(table)
            held = {id(word) for word in inside}
            outside = [word for word in outside if id(word) not in held]
    return tables, outside


def _grids(rules: Sequence[Rule]) -> Iterator[_Grid]:
    """Lines that touch each other, if they make at least two rows and two columns."""
    if len(rules) > _MOST_RULES:
        return
    for group in _touching(sorted(set(rules), key=lambda rule: (rule.top, rule.x0))):
        xs = _places(rule.x0 for rule in group if not rule.horizontal)
        ys = _places(rule.top for rule in group if rule.horizontal)
        if len(xs) >= 3 and len(ys) >= 3:
            yield _Grid(group, xs, ys)


def _touching(rules: Sequence[Rule]) -> list[list[Rule]]:
    """Groups of connected lines; sorted by their tops, few have to be compared."""
    parent = list(range(len(rules)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    active: list[int] = []
    for number, rule in enumerate(rules):
        active = [i for i in active if rules[i].bottom >= rule.top - _NEAR]
        for other in active:
            if rules[other].x0 - _NEAR <= rule.x1 and rule.x0 - _NEAR <= rules[other].x1:
                parent[root(number)] = root(other)
        active.append(number)
    groups: dict[int, list[Rule]] = {}
    for number, rule in enumerate(rules):
        groups.setdefault(root(number), []).append(rule)
    return list(groups.values())


def _places(values: Iterator[float]) -> list[float]:
    """Values that lie nearly together, as one."""
    places: list[float] = []
    for value in sorted(values):
        if not places or value - places[-1] > _NEAR:
            places.append(value)
    return places


def _within(grid: _Grid, word: Word) -> bool:
    middle, height = (word.x0 + word.x1) / 2, word.base - 0.3 * word.size
    return (
        grid.xs[0] - _NEAR < middle < grid.xs[-1] + _NEAR
        and grid.ys[0] - _NEAR < height < grid.ys[-1] + _NEAR
    )


def _cells(grid: _Grid, words: Sequence[Word]) -> Cells | None:
    """The words in their cells; None if it is a frame or a form and no table."""
    columns, rows = len(grid.xs) - 1, len(grid.ys) - 1
    held: list[list[list[Word]]] = [[[] for _ in range(columns)] for _ in range(rows)]
    for word in words:
        row = _slot(grid.ys, word.base - 0.3 * word.size)
        column = _slot(grid.xs, (word.x0 + word.x1) / 2)
        while column > 0 and not _parted(grid, row, column):
            column -= 1
        while row > 0 and not _capped(grid, row, column):
            row -= 1
        held[row][column].append(word)
    texts = [[_text(cell) for cell in row] for row in held]
    _repeat_down(grid, texts)
    texts = [row for row in texts if any(row)]
    filled = sum(bool(cell) for row in texts for cell in row)
    if len(texts) < 2 or filled < 4 or max(sum(map(bool, row)) for row in texts) < 2:
        return None
    return Cells(texts, grid.xs[0], grid.xs[-1], grid.ys[0], 1.0)


def _slot(edges: Sequence[float], value: float) -> int:
    return min(max(sum(edge <= value for edge in edges) - 1, 0), len(edges) - 2)


def _parted(grid: _Grid, row: int, column: int) -> bool:
    """True if a line stands between a cell and the one to its left."""
    x, y = grid.xs[column], (grid.ys[row] + grid.ys[row + 1]) / 2
    return any(
        not rule.horizontal and abs(rule.x0 - x) <= _NEAR and rule.top - 1 <= y <= rule.bottom + 1
        for rule in grid.rules
    )


def _capped(grid: _Grid, row: int, column: int) -> bool:
    """True if a line stands between a cell and the one above it."""
    y, x = grid.ys[row], (grid.xs[column] + grid.xs[column + 1]) / 2
    return any(
        rule.horizontal and abs(rule.top - y) <= _NEAR and rule.x0 - 1 <= x <= rule.x1 + 1
        for rule in grid.rules
    )


def _repeat_down(grid: _Grid, texts: list[list[str]]) -> None:
    """A cell over several rows speaks for each of them."""
    for row in range(1, len(texts)):
        for column in range(len(texts[row])):
            if not texts[row][column] and not _capped(grid, row, column):
                texts[row][column] = texts[row - 1][column]


def _text(words: Sequence[Word]) -> str:
    rows = rows_of(lines_of(words))
    return " ".join(piece.text for row in rows for piece in row if not isinstance(piece, Cells))
