"""Comma-, semicolon- and tab-separated values: one table with named columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from citewise.limits import UnusableFileError
from citewise.readers.decoding import decode
from citewise.readers.extracted import Extracted, Tick
from citewise.readers.layout import Layout
from citewise.readers.sheets import add_sheet

__all__ = ["read_csv"]

_DELIMITERS = ",;\t|"
_LONGEST_FIELD = 10_000_000


def read_csv(data: bytes, tick: Tick) -> Extracted:
    """The text of a file of separated values.

    Raises:
        UnusableFileError: the bytes are no text, or no table.
    """
    text = decode(data)
    csv.field_size_limit(_LONGEST_FIELD)
    rows: list[Sequence[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text)):
            rows.append(row)
            tick()
    except csv.Error as error:
        raise UnusableFileError(f"is not a table of separated values ({error})") from error
    layout = Layout()
    add_sheet(layout, rows)
    return Extracted(layout.text())


def _delimiter(text: str) -> str:
    """The character that cuts the first lines into the same number of fields, and most of them."""
    sample = text[:65536].splitlines()[:50]
    best, most = ",", 0.0
    for delimiter in _DELIMITERS:
        try:
            widths = [len(row) for row in csv.reader(sample, delimiter=delimiter) if row]
        except csv.Error:
            continue
        common = max(set(widths), key=widths.count, default=0)
        if common > 1:
            merit = common * (widths.count(common) / len(widths)) ** 2
            best, most = (delimiter, merit) if merit > most else (best, most)
    return best
