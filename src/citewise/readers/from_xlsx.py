"""Excel workbooks: every visible sheet, its numbers written as the sheet shows them."""

from __future__ import annotations

import io
import re
import warnings
from datetime import date, datetime, time, timedelta
from typing import Any

from citewise.limits import ReadLimits, UnusableFileError
from citewise.readers.extracted import Extracted, Tick
from citewise.readers.layout import Layout
from citewise.readers.packed import check_packed, open_packed, read_packed
from citewise.readers.sheets import add_sheet

__all__ = ["read_xlsx", "shown"]

_BLANK_ROWS_KEPT = 2
_DECIMALS = re.compile(r"0(?:\.(0+))?")
_QUOTED = re.compile(r'"([^"]*)"|\\(.)|\[\$([^\-\]]*)[^\]]*\]')
_UNCOMPUTED = re.compile(rb"(?:</f>|<f[^>]{0,200}/>)\s*(?:<v\s*/>|<v></v>)?\s*</c>")
_CONDITION = re.compile(r"\[[^$\]][^\]]*\]")
_CURRENCIES = "$€£¥"


def read_xlsx(data: bytes, limits: ReadLimits, tick: Tick) -> Extracted:
    """The text of a workbook: its sheets as tables under their names.

    Raises:
        UnusableFileError: damaged, encrypted, or too large.
    """
    import openpyxl

    check_packed(data, limits)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about styles and extensions that are not read
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        layout = Layout()
        visible = [s for s in book.worksheets if s.sheet_state == "visible"]
        for sheet in visible:
            tick()
            rows = _rows(sheet, limits, tick)
            if len(visible) > 1 or not re.fullmatch(r"(Sheet|Tabelle|Feuil)\s?\d*", sheet.title):
                layout.heading(1, sheet.title)
            add_sheet(layout, rows)
    return Extracted(layout.text(), (), _uncomputed(data, limits))


def _uncomputed(data: bytes, limits: ReadLimits) -> tuple[tuple[str, str], ...]:
    """Formulas without a stored result: a program wrote them, and nothing has computed them."""
    with open_packed(data, limits) as archive:
        sheets = [e for e in archive.infolist() if e.filename.startswith("xl/worksheets/sheet")]
        count = sum(len(_UNCOMPUTED.findall(read_packed(archive, e, limits))) for e in sheets)
    if not count:
        return ()
    way = "open the file in a spreadsheet program and save it"
    cells = "cell holds a formula" if count == 1 else "cells hold formulas"
    return ((f"{count} {cells}", f"without a stored result; {way}"),)


def _rows(sheet: Any, limits: ReadLimits, tick: Tick) -> list[list[str]]:
    """The cells of a sheet; long runs of blank rows, which formatting leaves behind, are cut."""
    # The size that a workbook states can be wrong, or a million rows for one cell.
    sheet.reset_dimensions()
    rows: list[list[str]] = []
    blank = characters = 0
    gap: Any = None
    for row in sheet.iter_rows():
        tick()
        # openpyxl gives one and the same row for each that the file leaves out: a million of them
        # above a single cell at the bottom.
        if row is gap:
            continue
        gap = row
        cells = [shown(cell.value, getattr(cell, "number_format", "") or "") for cell in row]
        characters += sum(map(len, cells))
        if characters > limits.text_characters:
            raise UnusableFileError(f"holds more than {limits.text_characters:,} characters")
        blank = 0 if any(cells) else blank + 1
        if blank <= _BLANK_ROWS_KEPT:
            rows.append(cells)
    return rows


def shown(value: Any, number_format: str) -> str:
    """A cell's value as the sheet shows it: ``20%``, ``$1,500.00``, ``2026-03-01``."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d" if value.time() == time() else "%Y-%m-%d %H:%M:%S")
    if isinstance(value, (date, time, timedelta)):
        return str(value)
    if isinstance(value, (int, float)):
        return _number(value, number_format)
    return str(value)


def _number(value: int | float, number_format: str) -> str:
    pattern = _CONDITION.sub("", number_format.split(";")[0])
    bare = _QUOTED.sub("", pattern)
    decimals = _DECIMALS.search(bare)
    if bare in ("General", "@", "") or decimals is None or "E" in bare or "/" in bare:
        return _plain(value)
    places = len(decimals[1] or "")
    scaled = value * 100 if "%" in bare else value
    text = f"{scaled:,.{places}f}" if "," in bare else f"{scaled:.{places}f}"
    before, after = _affixes(pattern)
    sign, text = ("-", text[1:]) if text.startswith("-") else ("", text)
    return f"{sign}{before}{text}{'%' if '%' in bare else ''}{after}"


def _plain(value: int | float) -> str:
    """Without the noise of binary fractions: 0.1 + 0.2 is shown as 0.3, as Excel does."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.15g}"
    return str(value)


def _affixes(pattern: str) -> tuple[str, str]:
    """Words and signs around the number in a format such as ``"$"#,##0`` or ``0.0 "kg"``."""
    digits = [i for i, c in enumerate(_masked(pattern)) if c in "0#?"]
    first, last = digits[0], digits[-1]
    return _literal(pattern[:first]), _literal(pattern[last + 1 :])


def _masked(pattern: str) -> str:
    return _QUOTED.sub(lambda match: " " * len(match[0]), pattern)


def _literal(part: str) -> str:
    kept = _QUOTED.sub(lambda m: m[1] or m[2] or m[3] or "", re.sub(r"[_*].", "", part))
    if _QUOTED.search(part):
        return re.sub(r"[#,.%]", "", kept)
    return "".join(c for c in kept if c in _CURRENCIES)
