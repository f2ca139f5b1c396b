"""Tables for a terminal, and texts made safe to stand in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["table", "visible"]


def table(rows: Sequence[Sequence[str]]) -> str:
    """The rows as lines, their columns two spaces apart, the first one to the left.

    Args:
        rows: equally long; the head comes first.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_line(row, widths) for row in rows)


def _line(row: Iterable[str], widths: Sequence[int]) -> str:
    first, *others = (
        cell.rjust(width) if index else cell.ljust(width)
        for index, (cell, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join([first, *others]).rstrip()


def visible(text: str) -> str:
    """The text on one line, control and invisible characters spelled out, safe for a terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
