"""PDF through PDFium: text in reading order with the offset at which every page begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from citewise.limits import ReadLimits, UnusableFileError
from citewise.readers.extracted import Extracted, Tick
from citewise.readers.pdf_page import PageText, page_text
from citewise.readers.pdf_text import write_pages
from citewise.readers.pdf_words import look_at

__all__ = ["read_pdf"]

_MOST_UNREADABLE = 0.3  # of the letters on a page


def read_pdf(data: bytes, limits: ReadLimits, tick: Tick) -> Extracted:
    """The text of a PDF; pages without text are named.

    Raises:
        UnusableFileError: damaged, encrypted, or only pictures of text.
    """
    import pypdfium2

    try:
        opened = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if "assword" in str(error) or "security" in str(error).lower():
            raise UnusableFileError("is encrypted; save it without a password") from error
        raise UnusableFileError("is damaged or incomplete: PDFium cannot open it") from error
    try:
        return _read(opened, limits, tick)
    finally:
        opened.close()


def _read(opened: Any, limits: ReadLimits, tick: Tick) -> Extracted:
    count = len(opened)
    pages: list[PageText] = []
    pictures: list[int] = []
    illegible: list[int] = []
    broken: list[int] = []
    for index in range(min(count, limits.pages)):
        tick()
        sheet = _sheet(opened, index)
        if sheet is None:
            broken.append(index + 1)
        elif not sheet.words and sheet.images:
            pictures.append(index + 1)
        elif sheet.unreadable > _MOST_UNREADABLE:
            illegible.append(index + 1)
        usable = sheet is not None and index + 1 not in illegible
        pages.append(page_text(sheet) if sheet and usable else PageText(0.0, []))
    text, starts = write_pages(pages, tick)
    if not text.strip():
        raise UnusableFileError(_why_empty(count, pictures, illegible))
    missing = [
        *_named(pictures, "hold no text, only pictures (scanned?); run text recognition (OCR)"),
        *_named(illegible, "hold letters that cannot be told; their fonts lack a character table"),
        *_named(broken, "are damaged"),
    ]
    if count > limits.pages:
        beyond = f"are beyond the {limits.pages:,} that are read (CITEWISE_READ_PAGES)"
        missing.append((f"pages {limits.pages + 1:,}–{count:,}", beyond))
    return Extracted(text, starts, tuple(missing))


def _sheet(opened: Any, index: int) -> Any:
    """What stands on a page; None if it is broken, in whatever way."""
    try:
        page = opened[index]
        try:
            return look_at(page)
        finally:
            page.close()
    except MemoryError:
        raise
    except Exception:
        return None


def _why_empty(count: int, pictures: Sequence[int], illegible: Sequence[int]) -> str:
    if pictures:
        what = "its page is a picture" if count == 1 else "its pages are pictures"
        return f"holds no text: {what} (scanned?); run text recognition (OCR) on it first"
    if illegible:
        return "holds letters that cannot be told: its fonts lack a character table; run OCR on it"
    return "holds no text"


def _named(numbers: Sequence[int], reason: str) -> list[tuple[str, str]]:
    """Pages as ranges: ``pages 3–4, 9``."""
    if not numbers:
        return []
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    shown = ", ".join(f"{a}" if a == b else f"{a}–{b}" for a, b in ranges)
    return [(f"page{'s' if len(numbers) > 1 else ''} {shown}", reason)]
