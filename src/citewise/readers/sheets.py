"""A grid of cells into tables: where each begins, and which of its lines names the columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from citewise.readers.layout import Layout

__all__ = ["add_sheet"]

Row = Sequence[str]
_NUMBER = re.compile(r"[-+−(]?\s*[$€£¥]?\s*\d[\d.,\s']*\s*(%|[$€£¥])?\)?|\d{4}-\d\d-\d\d.*")


def add_sheet(layout: Layout, rows: Sequence[Row]) -> None:
    """Append every table of a sheet; blank lines separate them, lone lines are titles or notes."""
    for block in _blocks(rows):
        first = min(_indent(row) for row in block)
        width = max(_width(row) for row in block)
        lines: list[Row] = [
            [*row[first:width], *[""] * (width - max(len(row), first))] for row in block
        ]
        while len(lines) > 1 and _filled(lines[0]) == 1 and width - first > 1:
            layout.paragraph(" ".join(lines.pop(0)))
        notes: list[Row] = []
        while len(lines) > 2 and _filled(lines[-1]) == 1 and lines[-1][0] and width - first > 2:
            notes.insert(0, lines.pop())
        _add_table(layout, lines)
        for note in notes:
            layout.paragraph(" ".join(note))


def _add_table(layout: Layout, lines: list[Row]) -> None:
    if len(lines) == 1 or len(lines[0]) == 1:
        for line in lines:
            layout.paragraph(" — ".join(cell for cell in line if cell.strip()))
    elif len(lines[0]) == 2 and all(line[0].rstrip().endswith(":") for line in lines):
        for line in lines:
            layout.item(f"{line[0]} {line[1]}")
    elif _names_columns(lines):
        layout.table(lines[0], lines[1:])
    else:
        layout.table([f"Column {n}" for n in range(1, len(lines[0]) + 1)], lines)


def _names_columns(lines: Sequence[Row]) -> bool:
    """The first line names columns unless it holds numbers where the second does too."""
    first, second = lines[0], lines[1]
    numbers = [i for i, cell in enumerate(first) if _is_number(cell)]
    if not numbers:
        return True
    # Years over a column of amounts are names; an amount over an amount is not.
    years = all(re.fullmatch(r"(19|20)\d\d", first[i].strip()) for i in numbers)
    alike = sum(_is_number(second[i]) for i in numbers if i < len(second))
    return bool(years and len(numbers) < len(first)) or alike == 0


def _is_number(cell: str) -> bool:
    return _NUMBER.fullmatch(cell.strip()) is not None


def _blocks(rows: Sequence[Row]) -> Iterator[list[Row]]:
    block: list[Row] = []
    for row in rows:
        if _filled(row):
            block.append(row)
        elif block:
            yield block
            block = []
    if block:
        yield block


def _filled(row: Row) -> int:
    return sum(bool(cell.strip()) for cell in row)


def _indent(row: Row) -> int:
    return next((i for i, cell in enumerate(row) if cell.strip()), len(row))


def _width(row: Row) -> int:
    return next((i + 1 for i in range(len(row) - 1, -1, -1) if row[i].strip()), 0)
