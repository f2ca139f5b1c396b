"""One PDF page as lines and tables in reading order; small, because a book has many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from citewise.readers.pdf_lines import Cells, Line, Piece, lines_of, rows_of
from citewise.readers.pdf_order import in_order
from citewise.readers.pdf_tables import ruled_tables
from citewise.readers.pdf_words import Sheet

__all__ = ["PageText", "TextLine", "page_text"]


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line of text and how it stands on its page."""

    text: str
    x0: float
    x1: float
    base: float
    size: float
    bold: bool


@dataclass(frozen=True, slots=True)
class PageText:
    """Columns and tables in the order of reading."""

    height: float
    runs: list[list[TextLine | Cells]]


def page_text(sheet: Sheet) -> PageText:
    """The lines of a page, in order."""
    tables, words = ruled_tables(sheet)
    pieces: list[Piece] = [*lines_of(words), *tables]
    return PageText(sheet.height, [_lines(run) for run in in_order(pieces)])


def _lines(run: Sequence[Piece]) -> list[TextLine | Cells]:
    """What stands on one baseline becomes one line."""
    lines: list[TextLine | Cells] = []
    for row in rows_of(run):
        parts = [piece for piece in row if isinstance(piece, Line)]
        if parts:
            text = " ".join(part.text for part in parts)
            size, bold = max(part.size for part in parts), all(part.bold for part in parts)
            lines.append(TextLine(text, parts[0].x0, parts[-1].x1, parts[0].base, size, bold))
        lines.extend(piece for piece in row if isinstance(piece, Cells))
    return lines
