"""Pipe tables: cells with offsets, and rows that carry the names of their columns."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Row", "Table", "is_delimiter", "parse_table", "split_cells"]

_DELIMITER = re.compile(r"\s*\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?\s*")
_PIPE = re.compile(r"(?<!\\)\|")
_TWO_PARTS = re.compile(r"(?P<name>.+?)\s*\((?P<first>[^()/]+)/(?P<second>[^()/]+)\)\s*")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its offsets in the document, and the text of its cells."""

    start: int
    end: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Column names and rows of one pipe table."""

    header: Row
    rows: tuple[Row, ...]

    def render(self, row: Row) -> str:
        """The row as text that stands alone: ``Llama 3 — MMLU Score: 87.8; Cost: $2.50``.

        A cell ``21B / 236B`` under ``Parameters (Active/Total)`` becomes two named values, since
        small models pick the wrong half otherwise.
        """
        if not row.cells:
            return ""
        parts = []
        for name, cell in zip(self.header.cells[1:], row.cells[1:], strict=False):
            if cell:
                parts.extend(_named_values(name, cell))
        subject = row.cells[0] or self.header.cells[0]
        return f"{subject} — {'; '.join(parts)}" if parts else subject


def is_delimiter(line: str) -> bool:
    """True for the line ``|---|:--:|`` under a table's header."""
    return "|" in line and _DELIMITER.fullmatch(line) is not None


def split_cells(line: str) -> tuple[str, ...]:
    """The cells of one table line, stripped; ``\\|`` inside a cell is a literal pipe."""
    inner = line.strip()
    inner = inner.removeprefix("|")
    if inner.endswith("|") and not inner.endswith("\\|"):
        inner = inner[:-1]
    return tuple(cell.strip().replace("\\|", "|") for cell in _PIPE.split(inner))


def parse_table(text: str, lines: list[tuple[int, int]]) -> Table:
    """Parse the lines of a table (offsets without line ends): header, delimiter, rows."""
    rows = [_row(text, start, end) for start, end in (lines[0], *lines[2:])]
    return Table(rows[0], tuple(rows[1:]))


def _row(text: str, start: int, end: int) -> Row:
    line = text[start:end]
    lead = len(line) - len(line.lstrip())
    return Row(start + lead, start + len(line.rstrip()), split_cells(line))


def _named_values(name: str, cell: str) -> list[str]:
    halves = [half.strip() for half in cell.split("/")]
    parts = _TWO_PARTS.fullmatch(name)
    if parts and len(halves) == 2:
        values = zip((parts["first"], parts["second"]), halves, strict=True)
        return [f"{which.strip()} {parts['name']}: {value}" for which, value in values]
    return [f"{name}: {cell}" if name else cell]
