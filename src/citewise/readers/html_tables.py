"""Tables of a page: rows and columns with spanning cells filled in, or mere layout."""

from __future__ import annotations

from typing import Any, Protocol

from citewise.readers.layout import Layout, flat

__all__ = ["add_table"]

_MOST_SPANNED = 50
_MOST_CELLS = 2_000_000
_BLOCKS = frozenset(
    [
        "p",
        "div",
        "br",
        "li",
        "ul",
        "ol",
        "tr",
        "td",
        "th",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "dt",
        "dd",
    ]
)


class _Page(Protocol):
    def passed_over(self, node: Any) -> bool: ...

    def hidden(self, attributes: dict[str, str | None]) -> bool: ...


Cell = tuple[str, bool]  # its words, and whether it is a heading


def add_table(layout: Layout, table: Any, page: _Page) -> None:
    """Append a ``<table>``; one that only arranges the page gives paragraphs."""
    rows, head_rows = _grid(table, page)
    if not rows:
        return
    caption = table.css_first("caption")
    if caption is not None:
        layout.paragraph(caption.text())
    width = max(len(row) for row in rows)
    if width == 1 or len(rows) == 1 or table.attributes.get("role") == "presentation":
        for row in rows:
            layout.paragraph(" ".join(words for words, _ in row if words))
    elif width == 2 and not head_rows and all(row[0][1] and not row[-1][1] for row in rows):
        # Names on the left, values on the right: each line speaks for itself.
        for row in rows:
            name = row[0][0].rstrip(":")
            layout.item(f"{name}: {row[1][0]}" if len(row) > 1 and row[1][0] else name)
    else:
        heads = max(1, head_rows)
        names = _joined([[words for words, _ in row] for row in rows[:heads]], width)
        layout.table(names, [[words for words, _ in row] for row in rows[heads:]])


def _joined(rows: list[list[str]], width: int) -> list[str]:
    """The names of columns from several lines of headings: ``2024`` over ``Revenue``."""
    names = []
    for column in range(width):
        parts: list[str] = []
        for row in rows:
            words = row[column] if column < len(row) else ""
            if words and words not in parts:
                parts.append(words)
        names.append(" ".join(parts))
    return names


def _grid(table: Any, page: _Page) -> tuple[list[list[Cell]], int]:
    """The rows, spanning cells repeated, and how many of the first are headings."""
    rows: list[list[Cell]] = []
    pending: dict[int, tuple[int, Cell]] = {}
    head_rows = cells = 0
    for tr in table.css("tr"):
        if _owner(tr) != table.mem_id or page.hidden(tr.attributes):
            continue
        row = _row(tr, pending, page)
        cells += len(row)
        if cells > _MOST_CELLS:
            break
        if any(words for words, _ in row):
            all_heads = all(head for words, head in row if words)
            if head_rows == len(rows) and (all_heads or tr.parent.tag == "thead"):
                head_rows += 1
            rows.append(row)
    return rows, min(head_rows, len(rows) - 1) if rows else 0


def _owner(node: Any) -> int:
    while node is not None and node.tag != "table":
        node = node.parent
    return node.mem_id if node is not None else 0


def _row(tr: Any, pending: dict[int, tuple[int, Cell]], page: _Page) -> list[Cell]:
    row: list[Cell] = []

    def from_above() -> None:
        while len(row) in pending:
            left, cell = pending.pop(len(row))
            if left > 1:
                pending[len(row)] = (left - 1, cell)
            row.append(cell)

    node = tr.first_child
    while node is not None:
        if node.tag in ("td", "th") and not page.hidden(node.attributes):
            from_above()
            cell = (flat(_words(node, page)), node.tag == "th")
            below = _span(node, "rowspan")
            for _ in range(_span(node, "colspan")):
                if below > 1:
                    pending[len(row)] = (below - 1, cell)
                row.append(cell)
        node = node.next
    from_above()
    return row


def _span(node: Any, name: str) -> int:
    value = node.attributes.get(name) or "1"
    return min(max(int(value), 1), _MOST_SPANNED) if value.isdecimal() and len(value) < 6 else 1


def _words(cell: Any, page: _Page) -> str:
    from citewise.readers.from_html import walk

    def passed_over(node: Any) -> bool:
        return (
            node.tag not in ("table", "pre")
            and node.mem_id != cell.mem_id
            and page.passed_over(node)
        )

    parts = []
    for node, entering in walk(cell, passed_over):
        if node.tag == "-text" and entering:
            parts.append(node.text_content or "")
        elif node.tag in ("sup", "sub") and entering and "".join(parts)[-1:].isdigit():
            parts.append("^" if node.tag == "sup" else "_")
        elif node.tag in _BLOCKS:
            parts.append(" ")
    return "".join(parts)
