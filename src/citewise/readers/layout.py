"""Text with its structure in Markdown's signs, so that the splitter finds it again."""

from __future__ import annotations

import re
from collections.abc import Sequence

from citewise.readers.extracted import cleaned

__all__ = ["Layout", "flat"]

_BLANKS = re.compile(r"\s+")
_LONG_CELL = 300
_LONG_ROW = 600


def flat(text: str) -> str:
    """The words in one line."""
    return _BLANKS.sub(" ", cleaned(text)).strip()


class Layout:
    """Collects headings, paragraphs, lists, tables and code; ``text()`` is the document so far."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._in_list = False

    def __len__(self) -> int:
        """Characters so far: where the next block would begin, but for the blank line before it."""
        return self._length

    def text(self) -> str:
        """Everything collected."""
        return "".join(self._parts)

    def mark(self, item: bool = False) -> int:
        """The offset at which the next block, or item of a list, begins; puts the gap before it."""
        self._separate("\n" if item and self._in_list else "\n\n")
        return self._length

    def heading(self, level: int, words: str) -> None:
        """A heading of level 1 to 6."""
        line = flat(words)
        if line:
            self._block(f"{'#' * min(max(level, 1), 6)} {line}")

    def paragraph(self, words: str) -> None:
        """Prose; line breaks within it stay."""
        lines = [flat(line) for line in words.split("\n")]
        text = "\n".join(line for line in lines if line)
        if text:
            self._block(text)

    def item(self, words: str, depth: int = 0, marker: str = "-") -> None:
        """An item of a list; ``depth`` 0 is the outermost."""
        line = flat(words)
        if line:
            self._separate("\n" if self._in_list else "\n\n")
            self._add(f"{'  ' * depth}{marker} {line}")
            self._in_list = True

    def code(self, text: str) -> None:
        """Text whose line breaks and spaces matter."""
        body = cleaned(text.replace("\r\n", "\n")).strip("\n")
        if body.strip():
            self._block(f"```\n{body}\n```" if "```" not in body else f"~~~~\n{body}\n~~~~")

    def raw(self, text: str) -> None:
        """Text that is Markdown already."""
        body = cleaned(text.replace("\r\n", "\n")).strip()
        if body:
            self._block(body)

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table with named columns; rows of long texts become one section each instead."""
        names = [_cell(name) for name in header]
        filled = [row for row in ([_cell(c) for c in row] for row in rows) if any(row)]
        if not filled:
            if any(names):
                self.paragraph(" — ".join(name for name in names if name))
            return
        if _long(filled):
            self._records(names, rows)
            return
        lines = [_row(names), "|" + "---|" * len(names)]
        lines.extend(_row(row[: len(names)] + [""] * (len(names) - len(row))) for row in filled)
        self._block("\n".join(lines))

    def _records(self, names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        for row in rows:
            for number, cell in enumerate(row):
                name = names[number] if number < len(names) else ""
                words = cleaned(cell).strip()
                if words and number == 0 and len(words) <= 100:
                    self.heading(6, f"{name}: {words}" if name else words)
                elif words:
                    self.paragraph(f"{name}: {words}" if name else words)

    def _block(self, text: str) -> None:
        self._separate("\n\n")
        self._add(text)
        self._in_list = False

    def _separate(self, gap: str) -> None:
        if self._parts and self._parts[-1] not in ("\n", "\n\n"):
            self._add(gap)

    def _add(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)


def _cell(text: str) -> str:
    return flat(text).replace("|", "\\|")


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _long(rows: Sequence[Sequence[str]]) -> bool:
    """True if cells hold whole texts: a line of a table is cited as one piece."""
    longest = max(len(cell) for row in rows for cell in row)
    return longest > _LONG_CELL and (
        longest > 2 * _LONG_ROW or sum(len(c) for row in rows for c in row) > _LONG_ROW * len(rows)
    )
