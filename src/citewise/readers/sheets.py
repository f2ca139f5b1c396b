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
        columns = _used(block)
        begin, end = 0, len(block)
        while len(columns) > 1 and begin + 1 < end and _filled(block[begin]) == 1:
            begin += 1
        while len(columns) > 2 and begin + 2 < end and _is_note(block[end - 1], columns[0]):
            end -= 1
        for title in block[:begin]:
            layout.paragraph(" ".join(title))
        used = _used(block[begin:end])
        rows_used: list[Row] = [
            [row[i] if i < len(row) else "" for i in used] for row in block[begin:end]
        ]
        _add_table(layout, rows_used)
        for note in block[end:]:
            layout.paragraph(" ".join(note))


def _used(rows: Sequence[Row]) -> list[int]:
    """The columns with something in them: blank ones only keep the others apart."""
    return sorted({i for row in rows for i, cell in enumerate(row) if cell.strip()})


def _is_note(row: Row, first: int) -> bool:
    return _filled(row) == 1 and len(row) > first and bool(row[first].strip())


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
