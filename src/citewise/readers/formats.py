"""From a format to its reader. Libraries are imported when the first file needs them."""

from __future__ import annotations

from citewise.limits import ReadLimits, UnusableFileError
from citewise.readers.extracted import Extracted, Tick

__all__ = ["extract"]


def extract(data: bytes, name: str, kind: str, limits: ReadLimits, tick: Tick) -> Extracted:
    """The text of a file of a format that ``kinds.format_of`` named.

    Raises:
        UnusableFileError: it cannot be read, and why.
    """
    try:
        return _extract(data, name, kind, limits, tick)
    except (UnusableFileError, MemoryError):
        raise
    except RecursionError as error:
        raise UnusableFileError("is nested too deeply to be read") from error
    except Exception as error:
        # The libraries raise whatever they come upon in a file that breaks its format's rules.
        raise UnusableFileError(f"is damaged ({type(error).__name__} while reading it)") from error


def _extract(data: bytes, name: str, kind: str, limits: ReadLimits, tick: Tick) -> Extracted:
    if kind == "pdf":
        from citewise.readers.from_pdf import read_pdf

        return read_pdf(data, limits, tick)
    if kind == "html":
        from citewise.readers.from_html import read_html

        return read_html(data, tick)
    if kind == "docx":
        from citewise.readers.from_docx import read_docx

        return read_docx(data, limits, tick)
    if kind == "xlsx":
        from citewise.readers.from_xlsx import read_xlsx

        return read_xlsx(data, limits, tick)
    if kind == "pptx":
        from citewise.readers.from_pptx import read_pptx

        return read_pptx(data, limits, tick)
    return _of_text(data, name, kind, limits, tick)


def _of_text(data: bytes, name: str, kind: str, limits: ReadLimits, tick: Tick) -> Extracted:
    if kind == "epub":
        from citewise.readers.from_epub import read_epub

        return read_epub(data, limits, tick)
    if kind == "csv":
        from citewise.readers.from_csv import read_csv

        return read_csv(data, tick)
    if kind == "json":
        from citewise.readers.from_json import read_json

        return read_json(data, name, tick)
    if kind == "email":
        from citewise.readers.from_email import read_email

        return read_email(data, tick)
    from citewise.readers.decoding import decode

    return Extracted(decode(data))
